//! ImportDashboards: items that arrive together are written together, and each fares as it would by itself.

use std::collections::BTreeSet;

use dashboard_store::grpc::proto;
use proto::{ErrorReason, ImportConflictPolicy, ImportDashboardsResponse, ImportOutcome};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tonic::{Code, Status, Streaming};
use tonic_health::pb::health_check_response::ServingStatus;
use uuid::Uuid;

use crate::support::TestServer;
use crate::support::audit::{AuditEvent, events, stored};
use crate::support::blocking::HeldTable;
use crate::support::network::{LostCommit, serve_behind_gateway};
use crate::support::requests::{apply, assert_refused, spec_named};
use crate::support::transfer::{begin, import, item, options, outcomes, read_all, resource};

/// How many batches of an import are written at the same time.
const AT_ONCE: usize = 4;

/// An import of which as many batches as are written at the same time wait in the database, each of one item: what is sent now
/// makes the next one.
struct HeldUp {
    table: HeldTable,
    sender: mpsc::Sender<proto::ImportDashboardsRequest>,
    answers: Streaming<ImportDashboardsResponse>,
}

impl HeldUp {
    /// The items before the batch are `{ahead}-1` and so on.
    async fn begin(server: &TestServer, with_options: proto::ImportOptions, ahead: &str) -> Self {
        let parent = with_options.parent.clone();
        let project = parent.trim_start_matches("projects/");
        let table = HeldTable::lock(server.database()).await;
        let (sender, answers) = begin(&mut server.dashboards().await, with_options).await;
        for number in 1..=AT_ONCE {
            let text = resource(project, &format!("{ahead}-{number}"), "d");
            sender.send(item(text)).await.unwrap();
            table.wait_for_waiting(number).await;
        }
        Self { table, sender, answers }
    }

    async fn send(&self, texts: Vec<String>) {
        for text in texts {
            self.sender.send(item(text)).await.unwrap();
        }
    }

    /// Lets the import go on, and gives all answers with how it ended.
    async fn finish(self) -> (Vec<ImportDashboardsResponse>, Result<(), Status>) {
        drop(self.sender);
        self.table.release().await;
        read_all(self.answers).await
    }
}

/// Imports texts in one batch, behind others; what became of them.
async fn import_as_batch(
    server: &TestServer,
    with_options: proto::ImportOptions,
    texts: Vec<String>,
) -> Vec<ImportDashboardsResponse> {
    let held_up = HeldUp::begin(server, with_options, &format!("ahead-{}", Uuid::new_v4())).await;
    held_up.send(texts).await;
    let (mut answers, end) = held_up.finish().await;
    end.unwrap();
    outcomes(&answers);
    answers.split_off(AT_ONCE)
}

fn outcome_of(answers: &[ImportDashboardsResponse]) -> Vec<ImportOutcome> {
    answers.iter().map(ImportDashboardsResponse::outcome).collect()
}

/// How many transactions have written audit events.
async fn transactions(server: &TestServer) -> i64 {
    let count = "SELECT count(DISTINCT xid) FROM audit_log";
    server.sql().await.query_one(count, &[]).await.unwrap().get(0)
}

/// A resource with tags, labels, titles and metrics, in numbers that depend on `number`.
fn rich_resource(project: &str, number: usize) -> String {
    let panel = |n: usize| {
        let query = format!("sum by (a) (rate(metric_{n}_total{{a=\"b\\\\\"}}[5m]))");
        let plugin = json!({ "kind": "PrometheusTimeSeriesQuery", "spec": { "query": query } });
        let spec = json!({
            "display": { "name": format!("Größe \"{n}\", {{\\}} von NULL") },
            "plugin": { "kind": "TimeSeriesChart", "spec": {} },
            "queries": [{ "kind": "TimeSeriesQuery", "spec": { "plugin": plugin } }],
        });
        (format!("panel-{n}"), json!({ "kind": "Panel", "spec": spec }))
    };
    let panels: serde_json::Map<String, Value> = (0..number).map(panel).collect();
    let labels: serde_json::Map<String, Value> = (0..number).map(|n| (format!("label-{n}"), json!("x"))).collect();
    json!({
        "kind": "Dashboard",
        "metadata": { "project": project, "name": format!("d-{number}"), "tags": ["a,b", "NULL"], "labels": labels },
        "spec": {
            "display": { "name": format!("Number {number}"), "description": "von {\"a\"}, b" },
            "panels": panels,
            "layouts": [],
        },
    })
    .to_string()
}

