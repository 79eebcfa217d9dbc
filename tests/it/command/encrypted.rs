//! The client commands over TLS: a gateway before the service ends the encryption, and wants a certificate of its callers.

use std::net::SocketAddr;
use std::sync::Arc;

use rcgen::CertifiedKey;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::*;

type Certified = CertifiedKey<rcgen::KeyPair>;

fn certified(name: &str) -> Certified {
    rcgen::generate_simple_self_signed([name.to_owned()]).unwrap()
}

fn certificate(certified: &Certified) -> CertificateDer<'static> {
    certified.cert.der().clone()
}

/// What the gateway encrypts with: its own certificate, and the only one that a caller may have.
fn gateway_config(own: &Certified, of_caller: &Certified) -> ServerConfig {
    let mut callers = RootCertStore::empty();
    callers.add(certificate(of_caller)).unwrap();
    let verifier = WebPkiClientVerifier::builder(Arc::new(callers)).build().unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(own.signing_key.serialize_der()));
    let mut config = ServerConfig::builder()
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![certificate(own)], key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    config
}

/// Lets encrypted connections through to `service`, and gives the port that takes them.
async fn open_gateway(config: ServerConfig, service: SocketAddr) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // Whom it does not know it turns away: the test sees what the caller makes of that.
                if let Ok(mut encrypted) = acceptor.accept(stream).await {
                    let mut plain = TcpStream::connect(service).await.unwrap();
                    let _ = copy_bidirectional(&mut encrypted, &mut plain).await;
                }
            });
        }
    });
    port
}

#[tokio::test]
async fn both_sides_prove_who_they_are() {
    let server = TestServer::start().await;
    let (own, of_caller, of_stranger) = (certified("localhost"), certified("caller"), certified("localhost"));
    let port = open_gateway(gateway_config(&own, &of_caller), server.grpc_addr()).await;
    let files = folder(&[
        ("d.yaml", &native("p", "d", "D")),
        ("ca.pem", &own.cert.pem()),
        ("strange-ca.pem", &of_stranger.cert.pem()),
        ("caller.pem", &of_caller.cert.pem()),
        ("caller.key", &of_caller.signing_key.serialize_pem()),
        ("token", "sesame\n"),
    ]);
    let import = async |arguments: &[&str]| {
        let mut command = program(&["import", "d.yaml"]);
        command
            .args(arguments)
            .env("DASHBOARD_STORE_ADDR", format!("https://localhost:{port}"))
            .current_dir(files.path());
        said(process::run(command).await)
    };
    const CERTIFICATE: [&str; 2] = ["--cert-file=caller.pem", "--key-file=caller.key"];

    let (code, out, err) = import(&[&CERTIFICATE[..], &["--ca-file=ca.pem"]].concat()).await;
    assert_eq!(code, Some(0), "{out}{err}");
    // In development mode the service takes no tokens, which tells that one arrives.
    let (code, _, err) = import(&[&CERTIFICATE[..], &["--ca-file=ca.pem", "--token-file=token"]].concat()).await;
    assert_eq!(code, Some(1), "{err}");
    assert!(err.contains("UNAUTHENTICATED"), "{err}");
    for wrong in [
        &["--ca-file=ca.pem"][..],
        &[&CERTIFICATE[..], &["--ca-file=strange-ca.pem"]].concat(),
        &CERTIFICATE,
    ] {
        let (code, out, err) = import(wrong).await;
        assert_eq!((code, out.as_str()), (Some(1), ""), "{wrong:?}: {err}");
        assert!(err.starts_with("error: "), "{err}");
    }
    let (code, _, err) = import(&["--cert-file=caller.pem"]).await;
    assert_eq!(code, Some(2), "{err}");
    assert!(err.contains("DASHBOARD_STORE_KEY_FILE (--key-file)"), "{err}");
}
