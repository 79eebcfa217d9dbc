//! The life of one HTTP/2 connection: TLS, preface, requests, GOAWAY, end.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper::server::conn::http2;
use hyper_util::rt::{TokioIo, TokioTimer};
use rand::Rng;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::body::Body;
use tonic::transport::server::{Connected, TcpConnectInfo};

use super::drain::ConnectionClosing;
use super::layer::{Handler, Response};
use super::shutdown::Shutdown;
use super::tls::{Tls, peer_certificate};
use super::unread::Unread;
use crate::authentication::PeerCertificate;

/// The first bytes of every HTTP/2 connection (RFC 9113, 3.4).
pub(super) const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// How long an idle peer may take to acknowledge GOAWAY.
const GOODBYE: Duration = Duration::from_millis(500);

/// What a connection may cost.
#[derive(Debug, Clone)]
pub struct ConnectionLimits {
    /// How long a peer may take for TLS and the HTTP/2 preface.
    pub handshake_timeout: Duration,
    /// How often a quiet peer is asked whether it still lives.
    pub keepalive_interval: Duration,
    /// How long it may take to answer.
    pub keepalive_timeout: Duration,
    /// Calls at once.
    pub max_concurrent_streams: u32,
    /// Bytes of the headers of one request.
    pub max_header_list_bytes: u32,
    /// Streams that a peer has reset and we have not seen yet; more than that is an attack (CVE-2023-44487).
    pub max_pending_resets: usize,
    /// Bytes of one request on the way; 64 KiB, the default of HTTP/2, halves the throughput.
    pub stream_window_bytes: u32,
    /// Bytes of all requests of one connection on the way.
    pub connection_window_bytes: u32,
    /// When a connection is closed, give or take a tenth, so that clients spread over new replicas.
    pub max_age: Duration,
    /// How long its calls may take to finish then.
    pub grace: Duration,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            handshake_timeout: Duration::from_secs(5),
            keepalive_interval: Duration::from_secs(30),
            keepalive_timeout: Duration::from_secs(10),
            max_concurrent_streams: 256,
            max_header_list_bytes: 16 * 1024,
            max_pending_resets: 256,
            stream_window_bytes: 1024 * 1024,
            connection_window_bytes: 4 * 1024 * 1024,
            max_age: Duration::from_secs(30 * 60),
            // Longer than the longest deadline: GOAWAY costs no call.
            grace: Duration::from_secs(70),
        }
    }
}

/// Serves connections with one stack of layers.
#[derive(Debug)]
pub struct Connections<H> {
    handler: Arc<H>,
    limits: ConnectionLimits,
    /// None to serve in plain text.
    tls: Option<Arc<Tls>>,
    shutdown: Shutdown,
    /// Connections and calls that go on.
    running: TaskTracker,
}

impl<H> Clone for Connections<H> {
    fn clone(&self) -> Self {
        Self {
            handler: Arc::clone(&self.handler),
            limits: self.limits.clone(),
            tls: self.tls.clone(),
            shutdown: self.shutdown.clone(),
            running: self.running.clone(),
        }
    }
}

impl<H: Handler> Connections<H> {
    /// Prepares to serve `handler`, with TLS if there are certificates for it.
    pub fn new(handler: H, limits: ConnectionLimits, tls: Option<Arc<Tls>>, shutdown: Shutdown) -> Self {
        Self {
            handler: Arc::new(handler),
            limits,
            tls,
            shutdown,
            running: TaskTracker::new(),
        }
    }

    /// The connections and calls that go on.
    pub fn running(&self) -> &TaskTracker {
        &self.running
    }

    /// Serves one connection in a task of its own.
    pub fn spawn(&self, stream: TcpStream, peer: SocketAddr) {
        let connections = self.clone();
        self.running.spawn(async move {
            if let Err(error) = connections.serve(stream).await {
                tracing::debug!(%peer, error = %error, "connection ended early");
            }
        });
    }

    async fn serve(self, stream: TcpStream) -> io::Result<()> {
        let info = stream.connect_info();
        let Some(tls) = self.tls.clone() else {
            let Some(opened) = self.in_time(after_preface(stream)).await? else {
                return Ok(());
            };
            let (read_half, write_half) = opened.into_split();
            let replayed = tokio::io::join(PREFACE.chain(read_half), write_half);
            return self
                .serve_http2(
                    replayed,
                    Peer {
                        info,
                        certificate: None,
                    },
                )
                .await;
        };
        let handshake = async { after_preface(tls.accept(stream).await?).await };
        let Some(opened) = self.in_time(handshake).await? else {
            return Ok(());
        };
        let certificate = peer_certificate(&opened)?.map(Arc::new);
        let (read_half, write_half) = tokio::io::split(opened);
        let replayed = tokio::io::join(PREFACE.chain(read_half), write_half);
        self.serve_http2(replayed, Peer { info, certificate }).await
    }

