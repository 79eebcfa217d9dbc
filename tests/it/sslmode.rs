//! The four sslmodes against a server that takes encrypted connections alone.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use dashboard_store::config::{ClientCertificate, ConnectConfig, PoolConfig, SslConfig, SslMode};
use dashboard_store::store::connect::{ConnectError, connect};
use dashboard_store::store::pool::Pool;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
};
use tokio::sync::OnceCell;

use crate::support::postgres::OwnPostgres;
use crate::support::waiting::{LIMIT, until};

/// The name in the server's certificate; `127.0.0.1` is not in it.
const SERVER_NAME: &str = "localhost";
/// The role that logs in by certificate alone.
const CERTIFIED_ROLE: &str = "certified";

/// Everybody has to encrypt who comes over TCP.
const ONLY_ENCRYPTED: &str = "\
hostssl all certified all cert
hostssl all all all scram-sha-256
local all all scram-sha-256
";

/// An encrypting server, and the files that its clients need.
struct EncryptingServer {
    postgres: OwnPostgres,
    files: ClientFiles,
}

struct ClientFiles {
    right_authority: PathBuf,
    wrong_authority: PathBuf,
    certificate: ClientCertificate,
}

async fn server() -> &'static EncryptingServer {
    static SERVER: OnceCell<EncryptingServer> = OnceCell::const_new();
    SERVER.get_or_init(EncryptingServer::start).await
}

impl EncryptingServer {
    async fn start() -> Self {
        let postgres = OwnPostgres::start().await;
        let authority = authority("right");
        write_server_files(&postgres.postgres().data_dir().join("cluster"), &authority);
        postgres.execute(&format!("CREATE ROLE {CERTIFIED_ROLE} LOGIN")).await;
        postgres.execute("ALTER SYSTEM SET ssl_ca_file = 'ca.pem'").await;
        postgres.execute("ALTER SYSTEM SET ssl = on").await;
        postgres.execute("SELECT pg_reload_conf()").await;
        let files = ClientFiles::write(postgres.postgres().data_dir(), &authority);
        let server = Self { postgres, files };
        server.wait_until_it_encrypts().await;
        server
    }

    /// Settings are loaded in the background.
    async fn wait_until_it_encrypts(&self) {
        let encrypted = self.config(SslMode::Require, None, SERVER_NAME);
        until("encryption", async || connect(&encrypted).await.is_ok()).await;
    }

    fn config(&self, mode: SslMode, authority: Option<&Path>, host: &str) -> ConnectConfig {
        let mut config = self.postgres.tcp_config(host);
        config.ssl = SslConfig {
            mode,
            root_certificates: authority.map(Path::to_owned),
            client: None,
        };
        config
    }
}

/// Writes what an encrypting server needs, and gives it the key.
fn write_server_files(cluster: &Path, authority: &CertifiedIssuer<'static, KeyPair>) {
    let (certificate, key) = issue(authority, SERVER_NAME, ExtendedKeyUsagePurpose::ServerAuth);
    fs::write(cluster.join("ca.pem"), authority.pem()).unwrap();
    fs::write(cluster.join("server.crt"), certificate.pem()).unwrap();
    fs::write(cluster.join("pg_hba.conf"), ONLY_ENCRYPTED).unwrap();
    let key_file = cluster.join("server.key");
    fs::write(&key_file, key.serialize_pem()).unwrap();
    fs::set_permissions(&key_file, fs::Permissions::from_mode(0o600)).unwrap();
    let owner = fs::metadata(cluster).unwrap();
    chown(&key_file, Some(owner.uid()), Some(owner.gid())).unwrap();
}

impl ClientFiles {
    fn write(directory: &Path, authority: &CertifiedIssuer<'static, KeyPair>) -> Self {
        let write = |name: &str, text: String| -> PathBuf {
            let path = directory.join(name);
            fs::write(&path, text).unwrap();
            path
        };
        let (certificate, key) = issue(authority, CERTIFIED_ROLE, ExtendedKeyUsagePurpose::ClientAuth);
        Self {
            right_authority: write("right.pem", authority.pem()),
            wrong_authority: write("wrong.pem", self::authority("wrong").pem()),
            certificate: ClientCertificate {
                certificate: write("client.pem", certificate.pem()),
                key: write("client.key", key.serialize_pem()),
            },
        }
    }
}

fn one_connection() -> PoolConfig {
    PoolConfig {
        max_open: 1,
        max_idle: 1,
        acquire_timeout: LIMIT,
        ..PoolConfig::default()
    }
}

fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params
        .distinguished_name
        .push(DnType::CommonName, format!("the {name} authority"));
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn issue(
    authority: &CertifiedIssuer<'static, KeyPair>,
    name: &str,
    usage: ExtendedKeyUsagePurpose,
) -> (Certificate, KeyPair) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.extended_key_usages = vec![usage];
    (params.signed_by(&key, authority).unwrap(), key)
}

/// Connects, and tells whether the connection is encrypted, or why there is none.
async fn is_encrypted(config: &ConnectConfig) -> Result<bool, String> {
    let connected = connect(config).await.map_err(|error| error.to_string())?;
    let sql = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    Ok(connected.client.query_typed_one(sql, &[]).await.unwrap().get(0))
}

