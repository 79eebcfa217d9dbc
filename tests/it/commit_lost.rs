//! The connection is lost while a COMMIT is under way: the caller learns what happened, or that nobody knows.

use std::time::Duration;

use dashboard_store::grpc::proto;
use dashboard_store::grpc::proto::dashboard_service_client::DashboardServiceClient;
use tonic::Code;
use tonic_types::StatusExt as _;
use uuid::Uuid;

use crate::support::TestServer;
use crate::support::blocking::{HeldTable, wait_until_pool_is_free};
use crate::support::channel::Channel;
use crate::support::network::{LostCommit, Traffic, serve_behind_gateway};
use crate::support::requests::{create, create_request, json_spec, reason, spec_named};
use crate::support::waiting::{found, until};

/// What is stored: revisions, audit events and answers that are kept for repeated calls.
async fn stored(server: &TestServer) -> (i64, i64, i64) {
    let count =
        "SELECT (SELECT count(*) FROM dashboard_revision), (SELECT count(*) FROM audit_log WHERE result = 'success'),
        (SELECT count(*) FROM mutation_request)";
    let row = server.sql().await.query_one(count, &[]).await.unwrap();
    (row.get(0), row.get(1), row.get(2))
}

#[tokio::test]
async fn a_commit_that_never_arrived_did_nothing() {
    let (server, gateway) = serve_behind_gateway(|_| {}).await;
    let mut client = server.dashboards().await;
    gateway.lose_commit(LostCommit::Unsent);

    let refused = client.create_dashboard(create_request("d")).await.unwrap_err();

    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::Unavailable, "DATABASE_UNAVAILABLE")
    );
    assert!(refused.message().contains("nothing was done"), "{refused:?}");
    assert_eq!(stored(&server).await, (0, 0, 0));
    create(&mut client, "d").await;
    assert_eq!(stored(&server).await, (1, 1, 1));
}

#[tokio::test]
async fn a_commit_whose_answer_was_lost_succeeded_once() {
    let (server, gateway) = serve_behind_gateway(|_| {}).await;
    let mut client = server.dashboards().await;
    for (number, how) in [(1, LostCommit::Unanswered), (2, LostCommit::ToldByPooler)] {
        gateway.lose_commit(how);
        let created = create(&mut client, &format!("d{number}")).await;
        assert_eq!(created.revision, 1, "{how:?}");
        assert_eq!(stored(&server).await, (number, number, number), "{how:?}");
    }
}

#[tokio::test]
async fn a_commit_that_never_arrived_is_not_answered_for_a_duplicate_that_did_the_work() {
    let (server, gateway) = serve_behind_gateway(|_| {}).await;
    let request = proto::CreateDashboardRequest {
        request_id: Uuid::new_v4().to_string(),
        ..create_request("d")
    };
    // One of the two has its transaction open, the other waits for the request id.
    let held = HeldTable::lock(server.database()).await;
    let calls = [(); 2].map(|()| {
        let own_request = request.clone();
        let connecting = server.dashboards();
        async { connecting.await.create_dashboard(own_request).await }
    });
    let both = futures_util::future::join_all(calls);
    let release_when_both_wait = async {
        held.wait_for_waiting(2).await;
        gateway.lose_commit(LostCommit::Unsent);
        held.release().await;
    };

    let (answers, ()) = tokio::join!(both, release_when_both_wait);

    let stored_uid = "SELECT id::text FROM dashboard";
    let row = server.sql().await.query_one(stored_uid, &[]).await.unwrap();
    for answer in answers {
        let dashboard = answer.unwrap().into_inner().dashboard.unwrap();
        assert_eq!(dashboard.uid, row.get::<_, String>(0));
    }
    assert_eq!(stored(&server).await, (1, 1, 1));
}

#[tokio::test]
async fn an_update_whose_answer_was_lost_succeeded_once() {
    let (server, gateway) = serve_behind_gateway(|_| {}).await;
    let mut client = server.dashboards().await;
    let created = create(&mut client, "d").await;
    gateway.lose_commit(LostCommit::Unanswered);
    let request = proto::UpdateDashboardRequest {
        dashboard: Some(proto::Dashboard {
            spec: json_spec(spec_named("second")),
            ..created
        }),
        ..Default::default()
    };

    let updated = client.update_dashboard(request).await.unwrap().into_inner();

    let dashboard = updated.dashboard.unwrap();
    assert_eq!((dashboard.revision, dashboard.display_name.as_str()), (2, "second"));
    assert_eq!(stored(&server).await, (2, 2, 2));
}

