//! The HTTP endpoints of a running service.

use std::collections::BTreeSet;

use crate::support::TestServer;
use crate::support::http::{get, get_json, leaves};
use crate::support::requests::create;

fn set<const N: usize>(names: [&str; N]) -> BTreeSet<String> {
    names.map(str::to_owned).into()
}

#[tokio::test]
async fn health_and_pool_have_the_fields_that_monitoring_reads() {
    let server = TestServer::start().await;
    let address = server.http_addr();
    assert_eq!(get(address, "/live").await, (200, r#"{"status":"live"}"#.to_owned()));
    assert_eq!(
        get(address, "/ready").await,
        (200, r#"{"status":"serving"}"#.to_owned())
    );

    let (code, health) = get_json(address, "/api/v1/health").await;
    assert_eq!((code, health["status"].as_str()), (200, Some("healthy")));
    assert_eq!(health["version"], env!("CARGO_PKG_VERSION"));
    let expected = [
        "status",
        "timestamp",
        "version",
        "phase",
        "insecure_dev",
        "checks.database.status",
        "checks.database.response_time_ms",
        "checks.database.details.open_connections",
        "checks.database.details.idle_connections",
        "checks.database.details.in_use_connections",
        "checks.database.details.wait_count",
        "checks.schema.status",
    ];
    assert_eq!(leaves(&health), set(expected));

    let (code, pool) = get_json(address, "/metrics/health").await;
    assert_eq!((code, pool["database_healthy"].as_bool()), (200, Some(true)));
    let expected = [
        "database_healthy",
        "database_response_time_seconds",
        "database_open_connections",
        "database_in_use_connections",
        "database_utilization_percent",
        "database_wait_count",
        "database_wait_duration_seconds",
    ];
    assert_eq!(leaves(&pool), set(expected));
}

#[tokio::test]
async fn the_pool_is_counted_as_it_is_used() {
    let server = TestServer::start_with(|config| {
        config.pool.max_open = 4;
        config.pool.max_idle = 4;
    })
    .await;
    let _held = server.pool().get().await.unwrap();
    let (_, pool) = get_json(server.http_addr(), "/metrics/health").await;
    assert_eq!(pool["database_in_use_connections"], 1);
    assert_eq!(pool["database_utilization_percent"], 25.0);
    let (_, health) = get_json(server.http_addr(), "/api/v1/health").await;
    assert_eq!(health["checks"]["database"]["details"]["in_use_connections"], 1);
}

#[tokio::test]
async fn metrics_count_calls_and_name_nobody() {
    let server = TestServer::start().await;
    create(&mut server.dashboards().await, "unmentionable").await;

    let (code, text) = get(server.http_addr(), "/metrics").await;

    assert_eq!(code, 200);
    let counted = r#"rpc_server_call_duration_seconds_count{rpc_grpc_status_code="0",rpc_method="perses.dashboards.v1.DashboardService/CreateDashboard",rpc_system="grpc"} 1"#;
    assert!(text.lines().any(|line| line == counted), "{text}");
    for name in [
        "db_client_connection_count{",
        "db_client_connection_max ",
        "db_client_connection_waits_total ",
    ] {
        assert!(
            text.lines().any(|line| line.starts_with(name)),
            "{name} is not in\n{text}"
        );
    }
    let expected = [
        "audit_result",
        "db_client_connection_state",
        "le",
        "reload_of",
        "reload_result",
        "rpc_grpc_status_code",
        "rpc_method",
        "rpc_system",
    ];
    let samples = text
        .lines()
        .filter(|line| !line.starts_with(['#']) && !line.starts_with("target_info"));
    assert_eq!(samples.flat_map(labels).collect::<BTreeSet<String>>(), set(expected));
    assert!(!text.contains("unmentionable") && !text.contains("user:"), "{text}");
}

/// The names of the labels of a line, as in `name{label="value",other="value"} 1`.
fn labels(line: &str) -> Vec<String> {
    let Some((_, rest)) = line.split_once('{') else {
        return Vec::new();
    };
    let (inside, _) = rest.rsplit_once('}').unwrap();
    let pairs = inside.split(',').filter(|pair| !pair.is_empty());
    pairs.map(|pair| pair.split_once('=').unwrap().0.to_owned()).collect()
}

#[tokio::test]
async fn other_paths_and_methods_are_told_what_there_is() {
    let server = TestServer::start().await;
    let (code, body) = get_json(server.http_addr(), "/healthz").await;
    assert_eq!(code, 404);
    assert!(body["error"].as_str().unwrap().contains("/ready"), "{body}");
}
