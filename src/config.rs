//! The configuration: what the process may be told, and what it makes of it.
//!
//! Every option is a flag and an environment variable of the same name (`--db-host`, `DB_HOST`); the flag wins. Secrets
//! are read from the environment or a file alone, because a command line is visible to the whole machine. `args` has
//! the options as they are typed; [`ServeConfig`], [`MigrateConfig`] and the others of a command are what is left when every rule was checked,
//! with every problem reported at once. What does not belong here: opening anything, except the files that it reads.

mod access;
mod args;
mod audit;
mod authentication;
mod client;
mod connect;
mod dashboards;
mod dsn;
mod embedded;
mod environment;
mod export;
mod import;
mod issuers;
mod listener;
mod log;
mod maintain;
mod migrate;
mod pool;
mod problem;
mod render;
mod requests;
mod serve;
mod tls;
mod value;

pub use access::AccessConfig;
pub use args::{
    AccessArgs, AuditAction, AuditArgs, AuditKeepingArgs, AuthenticationArgs, Cli, ClientArgs, Command, DashboardArgs,
    DatabaseArgs, EmbeddedArgs, ExportArgs, ImportArgs, ListenerArgs, LogArgs, MaintainArgs, MigrateAction,
    MigrateArgs, PoolArgs, PublicKeysArgs, RenderArgs, RequestArgs, ServeArgs, TemplateAction, TemplateArgs, TlsArgs,
};
pub use audit::{AuditCommandConfig, AuditConfig, AuditSource, AuditTask};
pub use authentication::AuthenticationConfig;
pub use client::{ClientConfig, ClientTls};
pub use connect::{ClientCertificate, ConnectConfig, DEFAULT_CONNECT_TIMEOUT, DatabaseHost, SslConfig, SslMode};
pub use dashboards::DashboardsConfig;
pub use embedded::{DatabaseSource, EmbeddedConfig};
pub use environment::Environment;
pub use export::{ExportConfig, ExportLayout, FileFormat};
pub use import::{ImportConfig, ImportInput, Placement};
pub use issuers::{ClaimMappings, IssuerConfig, KeySource, KeysConfig, PrefixedClaim, RoleMapping};
pub use listener::ListenersConfig;
pub use log::LogConfig;
pub use maintain::MaintainConfig;
pub use migrate::MigrateConfig;
pub use pool::{PoolConfig, StatementMode};
pub use problem::{ConfigErrors, Problem};
pub use render::RenderConfig;
pub use requests::{MAX_REQUEST_TIMEOUT, RequestsConfig};
pub use serve::{DatabaseChoice, ServeConfig};
pub use tls::{ClientAuth, TlsConfig};

#[cfg(test)]
mod tests;
