//! The keys of issuers: fetched, replaced, unknown, and out of reach.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use dashboard_store::config::KeySource;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;

use super::*;
use crate::support::authority::Authority;
use crate::support::jwks_server::JwksServer;
use crate::support::tokens::{ISSUER, KeyFile, Signer, claims_of, issuer, jwk_set};

/// A limit that no test waits for.
const HOUR: Duration = Duration::from_secs(3600);

/// Waits until the keys were asked for so often.
async fn wait_for_requests(jwks: &JwksServer, expected: usize) {
    until("so many requests", async || jwks.requests() == expected).await;
}

#[tokio::test]
async fn keys_behind_a_url_are_fetched_as_those_of_a_cluster_are() {
    let signer = Signer::rsa("a", jsonwebtoken::Algorithm::RS256);
    let jwks = JwksServer::start(&jwk_set(&[&signer])).await;
    let server = server_for(vec![issuer(ISSUER, jwks.source())]).await;
    let channel = server.channel().await;
    call_until(&channel, &signer.token_for("ada"), &Outcome::Accepted).await;
    let request = jwks.last_request();
    assert!(request.starts_with("GET /openid/v1/jwks HTTP/1.1\r\n"), "{request}");
    let shows_its_token = request
        .to_ascii_lowercase()
        .contains("\r\nauthorization: bearer token-of-the-pod\r\n");
    assert!(shows_its_token, "{request}");
}

#[tokio::test]
async fn a_flood_of_unknown_keys_costs_one_fetch() {
    let signer = Signer::es256("a");
    let jwks = JwksServer::start(&jwk_set(&[&signer])).await;
    let mut config = issuer(ISSUER, jwks.source());
    (config.keys.refresh_interval, config.keys.unknown_key_interval) = (HOUR, HOUR);
    let server = server_for(vec![config]).await;
    let channel = server.channel().await;
    let unpublished = |id: usize| Signer::es256(&format!("unknown-{id}")).token_for("ada");
    wait_for_requests(&jwks, 1).await;

    let flood = (0..100).map(|id| {
        let (channel, token) = (channel.clone(), unpublished(id));
        tokio::spawn(async move { call_with(&channel, &token).await })
    });
    for outcome in futures_util::future::join_all(flood).await {
        // Some find no place to wait for the fetch.
        let outcome = outcome.unwrap();
        assert!(outcome.is_refused() || outcome == Outcome::Unavailable, "{outcome:?}");
    }
    for id in 100..110 {
        assert!(call_with(&channel, &unpublished(id)).await.is_refused());
    }
    assert_eq!(jwks.requests(), 2);
    assert_eq!(call_with(&channel, &signer.token_for("ada")).await, Outcome::Accepted);
}

#[tokio::test]
async fn who_waits_for_keys_that_do_not_come_keeps_nobody_from_being_served() {
    let signer = Signer::es256("a");
    let jwks = JwksServer::start(&jwk_set(&[&signer])).await;
    let mut config = issuer(ISSUER, jwks.source());
    config.keys.refresh_interval = HOUR;
    let server = TestServer::start_with(|serve| {
        serve.authentication = authentication();
        serve.authentication.issuers = vec![config];
        serve.requests.max_in_flight = 20;
    })
    .await;
    let channel = server.channel().await;
    let token = signer.token_for("ada");
    call_until(&channel, &token, &Outcome::Accepted).await;
    let requests_then = jwks.requests();
    jwks.hang();

    // Anybody can send these: nothing has to be signed.
    let unpublished = Signer::es256("unknown").token_for("eve");
    let call_unpublished = || {
        let (channel, token) = (channel.clone(), unpublished.clone());
        tokio::spawn(async move { call_with(&channel, &token).await })
    };
    let first = call_unpublished();
    wait_for_requests(&jwks, requests_then + 1).await;
    let mut flood: FuturesUnordered<_> = (0..60).map(|_| call_unpublished()).collect();
    for _ in 0..40 {
        // There is no place for these to wait in.
        assert_eq!(flood.next().await.unwrap().unwrap(), Outcome::Unavailable);
    }
    for known in [token, signer.token_for("bob")] {
        assert_eq!(call_with(&channel, &known).await, Outcome::Accepted);
    }
    assert_eq!(first.await.unwrap(), Outcome::Unavailable);
    for outcome in flood.collect::<Vec<_>>().await {
        assert_eq!(outcome.unwrap(), Outcome::Unavailable);
    }
}

