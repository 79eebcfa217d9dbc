//! Changes that were allowed and failed.

use dashboard_store::grpc::proto::dashboard_service_client::DashboardServiceClient;
use tonic::Code;

use super::*;
use crate::support::access::grant_request;
use crate::support::preferences::add_request;
use crate::support::requests::{create, create_request, get, json_spec, reason};
use crate::support::{audit, sharing};

/// Updates `projects/p/dashboards/gpu`, which is expected to fail so.
async fn fail_to_update(
    client: &mut DashboardServiceClient<Channel>,
    request: proto::UpdateDashboardRequest,
    why: &str,
) {
    let refused = client.update_dashboard(as_user("bob", request)).await.unwrap_err();
    assert_eq!(reason(&refused), why);
}

fn update(etag: &str, validate_only: bool) -> proto::UpdateDashboardRequest {
    proto::UpdateDashboardRequest {
        dashboard: Some(proto::Dashboard {
            name: "projects/p/dashboards/gpu".into(),
            etag: etag.into(),
            tags: vec!["changed".into()],
            ..Default::default()
        }),
        validate_only,
        ..Default::default()
    }
}

#[tokio::test]
async fn a_change_that_failed_is_an_event_with_its_reason() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    let stale = create(&mut client, "gpu").await.etag;
    client.update_dashboard(update("*", false)).await.unwrap();

    fail_to_update(&mut client, update(&stale, false), "ETAG_MISMATCH").await;
    let refused = client.create_dashboard(create_request("gpu")).await.unwrap_err();
    assert_eq!(refused.code(), Code::AlreadyExists);

    let mut events = stored_after_stop(server).await;
    events.sort_by(|a, b| a.actor.cmp(&b.actor));
    let service = "perses.dashboards.v1.DashboardService";
    let expected = |actor: &str, method: &str, permission: &str, resource: &str, reason: &str| Stored {
        actor: actor.into(),
        method: format!("{service}/{method}"),
        permission: permission.into(),
        resource: resource.into(),
        project: Some("p".into()),
        result: "failed".into(),
        reason: Some(reason.into()),
        count: 1,
    };
    assert_eq!(
        events,
        [
            expected(
                "user:bob",
                "UpdateDashboard",
                "dashboards.update",
                "projects/p/dashboards/gpu",
                "ETAG_MISMATCH"
            ),
            expected(
                "user:developer",
                "CreateDashboard",
                "dashboards.create",
                "projects/p",
                "DASHBOARD_EXISTS"
            ),
        ]
    );
}

#[tokio::test]
async fn the_event_is_about_the_change_and_not_about_what_it_refers_to() {
    let server = TestServer::start().await;
    let refused = server.preferences().await.add_favorite(add_request("missing")).await;
    assert_eq!(refused.unwrap_err().code(), Code::NotFound);

    let events = stored_after_stop(server).await;
    let [event] = events.as_slice() else {
        panic!("one event is expected: {events:?}");
    };
    let told = (event.resource.as_str(), event.project.as_deref(), event.result.as_str());
    assert_eq!(told, ("users/developer", None, "failed"));
}

#[tokio::test]
async fn what_was_only_checked_or_is_wrong_is_no_event() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    let stale = create(&mut client, "gpu").await.etag;
    client.update_dashboard(update("*", false)).await.unwrap();

    fail_to_update(&mut client, update(&stale, true), "ETAG_MISMATCH").await;
    fail_to_update(&mut client, update("", false), "ETAG_REQUIRED").await;
    let mut malformed = update("*", false);
    malformed.dashboard.as_mut().unwrap().spec = json_spec("{");
    fail_to_update(&mut client, malformed, "SPEC_MALFORMED").await;
    // A read that fails changes nothing.
    let missing = proto::GetDashboardRequest {
        name: "projects/p/dashboards/none".into(),
        ..Default::default()
    };
    client.get_dashboard(missing).await.unwrap_err();

    assert_eq!(stored_after_stop(server).await, []);
}

/// No change without its event: where the log is full, nothing is changed, shown or granted, and reads go on.
#[tokio::test]
async fn where_the_log_is_full_nothing_is_done() {
    let (server, mut sharing) = sharing::start().await;
    let (_, token) = sharing::share(&mut sharing, sharing::for_uses(5)).await;
    audit::fill_disk(&server.sql().await, "audit_log").await;
    let before = audit::stored(&server).await;

    let mut dashboards = server.dashboards().await;
    let mut refusals = Vec::new();
    refusals.push(dashboards.create_dashboard(create_request("new")).await.err());
    let purge = proto::PurgeProjectRequest {
        name: "projects/p".into(),
        ..Default::default()
    };
    refusals.push(dashboards.purge_project(purge).await.err());
    refusals.push(sharing::resolve(&mut sharing, &token).await.err());
    let link = sharing::create_request(sharing::for_uses(1));
    refusals.push(sharing.create_share_link(link).await.err());
    let granting = grant_request("projects/p", "user:ada", proto::Role::Viewer);
    refusals.push(sharing.grant_access(granting).await.err());
    // To read the log is an event, too: nothing is shown that is not told of.
    let mut log = client(&server).await;
    refusals.push(log.list_audit_events(list_request("platform", "")).await.err());
    for refused in refusals {
        let refused = refused.expect("it has no event");
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::Unavailable, "DATABASE_UNAVAILABLE"),
            "{refused:?}"
        );
    }
    assert_eq!(audit::stored(&server).await, before);
    get(&mut dashboards, "d").await;
}

#[tokio::test]
async fn a_repetition_is_no_event_also_where_its_answer_is_not_given_twice() {
    let (server, mut client) = sharing::start().await;
    let request = proto::CreateShareLinkRequest {
        request_id: Uuid::new_v4().to_string(),
        ..sharing::create_request(sharing::for_uses(1))
    };
    client.create_share_link(request.clone()).await.unwrap();
    let repeated = client.create_share_link(request.clone()).await.unwrap_err();
    assert_eq!(reason(&repeated), "SHARE_TOKEN_ALREADY_ISSUED");
    // Another request under its id is none.
    let other = proto::CreateShareLinkRequest {
        share_link: Some(sharing::for_uses(2)),
        ..request
    };
    client.create_share_link(other).await.unwrap_err();

    let events = stored_after_stop(server).await;
    let reasons: Vec<_> = events.iter().map(|event| event.reason.as_deref()).collect();
    assert_eq!(reasons, [Some("REQUEST_ID_REUSED")]);
}
