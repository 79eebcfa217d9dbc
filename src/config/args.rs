//! The options as they are typed: text, not yet checked.
//!
//! Everything is text here, so that clap stops at unknown options alone and every bad value is reported at once. The
//! structs are destructured without `..` where they are checked: an option that nobody reads does not compile.

mod audit;
mod callers;
mod client;
mod database;

use clap::{Args, Parser, Subcommand};

pub use self::audit::{AuditAction, AuditArgs, AuditKeepingArgs, PublicKeysArgs};
pub use self::callers::{AuthenticationArgs, TlsArgs};
pub use self::client::{ClientArgs, ExportArgs, ImportArgs, RenderArgs, TemplateAction, TemplateArgs};
pub use self::database::{DatabaseArgs, EmbeddedArgs, PoolArgs};

use self::audit::AUDIT_HELP;
use self::client::{EXPORT_HELP, IMPORT_HELP};

/// Keeps Perses dashboards, with history, in PostgreSQL behind gRPC.
#[derive(Debug, Parser)]
#[command(name = "dashboard-store", version, about, max_term_width = 110)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the gRPC API, and health and metrics over HTTP.
    ///
    /// Without a configured database this starts a PostgreSQL of its own and keeps its data in DATA_DIR.
    #[command(after_long_help = SERVE_HELP)]
    Serve(Box<ServeArgs>),
    /// Bring the schema of the database up or down, or tell where it stands.
    #[command(after_long_help = MIGRATE_HELP)]
    Migrate(Box<MigrateArgs>),
    /// Do now what the servers do by themselves from time to time, due or not: make partitions of the audit log, and
    /// remove what has expired.
    #[command(after_long_help = MAINTAIN_HELP)]
    Maintain(Box<MaintainArgs>),
    /// Show that the audit log is as it was written, or take it out with its seals.
    #[command(after_long_help = AUDIT_HELP)]
    Audit(Box<AuditArgs>),
    /// Bring dashboards from files into a running service.
    #[command(after_long_help = IMPORT_HELP)]
    Import(Box<ImportArgs>),
    /// Write the dashboards of a running service to files.
    #[command(after_long_help = EXPORT_HELP)]
    Export(Box<ExportArgs>),
    /// Try a template of a running service.
    Template(Box<TemplateArgs>),
}

const SERVE_HELP: &str = "\
Environment variables without a flag:
  DATABASE_URL   the database as one text, instead of DB_HOST and the others:
                 postgres://user:password@host:5432/name?sslmode=verify-full
                 or host=... user=... as libpq takes it
  DB_PASSWORD    the password; or give DB_PASSWORD_FILE
  RUST_LOG       wins over LOG_LEVEL

Every option is a flag or the environment variable of the same name; the
flag wins, and an empty variable counts as absent.
Durations: 250ms, 10s, 1m30s, 5m, 30d. Switches: true, false.

Examples:
  On an embedded PostgreSQL, for development:
    dashboard-store serve
  On a database of yours:
    export DB_HOST=db.example.com DB_USER=dashboards
    export DB_PASSWORD_FILE=/run/secrets/db-password
    export DB_SSLMODE=verify-full DB_SSLROOTCERT=/etc/ssl/db-ca.pem
    export TLS_CERT_FILE=/etc/tls/tls.crt TLS_KEY_FILE=/etc/tls/tls.key
    export TLS_CLIENT_CA_FILE=/etc/tls/clients-ca.crt
    export AUDIT_SIGNING_KEY_FILE=/run/secrets/audit-signing-key.pem
    # Who grants the first roles: a name in a certificate, or one of a token.
    export BOOTSTRAP_ADMINS=user:spiffe://cluster.local/ns/ops/sa/admin
    dashboard-store serve";

const MIGRATE_HELP: &str = "\
Environment variables without a flag:
  DB_DIRECT_URL  a connection straight to PostgreSQL, for when DB_HOST is a
                 PgBouncer: the lock that keeps two migrations apart does not
                 work through it. Same syntax as DATABASE_URL
  DATABASE_URL   the database as one text, instead of DB_HOST and the others:
                 postgres://user:password@host:5432/name?sslmode=verify-full
  DB_PASSWORD    the password; or give DB_PASSWORD_FILE
  RUST_LOG       wins over LOG_LEVEL";

