//! Mutations beside each other: nobody loses an update, nobody sees a bug.

use std::collections::BTreeMap;

use dashboard_store::grpc::proto;
use dashboard_store::grpc::proto::dashboard_service_client::DashboardServiceClient;
use futures_util::future::join_all;
use tonic::{Code, Status};

use crate::support::TestServer;
use crate::support::audit::{AuditEvent, events};
use crate::support::channel::Channel;
use crate::support::requests::{create, create_request, get, json_spec, list_revisions, reason, spec_named};

const NAME: &str = "projects/p/dashboards/gpu";

/// No writer needs more tries than there are writers: each lost try means that another writer is done.
const WRITERS: usize = 50;

/// How many calls each of the mixed callers makes.
const ROUNDS: usize = 15;

type Client = DashboardServiceClient<Channel>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_writers_with_fresh_etags_lose_no_update() {
    let server = crowded_server().await;
    let mut client = server.dashboards().await;
    create(&mut client, "gpu").await;

    let writers = (0..WRITERS).map(|writer| tokio::spawn(write_until_it_succeeds(client.clone(), writer)));
    for written in join_all(writers).await {
        written.unwrap();
    }

    let revisions = list_revisions(&mut client, "gpu").await;
    let numbers: Vec<i32> = revisions.iter().rev().map(|revision| revision.revision).collect();
    let gapless: Vec<i32> = (1..=1 + i32::try_from(WRITERS).unwrap()).collect();
    assert_eq!(numbers, gapless);
    let mut notes: Vec<&str> = revisions.iter().map(|revision| revision.change_note.as_str()).collect();
    notes.sort_unstable();
    notes.dedup();
    assert_eq!(
        notes.len(),
        1 + WRITERS,
        "each writer succeeded once, the creator has no note"
    );
    let log: Vec<(Option<i32>, i32)> = events(&server)
        .await
        .iter()
        .map(|event| (event.revision_before, event.revision_after.unwrap()))
        .collect();
    let one_to_one: Vec<(Option<i32>, i32)> = numbers
        .iter()
        .map(|revision| ((*revision > 1).then_some(revision - 1), *revision))
        .collect();
    assert_eq!(log, one_to_one);
}

/// A server with fewer connections than callers: they wait for a connection, then for the row.
async fn crowded_server() -> TestServer {
    TestServer::start_with(|config| config.pool.max_open = 20).await
}

