//! What the log says of bad days.

use dashboard_store::config::KeySource;
use dashboard_store::signing::SigningKey;
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::support::cluster::TestDatabase;
use crate::support::jwks_server::JwksServer;
use crate::support::process::{ServiceProcess, database_url, serve};
use crate::support::tokens::{AUDIENCE, ISSUER, Signer, jwk_set};

/// What is logged of keys that can't be read.
const CANNOT_READ: &str = "cannot read the keys of an issuer of tokens";

/// A service that takes the tokens of an issuer whose keys are behind `url`.
async fn service_for(jwks: &JwksServer, url: &str, directory: &TempDir) -> ServiceProcess {
    let path = |name: &str| directory.path().join(name);
    SigningKey::read_or_create(&path("audit.pem")).unwrap();
    let issuer = json!({
        "url": ISSUER, "audiences": [AUDIENCE], "jwksURL": url, "certificateAuthorityFile": jwks.authority(),
    });
    std::fs::write(
        path("issuers.json"),
        json!({ "jwt": [{ "issuer": issuer }] }).to_string(),
    )
    .unwrap();
    let database = TestDatabase::create().await;
    let mut command = serve(&["--log-format=json"]);
    command
        .env("DATABASE_URL", database_url(database.config()))
        .env("AUTH_CONFIG_FILE", path("issuers.json"))
        .env("AUDIT_SIGNING_KEY_FILE", path("audit.pem"));
    ServiceProcess::start_serving(command).await
}

/// Stops a service: its log, a value for each line.
async fn log_of(service: ServiceProcess) -> Vec<Value> {
    service.signal(Signal::SIGTERM);
    let (_, log) = service.ended().await;
    log.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Where the keys are.
fn url_of(jwks: &JwksServer) -> String {
    match jwks.source() {
        KeySource::Url { url, .. } => url,
        KeySource::File(_) => panic!("it is a URL"),
    }
}

#[tokio::test]
async fn keys_that_cannot_be_fetched_are_logged_for_each_fetch_and_not_for_each_call() {
    let jwks = JwksServer::start(&jwk_set(&[])).await;
    jwks.break_down();
    let directory = TempDir::new().unwrap();
    let service = service_for(&jwks, &url_of(&jwks), &directory).await;
    let channel = service.channel().await;
    let token = Signer::es256("unknown").token_for("eve");
    for _ in 0..30 {
        assert_eq!(call_with(&channel, &token).await, Outcome::Unavailable);
    }
    let lines = log_of(service).await;
    let of_fetches = lines.iter().filter(|line| line["message"] == CANNOT_READ).count();
    assert!((1..=jwks.requests()).contains(&of_fetches), "{lines:#?}");
    let is_of_a_call = |line: &&Value| {
        line["span"]["method"]
            .as_str()
            .is_some_and(|method| method.contains("Preferences"))
    };
    let of_calls: Vec<_> = lines.iter().filter(is_of_a_call).collect();
    assert!(
        of_calls.len() == 30
            && of_calls
                .iter()
                .all(|line| line["level"] == "INFO" && line["message"] == "call refused"),
        "{of_calls:#?}"
    );
}

#[tokio::test]
async fn a_secret_in_the_address_of_keys_is_not_logged() {
    let jwks = JwksServer::start(&jwk_set(&[])).await;
    jwks.break_down();
    let url = url_of(&jwks);
    let directory = TempDir::new().unwrap();
    let service = service_for(&jwks, &format!("{url}?apikey=K3y#K3y"), &directory).await;
    let token = Signer::es256("unknown").token_for("eve");
    assert_eq!(call_with(&service.channel().await, &token).await, Outcome::Unavailable);
    assert!(jwks.last_request().contains("?apikey=K3y "), "{}", jwks.last_request());
    let lines = log_of(service).await;
    let line = lines.iter().find(|line| line["message"] == CANNOT_READ).unwrap();
    assert_eq!(line["error"], json!(format!("{url} can't be fetched")));
    assert!(
        line["cause"].as_str().unwrap().contains("500 Internal Server Error"),
        "{line}"
    );
    assert!(lines.iter().all(|line| !line.to_string().contains("K3y")), "{lines:#?}");
}
