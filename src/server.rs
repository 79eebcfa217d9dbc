//! Binds ports, then runs: the listeners, the layers around every RPC, the order of a shutdown.
//!
//! What belongs here: everything on the wire that is the same for every RPC. What does not: any RPC by name.

mod audit;
mod authenticate;
mod catch_panic;
mod connection;
mod deadline;
mod details;
mod drain;
mod grpc_only;
mod identity;
mod layer;
mod listener;
mod methods;
mod observe;
mod shed;
mod shutdown;
mod status_code;
mod tls;
mod unread;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tonic::service::Routes;
use tower::ServiceExt;

use self::authenticate::Authenticate;
use self::connection::Connections;
use self::layer::{Handler, Layer, Request, Response};
use self::tls::Tls;

pub use self::connection::ConnectionLimits;
pub use self::identity::REQUEST_ID;
pub use self::listener::{Listener, ServerError};
pub use self::methods::{Method, Methods};
pub use self::shutdown::Shutdown;
pub use self::tls::TlsError;

use crate::audit_trail::AuditTrail;
use crate::authentication::Authenticator;
use crate::config::TlsConfig;
use crate::health::HealthHandle;
use crate::sidecar;
use crate::telemetry::Metrics;

/// How long cancelled calls get to clean up.
const CLEAN_UP: Duration = Duration::from_secs(1);

/// Where to listen and what a server may cost.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// Where gRPC is served; port 0 picks a free one.
    pub grpc_addr: SocketAddr,
    /// Where health and metrics are served over HTTP; port 0 picks a free one.
    pub http_addr: SocketAddr,
    /// How long new connections are taken after SIGTERM, until balancers have turned away.
    pub drain_delay: Duration,
    /// What calls may cost.
    pub limits: CallLimits,
    /// What connections may cost.
    pub connection: ConnectionLimits,
    /// The certificates of the gRPC listener; none to serve in plain text.
    pub tls: Option<TlsConfig>,
}

/// What calls may cost.
#[derive(Debug, Clone)]
pub struct CallLimits {
    /// The deadline of callers that name none.
    pub default_deadline: Duration,
    /// The longest deadline of a unary call.
    pub longest_deadline: Duration,
    /// Calls in flight, over all connections.
    pub max_in_flight: usize,
    /// Calls that wait for others to finish.
    pub max_queued: usize,
    /// How long they wait.
    pub longest_wait: Duration,
    /// A unary call that takes longer is logged.
    pub slow: Duration,
    /// How long calls may take to finish in a shutdown.
    pub shutdown_grace: Duration,
}

impl Default for CallLimits {
    fn default() -> Self {
        Self {
            default_deadline: Duration::from_secs(10),
            longest_deadline: Duration::from_secs(60),
            max_in_flight: 1000,
            max_queued: 500,
            longest_wait: Duration::from_millis(250),
            slow: Duration::from_secs(1),
            shutdown_grace: Duration::from_secs(10),
        }
    }
}

/// What is served.
#[derive(Debug)]
pub struct Services {
    /// The gRPC services, with reflection and health.
    pub routes: Routes,
    /// What their descriptors say.
    pub methods: Methods,
    /// Finds out who calls them.
    pub authenticator: Authenticator,
    /// Says NOT_SERVING from the first signal on.
    pub health: HealthHandle,
    /// The HTTP endpoints beside gRPC.
    pub sidecar: axum::Router,
    /// Where calls are counted.
    pub metrics: Metrics,
    /// Where calls wait that are audit events.
    pub audit_trail: AuditTrail,
}

/// Both ports are bound, nothing is served yet.
#[derive(Debug)]
pub struct Server {
    options: ServerOptions,
    grpc: Listener,
    http: Listener,
    tls: Option<Arc<Tls>>,
}

