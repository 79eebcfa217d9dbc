//! Users that a proxy states.

use super::*;
use crate::support::authority::{Certified, dns, uri};
use crate::support::tls_server::TlsServer;
use crate::support::tokens::{ISSUER, KeyFile, Signer, issuer, jwk_set};

const ADA: (&str, &str) = ("x-remote-user", "ada");

async fn server() -> TlsServer {
    TlsServer::start_with(|config| {
        config.authentication.identity_header_peers = vec!["spiffe://a/proxy".into(), "proxy.example.com".into()];
    })
    .await
}

async fn call_as(server: &TlsServer, client: Option<&Certified>, headers: &[(&'static str, &str)]) -> Outcome {
    call(&server.connect(client).await.unwrap(), headers).await
}

#[tokio::test]
async fn a_proxy_on_the_list_states_users_and_groups() {
    let server = server().await;
    for name in [uri("spiffe://a/proxy"), dns("proxy.example.com")] {
        let proxy = server.clients.client(&[name]);
        let channel = server.connect(Some(&proxy)).await.unwrap();
        let groups = [ADA, ("x-remote-group", "makers"), ("x-remote-group", "admins")];
        for headers in [&[ADA][..], &groups, &[]] {
            assert_eq!(call(&channel, headers).await, Outcome::Accepted, "{headers:?}");
        }
        let twice = [ADA, ("x-remote-user", "bob")];
        let group_alone = [("x-remote-group", "admins")];
        for headers in [&twice[..], &group_alone, &[("x-remote-user", "")]] {
            assert!(call(&channel, headers).await.is_refused(), "{headers:?}");
        }
    }
}

#[tokio::test]
async fn nobody_else_states_a_user() {
    let server = server().await;
    let service = server
        .clients
        .client(&[uri("spiffe://a/service"), dns("xproxy.example.com")]);
    let nameless = server.clients.client(&[]);
    for client in [Some(&service), Some(&nameless), None] {
        for headers in [[ADA], [("x-remote-group", "admins")]] {
            assert!(call_as(&server, client, &headers).await.is_refused(), "{headers:?}");
        }
    }
    let of_another_authority = crate::support::authority::Authority::new("client").client(&[uri("spiffe://a/proxy")]);
    let outcome = match server.connect(Some(&of_another_authority)).await {
        Ok(channel) => ask(&channel, "/grpc.health.v1.Health/Check").await.code(),
        Err(_) => Code::Unknown,
    };
    assert_ne!(outcome, Code::Ok);
}

#[tokio::test]
async fn two_credentials_are_refused_good_as_they_are() {
    let signer = Signer::es256("a");
    let keys = KeyFile::new(&jwk_set(&[&signer]));
    let issuers = vec![issuer(ISSUER, keys.source())];
    let server = TlsServer::start_with(|config| {
        config.authentication.identity_header_peers = vec!["spiffe://a/proxy".into()];
        config.authentication.issuers = issuers;
    })
    .await;
    let proxy = server.clients.client(&[uri("spiffe://a/proxy")]);
    let channel = server.connect(Some(&proxy)).await.unwrap();
    let bearer = format!("Bearer {}", signer.token_for("ada"));
    let token = ("authorization", bearer.as_str());
    for headers in [&[ADA][..], &[token]] {
        assert_eq!(call(&channel, headers).await, Outcome::Accepted, "{headers:?}");
    }
    for headers in [
        &[ADA, token][..],
        &[token, token],
        &[token, ("x-remote-group", "admins")],
    ] {
        assert!(call(&channel, headers).await.is_refused(), "{headers:?}");
    }
}
