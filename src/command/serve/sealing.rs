//! Seals the audit log each second, in turn with the other servers, and shows how far behind that is.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::error::{Error, Result};
use crate::health::{HealthHandle, SEALING_LAG_LIMIT};
use crate::signing::SigningKey;
use crate::store::Store;
use crate::telemetry::Metrics;

/// The time between two rounds; each differs by up to a tenth, so that servers do not meet each time.
const EVERY: Duration = Duration::from_secs(1);

/// Seals what the servers have written.
pub struct Sealer {
    store: Store,
    key: Arc<SigningKey>,
    metrics: Metrics,
    health: HealthHandle,
    /// How far behind it was when that was last known, and when that was.
    lag: Duration,
    measured: Instant,
    /// Whether the log says already that it fails, or is late.
    is_reported: bool,
}

impl Sealer {
    /// Prepares to seal the events of `store` with `key`.
    pub fn new(store: Store, key: Arc<SigningKey>, metrics: Metrics, health: HealthHandle) -> Self {
        Self {
            store,
            key,
            metrics,
            health,
            lag: Duration::ZERO,
            measured: Instant::now(),
            is_reported: false,
        }
    }

    /// Works until `stopping` is cancelled; the round that is under way then is rolled back.
    pub async fn run_until(mut self, stopping: CancellationToken) {
        tracing::info!(key_id = self.key.id(), "sealing the audit log");
        let work = async {
            loop {
                self.round().await;
                sleep(EVERY.mul_f64(rand::random_range(0.9..1.1))).await;
            }
        };
        tokio::select! {
            () = stopping.cancelled() => {}
            () = work => {}
        }
    }

    /// Seals all that may be sealed now.
    async fn round(&mut self) {
        let outcome = self.seal_all().await;
        if let Ok(lag) = outcome {
            (self.lag, self.measured) = (lag, Instant::now());
        }
        // As long as it can't be measured, it grows.
        let lag = self.lag + self.measured.elapsed();
        self.metrics.show_sealing_lag(lag);
        self.health.observe_sealing_lag(lag);
        self.tell(lag, outcome.err());
    }

    async fn seal_all(&self) -> Result<Duration> {
        let count = |events: usize| self.metrics.count_sealed_events(events.try_into().unwrap_or(u64::MAX));
        self.store.seal_all(&self.key, count).await?;
        self.store.sealing_lag().await
    }

    /// Logs once that sealing fails or is late, until neither is so. Health tells of a database that is away.
    fn tell(&mut self, lag: Duration, error: Option<Error>) {
        let is_late = lag > SEALING_LAG_LIMIT;
        let is_fault = error
            .as_ref()
            .is_some_and(|failure| !matches!(failure, Error::Unavailable { .. }));
        if (is_late || is_fault) && !self.is_reported {
            let (lag_seconds, cause) = (lag.as_secs(), error.map(|failure| failure.causes()).unwrap_or_default());
            tracing::warn!(
                lag_seconds,
                cause,
                "audit events wait to be sealed: sealing fails, or a long transaction holds it back"
            );
        }
        self.is_reported = is_late || is_fault;
    }
}
