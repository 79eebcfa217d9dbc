//! The wire, tested over real sockets with a service that needs no database.

mod errors;
mod health;
mod limits;
mod service;
mod shutdown;
mod unread;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tonic::service::Routes;
use tonic::transport::Channel;
use tonic::{Request, Response, Status};
use tonic_types::StatusExt;

use self::service::TestService;
use super::*;
use crate::grpc::MAX_MESSAGE_BYTES;
use crate::grpc::proto::FILE_DESCRIPTOR_SET;
use crate::health::{PoolSnapshot, grpc_service};
use crate::sidecar::{Sources, router};

/// A server on free ports, which ends with its test.
struct TestServer {
    grpc_addr: SocketAddr,
    shutdown: Shutdown,
    health: HealthHandle,
    metrics: Metrics,
    service: TestService,
    running: tokio::task::JoinHandle<()>,
}

impl TestServer {
    async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    async fn start_with(change: impl FnOnce(&mut ServerOptions)) -> Self {
        let localhost = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut options = ServerOptions {
            grpc_addr: localhost,
            http_addr: localhost,
            drain_delay: Duration::ZERO,
            limits: CallLimits::default(),
            connection: ConnectionLimits::default(),
            tls: None,
        };
        change(&mut options);
        let server = Server::bind(options).await.unwrap();
        let (shutdown, health, metrics) = (Shutdown::default(), HealthHandle::default(), Metrics::new().unwrap());
        let service = TestService::default();
        let descriptors = service::descriptors();
        let methods = Methods::from_descriptor_sets(&[&descriptors, FILE_DESCRIPTOR_SET]).unwrap();
        let sources = Sources {
            health: health.clone(),
            pool: Arc::new(PoolSnapshot::default),
            metrics: metrics.clone(),
            version: "1.0.0",
            is_insecure: true,
        };
        let services = Services {
            routes: Routes::new(service.clone()).add_service(grpc_service(health.clone(), methods.services())),
            methods,
            authenticator: Authenticator::development(),
            health: health.clone(),
            sidecar: router(sources),
            metrics: metrics.clone(),
            audit_trail: AuditTrail::new(false, metrics.clone()),
        };
        Self {
            grpc_addr: server.grpc_addr(),
            running: tokio::spawn(server.run(services, shutdown.clone())),
            shutdown,
            health,
            metrics,
            service,
        }
    }

    async fn channel(&self) -> Channel {
        let endpoint = tonic::transport::Endpoint::try_from(format!("http://{}", self.grpc_addr)).unwrap();
        endpoint.connect().await.unwrap()
    }

    /// Calls one method of the test service.
    async fn call(&self, method: &str, request: Request<String>) -> Result<Response<String>, Status> {
        service::call(self.channel().await, method, request).await
    }

    /// Waits until a call of `Hang` has arrived.
    async fn wait_until_hanging(&self) {
        while self.service.hanging.load(Ordering::SeqCst) == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits for the end, which must come soon, and says how long it took.
    async fn ended(self, at_most: Duration) -> Duration {
        let started = Instant::now();
        tokio::time::timeout(at_most, self.running).await.unwrap().unwrap();
        started.elapsed()
    }
}

fn reason(status: &Status) -> String {
    let details = status.get_error_details();
    let info = details.error_info().unwrap();
    assert_eq!(info.domain, "dashboards.perses.dev");
    info.reason.clone()
}
