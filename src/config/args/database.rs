//! The options that say which database, and how many connections to it.

use clap::Args;

use crate::config::problem::present;

/// Where the database is.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Database")]
pub struct DatabaseArgs {
    /// The host, or the directory of a Unix socket; several as a,b,c: the first that takes writes is used
    #[arg(long, env, global = true, value_name = "HOST")]
    pub db_host: Option<String>,
    /// The port of every host. [default: 5432]
    #[arg(long, env, global = true, value_name = "PORT")]
    pub db_port: Option<String>,
    /// The database. [default: perses_dashboard]
    #[arg(long, env, global = true, value_name = "NAME")]
    pub db_name: Option<String>,
    /// The role to log in as
    #[arg(long, env, global = true, value_name = "ROLE")]
    pub db_user: Option<String>,
    /// A file with the password; the end of its line is not part of it
    #[arg(long, env, global = true, value_name = "FILE")]
    pub db_password_file: Option<String>,
    /// disable, require (encrypt, and trust any server), verify-ca (the certificate must come from a known authority), or
    /// verify-full (and carry the name of the host). [default: require; disable for a loopback or Unix-socket host]
    #[arg(long, env, global = true, value_name = "MODE")]
    pub db_sslmode: Option<String>,
    /// The authorities that a server certificate must come from, as PEM; with require this means verify-ca, as in libpq.
    /// [default: those of the system]
    #[arg(long, env, global = true, value_name = "FILE")]
    pub db_sslrootcert: Option<String>,
    /// The client certificate, as PEM
    #[arg(long, env, global = true, value_name = "FILE")]
    pub db_sslcert: Option<String>,
    /// The key of the client certificate, as PEM
    #[arg(long, env, global = true, value_name = "FILE")]
    pub db_sslkey: Option<String>,
    /// How long opening a connection may take, up to the login. [default: 10s]
    #[arg(long, env, global = true, value_name = "DURATION")]
    pub db_connect_timeout: Option<String>,
}

impl DatabaseArgs {
    /// The settings that were given.
    pub(in crate::config) fn named(&self) -> Vec<&'static str> {
        let Self {
            db_host,
            db_port,
            db_name,
            db_user,
            db_password_file,
            db_sslmode,
            db_sslrootcert,
            db_sslcert,
            db_sslkey,
            db_connect_timeout,
        } = self;
        given([
            ("DB_HOST", db_host),
            ("DB_PORT", db_port),
            ("DB_NAME", db_name),
            ("DB_USER", db_user),
            ("DB_PASSWORD_FILE", db_password_file),
            ("DB_SSLMODE", db_sslmode),
            ("DB_SSLROOTCERT", db_sslrootcert),
            ("DB_SSLCERT", db_sslcert),
            ("DB_SSLKEY", db_sslkey),
            ("DB_CONNECT_TIMEOUT", db_connect_timeout),
        ])
    }
}

/// How many connections are kept, and for how long.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Connection pool")]
pub struct PoolArgs {
    /// The most connections. [default: 50]
    #[arg(long, env, value_name = "COUNT")]
    pub db_max_open_conns: Option<String>,
    /// The most connections that are kept without use. [default: 10, or all if fewer are open]
    #[arg(long, env, value_name = "COUNT")]
    pub db_max_idle_conns: Option<String>,
    /// A connection is replaced when it is this old, up to a tenth earlier; 0 never. [default: 5m]
    #[arg(long, env, value_name = "DURATION")]
    pub db_conn_max_lifetime: Option<String>,
    /// A connection is closed after this time without use; 0 never. [default: 1m]
    #[arg(long, env, value_name = "DURATION")]
    pub db_conn_max_idle_time: Option<String>,
    /// How long a request waits for a connection when all are in use. [default: 5s]
    #[arg(long, env, value_name = "DURATION")]
    pub db_acquire_timeout: Option<String>,
    /// A statement that runs longer is cancelled. [default: 30s]
    #[arg(long, env, value_name = "DURATION")]
    pub db_query_timeout: Option<String>,
    /// Whether statements are prepared: named (they are), unnamed (never), or auto (unless a pooler stands before the
    /// database). PgBouncer from 1.21 on takes named with max_prepared_statements. [default: auto]
    #[arg(long, env, value_name = "MODE")]
    pub db_statement_mode: Option<String>,
}

impl PoolArgs {
    /// The settings that were given.
    pub(in crate::config) fn named(&self) -> Vec<&'static str> {
        let Self {
            db_max_open_conns,
            db_max_idle_conns,
            db_conn_max_lifetime,
            db_conn_max_idle_time,
            db_acquire_timeout,
            db_query_timeout,
            db_statement_mode,
        } = self;
        given([
            ("DB_MAX_OPEN_CONNS", db_max_open_conns),
            ("DB_MAX_IDLE_CONNS", db_max_idle_conns),
            ("DB_CONN_MAX_LIFETIME", db_conn_max_lifetime),
            ("DB_CONN_MAX_IDLE_TIME", db_conn_max_idle_time),
            ("DB_ACQUIRE_TIMEOUT", db_acquire_timeout),
            ("DB_QUERY_TIMEOUT", db_query_timeout),
            ("DB_STATEMENT_MODE", db_statement_mode),
        ])
    }
}

fn given<const N: usize>(settings: [(&'static str, &Option<String>); N]) -> Vec<&'static str> {
    settings
        .into_iter()
        .filter(|(_, raw)| present(raw.as_deref()).is_some())
        .map(|(setting, _)| setting)
        .collect()
}

/// The database that comes with the service.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Embedded PostgreSQL")]
pub struct EmbeddedArgs {
    /// Start a PostgreSQL of our own, also in Kubernetes or beside DB_* settings, of which only those of the pool count
    /// then. [default: true when no database is configured, outside Kubernetes]
    #[arg(long, env, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub embedded: Option<String>,
    /// Where it keeps its data. [default: dashboard-store under $XDG_DATA_HOME or ~/.local/share; for root /var/lib/dashboard-store]
    #[arg(long, env, value_name = "DIRECTORY")]
    pub data_dir: Option<String>,
    /// Its major version, 14 to 18. [default: what is installed, or else downloaded]
    #[arg(long, env, value_name = "MAJOR")]
    pub pg_version: Option<String>,
}
