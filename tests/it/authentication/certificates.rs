//! Client certificates: a caller may be known by its own, and one that is not good ends the handshake.

use dashboard_store::config::ClientAuth;

use super::*;
use crate::support::authority::{Authority, dns, uri};
use crate::support::tls_server::TlsServer;
use crate::support::tokens::{ISSUER, KeyFile, Signer, issuer, jwk_set};

#[tokio::test]
async fn a_name_in_the_certificate_is_a_credential() {
    let server = TlsServer::start().await;
    for name in [uri("spiffe://cluster.local/ns/a/sa/b"), dns("billing.example.com")] {
        let client = server.clients.client(&[name]);
        let channel = server.connect(Some(&client)).await.unwrap();
        assert_eq!(call(&channel, &[]).await, Outcome::Accepted);
    }
}

#[tokio::test]
async fn a_certificate_without_a_name_is_none() {
    let server = TlsServer::start().await;
    for names in [
        vec![],
        vec![dns("*.example.com")],
        vec![uri("spiffe://a/b"), uri("spiffe://a/c")],
    ] {
        let nameless = server.clients.client(&names);
        let channel = server.connect(Some(&nameless)).await.unwrap();
        let outcome = call(&channel, &[]).await;
        let Outcome::Refused(text) = outcome else {
            panic!("{outcome:?}");
        };
        assert!(text.contains("does not say who calls"), "{text}");
    }
}

#[tokio::test]
async fn certificates_that_prove_nothing_end_the_handshake() {
    let server = TlsServer::start().await;
    let names = [dns("billing.example.com")];
    for (case, client) in [
        ("of another authority", Authority::new("client").client(&names)),
        ("expired", server.clients.expired_client(&names)),
        ("for servers", server.clients.server()),
    ] {
        // With TLS 1.3 a client learns of it with its first answer.
        let outcome = match server.connect(Some(&client)).await {
            Ok(channel) => ask(&channel, "/grpc.health.v1.Health/Check").await.code(),
            Err(_) => Code::Unknown,
        };
        assert_ne!(outcome, Code::Ok, "{case}");
    }
}

#[tokio::test]
async fn without_a_certificate_a_token_is_needed() {
    let signer = Signer::es256("a");
    let keys = KeyFile::new(&jwk_set(&[&signer]));
    let issuers = vec![issuer(ISSUER, keys.source())];
    let server = TlsServer::start_with(|config| config.authentication.issuers = issuers).await;
    let anonymous = server.connect(None).await.unwrap();
    assert!(call(&anonymous, &[]).await.is_refused());
    assert_eq!(call_with(&anonymous, &signer.token_for("ada")).await, Outcome::Accepted);

    // Beside a certificate, which may be that of a mesh alone, the token says who calls: a bad one is not passed over.
    let certified = server.clients.client(&[uri("spiffe://a/b")]);
    let channel = server.connect(Some(&certified)).await.unwrap();
    assert_eq!(call_with(&channel, &signer.token_for("ada")).await, Outcome::Accepted);
    assert!(
        call_with(&channel, &Signer::es256("a").token_for("ada"))
            .await
            .is_refused()
    );
}

#[tokio::test]
async fn where_certificates_are_required_nobody_connects_without() {
    let server = TlsServer::start_with(|config| {
        let tls = config.listeners.tls.as_mut().unwrap();
        if let ClientAuth::Optional(authorities) = tls.client_auth.clone() {
            tls.client_auth = ClientAuth::Required(authorities);
        }
    })
    .await;
    let outcome = match server.connect(None).await {
        Ok(channel) => ask(&channel, "/grpc.health.v1.Health/Check").await.code(),
        Err(_) => Code::Unknown,
    };
    assert_ne!(outcome, Code::Ok);
    let client = server.clients.client(&[dns("billing.example.com")]);
    let channel = server.connect(Some(&client)).await.unwrap();
    assert_eq!(ask(&channel, "/grpc.health.v1.Health/Check").await.code(), Code::Ok);
}
