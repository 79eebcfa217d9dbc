//! Maintenance by servers, beside their calls.

use nix::sys::signal::Signal;
use tonic_health::pb::health_check_response::ServingStatus;

use super::audit_partitions::drop_partition;
use super::*;
use crate::support::TestServer;
use crate::support::blocking::HeldTable;
use crate::support::cluster::migrate;
use crate::support::http;
use crate::support::network::{Traffic, launch_behind_gateway};
use crate::support::process::{ServiceProcess, database_url, serve};
use crate::support::requests::create;
use crate::support::waiting::{UNREACHED, found, in_time, until};

/// The templates that come with the service.
const INSTALLED: &str = "dashboard_template WHERE is_system";

/// A server that takes part in maintenance; it looks for work when it starts.
async fn launch(database: &TestDatabase) -> TestServer {
    let connect = database.config().clone();
    TestServer::launch(database.clone(), connect, |config| {
        config.maintenance = true;
        config.pool.query_timeout = UNREACHED;
    })
    .await
}

/// Waits for what a server does when it starts: it looks for work again when a minute is over, or nearly.
async fn at_first_look<T>(happening: impl Future<Output = T>) -> T {
    let happened = tokio::time::timeout(Duration::from_secs(50), happening).await;
    happened.expect("it happens when the server starts")
}

/// Waits until so many tasks have done their work.
async fn wait_for_finished(sql: &Client, tasks: usize) {
    let finished = "maintenance_task WHERE finished_at IS NOT NULL";
    at_first_look(until(format_args!("{tasks} tasks done"), async || {
        usize::try_from(count(sql, finished).await).unwrap() >= tasks
    }))
    .await;
}

/// Waits until the templates that come with the service are there.
async fn wait_for_templates(sql: &Client) {
    at_first_look(until("four templates", async || count(sql, INSTALLED).await >= 4)).await;
}

/// Waits until nobody else is in a transaction.
async fn wait_until_idle(sql: &Client) {
    let others = "pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'
        AND state <> 'idle' AND pid <> pg_backend_pid()";
    until("idle", async || count(sql, others).await == 0).await;
}

/// What a server says of its maintenance: each line of the metric, without its name.
async fn shown(server: &TestServer, metric: &str) -> Vec<String> {
    let (_, text) = http::get(server.http_addr(), "/metrics").await;
    let lines = text.lines().filter_map(|line| line.strip_prefix(metric));
    lines.map(str::to_owned).collect()
}

