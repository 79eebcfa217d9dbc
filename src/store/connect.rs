//! Opening one connection to PostgreSQL: addresses, TLS, login, all within one limit.
//!
//! What belongs here: everything that happens before the first statement, and cancelling one from outside. What does not:
//! keeping connections for reuse, which is `store::pool`.

mod address;
mod cancel;
mod direct;
mod tls;

use std::fmt;
use std::time::Duration;

use bb8::ManageConnection as _;
use bb8_postgres::PostgresConnectionManager;
use secrecy::ExposeSecret;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_postgres::Client;
use tokio_postgres::config::{SslMode as DriverSslMode, TargetSessionAttrs};
use tokio_postgres_rustls::MakeRustlsConnect;
use tracing::debug;

use crate::config::{ConnectConfig, SslMode};
use crate::error::with_causes;
use address::{Address, Endpoint};
pub use cancel::Canceller;
pub use direct::is_direct;

/// What the database shows as the name of its client.
const APPLICATION_NAME: &str = "dashboard-store";
/// Silence after which the kernel asks whether the peer is still there.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(30);
/// The time between two such questions.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
/// Unanswered questions after which the connection is dead.
const KEEPALIVE_RETRIES: u32 = 3;
/// How long sent data may stay unacknowledged before the connection is dead.
const UNACKNOWLEDGED_LIMIT: Duration = Duration::from_secs(30);

/// Why no connection could be opened.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ConnectError {
    /// A certificate or key can't be used; only a restart with other files helps.
    #[error("{0}")]
    Certificate(String),
    /// The configuration names no host, or the names have no address.
    #[error("there is no host to connect to")]
    NoHost,
    /// The name of a host can't be resolved now.
    #[error("the name {host:?} can't be resolved: {cause}")]
    Name {
        /// The name.
        host: String,
        /// Why, in the words of the resolver.
        cause: String,
    },
    /// The server, or the way to it, refused. The text never holds a secret.
    #[error("{address} refused the connection: {cause}")]
    Refused {
        /// Where.
        address: String,
        /// Why, in the words of the driver or the server.
        cause: String,
    },
    /// Nobody answered in time.
    #[error("{address} did not complete a login within {limit:?}")]
    TimedOut {
        /// Where.
        address: String,
        /// The limit.
        limit: Duration,
    },
}

/// An open connection.
pub struct Connected {
    /// Sends statements; the connection ends when it is dropped.
    pub client: Client,
    /// Stops a running statement from outside.
    pub canceller: Canceller,
}

/// Opens connections after one configuration.
pub struct Connector {
    config: ConnectConfig,
    tls: MakeRustlsConnect,
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// Opens one connection, which nothing else uses.
///
/// # Errors
/// When a certificate can't be used, or no host lets us in within the limit.
pub async fn connect(config: &ConnectConfig) -> Result<Connected, ConnectError> {
    Connector::new(config.clone())?.connect().await
}

impl Connector {
    /// Reads the certificates; opens nothing.
    ///
    /// # Errors
    /// [`ConnectError::Certificate`].
    pub fn new(config: ConnectConfig) -> Result<Self, ConnectError> {
        let tls = tls::connector(&config.ssl).map_err(ConnectError::Certificate)?;
        Ok(Self { config, tls })
    }

    /// Opens a connection to the first address that lets us in; of several hosts, to the first that takes writes.
    ///
    /// tokio-postgres limits the time of the TCP handshake alone: a server that accepts and stays silent would hold us for
    /// ever. Here the limit covers everything, and each address gets an equal share of what is left, so that a silent one
    /// does not keep us from the next.
    ///
    /// # Errors
    /// The error of the last address that was tried.
    pub async fn connect(&self) -> Result<Connected, ConnectError> {
        let deadline = Instant::now() + self.config.connect_timeout;
        let endpoints = self.endpoints(deadline).await?;
        let mut failure = None;
        for (index, endpoint) in endpoints.iter().enumerate() {
            let left = deadline.saturating_duration_since(Instant::now());
            let share = left / u32::try_from(endpoints.len() - index).unwrap_or(u32::MAX);
            match timeout(share, self.connect_to(endpoint)).await {
                Ok(Ok(connected)) => return Ok(connected),
                Ok(Err(error)) => failure = Some(error),
                Err(_) => failure = Some(self.timed_out(endpoint)),
            }
        }
        Err(failure.unwrap_or(ConnectError::NoHost))
    }

    async fn connect_to(&self, endpoint: &Endpoint) -> Result<Connected, ConnectError> {
        let manager = PostgresConnectionManager::new(self.driver_config(endpoint), self.tls.clone());
        let client = manager.connect().await.map_err(|error| ConnectError::Refused {
            address: endpoint.to_string(),
            cause: with_causes(&error),
        })?;
        debug!(address = %endpoint, "connected to the database");
        let canceller = Canceller::new(client.cancel_token(), endpoint.clone(), self.tls.clone());
        Ok(Connected { client, canceller })
    }

    /// What the driver needs for one endpoint.
    ///
    /// No `options=-c statement_timeout=…`: PgBouncer refuses it. Statements are limited where they are sent.
    fn driver_config(&self, endpoint: &Endpoint) -> tokio_postgres::Config {
        let mut driver = tokio_postgres::Config::new();
        driver
            .application_name(APPLICATION_NAME)
            .dbname(&self.config.dbname)
            .user(&self.config.user)
            .keepalives_idle(KEEPALIVE_IDLE)
            .keepalives_interval(KEEPALIVE_INTERVAL)
            .keepalives_retries(KEEPALIVE_RETRIES)
            .tcp_user_timeout(UNACKNOWLEDGED_LIMIT);
        if let Some(password) = &self.config.password {
            driver.password(password.expose_secret());
        }
        // One host is taken as it is, so that a database that takes no writes now still answers reads.
        if self.config.hosts.len() > 1 {
            driver.target_session_attrs(TargetSessionAttrs::ReadWrite);
        }
        match &endpoint.address {
            Address::Tcp(address) => {
                let ssl_mode = match self.config.ssl.mode {
                    SslMode::Disable => DriverSslMode::Disable,
                    SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => DriverSslMode::Require,
                };
                driver
                    .ssl_mode(ssl_mode)
                    .host(&endpoint.host)
                    .hostaddr(address.ip())
                    .port(address.port());
            }
            // PostgreSQL does not encrypt on Unix sockets; libpq ignores the mode there, too.
            Address::Unix { directory, port } => {
                driver.ssl_mode(DriverSslMode::Disable).host_path(directory).port(*port);
            }
        }
        driver
    }

    /// Every address of every host, in order. A name that can't be resolved counts only when no other can.
    async fn endpoints(&self, deadline: Instant) -> Result<Vec<Endpoint>, ConnectError> {
        let mut endpoints = Vec::new();
        let mut failure = None;
        for host in &self.config.hosts {
            match timeout_at(deadline, address::resolve(host)).await {
                Ok(Ok(found)) => endpoints.extend(found),
                Ok(Err(error)) => {
                    failure = Some(ConnectError::Name {
                        host: host.host.clone(),
                        cause: error.to_string(),
                    });
                }
                Err(_) => {
                    failure = Some(ConnectError::TimedOut {
                        address: host.host.clone(),
                        limit: self.config.connect_timeout,
                    });
                }
            }
        }
        match failure {
            Some(error) if endpoints.is_empty() => Err(error),
            _ => Ok(endpoints),
        }
    }

    fn timed_out(&self, endpoint: &Endpoint) -> ConnectError {
        ConnectError::TimedOut {
            address: endpoint.to_string(),
            limit: self.config.connect_timeout,
        }
    }
}
