//! Logs and metrics, and the guard that flushes them.
//!
//! What belongs here: where telemetry goes and which instruments exist. What does not: when something is worth telling.

mod logs;
mod metrics;
mod panics;

pub use self::logs::LogFormat;
pub use self::metrics::{Metrics, Reloaded, TEXT_FORMAT};

/// Why telemetry can't start.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter is not in the syntax of `tracing_subscriber::EnvFilter`.
    #[error("the log filter {filter:?} is malformed: {source}; write it like info,dashboard_store=debug")]
    Filter {
        /// As it was given.
        filter: String,
        /// What is wrong with it.
        source: tracing_subscriber::filter::ParseError,
    },
    /// The process has a subscriber already.
    #[error("logs are set up already")]
    LogsAreSetUp,
    /// The exporter can't register its metrics.
    #[error("metrics cannot be set up: {0}")]
    Metrics(#[from] opentelemetry_sdk::error::OTelSdkError),
}

/// Keeps telemetry going; dropping it flushes what has been collected.
#[derive(Debug)]
pub struct Telemetry {
    metrics: Metrics,
}

impl Telemetry {
    /// Sets up logs for the process, with a line for every panic, and metrics.
    ///
    /// # Errors
    /// When the filter is malformed, or when this is the second call.
    pub fn start(format: LogFormat, filter: &str) -> Result<Self, TelemetryError> {
        logs::start(format, filter)?;
        panics::log_panics();
        let metrics = Metrics::new()?;
        Ok(Self { metrics })
    }

    /// The instruments.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        self.metrics.shutdown();
    }
}
