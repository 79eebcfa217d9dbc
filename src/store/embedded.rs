//! A real PostgreSQL server owned by this process: for `serve` without a configured database, and for the tests.
//!
//! The data directory has one server at a time; it listens on a Unix socket in a private directory and, unless it is told
//! otherwise, nowhere else, so there is no port to clash and nothing on the network. It stops with us, also when we are killed. People get in with
//! `psql -h <data_dir>/socket -U dashboard_store perses_dashboard` and the password beside it.
//!
//! What belongs here: programs, cluster, process. What does not: schema, pool, settings of the service.

mod account;
mod cluster;
mod data_directory;
mod download;
mod error;
mod installation;
mod locations;
mod supervisor;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};
use tokio_postgres::NoTls;
use tokio_postgres::error::SqlState;

pub use error::EmbeddedError;
pub use installation::Wanted;
pub use locations::{default_cache_dir, default_data_dir};

use crate::config::{ConnectConfig, DEFAULT_CONNECT_TIMEOUT, DatabaseHost, SslConfig};
use account::Account;
use cluster::Cluster;
use data_directory::{DataDirectory, ServerLog, SocketDir};
use download::Downloads;
use installation::Installation;
use supervisor::{ServerCommand, SupervisedServer};

/// The superuser of the cluster, and the only user.
const SUPERUSER: &str = "dashboard_store";

/// Twice the default pool, and room for people and migrations.
const MAX_CONNECTIONS: u16 = 120;

/// How to run the embedded PostgreSQL.
#[derive(Debug, Clone)]
pub struct EmbeddedOptions {
    /// Where the data is kept; made if missing.
    pub data_dir: PathBuf,
    /// Where downloaded programs are kept; made if missing.
    pub cache_dir: PathBuf,
    /// The major version; none takes the cluster's own, or for a new one any from 14 on.
    pub version: Option<u16>,
    /// What a crash may cost.
    pub durability: Durability,
    /// Where the programs come from.
    pub programs: Programs,
    /// A port of 127.0.0.1 to listen on as well; none for the Unix socket alone.
    pub tcp_port: Option<u16>,
    /// Whether a download shows a progress bar, if stderr is a terminal; otherwise it is only logged.
    pub progress: bool,
}

impl EmbeddedOptions {
    /// Takes any version, installed or downloaded, listens on its Unix socket alone, and shows progress.
    pub fn new(data_dir: impl Into<PathBuf>, durability: Durability) -> Self {
        Self {
            data_dir: data_dir.into(),
            cache_dir: default_cache_dir(),
            version: None,
            durability,
            programs: Programs::InstalledOrDownloaded,
            tcp_port: None,
            progress: true,
        }
    }
}

/// What a crash may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Nothing that was acknowledged, also when the power fails.
    Durable,
    /// A crash of the server the last moments, one of the machine everything. For tests: it never waits for the disk.
    Ephemeral,
}

/// Where PostgreSQL's programs come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Programs {
    /// From this machine if they will do, otherwise from the cache or the network.
    InstalledOrDownloaded,
    /// From the cache or the network only.
    Downloaded,
}

/// Where the embedded server listens, and as whom to connect.
#[derive(Debug, Clone)]
pub struct EmbeddedEndpoint {
    /// The directory of its Unix socket; goes where a host name would.
    pub socket_dir: PathBuf,
    /// The port: a part of the socket's name, and that of 127.0.0.1 if the server listens there.
    pub port: u16,
    /// The superuser of the cluster.
    pub user: String,
    /// The superuser's password.
    pub password: SecretString,
}

impl EmbeddedEndpoint {
    /// The port where none was asked for.
    const DEFAULT_PORT: u16 = 5432;

    /// How tokio-postgres connects to `database`.
    pub fn config(&self, database: &str) -> tokio_postgres::Config {
        let mut config = tokio_postgres::Config::new();
        config
            .host_path(&self.socket_dir)
            .port(self.port)
            .user(&self.user)
            .password(self.password.expose_secret())
            .dbname(database);
        config
    }

    /// How the service connects to `database`.
    pub fn connect_config(&self, database: &str) -> ConnectConfig {
        ConnectConfig {
            hosts: vec![DatabaseHost {
                host: self.socket_dir.display().to_string(),
                port: self.port,
            }],
            dbname: database.to_owned(),
            user: self.user.clone(),
            password: Some(self.password.clone()),
            ssl: SslConfig::default(),
            connect_timeout: DEFAULT_CONNECT_TIMEOUT,
        }
    }
}

