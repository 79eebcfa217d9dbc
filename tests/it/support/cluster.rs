//! The PostgreSQL server of a test run, and a database of its own for each test.

use std::fs;
use std::path::PathBuf;
use std::process;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use dashboard_store::config::ConnectConfig;
use dashboard_store::store::connect;
use dashboard_store::store::embedded::{Durability, EmbeddedOptions, EmbeddedPostgres};
use dashboard_store::store::migrate::{Migrator, UpOptions};
use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::Pid;
use tokio::runtime::Runtime;
use tokio::sync::OnceCell;
use tokio_postgres::Client;

/// The database that every test's is a copy of: migrated once.
const TEMPLATE: &str = "template_migrated";

/// What the directories of test runs are called, before their process id.
const PREFIX: &str = "dashboard-store-it-";

/// A test's runtime ends with the test; the server is looked after by one that ends with the process.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());
static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();
static DATABASES: AtomicU32 = AtomicU32::new(0);
static DIRECTORY: LazyLock<PathBuf> = LazyLock::new(make_directory);

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
        let postgres = EmbeddedPostgres::start(options("shared")).await.unwrap();
        postgres.create_database_if_missing(TEMPLATE).await.unwrap();
        migrate(&postgres.endpoint().connect_config(TEMPLATE)).await;
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

/// The directory of this run.
pub fn directory() -> &'static PathBuf {
    &DIRECTORY
}

/// Makes a directory for this run, and removes those of runs that have ended. As root it can be passed by the user that
/// PostgreSQL runs as.
fn make_directory() -> PathBuf {
    let parent = std::env::temp_dir();
    for entry in fs::read_dir(&parent).unwrap().flatten() {
        if is_left_over(&entry.file_name().to_string_lossy()) {
            // Of another user, or removed by another run: neither is ours.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    let directory = parent.join(format!("{PREFIX}{}", process::id()));
    fs::create_dir_all(&directory).unwrap();
    directory
}

/// Whether a name is that of a run whose process has ended.
fn is_left_over(name: &str) -> bool {
    let owner = name.strip_prefix(PREFIX).and_then(|number| number.parse().ok());
    owner.is_some_and(|number| kill(Pid::from_raw(number), None) == Err(Errno::ESRCH))
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

    /// How to connect to it.
    pub fn config(&self) -> &ConnectConfig {
        &self.config
    }

    /// Opens a connection for the test's own questions.
    pub async fn connect(&self) -> Client {
        connect::connect(&self.config).await.unwrap().client
    }
}
