//! The configuration: what the process may be told, and what it makes of it.
//!
//! Every option is a flag and an environment variable of the same name (`--db-host`, `DB_HOST`); the flag wins. Secrets
//! are read from the environment or a file alone, because a command line is visible to the whole machine. `args` has
//! the options as they are typed; [`ServeConfig`], [`MigrateConfig`] and [`MaintainConfig`] are what is left when every rule was checked,
//! with every problem reported at once. What does not belong here: opening anything, except the files that it reads.

mod access;
mod args;
mod audit;
mod connect;
mod dashboards;
mod dsn;
mod embedded;
mod environment;
mod listener;
mod log;
mod maintain;
mod migrate;
mod pool;
mod problem;
mod requests;
mod serve;
mod value;

pub use access::AccessConfig;
pub use args::{
    AccessArgs, AuditAction, AuditArgs, AuditKeepingArgs, Cli, Command, DashboardArgs, DatabaseArgs, EmbeddedArgs,
    ListenerArgs, LogArgs, MaintainArgs, MigrateAction, MigrateArgs, PoolArgs, RequestArgs, ServeArgs,
};
pub use audit::{AuditCommandConfig, AuditConfig, AuditSource, AuditTask};
pub use connect::{ClientCertificate, ConnectConfig, DEFAULT_CONNECT_TIMEOUT, DatabaseHost, SslConfig, SslMode};
pub use dashboards::DashboardsConfig;
pub use embedded::{DatabaseSource, EmbeddedConfig};
pub use environment::Environment;
pub use listener::ListenersConfig;
pub use log::LogConfig;
pub use maintain::MaintainConfig;
pub use migrate::MigrateConfig;
pub use pool::{PoolConfig, StatementMode};
pub use problem::{ConfigErrors, Problem};
pub use requests::{MAX_REQUEST_TIMEOUT, RequestsConfig};
pub use serve::{DatabaseChoice, ServeConfig};

#[cfg(test)]
mod tests;
