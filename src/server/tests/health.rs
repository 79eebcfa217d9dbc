//! `grpc.health.v1` as balancers use it.

use std::collections::BTreeMap;

use futures_util::StreamExt;

use super::*;
use crate::health::proto::health_check_response::ServingStatus;
use crate::health::proto::health_client::HealthClient;
use crate::health::proto::{HealthCheckRequest, HealthListRequest};
use crate::health::{ProbeOk, ProbeResult, SchemaState};

pub async fn check(channel: Channel, service: &str) -> Result<ServingStatus, Status> {
    let request = HealthCheckRequest {
        service: service.into(),
    };
    let answer = HealthClient::new(channel).check(request).await?;
    Ok(answer.into_inner().status())
}

pub async fn watch(channel: Channel, service: &str) -> impl futures_util::Stream<Item = Result<ServingStatus, Status>> {
    let request = HealthCheckRequest {
        service: service.into(),
    };
    let answers = HealthClient::new(channel).watch(request).await.unwrap().into_inner();
    answers.map(|answer| answer.map(|answer| answer.status()))
}

/// What List says, ordered by service.
async fn list(channel: Channel) -> Vec<(String, ServingStatus)> {
    let answer = HealthClient::new(channel).list(HealthListRequest::default()).await;
    let statuses = answer.unwrap().into_inner().statuses;
    let ordered: BTreeMap<_, _> = statuses.into_iter().collect();
    ordered
        .into_iter()
        .map(|(service, answer)| (service, answer.status()))
        .collect()
}

fn answered(schema: SchemaState) -> ProbeResult {
    Ok(ProbeOk {
        response_time: Duration::from_millis(1),
        schema,
    })
}

#[tokio::test]
async fn the_server_and_each_service_serve_when_the_schema_is_ready() {
    let server = TestServer::start().await;
    let services = ["", "test.v1.TestService", "grpc.health.v1.Health"];
    for service in services {
        let status = check(server.channel().await, service).await.unwrap();
        assert_eq!(status, ServingStatus::NotServing, "{service}");
    }
    server.health.observe(answered(SchemaState::NotReady("too old".into())));
    assert_eq!(
        check(server.channel().await, "").await.unwrap(),
        ServingStatus::NotServing
    );
    server.health.observe(answered(SchemaState::Ready));
    for service in services {
        let status = check(server.channel().await, service).await.unwrap();
        assert_eq!(status, ServingStatus::Serving, "{service}");
    }
}

#[tokio::test]
async fn the_list_has_the_server_and_each_service_with_the_status_of_now() {
    let server = TestServer::start().await;
    let services = [
        "",
        "grpc.health.v1.Health",
        "perses.dashboards.v1.AuditService",
        "perses.dashboards.v1.DashboardService",
        "perses.dashboards.v1.PreferencesService",
        "perses.dashboards.v1.ShareService",
        "perses.dashboards.v1.TemplateService",
        "test.v1.TestService",
    ];
    let all = |status: ServingStatus| services.map(|service| (service.to_owned(), status)).to_vec();
    assert_eq!(list(server.channel().await).await, all(ServingStatus::NotServing));
    server.health.observe(answered(SchemaState::Ready));
    assert_eq!(list(server.channel().await).await, all(ServingStatus::Serving));
    server.health.drain();
    assert_eq!(list(server.channel().await).await, all(ServingStatus::NotServing));
}

#[tokio::test]
async fn checking_an_unknown_service_is_not_found() {
    let server = TestServer::start().await;
    let status = check(server.channel().await, "no.such.Service").await.unwrap_err();
    assert_eq!(
        (status.code() as i32, reason(&status).as_str()),
        (5, "SERVICE_NOT_FOUND")
    );
}

#[tokio::test]
async fn watching_an_unknown_service_says_so_and_stays_open() {
    let server = TestServer::start().await;
    let mut statuses = Box::pin(watch(server.channel().await, "no.such.Service").await);
    assert_eq!(statuses.next().await.unwrap().unwrap(), ServingStatus::ServiceUnknown);
    let more = tokio::time::timeout(Duration::from_millis(100), statuses.next()).await;
    assert!(more.is_err(), "{more:?}");
}

#[tokio::test]
async fn watchers_hear_of_changes_once_and_of_the_end() {
    let server = TestServer::start().await;
    let mut statuses = Box::pin(watch(server.channel().await, "").await);
    assert_eq!(statuses.next().await.unwrap().unwrap(), ServingStatus::NotServing);
    server.health.observe(answered(SchemaState::Ready));
    assert_eq!(statuses.next().await.unwrap().unwrap(), ServingStatus::Serving);
    server.health.observe(answered(SchemaState::Ready));
    server.shutdown.begin();
    assert_eq!(statuses.next().await.unwrap().unwrap(), ServingStatus::NotServing);
    let end = statuses.next().await.unwrap().unwrap_err();
    assert_eq!((end.code() as i32, reason(&end).as_str()), (14, "DRAINING"));
}
