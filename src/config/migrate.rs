//! What `migrate` runs with.

use super::args::{MigrateAction, MigrateArgs};
use super::connect::{ConnectConfig, Url};
use super::environment::Environment;
use super::log::LogConfig;
use super::problem::{ConfigErrors, Reader};

/// The checked configuration of `migrate`.
#[derive(Debug, Clone)]
pub struct MigrateConfig {
    /// What to do with the schema.
    pub action: MigrateAction,
    /// A direct connection: `DB_DIRECT_URL`, or where `serve` connects to.
    pub connect: ConnectConfig,
    /// What is logged, and how.
    pub log: LogConfig,
}

impl MigrateConfig {
    /// Checks the options.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn from_args(args: MigrateArgs, environment: Environment) -> Result<Self, ConfigErrors> {
        let MigrateArgs { action, database, log } = args;
        let mut reader = Reader::default();
        let log = LogConfig::read(&mut reader, log, environment.rust_log);
        // The direct URL stands beside the settings of the pooled connection, and wins.
        let direct = environment.direct_url.map(|text| Url {
            setting: "DB_DIRECT_URL",
            text,
            is_exclusive: false,
        });
        let url = direct.or_else(|| environment.database_url.map(Url::database_url));
        let connect = ConnectConfig::read(&mut reader, database, environment.password, url);
        reader.finish(connect.map(|connect| Self { action, connect, log }))
    }
}