#[tokio::test]
async fn disable_does_not_encrypt() {
    let server = server().await;
    let refused = is_encrypted(&server.config(SslMode::Disable, None, SERVER_NAME))
        .await
        .unwrap_err();
    assert!(refused.contains("no encryption"), "{refused}");
    let mut socket = server.config(SslMode::VerifyFull, Some(&server.files.right_authority), SERVER_NAME);
    socket.hosts = server.postgres.socket_config().hosts;
    assert_eq!(is_encrypted(&socket).await, Ok(false));
}

#[tokio::test]
async fn require_encrypts_with_whoever_answers() {
    let server = server().await;
    for host in [SERVER_NAME, "127.0.0.1"] {
        assert_eq!(
            is_encrypted(&server.config(SslMode::Require, None, host)).await,
            Ok(true),
            "{host}"
        );
    }
}

#[tokio::test]
async fn require_is_refused_by_a_server_that_does_not_encrypt() {
    let plain = OwnPostgres::start().await;
    let mut config = plain.tcp_config("127.0.0.1");
    config.ssl.mode = SslMode::Require;
    let refused = is_encrypted(&config).await.unwrap_err();
    assert!(refused.contains("server does not support TLS"), "{refused}");
}

#[tokio::test]
async fn verify_ca_demands_the_authority_and_not_the_name() {
    let server = server().await;
    for host in [SERVER_NAME, "127.0.0.1"] {
        let right = server.config(SslMode::VerifyCa, Some(&server.files.right_authority), host);
        assert_eq!(is_encrypted(&right).await, Ok(true), "{host}");
        let wrong = server.config(SslMode::VerifyCa, Some(&server.files.wrong_authority), host);
        let refused = is_encrypted(&wrong).await.unwrap_err();
        assert!(refused.contains("invalid peer certificate"), "{host}: {refused}");
    }
}

#[tokio::test]
async fn verify_full_demands_the_authority_and_the_name() {
    let server = server().await;
    let right = server.config(SslMode::VerifyFull, Some(&server.files.right_authority), SERVER_NAME);
    assert_eq!(is_encrypted(&right).await, Ok(true));
    let wrong_name = server.config(SslMode::VerifyFull, Some(&server.files.right_authority), "127.0.0.1");
    let refused = is_encrypted(&wrong_name).await.unwrap_err();
    assert!(refused.contains("not valid for name"), "{refused}");
    let wrong_authority = server.config(SslMode::VerifyFull, Some(&server.files.wrong_authority), SERVER_NAME);
    let refused = is_encrypted(&wrong_authority).await.unwrap_err();
    assert!(refused.contains("invalid peer certificate"), "{refused}");
}

#[tokio::test]
async fn a_client_certificate_logs_in() {
    let server = server().await;
    let mut config = server.config(SslMode::VerifyFull, Some(&server.files.right_authority), SERVER_NAME);
    config.user = CERTIFIED_ROLE.to_owned();
    config.password = None;
    assert!(is_encrypted(&config).await.is_err());
    config.ssl.client = Some(server.files.certificate.clone());
    assert_eq!(is_encrypted(&config).await, Ok(true));
}

#[tokio::test]
async fn certificates_that_cannot_be_used_are_named() {
    let server = server().await;
    let not_a_certificate = server.files.certificate.key.clone();
    let config = server.config(SslMode::VerifyFull, Some(&not_a_certificate), SERVER_NAME);
    let refused = connect(&config).await.map(|_| ()).unwrap_err();
    assert!(
        matches!(&refused, ConnectError::Certificate(text) if text.contains("client.key")),
        "{refused}"
    );
    assert!(Pool::connect_lazy(config, one_connection()).is_err());
    let missing = server.config(SslMode::VerifyCa, Some(Path::new("/does/not/exist.pem")), SERVER_NAME);
    let refused = connect(&missing).await.map(|_| ()).unwrap_err();
    assert!(
        matches!(&refused, ConnectError::Certificate(text) if text.contains("/does/not/exist.pem")),
        "{refused}"
    );
}

#[tokio::test]
async fn a_wrong_password_is_told_without_repeating_it() {
    let server = server().await;
    let mut config = server.config(SslMode::Require, None, SERVER_NAME);
    config.password = Some("wrong sesame".into());
    let refused = is_encrypted(&config).await.unwrap_err();
    assert!(refused.contains("password authentication failed"), "{refused}");
    assert!(!refused.contains("sesame"), "{refused}");
}

#[tokio::test]
async fn a_dropped_statement_is_cancelled_over_tls() {
    let server = server().await;
    let config = server.config(SslMode::VerifyFull, Some(&server.files.right_authority), SERVER_NAME);
    let observer = connect(&config).await.unwrap();
    let pool = Pool::connect_lazy(config, one_connection()).unwrap();
    let mut connection = pool.get().await.unwrap();
    let is_running = async || {
        let sql = "SELECT FROM pg_stat_activity WHERE query LIKE '%pg_sleep(1000)' AND state = 'active'";
        !observer.client.query_typed(sql, &[]).await.unwrap().is_empty()
    };
    tokio::select! {
        ended = connection.query("SELECT pg_sleep(1000)", &[]) => panic!("it ended: {ended:?}"),
        () = until("the statement begins", is_running) => {}
    }
    drop(connection);
    // The place becomes free when the server has acted.
    let mut next = pool.get().await.unwrap();
    next.query("SELECT 1", &[]).await.unwrap();
    assert!(!is_running().await);
}
