//! A database without room for one more audit event.

use dashboard_store::grpc::proto;
use proto::ImportOutcome;
use tonic::{Code, Status};
use tonic_health::pb::health_check_response::ServingStatus;

use super::*;
use crate::support::audit::{events, fill_disk, make_room, stored};
use crate::support::requests::{assert_refused, create, create_request, get};
use crate::support::transfer::{atomic, import, options, outcomes, resource, send, whole};
use crate::support::{TestServer, http, sharing};

#[track_caller]
fn assert_no_room(refused: &Status) {
    assert_refused(refused, Code::Unavailable, "DATABASE_UNAVAILABLE");
    assert!(refused.message().contains("no room left"), "{refused:?}");
}

/// Waits until the metrics have this line.
async fn wait_for_metric(server: &TestServer, line: &str) {
    until(line, async || {
        http::get(server.http_addr(), "/metrics").await.1.contains(line)
    })
    .await;
}

/// Waits until the failed call is an event, too: it waited for the room.
async fn wait_for_failed(sql: &Client, method: &str) {
    let statement = "SELECT true FROM audit_log
        WHERE result = 'failed' AND reason = 'DATABASE_UNAVAILABLE' AND method LIKE '%/' || $1";
    until(format_args!("an event of {method}"), async || {
        sql.query_opt(statement, &[&method]).await.unwrap().is_some()
    })
    .await;
}

#[tokio::test]
async fn without_room_a_mutation_fails_as_a_whole_reads_go_on_and_metrics_tell() {
    let server = TestServer::start().await;
    let sql = server.sql().await;
    let mut client = server.dashboards().await;
    create(&mut client, "before").await;
    let request = proto::CreateDashboardRequest {
        request_id: Uuid::new_v4().to_string(),
        ..create_request("after")
    };
    fill_disk(&sql, "audit_log").await;
    let before = stored(&server).await;

    assert_no_room(&client.create_dashboard(request.clone()).await.unwrap_err());

    assert_eq!(stored(&server).await, before);
    get(&mut client, "before").await;
    server.wait_until(ServingStatus::Serving).await;
    assert_eq!(http::get(server.http_addr(), "/ready").await.0, 200);
    let counted = r#"rpc_server_call_duration_seconds_count{rpc_grpc_status_code="14",rpc_method="perses.dashboards.v1.DashboardService/CreateDashboard",rpc_system="grpc"} 1"#;
    wait_for_metric(&server, counted).await;

    make_room(&sql).await;
    let answers = [
        client.create_dashboard(request.clone()).await.unwrap().into_inner(),
        client.create_dashboard(request).await.unwrap().into_inner(),
    ];
    assert_eq!(answers[0], answers[1]);
    let resources: Vec<String> = events(&server).await.into_iter().map(|event| event.resource).collect();
    assert_eq!(
        resources,
        ["projects/p/dashboards/before", "projects/p/dashboards/after"]
    );
    wait_for_failed(&sql, "CreateDashboard").await;
}

#[tokio::test]
async fn without_room_an_import_stores_nothing_and_can_be_repeated() {
    for with_options in [options(), atomic()] {
        let server = TestServer::start().await;
        let sql = server.sql().await;
        let mut client = server.dashboards().await;
        create(&mut client, "before").await;
        let repeatable = proto::ImportOptions {
            request_id: Uuid::new_v4().to_string(),
            ..with_options
        };
        let texts: Vec<String> = ["a", "b", "c"].iter().map(|id| resource("p", id, id)).collect();
        fill_disk(&sql, "audit_log").await;
        let before = stored(&server).await;

        let (answers, end) = send(&mut client, whole(repeatable.clone(), texts.clone())).await;

        assert_eq!(answers, []);
        assert_no_room(&end.unwrap_err());
        assert_eq!(stored(&server).await, before);
        make_room(&sql).await;
        let answers = import(&mut client, repeatable, texts).await;
        assert_eq!(outcomes(&answers), [ImportOutcome::Created; 3]);
        assert_eq!(events(&server).await.len(), 4);
    }
}

#[tokio::test]
async fn without_room_a_share_link_shows_nothing_and_keeps_its_uses() {
    let (server, mut client) = sharing::start().await;
    let sql = server.sql().await;
    let (link, token) = sharing::share(&mut client, sharing::for_uses(1)).await;
    fill_disk(&sql, "audit_log").await;
    let before = stored(&server).await;

    for _ in 0..3 {
        assert_no_room(&sharing::resolve(&mut client, &token).await.unwrap_err());
    }

    assert_eq!(stored(&server).await, before);
    make_room(&sql).await;
    sharing::resolve(&mut client, &token).await.unwrap();
    let used = sharing::get(&mut client, &link.name).await.unwrap();
    assert_eq!(used.use_count, 1);
    sharing::assert_not_usable(sharing::resolve(&mut client, &token).await);
}

#[tokio::test]
async fn without_room_nothing_is_sealed_and_the_lag_tells_until_there_is_room() {
    let (_, sql, sealed) = start().await;
    append(&sql, 3).await;
    // The seals have a table of their own.
    fill_disk(&sql, "audit_seal").await;
    assert_no_room(&Status::from(sealed.sealing_error().await));
    assert!(sealed.store.sealing_lag().await.unwrap() > Duration::ZERO);

    make_room(&sql).await;
    assert_eq!(sealed.seal(3).await.len(), 1);
    assert_eq!(sealed.verify().await.finding, None);
}
