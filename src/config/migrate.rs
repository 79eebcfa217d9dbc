//! What `migrate` runs with.

use super::args::{MigrateAction, MigrateArgs};
use super::connect::ConnectConfig;
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
        let log = LogConfig::read(&mut reader, log, environment.rust_log.clone());
        let connect = ConnectConfig::read_direct(&mut reader, database, environment);
        reader.finish(connect.map(|connect| Self { action, connect, log }))
    }
}
