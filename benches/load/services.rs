//! The services of the bench: as it is released, with the defaults of each kind.

use std::path::{Path, PathBuf};

use dashboard_store::config::ConnectConfig;
use dashboard_store::signing::SigningKey;
use tokio::process::Command;

use super::Outcome;
use super::audit_log::Auditor;
use super::credentials::Issuer;
use super::running::Running;

/// Makes everybody one who may do everything.
pub const DEVELOPMENT: &str = "--insecure-dev";

/// Starts services on one database.
pub struct Services {
    program: PathBuf,
    database: ConnectConfig,
    /// For logs and keys.
    directory: PathBuf,
    issuer: Issuer,
    signing_key: PathBuf,
}

impl Services {
    /// Makes the keys that some of them take.
    pub fn new(program: &Path, database: &ConnectConfig, directory: &Path) -> Outcome<Self> {
        let signing_key = directory.join("seals.pem");
        SigningKey::read_or_create(&signing_key)?;
        Ok(Self {
            program: program.to_owned(),
            database: database.clone(),
            directory: directory.to_owned(),
            issuer: Issuer::new(directory)?,
            signing_key,
        })
    }

    /// One that lets everybody do everything.
    pub async fn in_development(&self, log: &str) -> Outcome<Running> {
        self.start(&[DEVELOPMENT.to_owned(), self.signing_option()], log).await
    }

    /// One that knows users by their tokens, which [`Self::token`] gives.
    pub async fn with_tokens(&self) -> Outcome<Running> {
        let config = format!("--auth-config-file={}", self.issuer.config().display());
        self.start(&[config, self.signing_option()], "tokens.log").await
    }

    /// The token of a user.
    pub fn token(&self, user: &str) -> Outcome<String> {
        self.issuer.token(user)
    }

    /// What verifies that the events are as they were sealed.
    pub fn auditor(&self) -> Auditor<'_> {
        Auditor {
            program: &self.program,
            database: &self.database,
            key: &self.signing_key,
        }
    }

    fn signing_option(&self) -> String {
        format!("--audit-signing-key-file={}", self.signing_key.display())
    }

    async fn start(&self, options: &[String], log: &str) -> Outcome<Running> {
        let command = Command::new(&self.program);
        Running::service(command, options, &self.database, &self.directory.join(log)).await
    }
}
