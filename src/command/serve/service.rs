//! The service: the parts put together on ports that are bound.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio_util::sync::CancellationToken;

use super::ServeError;
use super::first_admin::ask_until;
use super::maintenance::Maintenance;
use super::recording::Recorder;
use super::sealing::Sealer;
use crate::access::AccessControl;
use crate::audit_trail::AuditTrail;
use crate::authentication::Authenticator;
use crate::config::{AccessConfig, ConnectConfig, DashboardsConfig, ServeConfig};
use crate::domain::share_link::ShareLimits;
use crate::domain::spec::SpecLimits;
use crate::grpc::{self, AuditLog, Dashboards, Handlers, Preferences, ShareRules, Sharing, StreamLimits, Templates};
use crate::health::{self, HealthHandle, PoolSnapshot, PoolSource, ProbeOk, SchemaState};
use crate::server::{CallLimits, ConnectionLimits, Methods, Server, ServerOptions, Services, Shutdown};
use crate::sidecar;
use crate::store::migrate;
use crate::store::pool::{Pool, PoolStats};
use crate::store::probe::Probe;
use crate::store::{Retention, Store};
use crate::telemetry::Metrics;

/// How long the last audit events may take to be written, with what was under way.
const RECORDING_GRACE: Duration = Duration::from_secs(10);

/// The service on one database, ready to run.
pub struct Service {
    server: Server,
    services: Services,
    pool: Pool,
    probe: Probe,
    recorder: Recorder,
    maintenance: Maintenance,
    /// Asked whether anybody can grant a role, where the configuration gives nobody one.
    without_roles: Option<Store>,
    sealer: Option<Sealer>,
}

impl Service {
    /// Puts the parts together on ports that are bound. The database need not be up yet.
    ///
    /// # Errors
    /// Settings of the connection that can't be used, such as a certificate that can't be read; or a file with the keys of
    /// an issuer of tokens.
    pub fn assemble(
        server: Server,
        config: &ServeConfig,
        connect: ConnectConfig,
        metrics: Metrics,
    ) -> Result<Self, ServeError> {
        let probe = Probe::new(connect.clone())?;
        let pool = Pool::connect_lazy(connect, config.pool.clone())?;
        let store = Store::new(pool.clone(), retention(&config.dashboards)).with_audit(config.audit.clone());
        let maintenance = Maintenance::new(store.clone(), metrics.clone(), config.maintenance);
        let without_roles = (!config.gives_roles()).then(|| store.clone());
        let audit_trail = AuditTrail::new(config.audit_reads, metrics.clone());
        let recorder = Recorder::new(store.clone(), audit_trail.clone());
        let handlers = handlers(config, store.clone());
        let services = services(config, handlers, pool_source(&pool), metrics.clone(), audit_trail)?;
        let sealer = config.audit.key.clone().map(|key| {
            let health = services.health.clone();
            Sealer::new(store, key, metrics, health)
        });
        Ok(Self {
            server,
            services,
            pool,
            probe,
            recorder,
            maintenance,
            without_roles,
            sealer,
        })
    }

    /// Where gRPC is served, with the real port.
    pub fn grpc_addr(&self) -> SocketAddr {
        self.server.grpc_addr()
    }

    /// Where health and metrics are served, with the real port.
    pub fn http_addr(&self) -> SocketAddr {
        self.server.http_addr()
    }

    /// The pool of connections to the database.
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Serves until `shutdown` has gone through its phases.
    pub async fn run(self, shutdown: Shutdown) {
        spawn_probe(&shutdown, &self.services.health, &self.pool, self.probe);
        tokio::spawn(self.maintenance.run_until(shutdown.draining().clone()));
        if let Some(store) = self.without_roles {
            tokio::spawn(ask_until(shutdown.draining().clone(), store));
        }
        if let Some(sealer) = self.sealer {
            tokio::spawn(sealer.run_until(shutdown.closing().clone()));
        }
        let ended = CancellationToken::new();
        let recording = tokio::spawn(self.recorder.run_until(ended.clone()));
        self.server.run(self.services, shutdown).await;
        // No call goes on any longer, so nothing more is to be recorded.
        ended.cancel();
        if tokio::time::timeout(RECORDING_GRACE, recording).await.is_err() {
            tracing::error!("audit events may be lost: they could not be written in time");
        }
    }
}