async fn write_until_it_succeeds(mut client: Client, writer: usize) {
    for attempt in 1..=WRITERS {
        let seen = get(&mut client, "gpu").await;
        let request = proto::UpdateDashboardRequest {
            dashboard: Some(proto::Dashboard {
                name: seen.name,
                etag: seen.etag,
                spec: json_spec(spec_named(&format!("by writer {writer}"))),
                ..Default::default()
            }),
            change_note: format!("by writer {writer}"),
            ..Default::default()
        };
        match client.update_dashboard(request).await {
            Ok(_) => return,
            Err(refused) => assert_eq!(reason(&refused), "ETAG_MISMATCH", "{refused:?}"),
        }
        assert!(attempt < WRITERS, "writer {writer} lost more often than others won");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_ten_creators_gets_the_name() {
    let server = crowded_server().await;
    let client = server.dashboards().await;
    let creators = (0..10).map(|creator| {
        let mut own_client = client.clone();
        let id = if creator % 2 == 0 { "gpu" } else { "GPU" };
        tokio::spawn(async move { own_client.create_dashboard(create_request(id)).await })
    });
    let answers: Vec<Result<_, Status>> = join_all(creators).await.into_iter().map(Result::unwrap).collect();

    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    for refused in answers.iter().filter_map(|answer| answer.as_ref().err()) {
        assert_eq!(refused.code(), Code::AlreadyExists, "{refused:?}");
    }
    assert_eq!(events(&server).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mixed_mutations_of_one_dashboard_keep_history_and_log_whole() {
    let server = crowded_server().await;
    let mut client = server.dashboards().await;
    create(&mut client, "gpu").await;

    let callers = [call_apply, call_update, call_delete, call_undelete, call_restore]
        .into_iter()
        .flat_map(|call| [call; 2])
        .enumerate()
        .map(|(caller, call)| tokio::spawn(call_again_and_again(client.clone(), caller, call)));
    for finished in join_all(callers).await {
        finished.unwrap();
    }

    let log = events(&server).await;
    assert_chained(&log);
    let sql = "SELECT revision, generation, (SELECT count(*) FROM dashboard_revision) AS revisions FROM dashboard";
    let head = server.sql().await.query_one(sql, &[]).await.unwrap();
    assert_eq!(head.get::<_, i64>("generation"), i64::try_from(log.len()).unwrap());
    let revision: i32 = head.get("revision");
    assert_eq!(log.last().unwrap().revision_after, Some(revision));
    // The newest hundred are kept.
    assert_eq!(head.get::<_, i64>("revisions"), i64::from(revision.min(100)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lives_that_are_purged_and_created_beside_each_other_do_not_mix() {
    let server = crowded_server().await;
    let mut client = server.dashboards().await;
    create(&mut client, "gpu").await;

    let callers = [call_apply, call_create, call_delete, call_purge]
        .into_iter()
        .flat_map(|call| [call; 2])
        .enumerate()
        .map(|(caller, call)| tokio::spawn(call_again_and_again(client.clone(), caller, call)));
    for finished in join_all(callers).await {
        finished.unwrap();
    }

    let mut lives: BTreeMap<String, Vec<AuditEvent>> = BTreeMap::new();
    for event in events(&server).await {
        lives.entry(event.uid.clone()).or_default().push(event);
    }
    let alive: i64 = count(&server, "dashboard").await;
    let purged = lives
        .values()
        .filter(|life| life.last().unwrap().revision_after.is_none());
    assert_eq!(purged.count() + usize::try_from(alive).unwrap(), lives.len());
    for life in lives.values() {
        assert_chained(life);
    }
    let orphans = "dashboard_revision WHERE dashboard_id NOT IN (SELECT id FROM dashboard)";
    assert_eq!(count(&server, orphans).await, 0);
}

/// Each event of a life begins with what the one before left, and the first one creates.
fn assert_chained(life: &[AuditEvent]) {
    let mut found = (None, None);
    for event in life {
        assert_eq!((event.revision_before, event.sha256_before.clone()), found, "{life:#?}");
        found = (event.revision_after, event.sha256_after.clone());
    }
}

async fn count(server: &TestServer, rows: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM {rows}");
    server.sql().await.query_one(&sql, &[]).await.unwrap().get(0)
}

/// Calls, and takes every refusal that the state of the dashboard explains.
async fn call_again_and_again(mut client: Client, caller: usize, call: CallOnce) {
    for round in 0..ROUNDS {
        let Err(refused) = call(&mut client, format!("caller {caller} round {round}")).await else {
            continue;
        };
        let explained = [
            Code::NotFound,
            Code::AlreadyExists,
            Code::FailedPrecondition,
            Code::Aborted,
            Code::OutOfRange,
        ];
        assert!(explained.contains(&refused.code()), "{refused:?}");
    }
}

type CallOnce = fn(&mut Client, String) -> Answer<'_>;
type Answer<'c> = futures_util::future::BoxFuture<'c, Result<(), Status>>;

fn content(text: &str) -> Option<proto::Dashboard> {
    Some(proto::Dashboard {
        name: NAME.into(),
        spec: json_spec(spec_named(text)),
        ..Default::default()
    })
}

fn call_create(client: &mut Client, _: String) -> Answer<'_> {
    Box::pin(async { client.create_dashboard(create_request("gpu")).await.map(drop) })
}

fn call_apply(client: &mut Client, text: String) -> Answer<'_> {
    let request = proto::ApplyDashboardRequest {
        dashboard: content(&text),
        ..Default::default()
    };
    Box::pin(async { client.apply_dashboard(request).await.map(drop) })
}

fn call_update(client: &mut Client, text: String) -> Answer<'_> {
    let request = proto::UpdateDashboardRequest {
        dashboard: content(&text).map(|dashboard| proto::Dashboard {
            etag: "*".into(),
            ..dashboard
        }),
        ..Default::default()
    };
    Box::pin(async { client.update_dashboard(request).await.map(drop) })
}

fn call_restore(client: &mut Client, _: String) -> Answer<'_> {
    let request = proto::RestoreDashboardRevisionRequest {
        name: format!("{NAME}/revisions/1"),
        etag: "*".into(),
        ..Default::default()
    };
    Box::pin(async { client.restore_dashboard_revision(request).await.map(drop) })
}

fn call_delete(client: &mut Client, _: String) -> Answer<'_> {
    let request = proto::DeleteDashboardRequest {
        name: NAME.into(),
        etag: "*".into(),
        ..Default::default()
    };
    Box::pin(async { client.delete_dashboard(request).await.map(drop) })
}

fn call_undelete(client: &mut Client, _: String) -> Answer<'_> {
    let request = proto::UndeleteDashboardRequest {
        name: NAME.into(),
        etag: "*".into(),
        ..Default::default()
    };
    Box::pin(async { client.undelete_dashboard(request).await.map(drop) })
}

fn call_purge(client: &mut Client, _: String) -> Answer<'_> {
    let request = proto::PurgeDashboardRequest {
        name: NAME.into(),
        etag: "*".into(),
        ..Default::default()
    };
    Box::pin(async { client.purge_dashboard(request).await.map(drop) })
}
