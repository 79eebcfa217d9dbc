//! Serves the endpoints over HTTP/1.

use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use crate::server::Listener;

/// How long a peer may take to send the headers of a request, and how long it may keep a connection without one.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// Serves `router` for ever; dropping the future frees the port and ends every connection.
pub async fn serve(listener: Listener, router: Router) {
    let dropped = CancellationToken::new();
    let _end_connections = dropped.clone().drop_guard();
    let accept = |stream, _peer| {
        let ended = dropped
            .clone()
            .run_until_cancelled_owned(serve_connection(stream, router.clone()));
        tokio::spawn(ended);
    };
    listener.accept_until(&dropped, accept).await;
}

async fn serve_connection(stream: TcpStream, router: Router) {
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
        .await;
    if let Err(error) = served {
        tracing::debug!(error = %error, "http connection ended early");
    }
}
