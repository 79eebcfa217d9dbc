use rcgen::{CertificateParams, KeyPair};
use tempfile::TempDir;

use super::*;

/// What is said of a certificate and a key with this in their files, which are called `tls.crt` and `tls.key`.
async fn said_of(certificate: &str, key: &str) -> String {
    let directory = TempDir::new().unwrap();
    let path = |name: &str| directory.path().join(name);
    std::fs::write(path("tls.crt"), certificate).unwrap();
    std::fs::write(path("tls.key"), key).unwrap();
    let loaded = Tls::load(TlsConfig {
        certificate: path("tls.crt"),
        key: path("tls.key"),
        client_auth: ClientAuth::None,
        reload_interval: std::time::Duration::from_secs(3600),
    })
    .await;
    let said = loaded.err().map(|error| error.to_string()).unwrap_or_default();
    said.replace(&format!("{}/", directory.path().display()), "")
}

/// A certificate for `key` that expired so many days ago, or will in fewer than none.
fn expired(key: &KeyPair, days: i64) -> String {
    let mut params = CertificateParams::default();
    params.not_after = time::OffsetDateTime::now_utc() - time::Duration::days(days);
    params.self_signed(key).unwrap().pem()
}

#[tokio::test]
async fn a_certificate_that_has_expired_takes_no_place_of_one_that_has_not() {
    let directory = TempDir::new().unwrap();
    let key = KeyPair::generate().unwrap();
    let config = TlsConfig {
        certificate: directory.path().join("tls.crt"),
        key: directory.path().join("tls.key"),
        client_auth: ClientAuth::None,
        reload_interval: std::time::Duration::from_secs(3600),
    };
    std::fs::write(&config.key, key.serialize_pem()).unwrap();
    std::fs::write(&config.certificate, expired(&key, -1)).unwrap();
    let tls = Tls::load(config.clone()).await.unwrap();
    let before = Arc::clone(&tls.current.borrow());

    std::fs::write(&config.certificate, expired(&key, 1)).unwrap();
    assert!(matches!(tls.reload().await, Err(TlsError::Expired(_))));
    assert!(Arc::ptr_eq(&before, &tls.current.borrow()));
    // It is told once.
    assert!(!tls.reload().await.unwrap());

    std::fs::write(&config.certificate, expired(&key, -2)).unwrap();
    assert!(tls.reload().await.unwrap());
    // Where there is none before, it is better than nothing: a client that checks nothing gets through.
    std::fs::write(&config.certificate, expired(&key, 1)).unwrap();
    let since_start = Tls::load(config.clone()).await.unwrap();
    std::fs::write(&config.certificate, expired(&key, 2)).unwrap();
    assert!(since_start.reload().await.unwrap());
}

#[tokio::test]
async fn a_pipe_is_not_waited_for() {
    let directory = TempDir::new().unwrap();
    let pipe = directory.path().join("tls.crt");
    let made = tokio::process::Command::new("mkfifo")
        .arg(&pipe)
        .status()
        .await
        .unwrap();
    assert!(made.success());
    let error = read(&pipe).await.unwrap_err().to_string();
    assert!(
        error.ends_with("tls.crt can't be read: it is no regular file"),
        "{error}"
    );
}

#[tokio::test]
async fn the_file_that_is_wrong_is_named() {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::default().self_signed(&key).unwrap().pem();
    let other_key = KeyPair::generate().unwrap().serialize_pem();
    let key = key.serialize_pem();
    assert_eq!(said_of(&certificate, &key).await, "");
    assert_eq!(
        said_of(&certificate, &other_key).await,
        "tls.key is not the private key of the certificate in tls.crt"
    );
    let no_key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    let no_certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for (certificate, key, expected) in [
        (certificate.as_str(), "", "tls.key has no private key in PEM"),
        (&certificate, no_key, "tls.key has no private key in PEM"),
        ("", &key, "tls.crt has no certificate in PEM"),
        (no_certificate, &key, "tls.crt has no certificate in PEM"),
    ] {
        let said = said_of(certificate, key).await;
        assert!(said.starts_with(expected), "{said}");
    }
}
