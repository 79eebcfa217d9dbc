//! `dashboard-store serve`: starts the parts in order, and stops them in the other.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::FutureExt as _;
use tonic::service::Routes;

use crate::access::AccessControl;
use crate::config::{ConnectConfig, DatabaseChoice, EmbeddedConfig, ServeConfig};
use crate::domain::spec::SpecLimits;
use crate::grpc::proto::FILE_DESCRIPTOR_SET;
use crate::grpc::proto::dashboard_service_server::DashboardServiceServer;
use crate::grpc::{self, Dashboards};
use crate::health::{self, HealthHandle, PoolSnapshot, PoolSource, ProbeOk, SchemaState};
use crate::server::{
    CallLimits, ConnectionLimits, MAX_MESSAGE_BYTES, Methods, Server, ServerOptions, Services, Shutdown,
};
use crate::sidecar;
use crate::store::connect::{self, ConnectError};
use crate::store::embedded::{self, Durability, EmbeddedError, EmbeddedOptions, EmbeddedPostgres};
use crate::store::migrate::{self, MigrateError, Migrator, UpOptions};
use crate::store::pool::{Pool, PoolStats};
use crate::store::probe::Probe;
use crate::store::{Retention, Store};
use crate::telemetry::{Metrics, Telemetry};

/// The database of the embedded server.
const EMBEDDED_DATABASE: &str = "perses_dashboard";