#[tokio::test]
async fn of_two_servers_one_does_each_task() {
    let database = TestDatabase::create().await;
    let sql = database.connect().await;
    let servers = [launch(&database).await, launch(&database).await];
    // What belongs to a release each server runs for itself.
    let mut once: Vec<String> = TASKS
        .iter()
        .filter(|task| !task.at_start)
        .map(|task| format!(r#"{{maintenance_result="success",maintenance_task="{}"}} 1"#, task.name))
        .collect();
    once.sort();
    wait_for_finished(&sql, TASKS.len()).await;
    let shown_runs = found("all runs shown", async || {
        let mut last_successes = 0;
        let mut runs = Vec::new();
        for server in &servers {
            runs.extend(shown(server, "maintenance_runs_total").await);
            last_successes = last_successes.max(shown(server, "maintenance_last_success_seconds{").await.len());
        }
        runs.retain(|run| !run.ends_with(" 0") && TASKS.iter().any(|task| !task.at_start && run.contains(task.name)));
        (runs.len() >= once.len() && last_successes == TASKS.len()).then_some(runs)
    });
    let mut runs = at_first_look(shown_runs).await;
    runs.sort();
    assert_eq!(runs, once);
    assert_eq!(count(&sql, INSTALLED).await, 4);
    assert_eq!(count(&sql, "audit_log").await, 4);
}

#[tokio::test]
async fn a_server_that_starts_installs_its_templates_though_another_has_done_so_just_now() {
    let database = TestDatabase::create().await;
    let sql = database.connect().await;
    let store = store(&database, 100);
    assert_eq!(run(&store, "system_templates").await.rows, 4);
    sql.execute("DELETE FROM dashboard_template WHERE name = 'training-job'", &[])
        .await
        .unwrap();
    let _server = launch(&database).await;
    wait_for_templates(&sql).await;
}

#[tokio::test]
async fn a_database_that_comes_late_gets_its_templates() {
    let (server, gateway) = launch_behind_gateway(Traffic::IsRefused, |config| config.maintenance = true).await;
    server.wait_until(ServingStatus::NotServing).await;
    gateway.set(Traffic::Passes);
    wait_for_templates(&server.sql().await).await;
}

#[tokio::test]
async fn a_schema_that_comes_late_gets_its_templates() {
    let database = TestDatabase::create_empty().await;
    let server = launch(&database).await;
    server.wait_until(ServingStatus::NotServing).await;
    migrate(database.config()).await;
    wait_for_templates(&database.connect().await).await;
}

#[tokio::test]
async fn a_server_makes_the_partition_of_the_next_month_and_serves() {
    let database = TestDatabase::create().await;
    drop_partition(&database.connect().await, 1).await;
    let server = launch(&database).await;
    server.wait_until(ServingStatus::Serving).await;
    create(&mut server.dashboards().await, "d").await;
}

#[tokio::test]
async fn a_server_that_takes_no_part_leaves_all_as_it_is() {
    let database = TestDatabase::create().await;
    let sql = database.connect().await;
    drop_partition(&sql, 1).await;
    let connect = database.config().clone();
    let server = TestServer::launch(database.clone(), connect, |config| config.maintenance = false).await;
    server.wait_until(ServingStatus::NotServing).await;
    assert_eq!(count(&sql, "maintenance_task").await, 0);
}

#[tokio::test]
async fn a_server_that_takes_no_part_shows_when_others_did_it() {
    let database = TestDatabase::create().await;
    run(&store(&database, 100), "system_templates").await;
    let connect = database.config().clone();
    let server = TestServer::launch(database, connect, |config| config.maintenance = false).await;
    let shown_successes = found("a success shown", async || {
        let lines = shown(&server, "maintenance_last_success_seconds{").await;
        (!lines.is_empty()).then_some(lines)
    });
    let successes = at_first_look(shown_successes).await;
    assert!(
        successes[0].starts_with(r#"maintenance_task="system_templates"} "#),
        "{successes:?}"
    );
    assert_eq!(successes.len(), 1);
    assert_eq!(shown(&server, "maintenance_runs_total{").await, [""; 0]);
    assert_eq!(count(&server.sql().await, "maintenance_task").await, 1);
}

#[tokio::test]
async fn a_server_that_stops_rolls_back_what_it_is_at() {
    let database = TestDatabase::create().await;
    let sql = database.connect().await;
    let starting = TestServer::launch(database.clone(), database.config().clone(), |_| {}).await;
    create(&mut starting.dashboards().await, "d").await;
    let expire = "UPDATE dashboard SET state = 'deleted', deleted_at = now(), purge_at = now()";
    sql.execute(expire, &[]).await.unwrap();
    let held = HeldTable::lock(&database).await;
    let server = launch(&database).await;
    held.wait_for_waiting(1).await;

    in_time("the end of the server", server.stop()).await;

    // Whatever still runs could go on now.
    held.release().await;
    wait_until_idle(&sql).await;
    assert_eq!(dashboards(&sql).await, ["d"]);
    assert_eq!(
        count(&sql, "maintenance_task WHERE name = 'deleted_dashboards'").await,
        0
    );
    assert_eq!(count(&sql, "audit_log WHERE method LIKE '%/PurgeDashboard'").await, 0);
}

#[tokio::test]
async fn a_role_without_the_right_is_told_what_to_do_and_does_the_rest() {
    let database = TestDatabase::create().await;
    let sql = database.connect().await;
    drop_partition(&sql, 12).await;
    let role = format!("service_of_{}", database.config().dbname);
    let grant = format!(
        "CREATE ROLE {role} LOGIN PASSWORD 'secret';
        REVOKE CREATE ON SCHEMA public FROM PUBLIC;
        GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role};
        GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {role}"
    );
    sql.batch_execute(&grant).await.unwrap();
    let mut connect = database.config().clone();
    connect.user = role;
    connect.password = Some("secret".into());
    let mut command = serve(&["--insecure-dev"]);
    command.env("DATABASE_URL", database_url(&connect));
    let service = ServiceProcess::start_serving(command).await;
    wait_for_finished(&sql, TASKS.len() - 1).await;
    service.signal(Signal::SIGTERM);
    let (code, log) = service.ended().await;

    assert_eq!(code, Some(0), "{log}");
    let told: Vec<&str> = log.lines().filter(|line| line.contains("maintenance failed")).collect();
    assert_eq!(told.len(), 1, "{log}");
    for part in [
        "audit_partitions",
        "permission denied",
        "dashboard-store maintain",
        "MAINTENANCE=false",
    ] {
        assert!(told[0].contains(part), "{part} is not in {}", told[0]);
    }
    assert_eq!(count(&sql, "maintenance_task WHERE name = 'audit_partitions'").await, 0);
}