#[tokio::test]
async fn keys_are_replaced_while_calls_go_on() {
    let (first, second) = (Signer::es256("first"), Signer::es256("second"));
    let other = Signer::es256("other");
    let other_keys = KeyFile::new(&jwk_set(&[&other]));
    let jwks = JwksServer::start(&jwk_set(&[&first])).await;
    let issuers = vec![
        issuer(ISSUER, other_keys.source()),
        issuer("https://rotating.example", jwks.source()),
    ];
    let server = server_for(issuers).await;
    let channel = server.channel().await;
    let rotating = |signer: &Signer| {
        let mut claims = claims_of("ada");
        claims["iss"] = "https://rotating.example".into();
        signer.sign(&claims)
    };
    let old_token = rotating(&first);
    call_until(&channel, &old_token, &Outcome::Accepted).await;

    let (stop, calls) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let callers: Vec<_> = [other.token_for("ada"), old_token.clone()]
        .into_iter()
        .map(|token| {
            let (channel, stop, calls) = (channel.clone(), Arc::clone(&stop), Arc::clone(&calls));
            tokio::spawn(async move {
                while !stop.load(Ordering::SeqCst) {
                    assert_eq!(call_with(&channel, &token).await, Outcome::Accepted);
                    calls.fetch_add(1, Ordering::SeqCst);
                }
            })
        })
        .collect();
    // An issuer publishes the next key beside the last one: the first token with it finds it.
    jwks.publish(&jwk_set(&[&first, &second]));
    let new_token = rotating(&second);
    assert_eq!(call_with(&channel, &new_token).await, Outcome::Accepted);
    let calls_then = calls.load(Ordering::SeqCst);
    until("ten more calls", async || {
        calls.load(Ordering::SeqCst) > calls_then + 10
    })
    .await;
    stop.store(true, Ordering::SeqCst);
    for caller in callers {
        caller.await.unwrap();
    }
    // What is no longer published is no longer taken, remembered or not.
    jwks.publish(&jwk_set(&[&second]));
    let text = "the token is signed with a key that its issuer does not publish";
    call_until(&channel, &old_token, &Outcome::Refused(text.into())).await;
    assert_eq!(call_with(&channel, &new_token).await, Outcome::Accepted);
}

#[tokio::test]
async fn keys_that_cannot_be_read_again_are_used_for_a_while_and_no_longer() {
    let signer = Signer::es256("a");
    let jwks = JwksServer::start(&jwk_set(&[&signer])).await;
    let mut config = issuer(ISSUER, jwks.source());
    // Long enough for two requests that fail, and a call.
    config.keys.max_age = Duration::from_secs(5);
    let server = server_for(vec![config]).await;
    let channel = server.channel().await;
    let token = signer.token_for("ada");
    call_until(&channel, &token, &Outcome::Accepted).await;

    jwks.break_down();
    let requests_then = jwks.requests();
    until("two more requests", async || jwks.requests() > requests_then + 1).await;
    assert_eq!(call_with(&channel, &token).await, Outcome::Accepted);
    // One that the issuer may have published since: nobody can tell.
    let new_token = Signer::es256("b").token_for("ada");
    assert_eq!(call_with(&channel, &new_token).await, Outcome::Unavailable);
    call_until(&channel, &token, &Outcome::Unavailable).await;

    jwks.publish(&jwk_set(&[&signer]));
    call_until(&channel, &token, &Outcome::Accepted).await;
}

