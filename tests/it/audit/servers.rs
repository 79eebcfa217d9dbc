//! Servers that seal what they write.

use std::os::unix::fs::PermissionsExt as _;

use nix::sys::signal::Signal;

use super::*;
use crate::support::TestServer;
use crate::support::http;
use crate::support::process::{self, ServiceProcess, serve_embedded};
use crate::support::requests::create;

/// Waits until every event is sealed.
async fn wait_until_sealed(sql: &Client, events: i64) {
    let sealed = "audit_seal CROSS JOIN generate_series(1, event_count)";
    until(format_args!("{events} events sealed"), async || {
        count(sql, sealed).await >= events
    })
    .await;
}

#[tokio::test]
async fn two_servers_seal_in_turn_while_both_write() {
    let database = TestDatabase::create().await;
    let sealed = Sealed::new(&database.service_config());
    let launch = || {
        let (database, key) = (database.clone(), Arc::clone(&sealed.key));
        async move {
            let connect = database.service_config();
            TestServer::launch(database, connect, |config| config.audit.key = Some(key)).await
        }
    };
    let servers = [launch().await, launch().await];
    let writers = servers.iter().enumerate().map(|(number, server)| async move {
        let mut client = server.dashboards().await;
        for id in 0..10 {
            create(&mut client, &format!("d-{number}-{id}")).await;
        }
    });
    futures_util::future::join_all(writers).await;
    let sql = database.connect().await;
    wait_until_sealed(&sql, 20).await;

    let report = sealed.verify().await;

    assert_eq!((report.events, report.unsealed, report.finding), (20, 0, None));
    until("all shown", async || {
        let mut events = 0;
        for server in &servers {
            let (_, text) = http::get(server.http_addr(), "/metrics").await;
            let shown = text
                .lines()
                .find_map(|line| line.strip_prefix("audit_sealed_events_total "));
            events += shown.map_or(0, |count| count.parse::<i32>().unwrap());
        }
        let (_, health) = http::get_json(servers[0].http_addr(), "/api/v1/health").await;
        events == 20 && health["checks"]["audit"]["status"] == "pass"
    })
    .await;
}

#[tokio::test]
async fn the_embedded_database_has_a_key_of_its_own_and_the_log_has_the_heads() {
    let data_dir = process::data_dir("audit-key");
    let service = ServiceProcess::start_serving(serve_embedded(&data_dir)).await;
    create(&mut service.dashboards().await, "d").await;
    let path = data_dir.join("audit-signing-key.pem");
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // The event of the dashboard, and those of four system templates.
    until("five events sealed", async || {
        let (_, text) = http::get(service.http_addr(), "/metrics").await;
        text.lines().any(|line| line == "audit_sealed_events_total 5")
    })
    .await;
    service.signal(Signal::SIGTERM);
    let (code, log) = service.ended().await;
    assert_eq!(code, Some(0), "{log}");
    let heads = log
        .lines()
        .filter(|line| line.contains("audit log sealed number=1 epoch=1 root="));
    assert_eq!(heads.count(), 1, "{log}");
}