/// What is stored of the dashboards of a project that does not depend on when they were written, or in which project.
async fn rows(server: &TestServer, project: &str) -> Vec<String> {
    let sql = "SELECT jsonb_pretty(to_jsonb(d) - '{id,project,created_at,updated_at}'::text[]) FROM dashboard AS d
            WHERE project = $1 AND name LIKE 'd-%'
        UNION ALL
        SELECT jsonb_pretty(to_jsonb(r) - '{dashboard_id,created_at}'::text[] || jsonb_build_object('name', d.name,
            'as_old_as_its_head', r.created_at = d.created_at))
            FROM dashboard_revision AS r JOIN dashboard AS d ON id = dashboard_id WHERE project = $1 AND name LIKE 'd-%'
        UNION ALL
        SELECT jsonb_pretty(to_jsonb(a) - '{id,event_time,xid,seq,project,resource,resource_uid,correlation_id}'::text[]
            || jsonb_build_object('name', d.name)) FROM audit_log AS a
            JOIN dashboard AS d ON d.id = resource_uid AND resource = format('projects/%s/dashboards/%s', d.project, d.name)
            WHERE a.project = $1 AND d.project = $1 AND name LIKE 'd-%'
        ORDER BY 1";
    let found = server.sql().await.query(sql, &[&project]).await.unwrap();
    found.iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn what_is_written_together_is_stored_as_if_it_were_written_alone() {
    const DASHBOARDS: usize = 8;
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    let into = |project: &str| proto::ImportOptions {
        parent: format!("projects/{project}"),
        change_note: "brought over".into(),
        ..options()
    };
    for number in 0..DASHBOARDS {
        import(&mut client, into("alone"), vec![rich_resource("alone", number)]).await;
    }
    let before = transactions(&server).await;

    let texts = (0..DASHBOARDS)
        .map(|number| rich_resource("together", number))
        .collect();
    let answers = import_as_batch(&server, into("together"), texts).await;

    assert_eq!(outcome_of(&answers), [ImportOutcome::Created; DASHBOARDS]);
    let stored_together = rows(&server, "together").await;
    assert_eq!(stored_together.len(), 3 * DASHBOARDS);
    assert_eq!(stored_together, rows(&server, "alone").await);
    let batches = usize::try_from(transactions(&server).await - before).unwrap() - AT_ONCE;
    assert!(batches < DASHBOARDS, "{batches} transactions");
}

#[tokio::test]
async fn what_is_there_already_is_left_as_it_is() {
    let server = TestServer::start().await;
    let texts = |ids: std::ops::Range<usize>| ids.map(|number| rich_resource("p", number)).collect::<Vec<_>>();
    import_as_batch(&server, options(), texts(0..6)).await;
    let before = rows(&server, "p").await;

    let answers = import_as_batch(&server, options(), texts(0..6)).await;

    assert_eq!(outcome_of(&answers), [ImportOutcome::Unchanged; 6]);
    assert_eq!(rows(&server, "p").await, before);

    let answers = import_as_batch(&server, options(), texts(4..8)).await;
    use ImportOutcome::{Created, Unchanged};
    assert_eq!(outcome_of(&answers), [Unchanged, Unchanged, Created, Created]);
}

#[tokio::test]
async fn an_item_that_is_refused_or_in_conflict_is_no_matter_to_the_others() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    for id in ["other", "CASE"] {
        apply(
            &mut client,
            &format!("projects/p/dashboards/{id}"),
            spec_named("differs"),
        )
        .await;
    }
    import(&mut client, options(), vec![resource("p", "equal", "equal")]).await;
    let texts = vec![
        resource("p", "new-1", "new"),
        "no resource".into(),
        resource("p", "other", "other"),
        resource("p", "equal", "equal"),
        resource("p", "case", "case"),
        resource("p", "new-1", "twice"),
        resource("p", "NEW-1", "twice, in other case"),
        resource("q", "elsewhere", "another project"),
        resource("p", "new-2", "new"),
    ];
    let refusing = proto::ImportOptions {
        conflict_policy: ImportConflictPolicy::Fail.into(),
        ..options()
    };

    let answers = import_as_batch(&server, refusing, texts).await;

    use ImportOutcome::{Created, Refused, Unchanged};
    let expected = [
        Created, Refused, Refused, Unchanged, Refused, Refused, Refused, Refused, Created,
    ];
    assert_eq!(outcome_of(&answers), expected);
    let reason = |index: usize| answers[index].reason();
    assert_eq!(reason(2), ErrorReason::DashboardExists);
    assert_eq!(reason(4), ErrorReason::DashboardExistsInOtherCase);
    for index in [5, 6] {
        assert_eq!(answers[index].violations[0].field, "/metadata/name");
    }
    let of_new = |event: &&AuditEvent| event.resource.contains("/new-");
    assert_eq!(events(&server).await.iter().filter(of_new).count(), 2);
}

