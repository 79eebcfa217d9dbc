//! What is the same for every RPC: limits, deadlines, ids, health, reflection.

use std::time::Duration;

use dashboard_store::grpc::proto;
use http::uri::PathAndQuery;
use tonic::{Code, Request, Status, Streaming};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tonic_prost::ProstCodec;
use uuid::Uuid;

use crate::support::TestServer;
use crate::support::blocking::{HeldTable, begin_create, wait_until_pool_is_free};
use crate::support::requests::{create, create_request, json_spec, reason, spec_named};
use crate::support::waiting::UNREACHED;

const SERVICE: &str = "perses.dashboards.v1.DashboardService";

/// A deadline that a test waits for, and a slow machine has time to begin a statement in.
const SHORT: Duration = Duration::from_secs(3);

/// Limits under which a call that is stuck would block the ones that follow.
async fn server_with_one_connection(timeout: Duration) -> TestServer {
    TestServer::start_with(|config| {
        config.pool.max_open = 1;
        config.pool.max_idle = 1;
        config.pool.query_timeout = UNREACHED;
        config.requests.timeout = timeout;
    })
    .await
}

fn health_of(service: &str) -> HealthCheckRequest {
    HealthCheckRequest {
        service: service.to_owned(),
    }
}

#[tokio::test]
async fn a_message_of_more_than_4_mib_is_refused() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    let request = proto::CreateDashboardRequest {
        dashboard: Some(proto::Dashboard {
            spec: json_spec(spec_named(&"x".repeat(4 * 1024 * 1024))),
            ..Default::default()
        }),
        ..create_request("large")
    };
    let refused = client.create_dashboard(request).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::ResourceExhausted, "MESSAGE_TOO_LARGE")
    );
    create(&mut client, "small").await;
}

#[tokio::test]
async fn an_error_about_a_very_long_text_still_reaches_its_caller() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    let request = proto::UpdateDashboardRequest {
        dashboard: Some(proto::Dashboard {
            name: "projects/p/dashboards/d".into(),
            etag: "*".into(),
            ..Default::default()
        }),
        update_mask: Some(prost_types::FieldMask {
            paths: vec!["x".repeat(100_000)],
        }),
        ..Default::default()
    };
    let refused = client.update_dashboard(request).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::InvalidArgument, "INVALID_UPDATE_MASK")
    );
}

#[tokio::test]
async fn a_call_without_a_deadline_gets_one() {
    let server = server_with_one_connection(SHORT).await;
    let held = HeldTable::lock(server.database()).await;
    let call = begin_create(&server, "d").await;
    held.wait_for_waiting(1).await;
    let refused = call.await.unwrap().unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::DeadlineExceeded, "DEADLINE_EXCEEDED")
    );
    held.wait_for_waiting(0).await;
    wait_until_pool_is_free(&server).await;
    held.release().await;
    create(&mut server.dashboards().await, "d").await;
}

#[tokio::test]
async fn a_callers_deadline_ends_its_statement() {
    let server = server_with_one_connection(UNREACHED).await;
    let held = HeldTable::lock(server.database()).await;
    let mut request = Request::new(create_request("d"));
    request.set_timeout(SHORT);
    let mut client = server.dashboards().await;
    let call = tokio::spawn(async move { client.create_dashboard(request).await });
    held.wait_for_waiting(1).await;
    // The server gives up a moment before the caller does, whose own timer may win on a busy machine.
    let code = call.await.unwrap().unwrap_err().code();
    assert!(matches!(code, Code::DeadlineExceeded | Code::Cancelled), "{code:?}");
    held.wait_for_waiting(0).await;
    held.release().await;
    create(&mut server.dashboards().await, "d").await;
}

#[tokio::test]
async fn a_caller_that_goes_away_ends_its_statement() {
    let server = server_with_one_connection(UNREACHED).await;
    let held = HeldTable::lock(server.database()).await;
    let call = begin_create(&server, "d").await;
    held.wait_for_waiting(1).await;
    call.abort();
    held.wait_for_waiting(0).await;
    wait_until_pool_is_free(&server).await;
    held.release().await;
    create(&mut server.dashboards().await, "d").await;
}

