//! The database is away: at the start, in the middle of a call, behind a silent network, or just too busy.

use std::time::Duration;

use dashboard_store::grpc::proto::Role;
use tonic::{Code, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_types::StatusExt as _;

use crate::support::TestServer;
use crate::support::access::grant;
use crate::support::blocking::{HeldTable, begin_create, wait_until_pool_is_free};
use crate::support::http;
use crate::support::network::{Traffic, launch_behind_gateway, serve_behind_gateway};
use crate::support::requests::{as_user, create, create_request, get, reason};

/// Calls that nobody can serve are refused, and may be tried again.
fn assert_unavailable(refused: &Status, why: &str) {
    assert_eq!((refused.code(), reason(refused).as_str()), (Code::Unavailable, why));
    let retry = refused.get_details_retry_info().unwrap();
    assert!(retry.retry_delay.is_some_and(|delay| delay > Duration::ZERO));
}

#[tokio::test]
async fn a_database_that_is_away_at_the_start_is_waited_for() {
    let (server, gateway) = launch_behind_gateway(Traffic::IsRefused, |_| {}).await;
    server.wait_until(ServingStatus::NotServing).await;
    let mut client = server.dashboards().await;

    let refused = client.create_dashboard(create_request("early")).await.unwrap_err();

    assert_unavailable(&refused, "DATABASE_UNAVAILABLE");
    assert!(!refused.message().contains("127.0.0.1"), "{refused:?}");
    let address = server.http_addr();
    assert_eq!(http::get(address, "/live").await.0, 200);
    assert_eq!(
        http::get(address, "/ready").await,
        (503, r#"{"status":"starting"}"#.to_owned())
    );
    assert_eq!(http::get(address, "/api/v1/health").await.0, 503);

    gateway.set(Traffic::Passes);
    server.wait_until(ServingStatus::Serving).await;
    create(&mut client, "late").await;
    assert_eq!(http::get(address, "/ready").await.0, 200);
}

#[tokio::test]
async fn a_backend_that_is_terminated_fails_its_call_and_no_other() {
    let server = TestServer::start().await;
    let held = HeldTable::lock(server.database()).await;
    let call = begin_create(&server, "d").await;
    let backends = held.wait_for_waiting(1).await;
    held.terminate(backends[0]).await;
    assert_unavailable(&call.await.unwrap().unwrap_err(), "DATABASE_UNAVAILABLE");
    held.release().await;
    create(&mut server.dashboards().await, "d").await;
}

#[tokio::test]
async fn a_connection_that_is_cut_fails_its_call_and_no_other() {
    let (server, gateway) = serve_behind_gateway(|_| {}).await;
    let held = HeldTable::lock(server.database()).await;
    let call = begin_create(&server, "d").await;
    held.wait_for_waiting(1).await;
    gateway.cut();
    assert_unavailable(&call.await.unwrap().unwrap_err(), "DATABASE_UNAVAILABLE");
    held.release().await;
    create(&mut server.dashboards().await, "d").await;
}

#[tokio::test]
async fn an_outage_is_noticed_and_ends() {
    let (server, gateway) = serve_behind_gateway(|_| {}).await;
    let mut client = server.dashboards().await;
    create(&mut client, "before").await;

    gateway.set(Traffic::IsRefused);
    gateway.cut();
    let refused = client.create_dashboard(create_request("during")).await.unwrap_err();
    assert_unavailable(&refused, "DATABASE_UNAVAILABLE");
    server.wait_until(ServingStatus::NotServing).await;
    let (code, health) = http::get_json(server.http_addr(), "/api/v1/health").await;
    assert_eq!((code, health["status"].as_str()), (503, Some("unhealthy")));
    assert_eq!(health["checks"]["database"]["status"], "fail");

    gateway.set(Traffic::Passes);
    server.wait_until(ServingStatus::Serving).await;
    get(&mut client, "before").await;
    create(&mut client, "during").await;
}

#[tokio::test]
async fn what_can_not_be_decided_is_neither_allowed_nor_denied() {
    let (server, gateway) = serve_behind_gateway(|_| {}).await;
    grant(&server, "projects/p", "user:eve", Role::Editor).await;
    gateway.set(Traffic::IsRefused);
    gateway.cut();
    // Its id would be refused, were the caller allowed to ask.
    let request = create_request("not an id");
    let refused = server
        .dashboards()
        .await
        .create_dashboard(as_user("eve", request))
        .await
        .unwrap_err();
    assert_unavailable(&refused, "DATABASE_UNAVAILABLE");
}

#[tokio::test]
async fn a_network_that_swallows_everything_holds_nobody() {
    let (server, gateway) = serve_behind_gateway(|config| {
        // The calls before and after it have to succeed in this time.
        config.requests.timeout = Duration::from_secs(3);
    })
    .await;
    let mut client = server.dashboards().await;
    create(&mut client, "before").await;

    gateway.set(Traffic::Vanishes);
    let refused = client.create_dashboard(create_request("during")).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::DeadlineExceeded, "DEADLINE_EXCEEDED")
    );
    server.wait_until(ServingStatus::NotServing).await;

    gateway.set(Traffic::Passes);
    server.wait_until(ServingStatus::Serving).await;
    get(&mut client, "before").await;
    create(&mut client, "after").await;
    wait_until_pool_is_free(&server).await;
}

#[tokio::test]
async fn a_pool_that_is_used_up_refuses_and_stays_in_service() {
    let server = TestServer::start_with(|config| {
        config.pool.max_open = 5;
        config.pool.max_idle = 5;
        config.pool.acquire_timeout = Duration::from_secs(1);
    })
    .await;
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(server.pool().get().await.unwrap());
    }
    let verdict = async || {
        let (code, health) = http::get_json(server.http_addr(), "/api/v1/health").await;
        assert_eq!(code, 200);
        health["status"].as_str().unwrap().to_owned()
    };
    // 80 % is not above 80 %.
    assert_eq!(verdict().await, "healthy");
    held.push(server.pool().get().await.unwrap());
    assert_eq!(verdict().await, "degraded");

    let mut client = server.dashboards().await;
    let refused = client.create_dashboard(create_request("d")).await.unwrap_err();
    assert_unavailable(&refused, "POOL_TIMEOUT");
    server.wait_until(ServingStatus::Serving).await;

    drop(held);
    create(&mut client, "d").await;
    assert_eq!(verdict().await, "healthy");
}
