//! TLS on the gRPC listener, with certificates that are replaced while it serves.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{InconsistentKeys, RootCertStore, ServerConfig};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

use crate::authentication::PeerCertificate;
use crate::config::{ClientAuth, TlsConfig};
use crate::replaced_file;
use crate::telemetry::{Metrics, Reloaded};

/// The protocol that clients have to ask for (RFC 7301).
const HTTP2: &[u8] = b"h2";

/// Why certificates can't be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file can't be read.
    #[error("{} can't be read: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// A file is not what it should be.
    #[error("{} has no {what} in PEM that can be used: {problem}", path.display())]
    Pem {
        /// Which.
        path: PathBuf,
        /// What should be in it.
        what: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// The certificate is of no use any more.
    #[error("the certificate in {} has expired: every client will refuse it", .0.display())]
    Expired(PathBuf),
    /// The two files do not belong together.
    #[error("{} is not the private key of the certificate in {}", key.display(), certificate.display())]
    OtherKey {
        /// The file with a key.
        key: PathBuf,
        /// The file with the certificate of another one.
        certificate: PathBuf,
    },
}

/// Makes connections of TLS.
#[derive(Debug)]
pub struct Tls {
    config: TlsConfig,
    current: watch::Sender<Arc<InUse>>,
    /// The SHA-256 of the files that were last looked at.
    seen: watch::Sender<[u8; 32]>,
}

impl Tls {
    /// Reads the certificates.
    ///
    /// # Errors
    /// [`TlsError`], one line that names the file.
    pub async fn load(config: TlsConfig) -> Result<Self, TlsError> {
        let files = Files::read(&config).await?;
        let in_use = files.in_use(&config)?;
        if in_use.has_expired() {
            tracing::warn!("{}", TlsError::Expired(config.certificate.clone()));
        }
        Ok(Self {
            current: watch::Sender::new(Arc::new(in_use)),
            seen: watch::Sender::new(files.digest()),
            config,
        })
    }

    /// Shakes hands with a client.
    ///
    /// # Errors
    /// The client speaks no TLS, or has a certificate that none of the authorities signed, or that has expired.
    pub async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let config = Arc::clone(&self.current.borrow().server);
        TlsAcceptor::from(config).accept(stream).await
    }

    /// Looks at the files again and again until `closing` is cancelled.
    pub async fn reload_until(self: Arc<Self>, closing: CancellationToken, metrics: Metrics) {
        loop {
            tokio::select! {
                () = closing.cancelled() => return,
                () = tokio::time::sleep(self.config.reload_interval) => {}
            }
            let is_success = match self.reload().await {
                Ok(false) => continue,
                Ok(true) => {
                    tracing::info!(certificate = %self.config.certificate.display(), "certificates reloaded");
                    true
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot reload certificates: the old ones stay in use");
                    false
                }
            };
            metrics.record_reload(Reloaded::TlsCertificates, is_success);
        }
    }

    /// Reads the files, and uses them if they have changed; says whether they have. Broken ones are an error once.
    async fn reload(&self) -> Result<bool, TlsError> {
        let files = Files::read(&self.config).await?;
        let digest = files.digest();
        let is_new = self
            .seen
            .send_if_modified(|seen| std::mem::replace(seen, digest) != digest);
        if is_new {
            let new = files.in_use(&self.config)?;
            // Where the one in use is no better, authorities that are new count for more.
            if new.has_expired() && !self.current.borrow().has_expired() {
                return Err(TlsError::Expired(self.config.certificate.clone()));
            }
            self.current.send_replace(Arc::new(new));
        }
        Ok(is_new)
    }
}

/// The certificate that the client has shown; none if it has none.
///
/// # Errors
/// It can't be parsed.
pub fn peer_certificate(stream: &TlsStream<TcpStream>) -> io::Result<Option<PeerCertificate>> {
    let (_, session) = stream.get_ref();
    let chain = session.peer_certificates().unwrap_or_default();
    let own = chain.first().map(|certificate| PeerCertificate::from_der(certificate));
    own.transpose().map_err(io::Error::other)
}

/// What handshakes are made with.
#[derive(Debug)]
struct InUse {
    server: Arc<ServerConfig>,
    /// That of the server; none where it can't be parsed, of which nobody can tell how long it is valid.
    certificate: Option<PeerCertificate>,
}