#[tokio::test]
async fn a_batch_that_was_answered_in_part_is_repeated_in_part() {
    let server = TestServer::start().await;
    let repeatable = proto::ImportOptions {
        request_id: Uuid::new_v4().to_string(),
        ..options()
    };
    let text = |id: &str| resource("p", id, id);
    let first = import_as_batch(&server, repeatable.clone(), vec![text("d-a"), text("d-b")]).await;
    let mut client = server.dashboards().await;
    apply(&mut client, "projects/p/dashboards/d-a", spec_named("written since")).await;
    let before = rows(&server, "p").await;

    let again = import_as_batch(&server, repeatable.clone(), vec![text("d-a"), text("d-b")]).await;
    assert_eq!(again, first);
    assert_eq!(rows(&server, "p").await, before);

    let texts = vec![text("d-c"), text("d-a"), resource("p", "d-b", "other"), text("d-d")];
    let in_part = import_as_batch(&server, repeatable, texts).await;
    use ImportOutcome::{Created, Refused};
    assert_eq!(outcome_of(&in_part), [Created, Created, Refused, Created]);
    assert_eq!(in_part[1].uid, first[0].uid);
    assert_eq!(in_part[2].reason(), ErrorReason::RequestIdReused);
}

#[tokio::test]
async fn validate_only_tells_of_a_batch_what_would_be_and_stores_nothing() {
    let server = TestServer::start().await;
    let checking = proto::ImportOptions {
        validate_only: true,
        ..options()
    };
    let before = stored(&server).await;
    let answers = import_as_batch(
        &server,
        checking,
        vec![resource("p", "a", "a"), resource("p", "b", "b")],
    )
    .await;
    assert_eq!(outcome_of(&answers), [ImportOutcome::Created; 2]);
    assert_eq!(stored(&server).await, before);
}

