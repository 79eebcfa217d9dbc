//! What `serve` runs with.

use std::num::NonZeroUsize;

use super::access::AccessConfig;
use super::args::ServeArgs;
use super::audit::AuditConfig;
use super::authentication::AuthenticationConfig;
use super::connect::{ConnectConfig, Url};
use super::dashboards::DashboardsConfig;
use super::embedded::{DatabaseSource, EmbeddedConfig};
use super::environment::Environment;
use super::listener::ListenersConfig;
use super::log::LogConfig;
use super::pool::PoolConfig;
use super::problem::{ConfigErrors, Reader};
use super::requests::RequestsConfig;
use super::tls::TlsChoice;
use super::value;

/// The checked configuration of `serve`.
#[derive(Debug, Clone)]
pub struct ServeConfig {
    /// Which database.
    pub database: DatabaseChoice,
    /// How many connections to it are kept, and for how long.
    pub pool: PoolConfig,
    /// Whether to bring the schema up to date before serving.
    pub migrate: bool,
    /// Whether to take part in maintenance.
    pub maintenance: bool,
    /// Where to listen.
    pub listeners: ListenersConfig,
    /// How callers prove who they are.
    pub authentication: AuthenticationConfig,
    /// Who may do everything without a grant.
    pub access: AccessConfig,
    /// What a dashboard may be, and how much of it is kept.
    pub dashboards: DashboardsConfig,
    /// How the audit log is kept.
    pub audit: AuditConfig,
    /// Whether ordinary reads are audit events.
    pub audit_reads: bool,
    /// How many requests are taken, and how long they may last.
    pub requests: RequestsConfig,
    /// What is logged, and how.
    pub log: LogConfig,
    /// Threads that work on requests; none for one for each core.
    pub worker_threads: Option<NonZeroUsize>,
}

/// Which database the service works on.
#[derive(Debug, Clone)]
pub enum DatabaseChoice {
    /// One that somebody else runs.
    External(ConnectConfig),
    /// One that the service starts and stops itself.
    Embedded(EmbeddedConfig),
}

impl ServeConfig {
    /// Whether it gives anybody a role, so that nobody has to be granted one: bootstrap admins, claims of tokens, or development,
    /// where everybody may do everything.
    pub fn gives_roles(&self) -> bool {
        let issuers = &self.authentication.issuers;
        let by_claims = issuers.iter().any(|issuer| !issuer.claims.roles.is_empty());
        self.authentication.is_development || by_claims || !self.access.bootstrap_admins.is_empty()
    }

    /// Checks the options.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn from_args(args: ServeArgs, environment: Environment) -> Result<Self, ConfigErrors> {
        let ServeArgs {
            database,
            pool,
            embedded,
            migrate,
            maintenance,
            listeners,
            tls,
            authentication,
            access,
            dashboards,
            audit,
            audit_reads,
            requests,
            log,
            worker_threads,
        } = args;
        let mut reader = Reader::default();
        let rust_log = environment.rust_log.clone();
        let named = [database.named(), pool.named(), environment.named()].concat();
        let source = DatabaseSource::read(&mut reader, &embedded, &named, environment.in_kubernetes);
        let database = match source {
            Some(DatabaseSource::Embedded) => {
                Some(DatabaseChoice::Embedded(EmbeddedConfig::read(&mut reader, embedded)))
            }
            // Where it is open which one is meant, the settings of a database are checked all the same.
            None if named.is_empty() => None,
            Some(DatabaseSource::External) | None => {
                let url = environment.database_url.map(Url::database_url);
                ConnectConfig::read(&mut reader, database, environment.password, url).map(DatabaseChoice::External)
            }
        };
        let pool = PoolConfig::read(&mut reader, pool);
        let migrate = reader.read("MIGRATE", migrate, value::switch);
        let maintenance = reader.read("MAINTENANCE", maintenance, value::switch);
        let tls = TlsChoice::read(&mut reader, tls);
        let authentication = AuthenticationConfig::read(&mut reader, authentication, &tls, source);
        let access = AccessConfig::read(&mut reader, access);
        let listeners = ListenersConfig::read(&mut reader, listeners, tls, &authentication);
        let dashboards = DashboardsConfig::read(&mut reader, dashboards);
        // The embedded database has a key of its own.
        let must_seal = source == Some(DatabaseSource::External) && !authentication.is_development;
        let audit = AuditConfig::read_for_service(&mut reader, audit, must_seal);
        let audit_reads = reader.read("AUDIT_READS", audit_reads, value::switch);
        let requests = RequestsConfig::read(&mut reader, requests);
        let log = LogConfig::read(&mut reader, log, rust_log);
        let worker_threads = reader.read("WORKER_THREADS", worker_threads, |text| value::number(text, 1..=1024));
        reader.finish(database.map(|database| Self {
            migrate: migrate.unwrap_or(matches!(database, DatabaseChoice::Embedded(_))),
            database,
            pool,
            maintenance: maintenance.unwrap_or(true),
            listeners,
            authentication,
            access,
            dashboards,
            audit,
            audit_reads: audit_reads.unwrap_or(false),
            requests,
            log,
            worker_threads: worker_threads.and_then(NonZeroUsize::new),
        }))
    }
}