#[tokio::test]
async fn keys_are_taken_from_nobody_else() {
    let signer = Signer::es256("a");
    let jwks = JwksServer::start(&jwk_set(&[&signer])).await;
    let directory = tempfile::TempDir::new().unwrap();
    let other_authority = Authority::new("other").write(&directory.path().join("other.crt"));
    let impostor = server_for(vec![issuer(ISSUER, jwks.source_trusting(&other_authority))]).await;
    let channel = impostor.channel().await;
    assert_eq!(
        call_with(&channel, &signer.token_for("ada")).await,
        Outcome::Unavailable
    );
    assert_eq!(jwks.requests(), 0);

    // Where a redirect leads is not where the configuration says that the keys are.
    let KeySource::Url { url, .. } = jwks.source() else {
        panic!("it is a URL");
    };
    jwks.respond(&format!(
        "HTTP/1.1 302 Found\r\nLocation: {url}/elsewhere\r\nContent-Length: 0\r\n\r\n"
    ));
    let redirected = server_for(vec![issuer(ISSUER, jwks.source())]).await;
    let channel = redirected.channel().await;
    assert_eq!(
        call_with(&channel, &signer.token_for("ada")).await,
        Outcome::Unavailable
    );
    assert!(jwks.requests() > 0 && !jwks.last_request().contains("elsewhere"));

    // Nor is what such an answer brings along.
    let keys = jwk_set(&[&signer]);
    for status in ["302 Found", "206 Partial Content"] {
        jwks.respond(&format!(
            "HTTP/1.1 {status}\r\nLocation: {url}/elsewhere\r\nContent-Length: {}\r\n\r\n{keys}",
            keys.len()
        ));
        let channel = server_for(vec![issuer(ISSUER, jwks.source())]).await.channel().await;
        let outcome = call_with(&channel, &signer.token_for("ada")).await;
        assert_eq!(outcome, Outcome::Unavailable, "{status}");
    }
}

#[tokio::test]
async fn a_file_with_keys_is_read_again_when_it_changes() {
    let (first, second) = (Signer::es256("first"), Signer::es256("second"));
    let keys = KeyFile::new(&jwk_set(&[&first]));
    let server = server_for(vec![issuer(ISSUER, keys.source())]).await;
    let channel = server.channel().await;
    let tokens = [&first, &second].map(|signer| signer.token_for("ada"));
    assert_eq!(call_with(&channel, &tokens[0]).await, Outcome::Accepted);
    assert!(call_with(&channel, &tokens[1]).await.is_refused());

    keys.publish(&jwk_set(&[&second]));
    assert_eq!(call_with(&channel, &tokens[1]).await, Outcome::Accepted);
    let text = "the token is signed with a key that its issuer does not publish";
    call_until(&channel, &tokens[0], &Outcome::Refused(text.into())).await;

    for broken in [
        "",
        "{",
        "{}",
        r#"{"keys":{}}"#,
        r#"{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}"#,
    ] {
        keys.publish(broken);
        let unknown = Signer::es256("third").token_for("ada");
        assert_eq!(call_with(&channel, &unknown).await, Outcome::Unavailable, "{broken}");
        assert_eq!(call_with(&channel, &tokens[1]).await, Outcome::Accepted, "{broken}");
    }
}

#[tokio::test]
async fn an_issuer_that_publishes_no_keys_has_withdrawn_them() {
    let signer = Signer::es256("a");
    let token = signer.token_for("ada");
    let text = "the token is signed with a key that its issuer does not publish";
    let refused = Outcome::Refused(text.into());
    let file = KeyFile::new(r#"{"keys":[]}"#);
    let server = server_for(vec![issuer(ISSUER, file.source())]).await;
    let channel = server.channel().await;
    assert_eq!(call_with(&channel, &token).await, refused);
    file.publish(&jwk_set(&[&signer]));
    assert_eq!(call_with(&channel, &token).await, Outcome::Accepted);
    file.publish(r#"{"keys":[]}"#);
    call_until(&channel, &token, &refused).await;

    let jwks = JwksServer::start(&jwk_set(&[&signer])).await;
    let server = server_for(vec![issuer(ISSUER, jwks.source())]).await;
    let channel = server.channel().await;
    call_until(&channel, &token, &Outcome::Accepted).await;
    jwks.publish(r#"{"keys":[]}"#);
    call_until(&channel, &token, &refused).await;
}
