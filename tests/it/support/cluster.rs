//! The PostgreSQL server of a test run, and a database of its own for each test.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use dashboard_store::config::ConnectConfig;
use dashboard_store::store::connect;
use dashboard_store::store::embedded::{Durability, EmbeddedOptions, EmbeddedPostgres};
use dashboard_store::store::migrate::{Migrator, UpOptions};
use secrecy::ExposeSecret as _;
use tokio::runtime::Runtime;
use tokio::sync::OnceCell;
use tokio_postgres::Client;

use super::recording;

/// The database that every test's is a copy of: migrated once.
const TEMPLATE: &str = "template_migrated";

/// The role that services log in as, as `docs/database-roles.md` makes it.
pub const SERVICE_ROLE: &str = "dashboard_store_service";

/// The rights of that role.
const GRANTS: &str = include_str!("../../../deploy/postgresql/grants.sql");

/// The data directory of the server that tests share, below the directory of the run.
const SHARED: &str = "shared";

/// Removes the directory of the run when its input ends, which it does when this process is gone, however it went. The
/// servers in it end at the same moment and have work to do then.
const REMOVE_AFTERWARDS: &str = r#"
read -r _
for _ in 0 1 2 3 4 5 6 7 8 9; do
    ls "$1"/*/cluster/postmaster.pid >/dev/null 2>&1 || break
    sleep 1
done
rm -rf "$1"
"#;

/// A test's runtime ends with the test; the server is looked after by one that ends with the process.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());
static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();
static DATABASES: AtomicU32 = AtomicU32::new(0);
static DIRECTORY: LazyLock<RunDirectory> = LazyLock::new(RunDirectory::create);

/// The server; it ends with the process.
struct Cluster {
    postgres: EmbeddedPostgres,
}

impl Cluster {
    async fn shared() -> &'static Self {
        CLUSTER
            .get_or_init(|| async { RUNTIME.spawn(Self::start()).await.unwrap() })
            .await
    }

    async fn start() -> Self {
        let postgres = EmbeddedPostgres::start(options(SHARED)).await.unwrap();
        postgres.create_database_if_missing(TEMPLATE).await.unwrap();
        let template = postgres.endpoint().connect_config(TEMPLATE);
        migrate(&template).await;
        let owner = connect::connect(&template).await.unwrap();
        let password = postgres.endpoint().password.expose_secret();
        let role = format!(
            "CREATE ROLE {SERVICE_ROLE} LOGIN PASSWORD '{password}'; REVOKE CREATE ON SCHEMA public FROM PUBLIC"
        );
        owner.client.batch_execute(&role).await.unwrap();
        owner.client.batch_execute(GRANTS).await.unwrap();
        Self { postgres }
    }
}

/// Brings a database to the schema of this release.
pub async fn migrate(config: &ConnectConfig) {
    let mut connected = connect::connect(config).await.unwrap();
    Migrator::embedded()
        .up(&mut connected.client, UpOptions::default(), &mut |_| {})
        .await
        .unwrap();
}

/// How to run a server whose data are in `name`, below the directory of this run.
pub fn options(name: &str) -> EmbeddedOptions {
    EmbeddedOptions {
        version: std::env::var("PG_VERSION").ok().map(|major| major.parse().unwrap()),
        ..EmbeddedOptions::new(directory().join(name), Durability::Ephemeral)
    }
}

/// Where the server that tests share writes its log.
pub fn log_path() -> PathBuf {
    directory().join(SHARED).join("postgresql.log")
}

/// The directory of this run, which goes with it.
pub fn directory() -> &'static Path {
    &DIRECTORY.path
}

struct RunDirectory {
    path: PathBuf,
    /// Holds the input of the shell that removes the directory, unless the canary is to search it.
    _remover: Option<Child>,
}

impl RunDirectory {
    fn create() -> Self {
        if let Some(recorded) = recording::directory() {
            let path = Self::passable(recorded.join(recording::file::RUN));
            return Self { path, _remover: None };
        }
        let directory = tempfile::Builder::new()
            .prefix("dashboard-store-it-")
            .tempdir()
            .unwrap();
        let path = Self::passable(directory.keep());
        let remover = Command::new("/bin/sh")
            .args(["-c", REMOVE_AFTERWARDS, "remove-afterwards"])
            .arg(&path)
            .stdin(Stdio::piped())
            // Ctrl-C reaches the whole group.
            .process_group(0)
            .spawn()
            .unwrap();
        Self {
            path,
            _remover: Some(remover),
        }
    }

    /// As root, PostgreSQL runs as another user, who must get through.
    fn passable(path: PathBuf) -> PathBuf {
        fs::create_dir_all(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o711)).unwrap();
        path
    }
}

/// A database of one test.
#[derive(Clone)]
pub struct TestDatabase {
    config: ConnectConfig,
}

impl TestDatabase {
    /// Creates a database with the schema of this release.
    pub async fn create() -> Self {
        Self::create_from(TEMPLATE).await
    }

    /// Creates an empty database.
    pub async fn create_empty() -> Self {
        Self::create_from("template1").await
    }

    async fn create_from(template: &str) -> Self {
        let endpoint = Cluster::shared().await.postgres.endpoint();
        let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
        let admin = connect::connect(&endpoint.connect_config("postgres")).await.unwrap();
        let statement = format!("CREATE DATABASE {name} TEMPLATE {template}");
        admin.client.batch_execute(&statement).await.unwrap();
        Self {
            config: endpoint.connect_config(&name),
        }
    }

    /// How to connect to it as its owner.
    pub fn config(&self) -> &ConnectConfig {
        &self.config
    }

    /// How a service connects to it: as a role that may do no more than it must.
    pub fn service_config(&self) -> ConnectConfig {
        ConnectConfig {
            user: SERVICE_ROLE.to_owned(),
            ..self.config.clone()
        }
    }

    /// Opens a connection for the test's own questions.
    pub async fn connect(&self) -> Client {
        connect::connect(&self.config).await.unwrap().client
    }
}
