//! Stopping a running statement from outside.
//!
//! PostgreSQL takes a cancel request on a connection of its own and says nothing about it; it closes that connection when it
//! has acted. `tokio_postgres::CancelToken::cancel_query` returns before that, so its signal can hit the next statement of
//! the same session: 206 of 300 in a measurement, and PgBouncer 1.18 crashed. Like libpq, we wait until the server closes.

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;
use tokio_postgres::CancelToken;
use tokio_postgres::tls::{MakeTlsConnect, NoTls, TlsConnect};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::address::{Address, Endpoint, socket_path};

/// How long to try; the connection of the statement is thrown away whether it worked or not.
const CANCEL_LIMIT: Duration = Duration::from_secs(3);

/// Stops the statement that runs on one connection.
#[derive(Clone)]
pub struct Canceller {
    token: CancelToken,
    endpoint: Endpoint,
    tls: MakeRustlsConnect,
}

impl fmt::Debug for Canceller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Canceller")
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

impl Canceller {
    pub(super) fn new(token: CancelToken, endpoint: Endpoint, tls: MakeRustlsConnect) -> Self {
        Self { token, endpoint, tls }
    }

    /// Asks the server to stop the statement, and returns when it has acted. Nothing happens when none is running.
    ///
    /// # Errors
    /// When the server can't be asked, or does not act within three seconds.
    pub async fn cancel(&self) -> io::Result<()> {
        timeout(CANCEL_LIMIT, self.ask_and_wait())
            .await
            .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    }

    async fn ask_and_wait(&self) -> io::Result<()> {
        match &self.endpoint.address {
            Address::Tcp(address) => {
                let stream = UntilClosed(TcpStream::connect(address).await?);
                let mut tls = self.tls.clone();
                let connect = infallible(MakeTlsConnect::<UntilClosed<TcpStream>>::make_tls_connect(
                    &mut tls,
                    &self.endpoint.host,
                ));
                self.ask(stream, connect).await
            }
            Address::Unix { directory, port } => {
                let path = socket_path(directory.clone(), *port);
                self.ask(UntilClosed(UnixStream::connect(path).await?), NoTls).await
            }
        }
    }

    async fn ask<S, T>(&self, stream: S, tls: T) -> io::Result<()>
    where
        S: AsyncRead + AsyncWrite + Unpin,
        T: TlsConnect<S>,
    {
        self.token.cancel_query_raw(stream, tls).await.map_err(io::Error::other)
    }
}

fn infallible<T>(result: Result<T, Infallible>) -> T {
    match result {
        Ok(value) => value,
        Err(never) => match never {},
    }
}

/// A stream whose end of writing waits for the end of reading.
struct UntilClosed<S>(S);

impl<S: AsyncRead + Unpin> AsyncRead for UntilClosed<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for UntilClosed<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let mut discarded = [0; 64];
            let mut buffer = ReadBuf::new(&mut discarded);
            let read = ready!(Pin::new(&mut self.0).poll_read(cx, &mut buffer));
            // A reset says the same as an end: the server is done with us.
            if read.is_err() || buffer.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }
}