impl InUse {
    fn has_expired(&self) -> bool {
        self.certificate.as_ref().is_some_and(PeerCertificate::has_expired)
    }
}

/// What is in the files.
struct Files {
    certificate: Vec<u8>,
    key: Vec<u8>,
    /// Empty when no client certificates are asked for.
    authorities: Vec<u8>,
}

impl Files {
    async fn read(config: &TlsConfig) -> Result<Self, TlsError> {
        Ok(Self {
            certificate: read(&config.certificate).await?,
            key: read(&config.key).await?,
            authorities: match &config.client_auth {
                ClientAuth::None => Vec::new(),
                ClientAuth::Optional(path) | ClientAuth::Required(path) => read(path).await?,
            },
        })
    }

    fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for file in [&self.certificate, &self.key, &self.authorities] {
            hash.update(file.len().to_le_bytes());
            hash.update(file);
        }
        hash.finalize().into()
    }

    fn in_use(&self, config: &TlsConfig) -> Result<InUse, TlsError> {
        let chain = certificates(&config.certificate, &self.certificate)?;
        let own = chain.first().map(|certificate| PeerCertificate::from_der(certificate));
        Ok(InUse {
            server: Arc::new(self.server_config(config, chain)?),
            certificate: own.and_then(Result::ok),
        })
    }

    fn server_config(&self, config: &TlsConfig, chain: Vec<CertificateDer<'static>>) -> Result<ServerConfig, TlsError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let unusable = |problem: rustls::Error| pem_error(&config.certificate, "certificate", &problem);
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(unusable)?;
        let verifier = |path: &Path| {
            let roots = Arc::new(roots(path, &self.authorities)?);
            Ok(WebPkiClientVerifier::builder_with_provider(
                roots,
                Arc::clone(&provider),
            ))
        };
        let build_error = |path: &Path, problem| pem_error(path, "certificates of authorities", &problem);
        let builder = match &config.client_auth {
            ClientAuth::None => builder.with_no_client_auth(),
            ClientAuth::Optional(path) => {
                let optional = verifier(path)?.allow_unauthenticated().build();
                builder.with_client_cert_verifier(optional.map_err(|problem| build_error(path, problem))?)
            }
            ClientAuth::Required(path) => {
                let required = verifier(path)?.build();
                builder.with_client_cert_verifier(required.map_err(|problem| build_error(path, problem))?)
            }
        };
        let key_error = |problem: &dyn std::fmt::Display| pem_error(&config.key, "private key", problem);
        let key = PrivateKeyDer::from_pem_slice(&self.key).map_err(|problem| key_error(&problem))?;
        let loaded = provider.key_provider.load_private_key(key);
        let certified = CertifiedKey::new(chain, loaded.map_err(|problem| key_error(&problem))?);
        match certified.keys_match() {
            // Of some keys nobody can tell.
            Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => {}
            Err(rustls::Error::InconsistentKeys(_)) => {
                return Err(TlsError::OtherKey {
                    key: config.key.clone(),
                    certificate: config.certificate.clone(),
                });
            }
            Err(problem) => return Err(unusable(problem)),
        }
        let mut server = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
        server.alpn_protocols = vec![HTTP2.to_vec()];
        // A resumed session would pass over the check of the client's certificate: it may have expired since.
        server.session_storage = Arc::new(NoServerSessionStorage {});
        server.send_tls13_tickets = 0;
        Ok(server)
    }
}

async fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    replaced_file::read(path).await.map_err(|source| TlsError::File {
        path: path.to_owned(),
        source,
    })
}

fn pem_error(path: &Path, what: &'static str, problem: &dyn std::fmt::Display) -> TlsError {
    TlsError::Pem {
        path: path.to_owned(),
        what,
        problem: problem.to_string(),
    }
}

fn certificates(path: &Path, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let certificates = found.map_err(|problem| pem_error(path, "certificate", &problem))?;
    if certificates.is_empty() {
        return Err(pem_error(path, "certificate", &"there is none in it"));
    }
    Ok(certificates)
}

fn roots(path: &Path, pem: &[u8]) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path, pem)? {
        let added = roots.add(certificate);
        added.map_err(|problem| pem_error(path, "certificates of authorities", &problem))?;
    }
    Ok(roots)
}

#[cfg(test)]
mod tests;