    /// What a handshake makes, if it does not take too long; none when the server closes meanwhile.
    async fn in_time<S>(&self, handshake: impl Future<Output = io::Result<S>>) -> io::Result<Option<S>> {
        tokio::select! {
            () = self.shutdown.closing().cancelled() => Ok(None),
            opened = tokio::time::timeout(self.limits.handshake_timeout, handshake) => opened?.map(Some),
        }
    }

    async fn serve_http2<IO>(self, io: IO, peer: Peer) -> io::Result<()>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let calls = Calls {
            all: self.running.clone(),
            of_connection: TaskTracker::new(),
        };
        let closing = self.shutdown.closing().child_token();
        let service = self.service(peer, closing.clone());
        let connection = self
            .http2_builder(calls.clone())
            .serve_connection(TokioIo::new(io), service);
        let mut connection = pin!(connection);

        tokio::select! {
            ended = connection.as_mut() => return ended.map_err(io::Error::other),
            () = closing.cancelled() => {}
            () = tokio::time::sleep(jittered(self.limits.max_age)) => {}
        }
        closing.cancel();
        connection.as_mut().graceful_shutdown();
        tokio::select! {
            ended = connection => ended.map_err(io::Error::other),
            () = calls.finished_and_said_goodbye() => Ok(()),
            () = tokio::time::sleep(self.limits.grace) => Ok(()),
            () = self.shutdown.aborting().cancelled() => Ok(()),
        }
    }

    fn service(
        &self,
        peer: Peer,
        closing: CancellationToken,
    ) -> impl hyper::service::Service<http::Request<Incoming>, Response = Response, Error = Infallible, Future = Answer>
    + use<H> {
        let handler = Arc::clone(&self.handler);
        let closing = ConnectionClosing(closing);
        hyper::service::service_fn(move |request: http::Request<Incoming>| -> Answer {
            let handler = Arc::clone(&handler);
            let mut request = request.map(|body| Body::new(Unread::new(body)));
            request.extensions_mut().insert(peer.info.clone());
            if let Some(certificate) = &peer.certificate {
                request.extensions_mut().insert(Arc::clone(certificate));
            }
            request.extensions_mut().insert(closing.clone());
            Box::pin(async move { Ok(handler.handle(request).await) })
        })
    }

    fn http2_builder(&self, calls: Calls) -> http2::Builder<Calls> {
        let limits = &self.limits;
        let mut builder = http2::Builder::new(calls);
        builder
            .timer(TokioTimer::new())
            .keep_alive_interval(limits.keepalive_interval)
            .keep_alive_timeout(limits.keepalive_timeout)
            .max_concurrent_streams(limits.max_concurrent_streams)
            .max_header_list_size(limits.max_header_list_bytes)
            .max_pending_accept_reset_streams(limits.max_pending_resets)
            .initial_stream_window_size(limits.stream_window_bytes)
            .initial_connection_window_size(limits.connection_window_bytes);
        builder
    }
}

/// Who is at the other end of a connection.
struct Peer {
    info: TcpConnectInfo,
    /// The certificate that it has shown.
    certificate: Option<Arc<PeerCertificate>>,
}

/// The answer to one request, on its way.
type Answer = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

/// Runs the calls of one connection.
#[derive(Debug, Clone)]
struct Calls {
    all: TaskTracker,
    of_connection: TaskTracker,
}

impl Calls {
    /// Resolves when no call goes on and the peer had time to acknowledge GOAWAY: a dead one never does.
    async fn finished_and_said_goodbye(&self) {
        self.of_connection.close();
        loop {
            self.of_connection.wait().await;
            tokio::time::sleep(GOODBYE).await;
            if self.of_connection.is_empty() {
                return;
            }
        }
    }
}

impl<F> Executor<F> for Calls
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, call: F) {
        self.all.spawn(self.of_connection.track_future(call));
    }
}

/// The stream behind the preface, of which nothing more is read.
async fn after_preface<S: AsyncRead + Unpin>(mut stream: S) -> io::Result<S> {
    let mut received = [0; PREFACE.len()];
    stream.read_exact(&mut received).await?;
    if received == *PREFACE {
        return Ok(stream);
    }
    Err(io::Error::new(
        io::ErrorKind::InvalidData,
        "the peer does not speak HTTP/2 with prior knowledge",
    ))
}

/// Up to a tenth more or less, so that connections that began together do not end together.
fn jittered(age: Duration) -> Duration {
    age.mul_f64(rand::rng().random_range(0.9..1.1))
}
