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
