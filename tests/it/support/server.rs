//! The service in this process, put together as `serve` does it, on a database of its own.

use std::net::SocketAddr;

use clap::Parser as _;
use dashboard_store::command::serve::{Service, server_options};
use dashboard_store::config::{Cli, Command, ConnectConfig, Environment, ServeConfig};
use dashboard_store::grpc::proto::dashboard_service_client::DashboardServiceClient;
use dashboard_store::grpc::proto::preferences_service_client::PreferencesServiceClient;
use dashboard_store::grpc::proto::share_service_client::ShareServiceClient;
use dashboard_store::grpc::proto::template_service_client::TemplateServiceClient;
use dashboard_store::server::{Server, Shutdown};
use dashboard_store::store::pool::Pool;
use dashboard_store::telemetry::Metrics;
use tokio::task::JoinHandle;
use tokio_postgres::Client;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::channel::Channel;
use super::cluster::TestDatabase;
use super::waiting::until;
use super::{http, recording};

/// A running service. Dropped, it goes with the runtime of its test.
pub struct TestServer {
    database: TestDatabase,
    grpc_addr: SocketAddr,
    http_addr: SocketAddr,
    pool: Pool,
    shutdown: Shutdown,
    running: JoinHandle<()>,
    _counted: Counted,
}

impl TestServer {
    /// Starts a service on a new database, and waits until it serves.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// Starts a service whose configuration `adjust` has changed, and waits until it serves.
    pub async fn start_with(adjust: impl FnOnce(&mut ServeConfig)) -> Self {
        let database = TestDatabase::create().await;
        let server = Self::launch(database.clone(), database.service_config(), adjust).await;
        server.wait_until(ServingStatus::Serving).await;
        server
    }

    /// Starts a service on `database`, which it reaches as `connect` says, and does not wait.
    pub async fn launch(database: TestDatabase, connect: ConnectConfig, adjust: impl FnOnce(&mut ServeConfig)) -> Self {
        let mut config = default_config();
        adjust(&mut config);
        let server = Server::bind(server_options(&config)).await.unwrap();
        let metrics = Metrics::new().unwrap();
        let service = Service::assemble(server, &config, connect, metrics.clone()).unwrap();
        let shutdown = Shutdown::default();
        Self {
            database,
            grpc_addr: service.grpc_addr(),
            http_addr: service.http_addr(),
            pool: service.pool().clone(),
            shutdown: shutdown.clone(),
            running: tokio::spawn(service.run(shutdown)),
            _counted: Counted(metrics),
        }
    }

    /// A client of DashboardService, on a connection of its own.
    pub async fn dashboards(&self) -> DashboardServiceClient<Channel> {
        DashboardServiceClient::new(self.channel().await)
    }

    /// A client of PreferencesService, on a connection of its own.
    pub async fn preferences(&self) -> PreferencesServiceClient<Channel> {
        PreferencesServiceClient::new(self.channel().await)
    }

    /// A client of TemplateService, on a connection of its own.
    pub async fn templates(&self) -> TemplateServiceClient<Channel> {
        TemplateServiceClient::new(self.channel().await)
    }

    /// A client of ShareService, on a connection of its own.
    pub async fn sharing(&self) -> ShareServiceClient<Channel> {
        ShareServiceClient::new(self.channel().await)
    }

    /// A connection to the service.
    pub async fn channel(&self) -> Channel {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.grpc_addr)).unwrap();
        endpoint.connect().await.unwrap().into()
    }

    /// Where gRPC is served.
    pub fn grpc_addr(&self) -> SocketAddr {
        self.grpc_addr
    }

    /// Where the sidecar answers.
    pub fn http_addr(&self) -> SocketAddr {
        self.http_addr
    }

    /// The database that the service works on.
    pub fn database(&self) -> &TestDatabase {
        &self.database
    }

    /// A connection to the database, for the test's own questions.
    pub async fn sql(&self) -> Client {
        self.database.connect().await
    }

    /// The pool of the service.
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Waits until the health service says so; a test that waits in vain fails.
    pub async fn wait_until(&self, wanted: ServingStatus) {
        let mut health = HealthClient::new(self.channel().await);
        until(format_args!("{wanted:?}"), async || {
            let answer = health.check(HealthCheckRequest::default()).await;
            answer.is_ok_and(|check| check.into_inner().status() == wanted)
        })
        .await;
    }

    /// Waits until the sidecar says that calls can succeed, which needs no credential and no certificate.
    pub async fn wait_until_ready(&self) {
        until("ready", async || http::get(self.http_addr, "/ready").await.0 == 200).await;
    }

    /// Shuts down in order and waits until everything has ended.
    pub async fn stop(self) {
        self.shutdown.begin();
        self.running.await.unwrap();
    }
}

/// What a service has counted, recorded when its test has ended.
struct Counted(Metrics);

impl Drop for Counted {
    fn drop(&mut self) {
        if recording::is_on() {
            recording::metrics(&self.0.render().unwrap_or_default());
        }
    }
}

/// What `serve` runs with when it is told nothing but to take free ports, who may do everything, to change nothing by itself, and
/// to be patient with a slow machine. To see what somebody else may do, a test calls itself by another name.
fn default_config() -> ServeConfig {
    let line = [
        "dashboard-store",
        "serve",
        "--grpc-addr=127.0.0.1:0",
        "--http-addr=127.0.0.1:0",
        "--maintenance=false",
        "--request-timeout=60s",
        "--bootstrap-admins=user:alice,user:bob,user:a/b",
    ];
    let Command::Serve(args) = Cli::parse_from(line).command else {
        unreachable!("the line says serve");
    };
    let mut config = ServeConfig::from_args(*args, Environment::default()).unwrap();
    config.pool.acquire_timeout = config.requests.timeout;
    config
}