#[tokio::test]
async fn the_id_of_an_answer_is_that_of_its_audit_event() {
    let server = TestServer::start().await;
    let answer = server
        .dashboards()
        .await
        .create_dashboard(create_request("d"))
        .await
        .unwrap();
    let id = answer.metadata().get("x-request-id").unwrap().to_str().unwrap();
    let event = server
        .sql()
        .await
        .query_one("SELECT correlation_id, method FROM audit_log", &[])
        .await
        .unwrap();
    assert_eq!(event.get::<_, Uuid>(0), Uuid::parse_str(id).unwrap());
    assert_eq!(event.get::<_, String>(1), format!("{SERVICE}/CreateDashboard"));
}

#[tokio::test]
async fn no_caller_chooses_the_id_and_every_answer_has_its_own() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    let mut ids = Vec::new();
    for _ in 0..2 {
        let mut request = Request::new(create_request("a..b"));
        request.metadata_mut().insert("x-request-id", "mine".parse().unwrap());
        let refused = client.create_dashboard(request).await.unwrap_err();
        ids.push(refused.metadata().get("x-request-id").unwrap().clone());
    }
    assert!(ids[0] != ids[1] && !ids.iter().any(|id| id == "mine"), "{ids:?}");
}

/// Calls a method that no descriptor has.
async fn call_unknown(server: &TestServer, path: &'static str) -> Status {
    let mut grpc = tonic::client::Grpc::new(server.channel().await);
    grpc.ready().await.unwrap();
    let codec: ProstCodec<HealthCheckRequest, HealthCheckResponse> = ProstCodec::default();
    let path = PathAndQuery::from_static(path);
    grpc.unary(Request::new(health_of("")), path, codec).await.unwrap_err()
}

#[tokio::test]
async fn an_unknown_method_is_unimplemented() {
    let server = TestServer::start().await;
    for path in ["/perses.dashboards.v1.DashboardService/Explode", "/a.b.C/D"] {
        let refused = call_unknown(&server, path).await;
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::Unimplemented, "UNIMPLEMENTED"),
            "{path}"
        );
        assert!(refused.message().contains(path), "{refused:?}");
    }
}

#[tokio::test]
async fn health_answers_for_the_server_and_for_each_service() {
    let server = TestServer::start().await;
    let mut health = HealthClient::new(server.channel().await);
    for service in ["", SERVICE, "grpc.health.v1.Health"] {
        let answer = health.check(health_of(service)).await.unwrap().into_inner();
        assert_eq!(answer.status(), ServingStatus::Serving, "{service}");
        let mut watch = health.watch(health_of(service)).await.unwrap().into_inner();
        assert_eq!(
            next_status(&mut watch).await.unwrap(),
            ServingStatus::Serving,
            "{service}"
        );
    }

    let refused = health.check(health_of("a.b.C")).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::NotFound, "SERVICE_NOT_FOUND")
    );
    let mut watch = health.watch(health_of("a.b.C")).await.unwrap().into_inner();
    assert_eq!(next_status(&mut watch).await.unwrap(), ServingStatus::ServiceUnknown);
    let next = tokio::time::timeout(Duration::from_millis(100), watch.message()).await;
    assert!(next.is_err(), "the stream stays open: {next:?}");
}

#[tokio::test]
async fn a_watch_sees_the_shutdown_and_does_not_hold_it() {
    let server = TestServer::start().await;
    let mut health = HealthClient::new(server.channel().await);
    let mut watch = health.watch(health_of(SERVICE)).await.unwrap().into_inner();
    assert_eq!(next_status(&mut watch).await.unwrap(), ServingStatus::Serving);

    server.stop().await;

    assert_eq!(next_status(&mut watch).await.unwrap(), ServingStatus::NotServing);
    let ended = next_status(&mut watch).await.unwrap_err();
    assert_eq!((ended.code(), reason(&ended).as_str()), (Code::Unavailable, "DRAINING"));
}

async fn next_status(watch: &mut Streaming<HealthCheckResponse>) -> Result<ServingStatus, Status> {
    Ok(watch.message().await?.unwrap().status())
}
