//! Certificates that are replaced while the service runs.

use std::fs;

use super::*;
use crate::support::authority::{Authority, dns};
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
    let shows_it = async || match server.shown_certificate().await == replacement.certificate() {
        true => Outcome::Accepted,
        false => Outcome::Unavailable,
    };
    until(&Outcome::Accepted, shows_it).await;
    assert_eq!(call(&connected_before, &[]).await, Outcome::Accepted);
}

#[tokio::test]
async fn broken_files_keep_the_old_certificate() {
    let server = TlsServer::start().await;
    let files = server.files();
    let certificate = fs::read(&files.certificate).unwrap();
    let shown = server.shown_certificate().await;
    let unused = tempfile::NamedTempFile::new().unwrap();
    for broken in ["half", "missing", "another key", "authorities"] {
        match broken {
            "half" => fs::write(&files.certificate, &certificate[..certificate.len() / 2]).unwrap(),
            "missing" => fs::remove_file(&files.certificate).unwrap(),
            "another key" => {
                fs::write(&files.certificate, &certificate).unwrap();
                server.servers.server().write(unused.path(), &files.key);
            }
            _ => fs::write(&files.authorities, "none").unwrap(),
        }
        // Long enough for several looks at the files.
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
    let handshake_of = async |client| match server.connect(Some(client)).await {
        Ok(channel) => match ask(&channel, "/grpc.health.v1.Health/Check").await.code() {
            Code::Ok => Outcome::Accepted,
            _ => Outcome::Unavailable,
        },
        Err(_) => Outcome::Unavailable,
    };
    assert_eq!(handshake_of(&old_client).await, Outcome::Accepted);
    successor.write(&server.files().authorities);
    until(&Outcome::Accepted, async || handshake_of(&new_client).await).await;
    assert_eq!(handshake_of(&old_client).await, Outcome::Unavailable);
}
