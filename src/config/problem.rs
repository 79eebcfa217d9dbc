//! What is wrong with the configuration, collected so that one start tells everything.

use std::fmt;
use std::path::Path;

/// One thing that is wrong with one setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The environment variable, from which the flag follows; or the flag alone, `--project`, where there is no variable.
    pub setting: &'static str,
    /// What was given; none when it is missing or secret.
    pub value: Option<String>,
    /// What is wrong and what to do.
    pub description: String,
}

/// Settings that have no flag, because they can carry a secret or belong to another program.
const ENVIRONMENT_ONLY: &[&str] = &["DATABASE_URL", "DB_DIRECT_URL", "DB_PASSWORD", "RUST_LOG"];

/// Settings that ask for the name of a file, as PostgreSQL calls them.
const NAMES_OF_FILES: &[&str] = &["DB_SSLKEY", "DB_SSLCERT", "DB_SSLROOTCERT"];

/// What the variables of the client commands begin with, and their flags do not.
const CLIENT_PREFIX: &str = "DASHBOARD_STORE_";

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.setting)?;
        if !ENVIRONMENT_ONLY.contains(&self.setting) && !self.setting.starts_with("--") {
            let named = self.setting.strip_prefix(CLIENT_PREFIX).unwrap_or(self.setting);
            let flag = named.to_ascii_lowercase().replace('_', "-");
            write!(f, " (--{flag})")?;
        }
        if let Some(value) = &self.value {
            write!(f, " is {value:?}")?;
        }
        write!(f, ": {}", self.description)
    }
}

/// Everything that is wrong with the configuration, one line each.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", lines(.0))]
pub struct ConfigErrors(Vec<Problem>);

impl ConfigErrors {
    /// The problems, in the order in which the options are read.
    pub fn problems(&self) -> &[Problem] {
        &self.0
    }
}

fn lines(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

/// Reads settings, keeps going after a bad one, and remembers what was wrong.
#[derive(Debug, Default)]
pub(super) struct Reader {
    problems: Vec<Problem>,
}

impl Reader {
    /// Parses a setting that may be absent; an empty one counts as absent, and a bad one is reported and absent.
    pub(super) fn read<T>(
        &mut self,
        setting: &'static str,
        raw: Option<String>,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let value = present(raw)?;
        match parse(&value) {
            Ok(parsed) => Some(parsed),
            Err(description) => {
                self.problems.push(Problem {
                    setting,
                    value: Some(value).filter(|value| may_be_shown(setting, value)),
                    description,
                });
                None
            }
        }
    }

    /// Reports what is wrong without repeating the value.
    pub(super) fn report(&mut self, setting: &'static str, description: impl Into<String>) {
        self.problems.push(Problem {
            setting,
            value: None,
            description: description.into(),
        });
    }

    /// The configuration, if nothing was reported.
    pub(super) fn finish<T>(self, config: Option<T>) -> Result<T, ConfigErrors> {
        match config {
            Some(config) if self.problems.is_empty() => Ok(config),
            _ => Err(ConfigErrors(self.problems)),
        }
    }
}

/// Whether a value can be repeated. Where the name of a file is asked for, some give what should be in it: a key, a password, a token.
/// Where anything is asked for, some give a URL with a password.
fn may_be_shown(setting: &str, value: &str) -> bool {
    let may_be_url_with_password = value.contains("://") && value.contains('@');
    !may_be_url_with_password && (!names_file(setting) || may_be_path(value))
}

fn names_file(setting: &str) -> bool {
    setting.ends_with("_FILE") || NAMES_OF_FILES.contains(&setting)
}

fn may_be_path(value: &str) -> bool {
    let path = Path::new(value);
    // Base64 may begin with a slash, and have another one.
    let directory = path.ancestors().filter(|above| above.parent().is_some()).last();
    let is_in_directory = path.is_absolute() && directory.is_some_and(|first| first != path && first.exists());
    path.exists() || is_in_directory && !value.contains(char::is_control)
}

/// The setting, unless it is absent or blank.
pub(super) fn present<T: AsRef<str>>(raw: Option<T>) -> Option<T> {
    raw.filter(|value| !value.as_ref().trim().is_empty())
}