/// Why the service does not start, or stopped by itself. Each is one line for whoever started it.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A port can't be had.
    #[error(transparent)]
    Server(#[from] crate::server::ServerError),
    /// The embedded PostgreSQL does not start, or ended by itself.
    #[error(transparent)]
    Embedded(#[from] EmbeddedError),
    /// The settings of the connection can't be used.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The schema can't be brought up to date.
    #[error("the schema could not be brought up to date: {0}")]
    Migrate(#[from] MigrateError),
    /// Signals can't be waited for, or the output is closed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The descriptors in this binary are broken.
    #[error("the descriptors of the API can't be read: {0}")]
    Descriptors(#[from] tonic_reflection::server::Error),
    /// The descriptors in this binary are broken.
    #[error("the descriptors of the API can't be read: {0}")]
    Methods(#[from] prost::DecodeError),
}

/// Serves until a signal comes, and tells `out` where.
///
/// # Errors
/// A [`ServeError`], whose text is one line for the person who ran the command.
pub async fn run(config: ServeConfig, telemetry: &Telemetry, out: &mut (impl Write + Send)) -> Result<(), ServeError> {
    let shutdown = Shutdown::default();
    shutdown.listen_for_signals()?;
    let server = Server::bind(server_options(&config)).await?;
    let (connect, mut postgres) = match &config.database {
        DatabaseChoice::External(connect) => (connect.clone(), None),
        DatabaseChoice::Embedded(embedded) => {
            let postgres = start_embedded(embedded).await?;
            (postgres.endpoint().connect_config(EMBEDDED_DATABASE), Some(postgres))
        }
    };
    if config.migrate {
        bring_schema_up(&connect).await?;
    }
    let service = Service::assemble(server, &config, connect, telemetry.metrics().clone())?;
    announce(out, service.grpc_addr(), service.http_addr())?;
    let ended = async {
        match &mut postgres {
            Some(postgres) => postgres.ended().await,
            None => std::future::pending().await,
        }
    };
    let outcome = tokio::select! {
        () = service.run(shutdown) => Ok(()),
        error = ended => Err(error.into()),
    };
    if let Some(postgres) = postgres
        && outcome.is_ok()
    {
        postgres.stop().await?;
    }
    outcome
}

/// The service on one database, ready to run.
pub struct Service {
    server: Server,
    services: Services,
    pool: Pool,
    probe: Probe,
}

impl Service {
    /// Puts the parts together on ports that are bound. The database need not be up yet.
    ///
    /// # Errors
    /// Settings of the connection that can't be used, such as a certificate that can't be read.
    pub fn assemble(
        server: Server,
        config: &ServeConfig,
        connect: ConnectConfig,
        metrics: Metrics,
    ) -> Result<Self, ServeError> {
        let probe = Probe::new(connect.clone())?;
        let pool = Pool::connect_lazy(connect, config.pool.clone())?;
        let services = services(config, &pool, metrics)?;
        Ok(Self {
            server,
            services,
            pool,
            probe,
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
        self.server.run(self.services, shutdown).await;
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
    }
}

async fn start_embedded(config: &EmbeddedConfig) -> Result<EmbeddedPostgres, EmbeddedError> {
    let data_dir = config.data_dir.clone().unwrap_or_else(embedded::default_data_dir);
    let options = EmbeddedOptions {
        version: config.major,
        ..EmbeddedOptions::new(data_dir, Durability::Durable)
    };
    let postgres = EmbeddedPostgres::start(options).await?;
    postgres.create_database_if_missing(EMBEDDED_DATABASE).await?;
    Ok(postgres)
}

async fn bring_schema_up(connect: &ConnectConfig) -> Result<(), ServeError> {
    let mut connected = connect::connect(connect).await?;
    let report = Migrator::embedded()
        .up(&mut connected.client, UpOptions::default(), &mut |step| {
            tracing::info!(%step, "migrated");
        })
        .await?;
    tracing::info!(version = report.to, "schema is up to date");
    Ok(())
}

/// The gRPC services with reflection and health, and the sidecar.
fn services(config: &ServeConfig, pool: &Pool, metrics: Metrics) -> Result<Services, ServeError> {
    let health = HealthHandle::default();
    let source = pool_source(pool);
    metrics.watch_pool(source.clone());
    let descriptors = [
        FILE_DESCRIPTOR_SET,
        tonic_health::pb::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
        // Not a service: with it grpcurl shows the details of errors.
        tonic_types::pb::FILE_DESCRIPTOR_SET,
    ];
    let methods = Methods::from_descriptor_sets(&descriptors)?;
    let reflection = || {
        descriptors
            .iter()
            .fold(tonic_reflection::server::Builder::configure(), |builder, set| {
                builder.register_encoded_file_descriptor_set(set)
            })
    };
    let routes = Routes::new(dashboard_service(config, pool.clone()))
        .add_service(health::grpc_service(health.clone(), methods.services()))
        .add_service(reflection().build_v1()?)
        .add_service(reflection().build_v1alpha()?);
    let sources = sidecar::Sources {
        health: health.clone(),
        pool: source,
        metrics: metrics.clone(),
        version: env!("CARGO_PKG_VERSION"),
        is_insecure: true,
    };
    Ok(Services {
        routes,
        methods,
        health,
        sidecar: sidecar::router(sources),
        metrics,
    })
}

fn dashboard_service(config: &ServeConfig, pool: Pool) -> DashboardServiceServer<Dashboards> {
    let retention = Retention {
        revisions_kept: i32::try_from(config.dashboards.revisions_kept).unwrap_or(i32::MAX),
        deleted_dashboards: config.dashboards.deleted_retention,
    };
    let limits = SpecLimits {
        max_bytes: config.dashboards.spec_max_bytes,
    };
    let dashboards = Dashboards::new(Store::new(pool, retention), AccessControl::default(), limits);
    DashboardServiceServer::new(dashboards)
        .max_decoding_message_size(MAX_MESSAGE_BYTES)
        .max_encoding_message_size(MAX_MESSAGE_BYTES)
}

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
            let (response_time, schema) = asked.ask().await?;
            let schema = match schema {
                migrate::SchemaState::Ready => SchemaState::Ready,
                other => SchemaState::NotReady(other.to_string()),
            };
            Ok(ProbeOk { response_time, schema })
        }
        .boxed()
    };
    let closing = shutdown.closing().clone();
    tokio::spawn(health::probe_until(closing, health.clone(), pool_source(pool), ask));
}

/// Tells a person, and a script, where to go from here.
fn announce(out: &mut impl Write, grpc: SocketAddr, http: SocketAddr) -> io::Result<()> {
    writeln!(out, "grpc: http://{grpc}")?;
    writeln!(out, "http: http://{http}")?;
    writeln!(out)?;
    writeln!(out, "try:")?;
    let service = grpc::DASHBOARD_SERVICE;
    let create = r#"{"parent":"projects/demo","dashboard_id":"hello","dashboard":{"spec":{"structured":{"display":{"name":"Hello"},"panels":{}}}}}"#;
    writeln!(out, "  grpcurl -plaintext {grpc} list {service}")?;
    writeln!(
        out,
        "  grpcurl -plaintext -d '{create}' {grpc} {service}/CreateDashboard"
    )?;
    writeln!(
        out,
        "  grpcurl -plaintext -d '{{\"parent\":\"projects/demo\"}}' {grpc} {service}/ListDashboards"
    )?;
    out.flush()
}
