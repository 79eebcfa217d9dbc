//! A server that publishes a JWK Set over HTTPS, counts who asks, and can be out of order.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use dashboard_store::config::KeySource;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::authority::Authority;

/// A server of a JWK Set at `https://localhost`, which goes with the runtime of its test.
pub struct JwksServer {
    address: SocketAddr,
    directory: TempDir,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// None while nobody gets an answer.
    answer: Mutex<Option<String>>,
    requests: AtomicUsize,
    last_request: Mutex<String>,
}

impl JwksServer {
    /// Starts one that answers with this set.
    pub async fn start(jwk_set: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let authority = Authority::new("jwks");
        let directory = TempDir::new().unwrap();
        authority.write(&directory.path().join("ca.crt"));
        std::fs::write(directory.path().join("token"), "token-of-the-pod\n").unwrap();
        let certified = authority.server();
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certified.certificate()], certified.key())
            .unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            directory,
            shared: Arc::default(),
        };
        server.publish(jwk_set);
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let shared = Arc::clone(&server.shared);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(answer(acceptor.clone(), stream, Arc::clone(&shared)));
            }
        });
        server
    }

    /// Answers with another set from now on.
    pub fn publish(&self, jwk_set: &str) {
        let length = jwk_set.len();
        self.respond(&format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{jwk_set}"));
    }

    /// Answers with this from now on, headers and all.
    pub fn respond(&self, response: &str) {
        *self.shared.answer.lock().unwrap() = Some(response.to_owned());
    }

    /// Takes requests from now on, and answers none of them.
    pub fn hang(&self) {
        *self.shared.answer.lock().unwrap() = None;
    }

    /// Is out of order from now on.
    pub fn break_down(&self) {
        self.respond("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n");
    }

    /// How many requests there were.
    pub fn requests(&self) -> usize {
        self.shared.requests.load(Ordering::SeqCst)
    }

    /// The headers of the last request.
    pub fn last_request(&self) -> String {
        self.shared.last_request.lock().unwrap().clone()
    }

    /// A file with the authority that signed its certificate.
    pub fn authority(&self) -> PathBuf {
        self.directory.path().join("ca.crt")
    }

    /// Where it is, for who trusts this authority.
    pub fn source_trusting(&self, authority: &Path) -> KeySource {
        KeySource::Url {
            url: format!("https://localhost:{}/openid/v1/jwks", self.address.port()),
            certificate_authority: Some(authority.to_owned()),
            token: Some(self.directory.path().join("token")),
        }
    }

    /// Where it is.
    pub fn source(&self) -> KeySource {
        self.source_trusting(&self.authority())
    }
}

async fn answer(acceptor: TlsAcceptor, stream: TcpStream, shared: Arc<Shared>) {
    // A client that trusts somebody else ends the handshake.
    let Ok(mut stream) = acceptor.accept(stream).await else {
        return;
    };
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else {
            return;
        };
        request.push(byte);
    }
    shared.requests.fetch_add(1, Ordering::SeqCst);
    *shared.last_request.lock().unwrap() = String::from_utf8_lossy(&request).into_owned();
    let answer = shared.answer.lock().unwrap().clone();
    let Some(response) = answer else {
        return std::future::pending().await;
    };
    let _ = stream.write_all(response.as_bytes()).await;
    let _ = stream.shutdown().await;
}
