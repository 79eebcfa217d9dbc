//! What is logged, and how.

use tracing_subscriber::EnvFilter;

use super::args::LogArgs;
use super::problem::Reader;
use crate::telemetry::LogFormat;

/// What is logged, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogConfig {
    /// How a line is written.
    pub format: LogFormat,
    /// What is logged, in the syntax of `tracing_subscriber::EnvFilter`, which it was checked against.
    pub filter: String,
}

impl LogConfig {
    /// Reads the options; `RUST_LOG` wins over the level.
    pub(super) fn read(reader: &mut Reader, args: LogArgs, rust_log: Option<String>) -> Self {
        let LogArgs { log_format, log_level } = args;
        let format = reader.read("LOG_FORMAT", log_format, |text| match text.trim() {
            "text" => Ok(LogFormat::Text),
            "json" => Ok(LogFormat::Json),
            _ => Err("must be text or json".to_owned()),
        });
        let level = reader.read("LOG_LEVEL", log_level, filter);
        let rust_log = reader.read("RUST_LOG", rust_log, filter);
        Self {
            format: format.unwrap_or(LogFormat::Text),
            filter: rust_log.or(level).unwrap_or_else(|| "info".to_owned()),
        }
    }
}

fn filter(text: &str) -> Result<String, String> {
    match EnvFilter::try_new(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err(
            "must be a level (error, warn, info, debug, trace), also by module: info,tokio_postgres=debug".to_owned(),
        ),
    }
}
