//! What is logged, and how.

use tracing_subscriber::EnvFilter;

use super::args::LogArgs;
use super::problem::Reader;
use crate::telemetry::LogFormat;

/// The levels by name.
const LEVELS: [&str; 6] = ["error", "warn", "info", "debug", "trace", "off"];

/// What is logged, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogConfig {
    /// How a line is written.
    pub format: LogFormat,
    /// What is logged, in the syntax of `tracing_subscriber::EnvFilter`, which it was checked against: levels, also by module.
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

/// Checks a filter, and writes it without blanks, which `EnvFilter` takes for a part of names.
fn filter(text: &str) -> Result<String, String> {
    let directives = text.split(',').map(str::trim).filter(|written| !written.is_empty());
    let checked: Vec<&str> = directives.map(directive).collect::<Result<_, _>>()?;
    let filter = checked.join(",");
    match !filter.is_empty() && EnvFilter::try_new(&filter).is_ok() {
        true => Ok(filter),
        false => Err(allowed()),
    }
}

/// Checks a level, or what ends with one: `module=level`, also with a span and a field (`module[span{field=1}]=level`).
///
/// `EnvFilter` takes any other word for a module of which everything is logged, and of all others nothing: with `warning` the log would
/// be silent.
fn directive(text: &str) -> Result<&str, String> {
    let (scope, level) = text.rsplit_once('=').unwrap_or(("", text));
    let module = scope.split('[').next().unwrap_or_default();
    if is_level(level) && !module.contains(char::is_whitespace) {
        return Ok(text);
    }
    let mut description = format!("{}; {text:?} is neither", allowed());
    if !text.contains('=') {
        description += &format!(": if it is a module, write {text}=trace");
    }
    Err(description)
}

/// Numbers are none, although `EnvFilter` takes them: nobody can tell which is which.
fn is_level(text: &str) -> bool {
    LEVELS.iter().any(|level| level.eq_ignore_ascii_case(text))
}

fn allowed() -> String {
    format!(
        "must be a level ({}) or module=level, several with commas between them, such as info,tokio_postgres=debug",
        LEVELS.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_also_by_module_and_span_are_taken() {
        for (text, expected) in [
            ("warn", "warn"),
            ("OFF", "OFF"),
            (" info ", "info"),
            ("info, tokio_postgres=debug,", "info,tokio_postgres=debug"),
            ("off,dashboard_store::store=Trace", "off,dashboard_store::store=Trace"),
            ("info,a[b]=debug", "info,a[b]=debug"),
            ("info,[b{c=1}]=debug", "info,[b{c=1}]=debug"),
        ] {
            assert_eq!(filter(text), Ok(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_would_silence_the_log_is_refused() {
        for (text, culprit) in [
            ("warning", "warning"),
            ("verbose", "verbose"),
            ("info,loud", "loud"),
            ("3", "3"),
            ("a=3", "a=3"),
            ("a=", "a="),
            ("a=loud", "a=loud"),
            ("a[b]", "a[b]"),
            ("a[b{c=1}]", "a[b{c=1}]"),
            ("info warn", "info warn"),
            ("info a=debug", "info a=debug"),
            ("a =debug", "a =debug"),
        ] {
            let refused = filter(text).unwrap_err();
            assert!(
                refused.starts_with("must be a level (error, warn, info, debug, trace, off) or module=level"),
                "{text}: {refused}"
            );
            assert!(
                refused.contains(&format!("{culprit:?} is neither")),
                "{text}: {refused}"
            );
        }
        for text in [",", "=info", "a=b=info"] {
            assert_eq!(filter(text), Err(allowed()), "{text}");
        }
        assert!(
            filter("sqlx")
                .unwrap_err()
                .ends_with("if it is a module, write sqlx=trace")
        );
    }
}
