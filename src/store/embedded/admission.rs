//! The rule that embedded mode never starts by accident in production.

/// What is known about where the service starts. Names only: no value of a variable is looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// `KUBERNETES_SERVICE_HOST` is set.
    pub in_kubernetes: bool,
    /// The `DB_*` variables that are set.
    pub database_variables: Vec<String>,
    /// `--embedded` was given.
    pub embedded_requested: bool,
}

/// Why the service does not start an embedded PostgreSQL unasked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EmbeddedRefused {
    /// The data would vanish with the pod.
    #[error(
        "no database is configured, and an embedded one inside Kubernetes would vanish with its pod: \
         set DB_HOST or DATABASE_URL, or give --embedded to run one nevertheless"
    )]
    InKubernetes,
    /// Somebody meant to use an external database.
    #[error(
        "{} set, but no database is configured: set DB_HOST or DATABASE_URL, \
         or give --embedded to run an embedded PostgreSQL", list(.0)
    )]
    DatabaseVariablesSet(Vec<String>),
}

impl Surroundings {
    /// Takes what matters from the names of the environment's variables.
    pub fn from_variables<'a>(names: impl IntoIterator<Item = &'a str>, embedded_requested: bool) -> Self {
        let mut surroundings = Self {
            embedded_requested,
            ..Self::default()
        };
        for name in names {
            if name == "KUBERNETES_SERVICE_HOST" {
                surroundings.in_kubernetes = true;
            } else if name.starts_with("DB_") {
                surroundings.database_variables.push(name.to_owned());
            }
        }
        surroundings.database_variables.sort();
        surroundings
    }

    /// Allows embedded mode or says why not. To be asked only when no database is configured.
    ///
    /// # Errors
    /// Inside Kubernetes, or with any `DB_*` set, unless `--embedded` was given.
    pub fn admit_embedded(&self) -> Result<(), EmbeddedRefused> {
        if self.embedded_requested {
            return Ok(());
        }
        if !self.database_variables.is_empty() {
            return Err(EmbeddedRefused::DatabaseVariablesSet(self.database_variables.clone()));
        }
        if self.in_kubernetes {
            return Err(EmbeddedRefused::InKubernetes);
        }
        Ok(())
    }
}

fn list(names: &[String]) -> String {
    let verb = if names.len() == 1 { "is" } else { "are" };
    format!("{} {verb}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admit(names: &[&str], embedded_requested: bool) -> Result<(), String> {
        Surroundings::from_variables(names.iter().copied(), embedded_requested)
            .admit_embedded()
            .map_err(|refused| refused.to_string())
    }

    #[test]
    fn a_plain_environment_is_admitted() {
        assert_eq!(admit(&["HOME", "PATH", "DBUS_SESSION_BUS_ADDRESS"], false), Ok(()));
    }

    #[test]
    fn kubernetes_is_refused_unless_asked_for() {
        let refusal = admit(&["KUBERNETES_SERVICE_HOST"], false).unwrap_err();
        assert!(
            refusal.contains("Kubernetes") && refusal.contains("--embedded"),
            "{refusal}"
        );
        assert_eq!(admit(&["KUBERNETES_SERVICE_HOST"], true), Ok(()));
    }

    #[test]
    fn database_variables_are_refused_by_name_unless_asked_for() {
        let refusal = admit(&["DB_USER", "KUBERNETES_SERVICE_HOST", "DB_NAME"], false).unwrap_err();
        assert!(refusal.starts_with("DB_NAME, DB_USER are set"), "{refusal}");
        let refusal = admit(&["DB_PASSWORD"], false).unwrap_err();
        assert!(refusal.starts_with("DB_PASSWORD is set"), "{refusal}");
        assert_eq!(admit(&["DB_USER"], true), Ok(()));
    }
}