impl Server {
    /// Reads the certificates and binds both ports.
    ///
    /// # Errors
    /// One line that says which file can't be used, or which port can't be had and which setting moves it.
    pub async fn bind(options: ServerOptions) -> Result<Self, ServerError> {
        let grpc = Listener::bind("gRPC", options.grpc_addr, "GRPC_ADDR").await?;
        let http = Listener::bind("HTTP", options.http_addr, "HTTP_ADDR").await?;
        let tls = match options.tls.clone() {
            Some(config) => Some(Arc::new(Tls::load(config).await?)),
            None => None,
        };
        Ok(Self {
            options,
            grpc,
            http,
            tls,
        })
    }

    /// Where gRPC is served, with the real port.
    pub fn grpc_addr(&self) -> SocketAddr {
        self.grpc.address()
    }

    /// Where the sidecar is served, with the real port.
    pub fn http_addr(&self) -> SocketAddr {
        self.http.address()
    }

    /// Serves until `shutdown` has gone through its phases; when this returns, no call goes on any longer.
    pub async fn run(self, services: Services, shutdown: Shutdown) {
        let Self {
            options,
            grpc,
            http,
            tls,
        } = self;
        let Services {
            routes,
            methods,
            authenticator,
            health,
            sidecar,
            metrics,
            audit_trail,
        } = services;
        authenticator.keep_fresh(shutdown.closing(), &metrics);
        if let Some(tls) = tls.clone() {
            tokio::spawn(tls.reload_until(shutdown.closing().clone(), metrics.clone()));
        }
        let authenticate = Authenticate {
            authenticator: Arc::new(authenticator),
        };
        let observe = observe::Observe {
            metrics,
            slow: options.limits.slow,
            audit_trail,
        };
        let handler = stack(routes, methods, authenticate, observe, &options.limits);
        let connections = Connections::new(handler, options.connection.clone(), tls, shutdown.clone());

        let serve_grpc = grpc.accept_until(shutdown.closing(), |stream, peer| connections.spawn(stream, peer));
        let close = async {
            shutdown.draining().cancelled().await;
            tracing::info!(delay = ?options.drain_delay, "draining");
            health.drain();
            tokio::select! {
                () = tokio::time::sleep(options.drain_delay) => {}
                () = shutdown.aborting().cancelled() => {}
            }
            shutdown.close();
        };
        let finish = async {
            tokio::join!(serve_grpc, close);
            finish_calls(&connections, &shutdown, options.limits.shutdown_grace).await;
        };
        // The sidecar answers to the last: probes must see that the server drains.
        tokio::select! {
            () = sidecar::serve(http, sidecar) => {}
            () = finish => {}
        }
    }
}

/// Waits until every call has finished, and cancels what takes too long.
async fn finish_calls<H: Handler>(connections: &Connections<H>, shutdown: &Shutdown, grace: Duration) {
    let running = connections.running();
    running.close();
    tokio::select! {
        () = running.wait() => return,
        () = tokio::time::sleep(grace) => {}
        () = shutdown.aborting().cancelled() => {}
    }
    tracing::warn!(tasks = running.len(), "cancelling what has not finished");
    shutdown.abort();
    let _ = tokio::time::timeout(CLEAN_UP, running.wait()).await;
}

/// The layers around every RPC; a request goes through them from the last line to the first.
fn stack(
    routes: Routes,
    methods: Methods,
    authenticate: Authenticate,
    observe: observe::Observe,
    limits: &CallLimits,
) -> impl Handler + use<> {
    let handler = Rpcs(routes.prepare());
    let handler = drain::Drain.around(handler);
    let handler = authenticate.around(handler);
    let handler = shed::Shed::new(limits.max_in_flight, limits.max_queued, limits.longest_wait).around(handler);
    let handler = deadline::Deadline {
        default: limits.default_deadline,
        longest: limits.longest_deadline,
    }
    .around(handler);
    let handler = catch_panic::CatchPanic.around(handler);
    let handler = details::Details.around(handler);
    let handler = observe.around(handler);
    let handler = identity::Identity {
        methods: Arc::new(methods),
    }
    .around(handler);
    grpc_only::GrpcOnly.around(handler)
}

/// The RPCs themselves.
struct Rpcs(Routes);

impl Handler for Rpcs {
    async fn handle(&self, request: Request) -> Response {
        match self.0.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}