#[tokio::test]
async fn imports_of_the_same_dashboards_in_opposite_order_do_not_lock_each_other_out() {
    const DASHBOARDS: usize = 48;
    let server = TestServer::start().await;
    let texts: Vec<String> = (0..DASHBOARDS)
        .map(|number| resource("p", &format!("d-{number:02}"), "d"))
        .collect();
    let opposite: Vec<String> = texts.iter().rev().cloned().collect();
    let mut clients = [server.dashboards().await, server.dashboards().await];
    let [one, other] = &mut clients;

    let (first, second) = tokio::join!(import(one, options(), texts), import(other, options(), opposite));

    let created: Vec<&ImportDashboardsResponse> = [&first, &second]
        .into_iter()
        .flatten()
        .filter(|answer| answer.outcome() == ImportOutcome::Created)
        .collect();
    let names: BTreeSet<&str> = created.iter().map(|answer| answer.name.as_str()).collect();
    assert_eq!((created.len(), names.len()), (DASHBOARDS, DASHBOARDS));
    let others = first.len() + second.len() - created.len();
    let unchanged = |answers: &[ImportDashboardsResponse]| {
        let of_one = answers
            .iter()
            .filter(|answer| answer.outcome() == ImportOutcome::Unchanged);
        of_one.count()
    };
    assert_eq!(unchanged(&first) + unchanged(&second), others);
    assert_eq!(events(&server).await.len(), DASHBOARDS);
    let deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    let counted: i64 = server.sql().await.query_one(deadlocks, &[]).await.unwrap().get(0);
    assert_eq!(counted, 0);
}

#[tokio::test]
async fn a_shutdown_in_the_middle_of_batches_leaves_an_import_that_can_be_repeated() {
    let server = TestServer::start().await;
    let database = server.database().clone();
    let repeatable = proto::ImportOptions {
        request_id: Uuid::new_v4().to_string(),
        ..options()
    };
    let names: Vec<String> = ('a'..='h').map(String::from).collect();
    let texts: Vec<String> = names.iter().map(|id| resource("p", id, id)).collect();
    let acknowledged = import(&mut server.dashboards().await, repeatable.clone(), texts[..3].to_vec()).await;
    let mut held_up = HeldUp::begin(&server, repeatable.clone(), "ahead").await;
    held_up.send(texts.clone()).await;

    let stopping = tokio::spawn(server.stop());
    let end = held_up.answers.message().await.unwrap_err();

    assert_refused(&end, Code::Unavailable, "DRAINING");
    held_up.table.release().await;
    stopping.await.unwrap();
    let restarted = TestServer::launch(database.clone(), database.config().clone(), |_| {}).await;
    restarted.wait_until(ServingStatus::Serving).await;
    assert_eq!(
        events(&restarted).await.len(),
        3,
        "what was not acknowledged was not written"
    );
    let answers = import(&mut restarted.dashboards().await, repeatable, texts).await;
    assert_eq!(outcomes(&answers), [ImportOutcome::Created; 8]);
    assert_eq!(answers[..3], acknowledged);
    assert_eq!(events(&restarted).await.len(), names.len(), "nothing was written twice");
}

#[tokio::test]
async fn a_batch_whose_commit_was_lost_is_in_once_or_not_at_all() {
    for (how, arrives) in [(LostCommit::Unanswered, true), (LostCommit::Unsent, false)] {
        let (server, gateway) = serve_behind_gateway(|_| {}).await;
        let mut client = server.dashboards().await;
        // What is sent before the batch is refused, so the first COMMIT is that of the batch.
        for number in 1..=AT_ONCE {
            apply(
                &mut client,
                &format!("projects/p/dashboards/refused-{number}"),
                spec_named("d"),
            )
            .await;
        }
        let refusing = proto::ImportOptions {
            conflict_policy: ImportConflictPolicy::Fail.into(),
            ..options()
        };
        let held_up = HeldUp::begin(&server, refusing, "refused").await;
        held_up
            .send(["a", "b", "c"].map(|id| resource("p", id, id)).to_vec())
            .await;
        gateway.lose_commit(how);

        let (answers, end) = held_up.finish().await;

        let written = events(&server).await.len() - AT_ONCE;
        match arrives {
            true => {
                end.unwrap();
                assert_eq!(outcome_of(&answers[AT_ONCE..]), [ImportOutcome::Created; 3]);
                assert_eq!(written, 3);
            }
            false => {
                assert_refused(&end.unwrap_err(), Code::Unavailable, "DATABASE_UNAVAILABLE");
                assert_eq!((answers.len(), written), (AT_ONCE, 0));
            }
        }
    }
}
