//! A service on a schema that is not the one of its release.

use std::net::SocketAddr;

use dashboard_store::store::migrate::{Migrator, UpOptions};
use nix::sys::signal::Signal;
use serde_json::json;
use tonic::Code;
use tonic_health::pb::health_check_response::ServingStatus;

use crate::support::TestServer;
use crate::support::cluster::{TestDatabase, migrate};
use crate::support::http;
use crate::support::process::{ServiceProcess, database_url, serve};
use crate::support::requests::{create, create_request, reason};
use crate::support::waiting::found;

async fn launch(database: &TestDatabase) -> TestServer {
    TestServer::launch(database.clone(), database.config().clone(), |_| {}).await
}

/// What `/api/v1/health` says of the schema, once the database has answered.
async fn complaint(address: SocketAddr) -> String {
    let health = found("an answer of the database", async || {
        let (code, health) = http::get_json(address, "/api/v1/health").await;
        assert_eq!((code, health["status"].as_str()), (503, Some("unhealthy")));
        (health["phase"] == "not_serving").then_some(health)
    })
    .await;
    assert_eq!(health["checks"]["database"]["status"], "pass");
    assert_eq!(health["checks"]["schema"]["status"], "fail");
    health["checks"]["schema"]["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_empty_database_is_not_served_until_it_is_migrated() {
    let database = TestDatabase::create_empty().await;
    let server = launch(&database).await;
    let said = complaint(server.http_addr()).await;
    assert!(said.contains("run `dashboard-store migrate up`"), "{said}");
    assert_eq!(
        http::get(server.http_addr(), "/ready").await,
        (503, r#"{"status":"not_serving"}"#.to_owned())
    );
    server.wait_until(ServingStatus::NotServing).await;
    let mut client = server.dashboards().await;
    let refused = client.create_dashboard(create_request("d")).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::Unavailable, "SCHEMA_NOT_READY")
    );

    migrate(database.config()).await;
    server.wait_until(ServingStatus::Serving).await;
    create(&mut client, "d").await;
}

#[tokio::test]
async fn an_older_schema_is_not_served() {
    let database = TestDatabase::create_empty().await;
    let first = UpOptions {
        to: Some(1),
        adopt: false,
    };
    Migrator::embedded()
        .up(&mut database.connect().await, first, &mut |_| {})
        .await
        .unwrap();
    let said = complaint(launch(&database).await.http_addr()).await;
    assert!(said.contains("is at version 1"), "{said}");
    assert!(said.contains("run `dashboard-store migrate up`"), "{said}");
}

#[tokio::test]
async fn a_newer_schema_is_served_unless_it_needs_a_newer_release() {
    let database = TestDatabase::create().await;
    let sql = database.connect().await;
    sql.batch_execute("INSERT INTO schema_version (version, description) VALUES (9000, 'later')")
        .await
        .unwrap();
    let server = launch(&database).await;
    server.wait_until(ServingStatus::Serving).await;
    create(&mut server.dashboards().await, "d").await;

    sql.batch_execute("UPDATE schema_version SET min_version = '99.0.0' WHERE version = 9000")
        .await
        .unwrap();
    server.wait_until(ServingStatus::NotServing).await;
    let said = complaint(server.http_addr()).await;
    assert!(said.contains("needs dashboard-store 99.0.0 or newer"), "{said}");
}

#[tokio::test]
async fn the_program_logs_which_command_helps_or_migrates_by_itself() {
    let database = TestDatabase::create_empty().await;
    let mut command = serve(&["--insecure-dev"]);
    command.env("DATABASE_URL", database_url(database.config()));
    let service = ServiceProcess::start(command).await;
    complaint(service.http_addr()).await;
    service.signal(Signal::SIGTERM);
    let (code, log) = service.ended().await;
    assert_eq!(code, Some(0), "{log}");
    let helpful: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("dashboard-store migrate up"))
        .collect();
    assert_eq!(helpful.len(), 1, "{log}");
    assert!(helpful[0].contains("ERROR"), "{log}");

    let mut command = serve(&["--insecure-dev", "--migrate"]);
    command.env("DATABASE_URL", database_url(database.config()));
    let service = ServiceProcess::start_serving(command).await;
    create(&mut service.dashboards().await, "d").await;
}

#[tokio::test]
async fn metadata_without_tags_violates_a_check() {
    let sql = TestDatabase::create().await.connect().await;
    let insert = "INSERT INTO dashboard (id, project, name, display_name, description, metadata, spec, spec_sha256,
            spec_size_bytes, spec_value_sha256, created_by, updated_by)
        VALUES (gen_random_uuid(), 'p', 'a', '', '', $1, '{}', sha256(''), 2, sha256(''), 'user:a', 'user:a')";
    for (metadata, is_taken) in [
        (json!({}), false),
        (json!({ "tags": [] }), false),
        (json!({ "tags": {}, "labels": {} }), false),
        (json!({ "tags": [], "labels": {} }), true),
    ] {
        let inserted = sql.execute(insert, &[&metadata]).await;
        assert_eq!(inserted.is_ok(), is_taken, "{metadata}");
    }
}
