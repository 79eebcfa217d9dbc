//! What is taken from the environment and has no flag.

use std::ffi::OsString;

use secrecy::SecretString;

/// Secrets, and facts about the place where the process runs.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// `DATABASE_URL`.
    pub database_url: Option<SecretString>,
    /// `DB_DIRECT_URL`.
    pub direct_url: Option<SecretString>,
    /// `DB_PASSWORD`.
    pub password: Option<SecretString>,
    /// `RUST_LOG`, which wins over `LOG_LEVEL`.
    pub rust_log: Option<String>,
    /// Whether `KUBERNETES_SERVICE_HOST` is set: the process runs in a pod.
    pub in_kubernetes: bool,
}

impl Environment {
    /// Reads the environment of this process.
    pub fn of_process() -> Self {
        Self::from_variables(|name| std::env::var_os(name))
    }

    /// Reads an environment through `lookup`; an empty variable counts as absent.
    pub fn from_variables(lookup: impl Fn(&str) -> Option<OsString>) -> Self {
        let variable = |name: &str| lookup(name).filter(|value| !value.is_empty());
        let text = |name: &str| variable(name).map(|value| value.to_string_lossy().into_owned());
        Self {
            database_url: text("DATABASE_URL").map(SecretString::from),
            direct_url: text("DB_DIRECT_URL").map(SecretString::from),
            password: text("DB_PASSWORD").map(SecretString::from),
            rust_log: text("RUST_LOG"),
            in_kubernetes: variable("KUBERNETES_SERVICE_HOST").is_some(),
        }
    }

    /// The settings of a database that were given.
    pub(super) fn named(&self) -> Vec<&'static str> {
        let secrets = [("DATABASE_URL", &self.database_url), ("DB_PASSWORD", &self.password)];
        let given = secrets.into_iter().filter(|(_, secret)| secret.is_some());
        given.map(|(setting, _)| setting).collect()
    }
}
