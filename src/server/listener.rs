//! Binds ports and accepts connections.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::tls::TlsError;

/// How long to wait when the process has no file descriptors left; accepting again at once would only burn CPU.
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(100);

/// Why a server can't start.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// Another process has the port.
    #[error("cannot listen for {protocol} on {address}: the port is in use; stop its owner or set {setting}")]
    PortInUse {
        /// What would have been served.
        protocol: &'static str,
        /// Where.
        address: SocketAddr,
        /// The variable that moves it.
        setting: &'static str,
    },
    /// The address can't be bound for another reason.
    #[error("cannot listen for {protocol} on {address}: {source}; set {setting} to an address of this machine")]
    Bind {
        /// What would have been served.
        protocol: &'static str,
        /// Where.
        address: SocketAddr,
        /// The variable that moves it.
        setting: &'static str,
        /// What the operating system says.
        source: io::Error,
    },
    /// The certificates can't be used.
    #[error("cannot serve TLS: {0}")]
    Tls(#[from] TlsError),
}

/// A listener that is bound and does not accept yet.
#[derive(Debug)]
pub struct Listener {
    listener: TcpListener,
    address: SocketAddr,
}

impl Listener {
    /// Binds `address`; port 0 picks a free one.
    ///
    /// # Errors
    /// [`ServerError`], one line that names `protocol`, the address and the `setting` to change.
    pub async fn bind(protocol: &'static str, address: SocketAddr, setting: &'static str) -> Result<Self, ServerError> {
        let refused = |source: io::Error| match source.kind() {
            io::ErrorKind::AddrInUse => ServerError::PortInUse {
                protocol,
                address,
                setting,
            },
            _ => ServerError::Bind {
                protocol,
                address,
                setting,
                source,
            },
        };
        let listener = TcpListener::bind(address).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        Ok(Self { listener, address })
    }

    /// The address that is bound, with the real port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Hands every connection to `serve` until `closing` is cancelled; then the port is free again.
    pub async fn accept_until(self, closing: &CancellationToken, serve: impl Fn(TcpStream, SocketAddr)) {
        loop {
            let accepted = tokio::select! {
                () = closing.cancelled() => return,
                accepted = self.listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    // Answers are written whole, so waiting to fill packets only adds latency. It fails on a
                    // connection that is gone already, which the first read reports.
                    let _ = stream.set_nodelay(true);
                    serve(stream, peer);
                }
                Err(error) => self.pause_after(&error).await,
            }
        }
    }

    async fn pause_after(&self, error: &io::Error) {
        let concerns_one_connection = matches!(
            error.kind(),
            io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused
        );
        if !concerns_one_connection {
            tracing::warn!(%error, address = %self.address, "cannot accept connections");
            tokio::time::sleep(PAUSE_AFTER_ERROR).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_port_in_use_is_one_clear_line() {
        let localhost = SocketAddr::from(([127, 0, 0, 1], 0));
        let first = Listener::bind("gRPC", localhost, "GRPC_ADDR").await.unwrap();
        let address = first.address();
        assert_ne!(address.port(), 0);
        let second = Listener::bind("gRPC", address, "GRPC_ADDR").await.unwrap_err();
        assert_eq!(
            second.to_string(),
            format!("cannot listen for gRPC on {address}: the port is in use; stop its owner or set GRPC_ADDR")
        );
    }

    #[tokio::test]
    async fn a_foreign_address_is_one_clear_line() {
        let foreign = SocketAddr::from(([192, 0, 2, 1], 0));
        let error = Listener::bind("HTTP", foreign, "HTTP_ADDR").await.unwrap_err();
        assert!(matches!(error, ServerError::Bind { .. }));
        assert!(
            error
                .to_string()
                .ends_with("set HTTP_ADDR to an address of this machine")
        );
    }
}
