//! A service that takes its callers, and in which nobody can grant a role, says so when it starts.

use dashboard_store::signing::SigningKey;
use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::support::authority::Authority;
use crate::support::cluster::TestDatabase;
use crate::support::process::{ServiceProcess, database_url, serve};

/// What it says then.
const NOBODY: &str = "nobody is platform-admin";

/// What it says otherwise, to whoever looks for it.
const SOMEBODY: &str = "somebody is platform-admin";

/// Starts a service on `database` for callers with client certificates.
async fn start(database: &TestDatabase, directory: &TempDir) -> ServiceProcess {
    let path = |name: &str| directory.path().join(name);
    Authority::new("server")
        .server()
        .write(&path("tls.crt"), &path("tls.key"));
    Authority::new("client").write(&path("clients.crt"));
    SigningKey::read_or_create(&path("audit.pem")).unwrap();
    let mut command = serve(&["--log-level=info,dashboard_store::command=debug"]);
    command
        .env("DATABASE_URL", database_url(database.config()))
        .env("TLS_CERT_FILE", path("tls.crt"))
        .env("TLS_KEY_FILE", path("tls.key"))
        .env("TLS_CLIENT_CA_FILE", path("clients.crt"))
        .env("AUDIT_SIGNING_KEY_FILE", path("audit.pem"));
    ServiceProcess::start(command).await
}

/// What it has logged, to its end.
async fn log(service: ServiceProcess) -> String {
    service.signal(Signal::SIGTERM);
    let (code, log) = service.ended().await;
    assert_eq!(code, Some(0), "{log}");
    log
}

#[tokio::test]
async fn where_nobody_can_grant_a_role_the_log_says_what_to_set() {
    let (database, directory) = (TestDatabase::create().await, TempDir::new().unwrap());
    let service = start(&database, &directory).await;
    service.wait_until_logged(NOBODY).await;
    let log = log(service).await;
    let told: Vec<&str> = log.lines().filter(|line| line.contains(NOBODY)).collect();
    assert_eq!(told.len(), 1, "{log}");
    for part in ["WARN", "BOOTSTRAP_ADMINS", "platform-admin"] {
        assert!(told[0].contains(part), "{part} is not in {}", told[0]);
    }
}

#[tokio::test]
async fn where_somebody_was_granted_platform_admin_the_log_says_nothing_of_it() {
    let (database, directory) = (TestDatabase::create().await, TempDir::new().unwrap());
    let grant = "INSERT INTO access_grant (id, subject, role, created_by) VALUES (gen_random_uuid(), 'user:ada', 'platform-admin', 'user:ada')";
    database.connect().await.batch_execute(grant).await.unwrap();
    let service = start(&database, &directory).await;
    service.wait_until_logged(SOMEBODY).await;
    let log = log(service).await;
    assert!(!log.contains(NOBODY), "{log}");
}

#[tokio::test]
async fn a_grant_of_less_or_on_less_is_not_enough() {
    let (database, directory) = (TestDatabase::create().await, TempDir::new().unwrap());
    let grants = "INSERT INTO access_grant (id, subject, role, project, created_by) VALUES
        (gen_random_uuid(), 'user:ada', 'auditor', NULL, 'user:ada'), (gen_random_uuid(), 'user:ada', 'admin', 'p', 'user:ada')";
    database.connect().await.batch_execute(grants).await.unwrap();
    let service = start(&database, &directory).await;
    service.wait_until_logged(NOBODY).await;
    log(service).await;
}
