//! The question of the health probe: is the database there, and is its schema the one that this server needs?

use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use super::connect::{ConnectError, Connected, Connector};
use super::migrate::{Migrator, SchemaState};
use crate::config::ConnectConfig;
use crate::error::Cause;

/// Asks on a connection of its own, so that a busy pool is not taken for an outage.
pub struct Probe {
    connector: Connector,
    migrator: Migrator<'static>,
    connected: Mutex<Option<Connected>>,
}

impl Probe {
    /// Creates a probe; it connects when it first asks.
    ///
    /// # Errors
    /// Settings of the connection that can't be used, such as a certificate that can't be read.
    pub fn new(config: ConnectConfig) -> Result<Self, ConnectError> {
        Ok(Self {
            connector: Connector::new(config)?,
            migrator: Migrator::embedded(),
            connected: Mutex::new(None),
        })
    }

    /// Asks, and tells how long the answer took. A connection on which it failed, or was given up, is not used again.
    ///
    /// # Errors
    /// Why the database does not answer.
    pub async fn ask(&self) -> Result<(Duration, SchemaState), Cause> {
        let mut place = self.connected.lock().await;
        let connected = match place.take().filter(|connected| !connected.client.is_closed()) {
            Some(connected) => connected,
            None => self.connector.connect().await?,
        };
        let asked = Instant::now();
        let state = self.migrator.readiness(&connected.client).await?;
        *place = Some(connected);
        Ok((asked.elapsed(), state))
    }
}
