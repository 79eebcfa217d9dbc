use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

use super::*;
use crate::health::{PoolSnapshot, ProbeOk, SchemaState};

/// The endpoints of a service with `in_use` of 50 connections in use.
fn endpoints(health: &HealthHandle, in_use: u32) -> Router {
    let pool = PoolSnapshot {
        open: in_use + 3,
        idle: 3,
        in_use,
        max_open: 50,
        wait_count: 0,
        wait_duration: Duration::ZERO,
    };
    router(Sources {
        health: health.clone(),
        pool: Arc::new(move || pool),
        metrics: Metrics::new().unwrap(),
        version: "1.0.0",
        is_insecure: false,
    })
}

fn serving() -> HealthHandle {
    let health = HealthHandle::default();
    observe(&health, SchemaState::Ready);
    health
}

fn observe(health: &HealthHandle, schema: SchemaState) {
    health.observe(Ok(ProbeOk {
        response_time: Duration::from_millis(12),
        schema,
    }));
}

async fn get_text(endpoints: Router, path: &str) -> (u16, String) {
    let request = http::Request::get(path).body(Body::empty()).unwrap();
    let response = endpoints.oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(bytes.to_vec()).unwrap())
}

async fn get_json(endpoints: Router, path: &str) -> (u16, Value) {
    let (status, text) = get_text(endpoints, path).await;
    (status, serde_json::from_str(&text).unwrap())
}

#[tokio::test]
async fn health_has_the_agreed_shape() {
    let (status, mut body) = get_json(endpoints(&serving(), 2), "/api/v1/health").await;
    assert_eq!(status, 200);
    let timestamp = body["timestamp"].take();
    let timestamp = timestamp.as_str().unwrap();
    assert_eq!(timestamp.len(), "2025-11-14T22:00:00Z".len(), "{timestamp}");
    assert!(OffsetDateTime::parse(timestamp, &time::format_description::well_known::Rfc3339).is_ok());
    let expected = json!({
        "status": "healthy", "timestamp": null, "version": "1.0.0", "phase": "serving",
        "checks": {
            "database": {"status": "pass", "response_time_ms": 12,
                "details": {"open_connections": 5, "idle_connections": 3, "in_use_connections": 2, "wait_count": 0}},
            "schema": {"status": "pass"},
        },
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn pool_metrics_have_the_agreed_shape() {
    let (status, body) = get_json(endpoints(&serving(), 2), "/metrics/health").await;
    assert_eq!(status, 200);
    let expected = json!({
        "database_healthy": true, "database_response_time_seconds": 0.012,
        "database_open_connections": 5, "database_in_use_connections": 2,
        "database_utilization_percent": 4.0, "database_wait_count": 0, "database_wait_duration_seconds": 0.0,
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn a_pool_above_80_percent_is_degraded_and_ready() {
    let (status, body) = get_json(endpoints(&serving(), 41), "/api/v1/health").await;
    assert_eq!((status, &body["status"]), (200, &json!("degraded")));
    assert_eq!(body["checks"]["database"]["status"], "warn");
    assert_eq!(get_text(endpoints(&serving(), 41), "/ready").await.0, 200);
    let (_, at_the_limit) = get_json(endpoints(&serving(), 40), "/api/v1/health").await;
    assert_eq!(at_the_limit["status"], "healthy");
}

#[tokio::test]
async fn audit_events_that_wait_long_to_be_sealed_are_degraded_and_ready() {
    let health = serving();
    for (lag, verdict, status) in [(60, "healthy", "pass"), (61, "degraded", "warn")] {
        health.observe_sealing_lag(Duration::from_secs(lag));
        let (code, body) = get_json(endpoints(&health, 2), "/api/v1/health").await;
        assert_eq!((code, &body["status"]), (200, &json!(verdict)));
        let check = json!({"status": status, "sealing_lag_seconds": f64::from(u32::try_from(lag).unwrap())});
        assert_eq!(body["checks"]["audit"], check);
        assert_eq!(get_text(endpoints(&health, 2), "/ready").await.0, 200);
    }
}

#[tokio::test]
async fn a_database_that_is_away_is_unhealthy_and_alive() {
    let health = serving();
    for _ in 0..3 {
        health.observe(Err("connection refused".into()));
    }
    let (status, body) = get_json(endpoints(&health, 0), "/api/v1/health").await;
    assert_eq!((status, &body["status"]), (503, &json!("unhealthy")));
    assert_eq!(body["checks"]["database"]["status"], "fail");
    assert!(!body.to_string().contains("refused"), "driver texts stay in the log");
    assert_eq!(get_text(endpoints(&health, 0), "/ready").await.0, 503);
    assert_eq!(get_text(endpoints(&health, 0), "/live").await.0, 200);
    let (_, pool) = get_json(endpoints(&health, 0), "/metrics/health").await;
    assert_eq!(pool["database_healthy"], false);
}

#[tokio::test]
async fn a_schema_that_is_not_ready_says_which_command_helps() {
    let health = HealthHandle::default();
    observe(&health, SchemaState::NotReady("run dashboard-store migrate up".into()));
    let (status, body) = get_json(endpoints(&health, 0), "/api/v1/health").await;
    assert_eq!((status, &body["status"]), (503, &json!("unhealthy")));
    assert_eq!(body["checks"]["database"]["status"], "pass");
    let expected = json!({"status": "fail", "message": "run dashboard-store migrate up"});
    assert_eq!(body["checks"]["schema"], expected);
}

#[tokio::test]
async fn draining_is_not_ready() {
    let health = serving();
    health.drain();
    let (status, body) = get_json(endpoints(&health, 0), "/ready").await;
    assert_eq!((status, body), (503, json!({"status": "draining"})));
}

#[tokio::test]
async fn development_mode_is_admitted() {
    let mut sources_of_development = Sources {
        health: serving(),
        pool: Arc::new(PoolSnapshot::default),
        metrics: Metrics::new().unwrap(),
        version: "1.0.0",
        is_insecure: true,
    };
    let (_, body) = get_json(router(sources_of_development.clone()), "/api/v1/health").await;
    assert_eq!(body["insecure_dev"], true);
    sources_of_development.is_insecure = false;
    let (_, body) = get_json(router(sources_of_development), "/api/v1/health").await;
    assert!(body.get("insecure_dev").is_none());
}

#[tokio::test]
async fn metrics_are_prometheus_text() {
    let request = http::Request::get("/metrics").body(Body::empty()).unwrap();
    let response = endpoints(&serving(), 0).oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(
        response.headers()["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/plain; version=0.0.4")
    );
}

#[tokio::test]
async fn other_paths_and_methods_are_refused_as_json() {
    let (status, body) = get_json(endpoints(&serving(), 0), "/healthz").await;
    assert_eq!(status, 404);
    assert!(body["error"].as_str().unwrap().contains("/ready"));
    let request = http::Request::post("/ready").body(Body::empty()).unwrap();
    let response = endpoints(&serving(), 0).oneshot(request).await.unwrap();
    assert_eq!(response.status(), 405);
}
