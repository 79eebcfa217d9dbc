//! Certificates that are replaced while the service runs.

use std::fs;
use std::time::Duration;

use super::*;
use crate::support::authority::{Authority, dns};
use crate::support::http;
use crate::support::tls_server::TlsServer;

#[tokio::test]
async fn new_handshakes_use_the_new_certificate_and_calls_go_on() {
    let server = TlsServer::start().await;
    let client = server.clients.client(&[dns("billing.example.com")]);
    let connected_before = server.connect(Some(&client)).await.unwrap();
    let files = server.files();
    let replacement = server.servers.server();
    assert_ne!(server.shown_certificate().await, replacement.certificate());

    replacement.write(&files.certificate, &files.key);
    until("the new certificate", async || {
        server.shown_certificate().await == replacement.certificate()
    })
    .await;
    assert_eq!(call(&connected_before, &[]).await, Outcome::Accepted);
}

/// How often the certificates could not be read again.
async fn failed_reloads(server: &TlsServer) -> u32 {
    let (_, metrics) = http::get(server.http_addr(), "/metrics").await;
    let metric = r#"reloads_total{reload_of="tls_certificates",reload_result="failure"} "#;
    let shown = metrics.lines().find_map(|line| line.strip_prefix(metric));
    shown.unwrap().parse().unwrap()
}

#[tokio::test]
async fn broken_files_keep_the_old_certificate() {
    let server = TlsServer::start().await;
    let files = server.files();
    let certificate = fs::read(&files.certificate).unwrap();
    let shown = server.shown_certificate().await;
    let unused = tempfile::NamedTempFile::new().unwrap();
    for broken in ["half", "missing", "another key", "authorities"] {
        let failures_then = failed_reloads(&server).await;
        match broken {
            "half" => fs::write(&files.certificate, &certificate[..certificate.len() / 2]).unwrap(),
            "missing" => fs::remove_file(&files.certificate).unwrap(),
            "another key" => {
                fs::write(&files.certificate, &certificate).unwrap();
                server.servers.server().write(unused.path(), &files.key);
            }
            _ => fs::write(&files.authorities, "none").unwrap(),
        }
        until(broken, async || failed_reloads(&server).await > failures_then).await;
        // Long enough for several more looks at the files.
        for _ in 0..10 {
            tokio::time::sleep(Duration::from_millis(10)).await;
            assert_eq!(server.shown_certificate().await, shown, "{broken}");
        }
    }
}

#[tokio::test]
async fn an_authority_that_is_replaced_vouches_for_nobody_any_more() {
    let server = TlsServer::start().await;
    let old_client = server.clients.client(&[dns("billing.example.com")]);
    let successor = Authority::new("successor");
    let new_client = successor.client(&[dns("billing.example.com")]);
    let is_known = async |client| match server.connect(Some(client)).await {
        Ok(channel) => ask(&channel, "/grpc.health.v1.Health/Check").await.code() == Code::Ok,
        Err(_) => false,
    };
    assert!(is_known(&old_client).await);
    successor.write(&server.files().authorities);
    until("the new one", async || is_known(&new_client).await).await;
    assert!(!is_known(&old_client).await);
}