#[tokio::test]
async fn a_commit_whose_outcome_nobody_knows_is_learned_by_a_retry() {
    let chosen = Uuid::new_v4().to_string();
    // The caller's own request id, and one that the server makes up.
    for request_id in [chosen.as_str(), ""] {
        // What is read and written in the background leaves connections, and by another one the outcome would be learned. A call that
        // failed is written about, so each has a server of its own.
        let (server, gateway) = serve_behind_gateway(|config| {
            config.pool.max_open = 1;
            config.pool.max_idle = 1;
        })
        .await;
        let mut client = server.dashboards().await;
        let request = proto::CreateDashboardRequest {
            request_id: request_id.into(),
            ..create_request("d")
        };
        gateway.lose_commit(LostCommit::UnansweredAndRefused);

        let unknown = client.create_dashboard(request.clone()).await.unwrap_err();

        assert_eq!(
            (unknown.code(), reason(&unknown).as_str()),
            (Code::Unknown, "COMMIT_OUTCOME_UNKNOWN")
        );
        let told_id = unknown.get_details_error_info().unwrap().metadata["request_id"].clone();
        assert!(request_id.is_empty() || told_id == request_id);

        gateway.set(Traffic::Passes);
        let retry = proto::CreateDashboardRequest {
            request_id: told_id,
            ..request
        };
        let created = answer_when_back(&mut client, &retry).await;
        assert_eq!(
            (created.revision, created.name),
            (1, "projects/p/dashboards/d".to_owned())
        );
        assert_eq!(stored(&server).await, (1, 1, 1));
    }
}

#[tokio::test]
async fn a_commit_that_the_network_swallows_is_learned_by_a_retry() {
    let (server, gateway) = serve_behind_gateway(|config| {
        // The COMMIT has to be done in this time.
        config.requests.timeout = Duration::from_secs(3);
    })
    .await;
    let mut client = server.dashboards().await;
    let request = proto::CreateDashboardRequest {
        request_id: Uuid::new_v4().to_string(),
        ..create_request("d")
    };
    gateway.lose_commit(LostCommit::Swallowed);

    let late = client.create_dashboard(request.clone()).await.unwrap_err();

    assert_eq!(
        (late.code(), reason(&late).as_str()),
        (Code::DeadlineExceeded, "DEADLINE_EXCEEDED")
    );
    assert_eq!(stored(&server).await, (1, 1, 1));
    gateway.set(Traffic::Passes);
    let created = answer_when_back(&mut client, &request).await;
    assert_eq!(created.revision, 1);
    assert_eq!(stored(&server).await, (1, 1, 1));
    wait_until_pool_is_free(&server).await;
}

/// Repeats a call until the database can be reached again.
async fn answer_when_back(
    client: &mut DashboardServiceClient<Channel>,
    request: &proto::CreateDashboardRequest,
) -> proto::Dashboard {
    found("an answer", async || {
        match client.create_dashboard(request.clone()).await {
            Ok(answer) => answer.into_inner().dashboard,
            Err(status) => {
                // On a slow machine a call that has to connect anew may take longer than it has.
                let may_pass = matches!(status.code(), Code::Unavailable | Code::DeadlineExceeded);
                assert!(may_pass, "{status:?}");
                None
            }
        }
    })
    .await
}

#[tokio::test]
async fn a_lost_commit_is_looked_up_until_the_database_is_back() {
    // By another connection the outcome would be learned at once.
    let (server, gateway) = serve_behind_gateway(|config| {
        config.pool.max_open = 1;
        config.pool.max_idle = 1;
    })
    .await;
    let mut client = server.dashboards().await;
    gateway.lose_commit(LostCommit::UnansweredAndRefused);
    let comes_back = async {
        until("an attempt that is refused", async || {
            server.pool().stats().unavailable > 0
        })
        .await;
        gateway.set(Traffic::Passes);
    };

    let (created, ()) = tokio::join!(create(&mut client, "d"), comes_back);

    assert_eq!(created.revision, 1);
    assert_eq!(stored(&server).await, (1, 1, 1));
}
