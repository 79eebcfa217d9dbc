//! A service as it is released, which holds every secret there is, and who calls it.

use std::fs;
use std::path::Path;

use dashboard_store::signing::SigningKey;
use nix::sys::signal::Signal;
use serde_json::json;
use tempfile::TempDir;
use tokio::process::Command;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint};

use super::secrets::Secret;
use crate::access::matrix::requests::link_secret;
use crate::support::authority::Authority;
use crate::support::channel::Channel;
use crate::support::cluster::{SERVICE_ROLE, TestDatabase};
use crate::support::http;
use crate::support::process::{ServiceProcess, database_url, serve};
use crate::support::requests::DATASOURCE_PASSWORD;
use crate::support::tokens::{AUDIENCE, ISSUER, KeyFile, Signer, claims_of, in_seconds, jwk_set};
use crate::support::waiting::until;

const DATABASE_PASSWORD: &str = "canary-database-password";

/// A service with secrets. It logs all that there is to log, as JSON.
pub struct Scene {
    /// The database that it works on.
    pub database: TestDatabase,
    service: ServiceProcess,
    directory: TempDir,
    /// The private key that signs the tokens of callers.
    issuer_key: String,
    /// A token of somebody who may do everything.
    pub admin: String,
    /// One of somebody who may do nothing.
    pub stranger: String,
    /// The first one's, of yesterday.
    pub expired: String,
}

impl Scene {
    /// Starts the service, and waits until it serves.
    pub async fn start() -> Self {
        let directory = TempDir::new().unwrap();
        let key = rcgen::KeyPair::generate().unwrap();
        let signer = Signer::es256_with("a", &key);
        let keys = KeyFile::new(&jwk_set(&[&signer]));
        let database = TestDatabase::create().await;
        let service = ServiceProcess::start(command(&directory, &keys, &database).await).await;
        until("ready", async || {
            http::get(service.http_addr(), "/ready").await.0 == 200
        })
        .await;
        let mut yesterday = claims_of("admin");
        yesterday["exp"] = json!(in_seconds(-86_400));
        Self {
            database,
            service,
            directory,
            issuer_key: key.serialize_pem(),
            admin: signer.token_for("admin"),
            stranger: signer.token_for("stranger"),
            expired: signer.sign(&yesterday),
        }
    }

    /// All that must not be found where it does not belong.
    pub fn secrets(&self) -> Vec<Secret> {
        let read = |name: &str| fs::read_to_string(self.directory.path().join(name)).unwrap();
        let tokens = [&self.admin, &self.stranger, &self.expired];
        let mut secrets = vec![
            Secret::text("the password of the database", DATABASE_PASSWORD),
            Secret::text("the password of a datasource", DATASOURCE_PASSWORD),
            Secret::text("the token of a share link", link_secret().expose()),
            Secret::key("the key of the issuer", &self.issuer_key),
            Secret::key("the key of the audit log", &read("audit.pem")),
            Secret::key("the key of the certificate", &read("tls.key")),
        ];
        secrets.extend(tokens.into_iter().flat_map(|token| Secret::token(token)));
        secrets
    }

    /// A connection to the service, encrypted.
    pub async fn channel(&self) -> Channel {
        self.channel_of("canary").await
    }

    /// One of a client that calls itself so.
    pub async fn channel_of(&self, user_agent: &str) -> Channel {
        let authority = fs::read(self.directory.path().join("ca.crt")).unwrap();
        let tls = ClientTlsConfig::new()
            .ca_certificate(Certificate::from_pem(authority))
            .domain_name("localhost");
        let endpoint = Endpoint::from_shared(format!("https://{}", self.service.grpc_addr())).unwrap();
        endpoint
            .user_agent(user_agent)
            .unwrap()
            .tls_config(tls)
            .unwrap()
            .connect()
            .await
            .unwrap()
            .into()
    }

    /// What the sidecar says to everybody who asks, and the path it says it at.
    pub async fn sidecar(&self) -> Vec<(&'static str, String)> {
        let mut answers = Vec::new();
        for path in [
            "/live",
            "/ready",
            "/api/v1/health",
            "/metrics",
            "/metrics/health",
            "/nothing",
        ] {
            let (_, body) = http::get(self.service.http_addr(), path).await;
            answers.push((path, body));
        }
        answers
    }

    /// Waits until the audit log was sealed with its key.
    pub async fn wait_until_sealed(&self) {
        let sql = self.database.connect().await;
        until("a seal", async || {
            !sql.query("SELECT FROM audit_seal", &[]).await.unwrap().is_empty()
        })
        .await;
    }

    /// Stops the service: all that it has logged.
    pub async fn stop(self) -> String {
        self.service.signal(Signal::SIGTERM);
        let (code, log) = self.service.ended().await;
        assert_eq!(code, Some(0));
        log
    }
}

/// How the service is run: with every secret that it can have.
async fn command(directory: &TempDir, keys: &KeyFile, database: &TestDatabase) -> Command {
    let path = |name: &str| directory.path().join(name);
    let authority = Authority::new("server");
    authority.write(&path("ca.crt"));
    authority.server().write(&path("tls.crt"), &path("tls.key"));
    SigningKey::read_or_create(&path("audit.pem")).unwrap();
    write_issuers(&path("issuers.json"), keys);
    let mut command = serve(&[
        "--log-format=json",
        "--log-level=trace",
        "--bootstrap-admins=user:admin",
    ]);
    command
        .env("DATABASE_URL", log_in(database).await)
        .env("TLS_CERT_FILE", path("tls.crt"))
        .env("TLS_KEY_FILE", path("tls.key"))
        .env("AUTH_CONFIG_FILE", path("issuers.json"))
        .env("AUDIT_SIGNING_KEY_FILE", path("audit.pem"));
    command
}

fn write_issuers(path: &Path, keys: &KeyFile) {
    let issuer = json!({ "url": ISSUER, "audiences": [AUDIENCE], "jwksFile": keys.path() });
    fs::write(path, json!({ "jwt": [{ "issuer": issuer }] }).to_string()).unwrap();
}

/// Makes a role with the password and the rights of a service, and gives the URL to log in with.
async fn log_in(database: &TestDatabase) -> String {
    let mut config = database.config().clone();
    config.user = "canary".to_owned();
    config.password = Some(DATABASE_PASSWORD.into());
    let role = format!(
        "CREATE ROLE {} LOGIN PASSWORD '{DATABASE_PASSWORD}' IN ROLE {SERVICE_ROLE}",
        config.user
    );
    database.connect().await.batch_execute(&role).await.unwrap();
    database_url(&config)
}
