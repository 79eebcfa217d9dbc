//! The service behind TLS, and clients that connect to it with certificates of all kinds.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use dashboard_store::config::{AuthenticationConfig, ClientAuth, ServeConfig, TlsConfig};
use hyper_util::rt::TokioIo;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::transport::Endpoint;

use super::TestServer;
use super::authority::{Authority, Certified};
use super::channel::Channel;
use super::cluster::TestDatabase;

/// A service that takes client certificates.
pub struct TlsServer {
    server: TestServer,
    directory: TempDir,
    /// Signs the certificate of the server.
    pub servers: Authority,
    /// Signs those of clients.
    pub clients: Authority,
}

/// Where the files of a server are.
pub struct ServerFiles {
    /// Its certificate.
    pub certificate: PathBuf,
    /// The key of that.
    pub key: PathBuf,
    /// The authorities of clients.
    pub authorities: PathBuf,
}

impl ServerFiles {
    fn within(directory: &TempDir) -> Self {
        Self {
            certificate: directory.path().join("tls.crt"),
            key: directory.path().join("tls.key"),
            authorities: directory.path().join("clients.crt"),
        }
    }
}

/// What callers need who prove who they are.
pub fn authentication() -> AuthenticationConfig {
    AuthenticationConfig {
        is_development: false,
        identity_header_peers: vec![],
        issuers: vec![],
        open_reflection: false,
    }
}

impl TlsServer {
    /// Starts a service where client certificates are optional.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// Starts a service whose configuration `adjust` has changed.
    pub async fn start_with(adjust: impl FnOnce(&mut ServeConfig)) -> Self {
        let directory = TempDir::new().unwrap();
        let files = ServerFiles::within(&directory);
        let (servers, clients) = (Authority::new("server"), Authority::new("client"));
        servers.server().write(&files.certificate, &files.key);
        clients.write(&files.authorities);
        let database = TestDatabase::create().await;
        let connect = database.config().clone();
        let server = TestServer::launch(database, connect, |config| {
            config.authentication = authentication();
            config.listeners.tls = Some(TlsConfig {
                certificate: files.certificate,
                key: files.key,
                client_auth: ClientAuth::Optional(files.authorities),
                reload_interval: std::time::Duration::from_millis(20),
            });
            adjust(config);
        })
        .await;
        server.wait_until_ready().await;
        Self {
            server,
            directory,
            servers,
            clients,
        }
    }

    /// Where the sidecar answers.
    pub fn http_addr(&self) -> SocketAddr {
        self.server.http_addr()
    }

    /// Where its files are.
    pub fn files(&self) -> ServerFiles {
        ServerFiles::within(&self.directory)
    }

    /// Connects, and fails as the handshake does.
    pub async fn connect(&self, client: Option<&Certified>) -> Result<Channel, String> {
        let stream = self.handshake(client).await?;
        let mut only_one = Some(TokioIo::new(stream));
        let connector = tower::service_fn(move |_| {
            let stream = only_one.take();
            async move { stream.ok_or_else(|| std::io::Error::other("the connection was closed")) }
        });
        let endpoint = Endpoint::from_static("http://localhost");
        let connected = endpoint.connect_with_connector(connector).await;
        connected.map(Channel::from).map_err(|error| format!("{error:?}"))
    }

    /// The certificate that the server shows.
    pub async fn shown_certificate(&self) -> CertificateDer<'static> {
        let stream = self.handshake(None).await.unwrap();
        let (_, session) = stream.get_ref();
        session.peer_certificates().unwrap()[0].clone().into_owned()
    }

    async fn handshake(&self, client: Option<&Certified>) -> Result<TlsStream<TcpStream>, String> {
        let mut roots = RootCertStore::empty();
        roots.add(self.servers.root()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match client {
            Some(client) => builder
                .with_client_auth_cert(vec![client.certificate()], client.key())
                .unwrap(),
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"h2".to_vec()];
        let stream = TcpStream::connect(self.server.grpc_addr()).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let connected = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
        connected.map_err(|error| error.to_string())
    }
}
