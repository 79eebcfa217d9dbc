//! `dashboard-store serve`: starts the parts in order, and stops them in the other.
//!
//! What belongs here: which parts there are, and in which order they start and stop. What does not: what they do.

mod announcement;
mod database;
mod first_admin;
mod maintenance;
mod recording;
mod sealing;
mod service;

use std::io::{self, Write};
use std::path::PathBuf;

pub use self::service::{Service, server_options};

use self::announcement::announce;
use self::database::Database;
use crate::authentication::KeysError;
use crate::config::ServeConfig;
use crate::error::Cause;
use crate::server::{Server, ServerError, Shutdown};
use crate::signing::KeyError;
use crate::store::connect::ConnectError;
use crate::store::embedded::EmbeddedError;
use crate::store::migrate::MigrateError;
use crate::telemetry::Telemetry;

/// Why the service does not start, or stopped by itself. Each is one line for whoever started it.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A port can't be had.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The embedded PostgreSQL does not start, or ended by itself.
    #[error(transparent)]
    Embedded(#[from] EmbeddedError),
    /// The settings of the connection can't be used, or the database that is to be migrated can't be reached.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The schema can't be brought up to date.
    #[error("the schema could not be brought up to date: {0}")]
    Migrate(#[from] MigrateError),
    /// The keys of an issuer of tokens can't be used.
    #[error("the tokens of an issuer can't be verified: {0}")]
    Keys(#[from] KeysError),
    /// The key that the embedded mode keeps can't be used.
    #[error("{}, the key that signs the audit log, {source}", .path.display())]
    AuditKey {
        /// Its file.
        path: PathBuf,
        /// Why.
        source: KeyError,
    },
    /// Signals can't be waited for, or the output is closed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The descriptors in this binary are broken.
    #[error("the descriptors of the API can't be read: {0}")]
    Descriptors(#[source] Cause),
}

impl ServeError {
    fn descriptors(error: impl Into<Cause>) -> Self {
        Self::Descriptors(error.into())
    }
}

/// Serves until a signal comes, and tells `out` where.
///
/// # Errors
/// A [`ServeError`], whose text is one line for the person who ran the command.
pub async fn run(
    mut config: ServeConfig,
    telemetry: &Telemetry,
    out: &mut (impl Write + Send),
) -> Result<(), ServeError> {
    let shutdown = Shutdown::default();
    shutdown.listen_for_signals()?;
    let server = Server::bind(server_options(&config)).await?;
    // A download or the wait for another migration may take minutes: a signal ends them, too.
    let mut database = tokio::select! {
        started = start_database(&config) => started?,
        () = shutdown.draining().cancelled() => return Ok(()),
    };
    let connect = database.connect().clone();
    if config.audit.key.is_none() {
        config.audit.key = database.audit_key()?;
    }
    if config.audit.key.is_none() {
        tracing::warn!("the audit log is not sealed: set AUDIT_SIGNING_KEY_FILE, so that changes to it are found out");
    }
    let service = Service::assemble(server, &config, connect, telemetry.metrics().clone())?;
    if config.authentication.is_development {
        tracing::warn!("development mode: nobody proves who they are, and everybody on this machine may do everything");
    }
    announce(out, &config, service.grpc_addr(), service.http_addr())?;
    tokio::select! {
        () = service.run(shutdown) => {}
        error = database.ended() => return Err(error.into()),
    }
    database.stop().await?;
    Ok(())
}

async fn start_database(config: &ServeConfig) -> Result<Database, ServeError> {
    let database = Database::open(&config.database).await?;
    if config.migrate {
        database.bring_schema_up().await?;
    }
    Ok(database)
}