/// What a server for `config` listens on, and how much it takes.
pub fn server_options(config: &ServeConfig) -> ServerOptions {
    ServerOptions {
        grpc_addr: config.listeners.grpc_addr,
        http_addr: config.listeners.http_addr,
        drain_delay: config.requests.drain_delay,
        limits: CallLimits {
            default_deadline: config.requests.timeout,
            max_in_flight: config.requests.max_in_flight,
            max_queued: config.requests.max_in_flight,
            ..CallLimits::default()
        },
        connection: ConnectionLimits::default(),
        tls: config.listeners.tls.clone(),
    }
}

fn retention(config: &DashboardsConfig) -> Retention {
    Retention {
        revisions_kept: i32::try_from(config.revisions_kept).unwrap_or(i32::MAX),
        deleted_dashboards: config.deleted_retention,
    }
}

fn handlers(config: &ServeConfig, store: Store) -> Handlers {
    let limits = SpecLimits {
        max_bytes: config.dashboards.spec_max_bytes,
    };
    let streams = StreamLimits {
        idle: config.requests.stream_idle_timeout,
        export: config.requests.export_timeout,
    };
    let access = AccessControl::new(config.access.bootstrap_admins.clone(), Arc::new(store.clone()));
    Handlers {
        dashboards: Dashboards::new(store.clone(), access.clone(), limits, streams),
        templates: Templates::new(store.clone(), access.clone(), limits),
        audit_log: AuditLog::new(store.clone(), access.clone(), config.audit.public_keys(), streams),
        preferences: Preferences::new(store.clone(), access.clone()),
        sharing: Sharing::new(store, access, share_rules(&config.access)),
    }
}

fn share_rules(config: &AccessConfig) -> ShareRules {
    ShareRules {
        limits: ShareLimits {
            max_ttl: config.share_link_max_ttl,
        },
        trusted_proxies: config.trusted_proxies.clone(),
    }
}

/// What is served on both ports; `pool` shows the use of the connections.
fn services(
    config: &ServeConfig,
    handlers: Handlers,
    pool: PoolSource,
    metrics: Metrics,
    audit_trail: AuditTrail,
) -> Result<Services, ServeError> {
    let health = HealthHandle::default();
    metrics.watch_pool(pool.clone());
    let mut methods = Methods::from_descriptor_sets(grpc::DESCRIPTOR_SETS).map_err(ServeError::descriptors)?;
    if config.authentication.open_reflection {
        methods.open_reflection();
    }
    let routes = grpc::routes(handlers, health.clone(), methods.services()).map_err(ServeError::descriptors)?;
    let sidecar = sidecar::router(sidecar::Sources {
        health: health.clone(),
        pool,
        metrics: metrics.clone(),
        version: env!("CARGO_PKG_VERSION"),
        is_insecure: config.authentication.is_development,
    });
    Ok(Services {
        routes,
        methods,
        authenticator: Authenticator::new(&config.authentication)?,
        health,
        sidecar,
        metrics,
        audit_trail,
    })
}

/// Shows health what it needs of the pool's statistics; neither knows the other.
fn pool_source(pool: &Pool) -> PoolSource {
    let watched = pool.clone();
    Arc::new(move || {
        let PoolStats {
            max_open,
            open,
            idle,
            in_use,
            wait_count,
            wait_duration,
            ..
        } = watched.stats();
        PoolSnapshot {
            open,
            idle,
            in_use,
            max_open,
            wait_count,
            wait_duration,
        }
    })
}

/// Asks the database each second, on a connection of its own: a pool that is busy is no outage.
fn spawn_probe(shutdown: &Shutdown, health: &HealthHandle, pool: &Pool, probe: Probe) {
    let shared = Arc::new(probe);
    let ask = move || {
        let asked = shared.clone();
        async move {
            let (response_time, state) = asked.ask().await?;
            let schema = match state {
                migrate::SchemaState::Ready => SchemaState::Ready,
                not_ready => SchemaState::NotReady(not_ready.to_string()),
            };
            Ok(ProbeOk { response_time, schema })
        }
        .boxed()
    };
    let closing = shutdown.closing().clone();
    tokio::spawn(health::probe_until(closing, health.clone(), pool_source(pool), ask));
}
