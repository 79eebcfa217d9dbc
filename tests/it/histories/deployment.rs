//! The program and a PostgreSQL server that loses nothing, with a network between them that does.

use nix::sys::signal::Signal;
use tokio_postgres::Client;
use tonic::transport::Endpoint;

use crate::support::channel::Channel;
use crate::support::cluster;
use crate::support::network::{Gateway, Traffic};
use crate::support::postgres::{OwnPostgres, free_port};
use crate::support::process::{ServiceProcess, database_url, serve};
use dashboard_store::store::connect;

/// A service as it is deployed, at an address that it keeps.
pub struct Deployment {
    pub gateway: Gateway,
    postgres: OwnPostgres,
    service: Option<ServiceProcess>,
    port: u16,
}

impl Deployment {
    /// Starts everything, and waits until it serves.
    pub async fn start() -> Self {
        let postgres = OwnPostgres::start_durable().await;
        cluster::migrate(&postgres.socket_config()).await;
        let gateway = Gateway::before(&postgres.socket_config(), Traffic::Passes).await;
        let mut deployment = Self {
            gateway,
            postgres,
            service: None,
            port: free_port(),
        };
        deployment.start_service().await;
        deployment
    }

    async fn start_service(&mut self) {
        let route = self.gateway.route(&self.postgres.socket_config());
        let mut command = serve(&["--insecure-dev", "--revisions-kept=100000", "--log-level=error"]);
        command
            .env("GRPC_ADDR", format!("127.0.0.1:{}", self.port))
            .env("DATABASE_URL", database_url(&route))
            .env("DB_CONNECT_TIMEOUT", "1s")
            .env("DB_MAX_OPEN_CONNS", "20");
        self.service = Some(ServiceProcess::start_serving(command).await);
    }

    /// Sends the service a signal.
    pub fn signal_service(&self, signal: Signal) {
        self.service.as_ref().unwrap().signal(signal);
    }

    /// Kills the service if that is still to be done, and starts another one.
    pub async fn restart_service(&mut self) {
        let service = self.service.take().unwrap();
        service.signal(Signal::SIGKILL);
        let (code, log) = service.ended().await;
        assert_eq!(code, None, "the service had ended by itself: {log}");
        self.start_service().await;
    }

    /// Kills the database server, and starts it again on its data.
    pub async fn kill_postgres(&mut self) {
        self.postgres.kill().await;
        self.postgres.resume().await;
    }

    /// A connection to the database, past the gateway.
    pub async fn sql(&self) -> Client {
        connect::connect(&self.postgres.socket_config()).await.unwrap().client
    }

    /// Runs statements, past the gateway.
    pub async fn execute(&self, statements: &str) {
        self.postgres.execute(statements).await;
    }

    /// A connection to the service, opened when it is needed, and again when it is lost.
    pub fn channel(&self) -> Channel {
        let endpoint = Endpoint::from_shared(format!("http://127.0.0.1:{}", self.port)).unwrap();
        endpoint.connect_lazy().into()
    }
}