const MAINTAIN_HELP: &str = "\
Environment variables without a flag:
  DB_DIRECT_URL  a connection straight to PostgreSQL, as for migrate
  DATABASE_URL   the database as one text, instead of DB_HOST and the others:
                 postgres://user:password@host:5432/name?sslmode=verify-full
  DB_PASSWORD    the password; or give DB_PASSWORD_FILE
  RUST_LOG       wins over LOG_LEVEL

Prints a line for each task, and fails when one of them failed. Only the owner
of the tables may make partitions of the audit log.";

/// The options of `serve`.
#[derive(Debug, Default, Args)]
pub struct ServeArgs {
    /// Where the database is.
    #[command(flatten)]
    pub database: DatabaseArgs,
    /// How many connections to it are kept, and for how long.
    #[command(flatten)]
    pub pool: PoolArgs,
    /// The database that comes with the service.
    #[command(flatten)]
    pub embedded: EmbeddedArgs,
    /// Bring the schema up to date before serving. [default: false; true with the embedded PostgreSQL]
    #[arg(long, env, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", help_heading = "Database")]
    pub migrate: Option<String>,
    /// Maintain the database, in turn with the other servers: make partitions of the audit log, purge and prune what is no
    /// longer kept. With false, `dashboard-store maintain` has to run instead, once a day at least. [default: true]
    #[arg(long, env, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", help_heading = "Database")]
    pub maintenance: Option<String>,
    /// Where to listen.
    #[command(flatten)]
    pub listeners: ListenerArgs,
    /// The certificates of the gRPC listener.
    #[command(flatten)]
    pub tls: TlsArgs,
    /// How callers prove who they are.
    #[command(flatten)]
    pub authentication: AuthenticationArgs,
    /// Who may do what.
    #[command(flatten)]
    pub access: AccessArgs,
    /// What a dashboard may be.
    #[command(flatten)]
    pub dashboards: DashboardArgs,
    /// How the audit log is kept.
    #[command(flatten)]
    pub audit: AuditKeepingArgs,
    /// Whether ordinary reads are audit events, too: true or false. Those of the audit log itself always are. [default: false]
    #[arg(long, env, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", help_heading = "Audit log")]
    pub audit_reads: Option<String>,
    /// How requests are taken.
    #[command(flatten)]
    pub requests: RequestArgs,
    /// What is logged, and how.
    #[command(flatten)]
    pub log: LogArgs,
    /// Threads that work on requests. [default: one for each core]
    #[arg(long, env, value_name = "COUNT", help_heading = "Process")]
    pub worker_threads: Option<String>,
}

/// Where to listen.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Listeners")]
pub struct ListenerArgs {
    /// Where gRPC listens: ADDRESS:PORT, or an address alone for port 50051. Port 0 takes a free one, and the log says
    /// which. [default: port 50051 of every interface; of loopback with INSECURE_DEV]
    #[arg(long, env, value_name = "ADDRESS")]
    pub grpc_addr: Option<String>,
    /// Where health and metrics listen over HTTP. [default: port 8080 of every interface; of loopback with INSECURE_DEV]
    #[arg(long, env, value_name = "ADDRESS")]
    pub http_addr: Option<String>,
}

/// Who may do what.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Access")]
pub struct AccessArgs {
    /// Users and groups that may do everything without a grant: user:ada,group:sre. With them the first grants are made.
    /// [default: none]
    #[arg(long, env, value_name = "SUBJECTS")]
    pub bootstrap_admins: Option<String>,
    /// Networks of proxies that are believed when X-Forwarded-For says whom they speak for: 10.0.0.0/8,192.0.2.7/32.
    /// [default: none]
    #[arg(long, env, value_name = "NETWORKS")]
    pub trusted_proxies: Option<String>,
    /// The longest life of a share link, at most 10 years (3650d). [default: 365d]
    #[arg(long, env, value_name = "DURATION")]
    pub share_link_max_ttl: Option<String>,
}

