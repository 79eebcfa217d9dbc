//! Logs on standard error: as text for people, as JSON for machines.

use std::io::{self, IsTerminal};

use tracing::{Level, Metadata};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt;

use super::TelemetryError;

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Where the driver logs, below level info, the values that it sends with statements: documents, with all that is in them.
const STATEMENT_VALUES: &str = "tokio_postgres::query";

/// Sends the log lines that `filter` lets through to standard error, but for those with the values of statements: they show
/// the credentials of datasources, and no filter is worth that.
pub fn start(format: LogFormat, filter: &str) -> Result<(), TelemetryError> {
    let env_filter = EnvFilter::try_new(filter).map_err(|source| TelemetryError::Filter {
        filter: filter.to_owned(),
        source,
    })?;
    let lines = fmt()
        .with_env_filter(env_filter)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr);
    let started = match format {
        LogFormat::Text => lines.finish().with(filter_fn(has_no_values)).try_init(),
        LogFormat::Json => lines
            .json()
            .flatten_event(true)
            .with_span_list(false)
            .finish()
            .with(filter_fn(has_no_values))
            .try_init(),
    };
    started.map_err(|_| TelemetryError::LogsAreSetUp)
}

fn has_no_values(metadata: &Metadata<'_>) -> bool {
    metadata.target() != STATEMENT_VALUES || *metadata.level() <= Level::INFO
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_malformed_filter_is_shown() {
        let error = start(LogFormat::Text, "dashboard_store=loud").unwrap_err();
        assert!(error.to_string().contains("\"dashboard_store=loud\""), "{error}");
    }
}
