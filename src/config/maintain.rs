//! What `maintain` runs with.

use super::args::MaintainArgs;
use super::audit::AuditConfig;
use super::connect::ConnectConfig;
use super::dashboards;
use super::environment::Environment;
use super::log::LogConfig;
use super::problem::{ConfigErrors, Reader};

/// The checked configuration of `maintain`.
#[derive(Debug, Clone)]
pub struct MaintainConfig {
    /// A direct connection: `DB_DIRECT_URL`, or where `serve` connects to.
    pub connect: ConnectConfig,
    /// How many of the newest revisions are kept; none to prune none. It has no default, because pruning can't be undone:
    /// one that is lower than the server's would take history away.
    pub revisions_kept: Option<u32>,
    /// How the audit log is kept.
    pub audit: AuditConfig,
    /// What is logged, and how.
    pub log: LogConfig,
}

impl MaintainConfig {
    /// Checks the options.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn from_args(args: MaintainArgs, environment: Environment) -> Result<Self, ConfigErrors> {
        let MaintainArgs {
            database,
            revisions_kept,
            audit,
            log,
        } = args;
        let mut reader = Reader::default();
        let log = LogConfig::read(&mut reader, log, environment.rust_log.clone());
        let connect = ConnectConfig::read_direct(&mut reader, database, environment);
        let revisions_kept = dashboards::revisions_kept(&mut reader, revisions_kept);
        let audit = AuditConfig::read(&mut reader, audit);
        reader.finish(connect.map(|connect| Self {
            connect,
            revisions_kept,
            audit,
            log,
        }))
    }
}