/// What a dashboard may be.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Dashboards")]
pub struct DashboardArgs {
    /// The largest document of a dashboard, at most 1.5 MiB (1572864). [default: 1MiB]
    #[arg(long, env, value_name = "BYTES")]
    pub spec_max_bytes: Option<String>,
    /// How many of the newest revisions of a dashboard are kept. [default: 100]
    #[arg(long, env, value_name = "COUNT")]
    pub revisions_kept: Option<String>,
    /// How long a deleted dashboard can be brought back before it is purged. [default: 30d]
    #[arg(long, env, value_name = "DURATION")]
    pub deleted_retention: Option<String>,
}

/// How requests are taken.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Requests")]
pub struct RequestArgs {
    /// Requests that are worked on at the same time; more are refused with RESOURCE_EXHAUSTED. [default: 256]
    #[arg(long, env, value_name = "COUNT")]
    pub max_requests_in_flight: Option<String>,
    /// The deadline of a request that brings none, at most 60s. [default: 10s]
    #[arg(long, env, value_name = "DURATION")]
    pub request_timeout: Option<String>,
    /// How long an import or an export may stand still, at most 10m. [default: 60s]
    #[arg(long, env, value_name = "DURATION")]
    pub stream_idle_timeout: Option<String>,
    /// How long an export may take, at most 1h: for so long its snapshot keeps old rows in the database. [default: 5m]
    #[arg(long, env, value_name = "DURATION")]
    pub export_timeout: Option<String>,
    /// How long new requests are still taken after SIGTERM, while load balancers notice. [default: 0s]
    #[arg(long, env, value_name = "DURATION")]
    pub drain_delay: Option<String>,
}

/// What is logged, and how.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Process")]
pub struct LogArgs {
    /// How the log is written: text or json. [default: text]
    #[arg(long, env, global = true, value_name = "FORMAT")]
    pub log_format: Option<String>,
    /// What is logged: error, warn, info, debug, trace or off, also by module: info,tokio_postgres=debug. [default: info]
    #[arg(long, env, global = true, value_name = "FILTER")]
    pub log_level: Option<String>,
}

/// The options of `migrate`.
#[derive(Debug, Args)]
pub struct MigrateArgs {
    /// What to do with the schema.
    #[command(subcommand)]
    pub action: MigrateAction,
    /// Where the database is.
    #[command(flatten)]
    pub database: DatabaseArgs,
    /// What is logged, and how.
    #[command(flatten)]
    pub log: LogArgs,
}

/// What `dashboard-store migrate` does.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum MigrateAction {
    /// Apply the migrations that are missing, and make audit partitions for the coming months
    Up {
        /// Stop after this version instead of the latest
        #[arg(long, value_name = "VERSION")]
        to: Option<i32>,
        /// Take the database over from golang-migrate, for good: its table schema_migrations is renamed
        #[arg(long)]
        adopt: bool,
    },
    /// Revert migrations, newest first. What they brought is dropped WITH ITS DATA
    Down {
        /// The version to go back to; 0 removes everything of dashboard-store
        #[arg(long, value_name = "VERSION")]
        to: i32,
    },
    /// Show every migration: pending, or applied when and by whom
    Status,
    /// Compare what was applied with the files of this release; fails if they differ
    Verify,
}

/// The options of `maintain`.
#[derive(Debug, Args)]
pub struct MaintainArgs {
    /// Where the database is.
    #[command(flatten)]
    pub database: DatabaseArgs,
    /// How many of the newest revisions of a dashboard are kept: the same number as the servers have. [default: none are
    /// pruned]
    #[arg(long, env, value_name = "COUNT", help_heading = "Dashboards")]
    pub revisions_kept: Option<String>,
    /// How the audit log is kept.
    #[command(flatten)]
    pub audit: AuditKeepingArgs,
    /// What is logged, and how.
    #[command(flatten)]
    pub log: LogArgs,
}