/// A running PostgreSQL server. Dropping it stops the server too, but does not wait.
#[derive(Debug)]
pub struct EmbeddedPostgres {
    // Fields are dropped in this order: the lock of the directory goes last.
    server: SupervisedServer,
    endpoint: EmbeddedEndpoint,
    version: String,
    _socket_dir: SocketDir,
    log: ServerLog,
    cluster: Cluster,
    directory: DataDirectory,
}

impl EmbeddedPostgres {
    /// Starts the server of a data directory, made first if need be, and waits until it accepts connections. After a
    /// crash that includes the recovery.
    ///
    /// # Errors
    /// One line that says what to do, for whoever starts the service.
    pub async fn start(options: EmbeddedOptions) -> Result<Self, EmbeddedError> {
        let account = Account::choose()?;
        let directory = DataDirectory::open(&options.data_dir, &account).await?;
        let cluster = Cluster::of(&directory);
        cluster.stop_leftover().await?;
        let wanted = cluster.wanted(options.version, &account)?;
        let installation = find_installation(&options, wanted, &account).await?;
        let password = match directory.read_password()? {
            Some(password) => password,
            None if cluster.exists() => {
                let path = directory.password_path();
                return Err(EmbeddedError::PasswordMissing { path });
            }
            None => directory.create_password()?,
        };
        if !cluster.exists() {
            cluster
                .initialise(&installation, &account, &password, options.durability)
                .await?;
        }
        let socket_dir = directory.create_socket_dir(&account)?;
        let log = directory.open_log()?;
        let endpoint = EmbeddedEndpoint {
            socket_dir: socket_dir.path().to_owned(),
            port: options.tcp_port.unwrap_or(EmbeddedEndpoint::DEFAULT_PORT),
            user: SUPERUSER.to_owned(),
            password,
        };
        let command = ServerCommand {
            installation: &installation,
            account: &account,
            cluster: &cluster,
            socket_dir: &socket_dir,
            tcp_port: options.tcp_port,
            durability: options.durability,
        };
        let server = SupervisedServer::start(&command, &endpoint, &log).await?;
        let version = installation.version().to_owned();
        tracing::info!(version, data_dir = %directory.path().display(), "embedded postgresql accepts connections");
        Ok(Self {
            server,
            endpoint,
            version,
            _socket_dir: socket_dir,
            log,
            cluster,
            directory,
        })
    }

    /// Where it listens, and as whom to connect.
    pub fn endpoint(&self) -> &EmbeddedEndpoint {
        &self.endpoint
    }

    /// Its version, as in `17.5`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Its data directory, absolute and without links.
    pub fn data_dir(&self) -> &Path {
        self.directory.path()
    }

    /// Creates the database `name` unless it exists.
    ///
    /// # Errors
    /// [`EmbeddedError::Database`] when the server refuses.
    pub async fn create_database_if_missing(&self, name: &str) -> Result<(), EmbeddedError> {
        let (client, connection) = self.endpoint.config("postgres").connect(NoTls).await?;
        // Ends when `client` is dropped; its errors come out of `client` too.
        tokio::spawn(connection);
        let identifier = name.replace('"', r#""""#);
        let statement = format!("-- create_database_if_missing\nCREATE DATABASE \"{identifier}\"");
        match client.batch_execute(&statement).await {
            Err(error) if error.code() == Some(&SqlState::DUPLICATE_DATABASE) => Ok(()),
            outcome => Ok(outcome?),
        }
    }

    /// Waits until the server ends by itself, and says why as far as its log does. The server is not started again:
    /// whoever waits decides.
    pub async fn ended(&mut self) -> EmbeddedError {
        self.server.ended(&self.log).await
    }

    /// Stops the server: running statements are cancelled, everything acknowledged is on the disk.
    ///
    /// # Errors
    /// [`EmbeddedError::WillNotStop`] after more than a minute.
    pub async fn stop(self) -> Result<(), EmbeddedError> {
        self.server.stop(&self.cluster).await?;
        tracing::info!(data_dir = %self.directory.path().display(), "embedded postgresql stopped");
        Ok(())
    }
}

/// Takes what is installed, if that may be and will do, otherwise what is downloaded.
async fn find_installation(
    options: &EmbeddedOptions,
    wanted: Wanted,
    account: &Account,
) -> Result<Installation, EmbeddedError> {
    if options.programs == Programs::InstalledOrDownloaded {
        let bin_dirs = installation::candidates(account).await;
        if let Some(installed) = installation::find(&bin_dirs, wanted, account).await {
            return Ok(installed);
        }
    }
    Downloads::new(&options.cache_dir, account)
        .obtain(wanted, options.progress)
        .await
}
