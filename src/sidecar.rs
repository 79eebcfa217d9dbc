//! The HTTP endpoints beside gRPC: `/live`, `/ready`, `/api/v1/health`, `/metrics/health` and `/metrics`.
//!
//! What belongs here: how health and metrics look over HTTP. Every answer comes from memory: a probe never waits for the
//! database. What does not: what health is ([`crate::health`]).

mod body;
mod connection;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, body::Body};
use serde_json::json;
use time::OffsetDateTime;

pub use self::connection::serve;

use self::body::{HealthBody, PoolBody, Verdict};
use crate::health::{HealthHandle, PoolSource};
use crate::telemetry::Metrics;

/// What the endpoints tell of.
#[derive(Clone)]
pub struct Sources {
    /// Whether the process can serve.
    pub health: HealthHandle,
    /// How much of the connection pool is in use.
    pub pool: PoolSource,
    /// What has been counted.
    pub metrics: Metrics,
    /// The version of this server.
    pub version: &'static str,
    /// Whether callers are taken at their word (development mode).
    pub is_insecure: bool,
}

/// The endpoints.
pub fn router(sources: Sources) -> Router {
    Router::new()
        .route("/live", get(live))
        .route("/ready", get(ready))
        .route("/api/v1/health", get(health))
        .route("/metrics/health", get(pool))
        .route("/metrics", get(metrics))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(sources)
}

/// The process runs, and that is all: a restart does not bring a database back.
async fn live() -> Response {
    Json(json!({"status": "live"})).into_response()
}

async fn ready(State(sources): State<Sources>) -> Response {
    let phase = sources.health.phase();
    let code = if phase.is_serving() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (code, Json(json!({"status": phase.as_str()}))).into_response()
}

async fn health(State(sources): State<Sources>) -> Response {
    let body = HealthBody::new(&sources, OffsetDateTime::now_utc());
    let code = match body.status {
        Verdict::Healthy | Verdict::Degraded => StatusCode::OK,
        Verdict::Unhealthy => StatusCode::SERVICE_UNAVAILABLE,
    };
    (code, Json(body)).into_response()
}

async fn pool(State(sources): State<Sources>) -> Response {
    Json(PoolBody::new(&sources.health.report(), &(sources.pool)())).into_response()
}

async fn metrics(State(sources): State<Sources>) -> Response {
    match sources.metrics.render() {
        Ok(text) => ([(header::CONTENT_TYPE, crate::telemetry::TEXT_FORMAT)], text).into_response(),
        Err(error) => {
            tracing::error!(error = %error, "cannot render metrics");
            (StatusCode::INTERNAL_SERVER_ERROR, Body::empty()).into_response()
        }
    }
}

async fn not_found() -> Response {
    let text = "try /live, /ready, /api/v1/health, /metrics/health or /metrics";
    (StatusCode::NOT_FOUND, Json(json!({"error": text}))).into_response()
}

async fn method_not_allowed() -> Response {
    let text = "every endpoint is read with GET";
    (StatusCode::METHOD_NOT_ALLOWED, Json(json!({"error": text}))).into_response()
}

#[cfg(test)]
mod tests;
