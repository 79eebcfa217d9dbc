//! The PostgreSQL server of a test run, and a database of its own for each test.

use std::path::PathBuf;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use dashboard_store::config::{ConnectConfig, DEFAULT_CONNECT_TIMEOUT, DatabaseHost, SslConfig};
use dashboard_store::store::connect;
use dashboard_store::store::embedded::{Durability, EmbeddedOptions, EmbeddedPostgres};
use dashboard_store::store::migrate::{Migrator, UpOptions};
use tokio::runtime::Runtime;
use tokio::sync::OnceCell;
use tokio_postgres::Client;

/// The database that every test's is a copy of: migrated once.
const TEMPLATE: &str = "template_migrated";

/// A test's runtime ends with the test; the server is looked after by one that ends with the process.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());
static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

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
        let options = EmbeddedOptions {
            version: std::env::var("PG_VERSION").ok().map(|major| major.parse().unwrap()),
            ..EmbeddedOptions::new(data_dir(), Durability::Ephemeral)
        };
        let cluster = Self {
            postgres: EmbeddedPostgres::start(options).await.unwrap(),
        };
        cluster.postgres.create_database_if_missing(TEMPLATE).await.unwrap();
        let mut template = connect::connect(&cluster.connect_config(TEMPLATE)).await.unwrap();
        Migrator::embedded()
            .up(&mut template.client, UpOptions::default(), &mut |_| {})
            .await
            .unwrap();
        cluster
    }

    fn connect_config(&self, database: &str) -> ConnectConfig {
        let endpoint = self.postgres.endpoint();
        ConnectConfig {
            hosts: vec![DatabaseHost {
                host: endpoint.socket_dir.display().to_string(),
                port: endpoint.port,
            }],
            dbname: database.to_owned(),
            user: endpoint.user.clone(),
            password: Some(endpoint.password.clone()),
            ssl: SslConfig::default(),
            connect_timeout: DEFAULT_CONNECT_TIMEOUT,
        }
    }
}

/// A directory for this process, where the directories of runs that have ended are removed.
fn data_dir() -> PathBuf {
    const PREFIX: &str = "dashboard-store-it-";
    let parent = std::env::temp_dir();
    for entry in std::fs::read_dir(&parent).unwrap().flatten() {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
        if owner.is_some_and(|process| !PathBuf::from(format!("/proc/{process}")).exists()) {
            // Of another user, or removed by another run: neither is ours.
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
    parent.join(format!("{PREFIX}{}", std::process::id()))
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
        let cluster = Cluster::shared().await;
        let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
        let admin = connect::connect(&cluster.connect_config("postgres")).await.unwrap();
        let statement = format!("CREATE DATABASE {name} TEMPLATE {template}");
        admin.client.batch_execute(&statement).await.unwrap();
        Self {
            config: cluster.connect_config(&name),
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
