//! The database that `serve` works on: one that is there, or the embedded server, which starts and stops with it.

use std::sync::Arc;

use crate::config::{ConnectConfig, DatabaseChoice, EmbeddedConfig};
use crate::signing::SigningKey;
use crate::store::connect;
use crate::store::embedded::{self, Durability, EmbeddedError, EmbeddedOptions, EmbeddedPostgres};
use crate::store::migrate::{Migrator, UpOptions};

use super::ServeError;

/// The database of the embedded server.
const EMBEDDED_DATABASE: &str = "perses_dashboard";

/// The file of the key that signs the audit log, in the data directory of the embedded server.
const AUDIT_KEY_FILE: &str = "audit-signing-key.pem";

/// Where the dashboards are, and the server that was started for them.
pub struct Database {
    connect: ConnectConfig,
    embedded: Option<EmbeddedPostgres>,
}

impl Database {
    /// Starts the embedded server if that is the choice; another one need not be up yet.
    ///
    /// # Errors
    /// The embedded server does not start.
    pub async fn open(choice: &DatabaseChoice) -> Result<Self, EmbeddedError> {
        match choice {
            DatabaseChoice::External(connect) => Ok(Self {
                connect: connect.clone(),
                embedded: None,
            }),
            DatabaseChoice::Embedded(config) => {
                let postgres = start_embedded(config).await?;
                Ok(Self {
                    connect: postgres.endpoint().connect_config(EMBEDDED_DATABASE),
                    embedded: Some(postgres),
                })
            }
        }
    }

    /// How to connect to it.
    pub fn connect(&self) -> &ConnectConfig {
        &self.connect
    }

    /// The key that signs the audit log of the embedded server, made when it is first asked for; none for another one, whose
    /// operator gives the key.
    ///
    /// # Errors
    /// The file can't be read or made.
    pub fn audit_key(&self) -> Result<Option<Arc<SigningKey>>, ServeError> {
        let Some(postgres) = &self.embedded else {
            return Ok(None);
        };
        let path = postgres.data_dir().join(AUDIT_KEY_FILE);
        match SigningKey::read_or_create(&path) {
            Ok(key) => Ok(Some(Arc::new(key))),
            Err(source) => Err(ServeError::AuditKey { path, source }),
        }
    }

    /// Applies the migrations that are missing.
    ///
    /// # Errors
    /// The database can't be reached, or a migration fails.
    pub async fn bring_schema_up(&self) -> Result<(), ServeError> {
        let mut connected = connect::connect(&self.connect).await?;
        let report = Migrator::embedded()
            .up(&mut connected.client, UpOptions::default(), &mut |step| {
                tracing::info!(%step, "migrated");
            })
            .await?;
        tracing::info!(version = report.to, "schema is up to date");
        Ok(())
    }

    /// Waits until the embedded server ends by itself, and says why; forever for another one, which is not ours.
    pub async fn ended(&mut self) -> EmbeddedError {
        match &mut self.embedded {
            Some(postgres) => postgres.ended().await,
            None => std::future::pending().await,
        }
    }

    /// Stops the embedded server, if there is one.
    ///
    /// # Errors
    /// It does not stop in order.
    pub async fn stop(self) -> Result<(), EmbeddedError> {
        match self.embedded {
            Some(postgres) => postgres.stop().await,
            None => Ok(()),
        }
    }
}

async fn start_embedded(config: &EmbeddedConfig) -> Result<EmbeddedPostgres, EmbeddedError> {
    let data_dir = config.data_dir.clone().unwrap_or_else(embedded::default_data_dir);
    let options = EmbeddedOptions {
        version: config.major,
        ..EmbeddedOptions::new(data_dir, Durability::Durable)
    };
    let postgres = EmbeddedPostgres::start(options).await?;
    postgres.create_database_if_missing(EMBEDDED_DATABASE).await?;
    Ok(postgres)
}
