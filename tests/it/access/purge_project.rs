//! PurgeProject.

use dashboard_store::grpc::proto;
use proto::Role;
use proto::audit_service_client::AuditServiceClient;
use time::OffsetDateTime;
use tonic::Code;
use uuid::Uuid;

use crate::support::TestServer;
use crate::support::access::{grant, grant_request, granted};
use crate::support::audit::{self, details, events, stored};
use crate::support::blocking::wait_for_locks;
use crate::support::channel::Channel;
use crate::support::requests::{apply, as_user, assert_invalid, assert_refused, delete, ids, list_request, spec_named};
use crate::support::templates;
use crate::support::transfer::read_all;
use crate::support::waiting::found;

pub fn purge_request(name: &str) -> proto::PurgeProjectRequest {
    proto::PurgeProjectRequest {
        name: name.into(),
        ..Default::default()
    }
}

const PURGED: proto::PurgeProjectResponse = proto::PurgeProjectResponse {
    purged_dashboards: 2,
    purged_templates: 1,
    revoked_grants: 2,
};

/// The events that a user is shown, newest first.
async fn events_of(
    client: &mut AuditServiceClient<Channel>,
    user: &str,
    parent: &str,
    filter: &str,
) -> Vec<proto::AuditEvent> {
    let request = audit::list_request(parent, filter);
    let answer = client.list_audit_events(as_user(user, request)).await.unwrap();
    answer.into_inner().audit_events
}

/// A server with two projects: `p` has a live and a deleted dashboard, a template, two grants, and one on a dashboard.
async fn start_with_project() -> TestServer {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    for name in [
        "projects/p/dashboards/live",
        "projects/p/dashboards/deleted",
        "projects/q/dashboards/other",
    ] {
        apply(&mut client, name, spec_named("first")).await;
        apply(&mut client, name, spec_named("second")).await;
    }
    delete(&mut client, "projects/p/dashboards/deleted").await;
    templates::create(&mut server.templates().await, "t").await;
    grant(&server, "projects/p", "user:eve", Role::Admin).await;
    grant(&server, "projects/p", "group:sre", Role::Viewer).await;
    grant(&server, "projects/p/dashboards/live", "user:guest", Role::Viewer).await;
    grant(&server, "projects/q", "user:eve", Role::Viewer).await;
    server
}

#[tokio::test]
async fn all_of_a_project_goes_and_nothing_else() {
    let server = start_with_project().await;
    let mut client = server.dashboards().await;
    let answer = client.purge_project(purge_request("projects/p")).await.unwrap();
    assert_eq!(answer.into_inner(), PURGED);
    let left =
        "SELECT (SELECT count(*) FROM dashboard) AS dashboards, (SELECT count(*) FROM dashboard_revision) AS revisions,
        (SELECT count(*) FROM dashboard_template WHERE project = 'p') AS templates,
        (SELECT count(*) FROM access_grant) AS grants";
    let row = server.sql().await.query_one(left, &[]).await.unwrap();
    let counts = ["dashboards", "revisions", "templates", "grants"].map(|column| row.get::<_, i64>(column));
    assert_eq!(counts, [1, 2, 0, 1]);
    let again = client.purge_project(purge_request("projects/p")).await.unwrap();
    assert_eq!(again.into_inner(), proto::PurgeProjectResponse::default());
}

#[tokio::test]
async fn a_project_of_the_same_name_inherits_nothing() {
    let server = start_with_project().await;
    let mut client = server.dashboards().await;
    client
        .purge_project(as_user("eve", purge_request("projects/p")))
        .await
        .unwrap();
    apply(
        &mut client,
        "projects/p/dashboards/live",
        spec_named("another project's"),
    )
    .await;

    for user in ["eve", "guest"] {
        let listed = client.list_dashboards(as_user(user, list_request("projects/p"))).await;
        assert_refused(&listed.unwrap_err(), Code::PermissionDenied, "PERMISSION_DENIED");
    }
    assert_eq!(granted(&mut server.sharing().await, "projects/p").await.unwrap(), []);
    let of_q = client
        .list_dashboards(as_user("eve", list_request("projects/q")))
        .await
        .unwrap();
    assert_eq!(ids(&of_q.into_inner().dashboards), ["other"]);
}

#[tokio::test]
async fn an_admin_of_the_next_project_reads_none_of_its_events() {
    let server = start_with_project().await;
    let mut dashboards = server.dashboards().await;
    let mut audit = AuditServiceClient::new(server.channel().await);
    let earlier = events_of(&mut audit, "eve", "projects/p", "").await;
    assert!(!earlier.is_empty());
    dashboards.purge_project(purge_request("projects/p")).await.unwrap();
    grant(&server, "projects/p", "user:pia", Role::Admin).await;
    apply(&mut dashboards, "projects/p/dashboards/live", spec_named("third")).await;

    let read = events_of(&mut audit, "pia", "projects/p", "").await;
    let methods: Vec<&str> = read
        .iter()
        .map(|event| event.method.rsplit('/').next().unwrap())
        .collect();
    assert_eq!(methods, ["ApplyDashboard", "GrantAccess"]);
    let export = proto::ExportAuditEventsRequest {
        parent: "projects/p".into(),
        ..Default::default()
    };
    let exported = audit.export_audit_events(as_user("pia", export)).await.unwrap();
    let (exported, end) = read_all(exported.into_inner()).await;
    end.unwrap();
    let exported: Vec<String> = exported
        .into_iter()
        .map(|answer| answer.audit_event.unwrap().name)
        .collect();
    let read_names: Vec<String> = read.iter().map(|event| event.name.clone()).collect();
    // Two more: that they are listed, and that they are exported.
    assert_eq!(exported[2..], read_names);
    for event in &earlier {
        let get = proto::GetAuditEventRequest {
            name: event.name.clone(),
        };
        let refused = audit.get_audit_event(as_user("pia", get.clone())).await.unwrap_err();
        assert_refused(&refused, Code::PermissionDenied, "PERMISSION_DENIED");
        audit.get_audit_event(as_user("alice", get)).await.unwrap();
    }
    // Whoever reads everything reads on.
    let all = events_of(&mut audit, "alice", "platform", r#"project = "p""#).await;
    for event in earlier.iter().chain(&read) {
        assert!(all.iter().any(|found| found.name == event.name), "{event:?}");
    }
}

/// Calls that were refused are told of some seconds later, or when their minute is over: by then the project may be another one.
#[tokio::test]
async fn what_was_refused_before_is_not_told_of_in_the_next_project() {
    let server = start_with_project().await;
    let mut dashboards = server.dashboards().await;
    let refuse = async |user: &str, name: &str| {
        let request = proto::GetDashboardRequest {
            name: name.into(),
            ..Default::default()
        };
        let refused = server.dashboards().await.get_dashboard(as_user(user, request)).await;
        assert_refused(&refused.unwrap_err(), Code::PermissionDenied, "PERMISSION_DENIED");
    };
    refuse("old-spy", "projects/p/dashboards/secret-plan").await;
    refuse("other-spy", "projects/q/dashboards/other").await;
    dashboards.purge_project(purge_request("projects/p")).await.unwrap();
    grant(&server, "projects/p", "user:pia", Role::Admin).await;
    grant(&server, "projects/q", "user:pia", Role::Admin).await;
    refuse("new-spy", "projects/p/dashboards/live").await;

    // Whoever reads everything finds all of it.
    let mut audit = AuditServiceClient::new(server.channel().await);
    let mut written = Vec::new();
    for resource in [
        "projects/p/dashboards/secret-plan",
        "projects/q/dashboards/other",
        "projects/p/dashboards/live",
    ] {
        written.push(first_refusal(&mut audit, resource).await);
    }
    for (parent, actors) in [("projects/p", ["user:new-spy"]), ("projects/q", ["user:other-spy"])] {
        let read = events_of(&mut audit, "pia", parent, "result = DENIED").await;
        let shown: Vec<&str> = read
            .iter()
            .map(|event| event.actor.as_ref().unwrap().subject.as_str())
            .collect();
        assert_eq!(shown, actors);
    }
    let get = proto::GetAuditEventRequest {
        name: written[0].name.clone(),
    };
    let refused = audit.get_audit_event(as_user("pia", get)).await.unwrap_err();
    assert_refused(&refused, Code::PermissionDenied, "PERMISSION_DENIED");
}

/// Waits for a refused call on `resource` to be told of.
async fn first_refusal(client: &mut AuditServiceClient<Channel>, resource: &str) -> proto::AuditEvent {
    let filter = format!(r#"resource = "{resource}" AND result = DENIED"#);
    found(&filter, async || {
        events_of(client, "alice", "platform", &filter).await.pop()
    })
    .await
}

#[tokio::test]
async fn each_thing_that_goes_is_audited() {
    let server = start_with_project().await;
    let before = events(&server).await.len();
    server
        .dashboards()
        .await
        .purge_project(purge_request("projects/p"))
        .await
        .unwrap();
    let written = events(&server).await.split_off(before);
    assert!(
        written
            .iter()
            .all(|event| event.method == "perses.dashboards.v1.DashboardService/PurgeProject")
    );
    assert!(written.iter().all(|event| event.permission == "projects.purge"));
    let of = |part: &str| written.iter().filter(|event| event.resource.contains(part)).count();
    assert_eq!((of("/dashboards/"), of("/templates/"), of("/accessGrants/")), (2, 1, 2));
    assert_eq!(written.last().unwrap().resource, "projects/p");
    let counts = details(&server).await.pop().unwrap();
    assert_eq!(counts, r#"{"grants": "2", "templates": "1", "dashboards": "2"}"#);
    let live = written.iter().find(|event| event.resource.ends_with("/live")).unwrap();
    assert_eq!((live.revision_before, live.revision_after), (Some(2), None));
    assert!(live.sha256_before.is_some());
}

/// Of two at once, the one that began first may be written last: it does not open what the other one closed.
#[tokio::test]
async fn a_purge_that_was_overtaken_does_not_move_the_line_back() {
    let server = start_with_project().await;
    let other = server.sql().await;
    let begin = "BEGIN; INSERT INTO project_purge (project, purged_at) VALUES ('p', clock_timestamp())";
    other.batch_execute(begin).await.unwrap();
    let mut client = server.dashboards().await;
    let purging = tokio::spawn(async move { client.purge_project(purge_request("projects/p")).await });
    // For the row that tells of the other one.
    wait_for_locks(&server.sql().await, "record_project_purge", 1).await;
    let overtake = "UPDATE project_purge SET purged_at = clock_timestamp() RETURNING purged_at";
    let line: OffsetDateTime = other.query_one(overtake, &[]).await.unwrap().get(0);
    other.batch_execute("COMMIT").await.unwrap();
    purging.await.unwrap().unwrap();
    let select = "SELECT purged_at FROM project_purge";
    let kept: OffsetDateTime = other.query_one(select, &[]).await.unwrap().get(0);
    assert_eq!(kept, line);
}

#[tokio::test]
async fn validate_only_counts_and_repeated_calls_get_the_first_answer() {
    let server = start_with_project().await;
    let mut client = server.dashboards().await;
    let before = stored(&server).await;
    let request = proto::PurgeProjectRequest {
        request_id: Uuid::new_v4().to_string(),
        ..purge_request("projects/p")
    };
    let validating = proto::PurgeProjectRequest {
        validate_only: true,
        ..request.clone()
    };
    assert_eq!(client.purge_project(validating).await.unwrap().into_inner(), PURGED);
    assert_eq!(stored(&server).await, before);
    for _ in 0..2 {
        assert_eq!(
            client.purge_project(request.clone()).await.unwrap().into_inner(),
            PURGED
        );
    }
    let other = proto::PurgeProjectRequest {
        name: "projects/q".into(),
        ..request
    };
    let refused = client.purge_project(other).await.unwrap_err();
    assert_refused(&refused, Code::InvalidArgument, "REQUEST_ID_REUSED");
}

#[tokio::test]
async fn one_project_is_named() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    for (name, reason) in [
        ("", "FIELD_REQUIRED"),
        ("projects/-", "INVALID_NAME"),
        ("p", "INVALID_NAME"),
    ] {
        let refused = client.purge_project(purge_request(name)).await.unwrap_err();
        assert_invalid(&refused, &[("name", reason)]);
    }
}

/// A grant that is being made has no row yet that a purge could wait for.
#[tokio::test]
async fn a_grant_that_is_under_way_does_not_outlive_the_project() {
    let server = start_with_project().await;
    let holder = server.sql().await;
    let hold = "BEGIN; LOCK TABLE mutation_request IN SHARE MODE";
    holder.batch_execute(hold).await.unwrap();
    let mut sharing = server.sharing().await;
    let request = as_user("eve", grant_request("projects/p", "user:mallory", Role::Admin));
    let granting = tokio::spawn(async move { sharing.grant_access(request).await });
    let observer = server.sql().await;
    // The grant is made, and its answer is yet to be kept.
    wait_for_locks(&observer, "keep_answer", 1).await;
    let mut client = server.dashboards().await;
    let purging = tokio::spawn(async move { client.purge_project(purge_request("projects/p")).await });
    wait_for_locks(&observer, "claim_project", 1).await;
    holder.batch_execute("COMMIT").await.unwrap();

    granting.await.unwrap().unwrap();
    purging.await.unwrap().unwrap();

    assert_eq!(granted(&mut server.sharing().await, "projects/p").await.unwrap(), []);
}

/// Whoever writes meanwhile comes before it or after it: nothing is left of what was there before, and nothing is half there.
#[tokio::test]
async fn a_project_is_purged_beside_those_who_write_in_it() {
    let server = start_with_project().await;
    let client = server.dashboards().await;
    let sharing = server.sharing().await;
    let writers = (0..8).map(|number| {
        let (mut dashboards, mut shares) = (client.clone(), sharing.clone());
        async move {
            let name = format!("projects/p/dashboards/new-{}", number % 4);
            apply(&mut dashboards, &name, spec_named(&number.to_string())).await;
            let share = proto::CreateShareLinkRequest {
                parent: name.clone(),
                ..Default::default()
            };
            let granting = grant_request(&name, &format!("user:{number}"), Role::Viewer);
            let outcomes = [
                shares.create_share_link(share).await.err(),
                shares.grant_access(granting).await.err(),
            ];
            for refused in outcomes.into_iter().flatten() {
                assert_refused(&refused, Code::NotFound, "DASHBOARD_NOT_FOUND");
            }
        }
    });
    let purges = (0..2).map(|_| {
        let mut own = client.clone();
        async move {
            let purged = own.purge_project(purge_request("projects/p")).await.unwrap();
            purged.into_inner().purged_dashboards
        }
    });
    let (_, purged) = tokio::join!(
        futures_util::future::join_all(writers),
        futures_util::future::join_all(purges)
    );
    let last = client
        .clone()
        .purge_project(purge_request("projects/p"))
        .await
        .unwrap()
        .into_inner();

    let sql = server.sql().await;
    let left = "SELECT (SELECT count(*) FROM dashboard WHERE project = 'p') + (SELECT count(*) FROM share_token)
        + (SELECT count(*) FROM access_grant WHERE project = 'p' OR dashboard_id IS NOT NULL)";
    assert_eq!(sql.query_one(left, &[]).await.unwrap().get::<_, i64>(0), 0);
    // Each life of a dashboard has the event of its end.
    let told = "SELECT count(DISTINCT resource_uid) FROM audit_log
        WHERE permission = 'projects.purge' AND resource LIKE '%/dashboards/%'";
    let told: i64 = sql.query_one(told, &[]).await.unwrap().get(0);
    assert_eq!(told, i64::from(purged.iter().sum::<i32>() + last.purged_dashboards));
}
