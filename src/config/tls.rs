//! The certificates of the gRPC listener.

use std::path::PathBuf;
use std::time::Duration;

use super::args::TlsArgs;
use super::problem::{Reader, present};
use super::value;

/// How often the files are looked at.
const RELOAD_INTERVAL: Duration = Duration::from_secs(5);

/// The certificates of the gRPC listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsConfig {
    /// A PEM file with the certificate of the server, and those between it and its authority.
    pub certificate: PathBuf,
    /// A PEM file with its key.
    pub key: PathBuf,
    /// What is asked of clients.
    pub client_auth: ClientAuth,
    /// How often the files are looked at; changed ones are read again.
    pub reload_interval: Duration,
}

/// What is asked of clients when they connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientAuth {
    /// Nothing.
    None,
    /// A certificate of one of the authorities in a PEM file, or none.
    Optional(PathBuf),
    /// A certificate of one of the authorities in a PEM file.
    Required(PathBuf),
}

/// `TLS_CLIENT_AUTH`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ClientAuthMode {
    None,
    Optional,
    Required,
}

impl ClientAuthMode {
    fn parse(text: &str) -> Result<Self, String> {
        match text.trim() {
            "none" => Ok(Self::None),
            "optional" => Ok(Self::Optional),
            "required" => Ok(Self::Required),
            _ => Err("must be none, optional or required".to_owned()),
        }
    }
}

/// TLS as it was read.
#[derive(Debug)]
pub(super) struct TlsChoice {
    /// None to serve in plain text.
    pub(super) config: Option<TlsConfig>,
    /// Whether a certificate can say who calls.
    pub(super) takes_client_certificates: bool,
    /// Whether calls are taken from other machines: they are encrypted, here or in front.
    pub(super) may_leave_loopback: bool,
}

impl TlsChoice {
    /// Reads the options.
    pub(super) fn read(reader: &mut Reader, args: TlsArgs) -> Self {
        let TlsArgs {
            tls_cert_file,
            tls_key_file,
            tls_client_ca_file,
            tls_client_auth,
            grpc_plaintext,
        } = args;
        // What was given and can't be used is reported once, and not as missing in another place.
        let is_tls_asked_for = present(tls_cert_file.as_ref()).is_some();
        let is_key_given = present(tls_key_file.as_ref()).is_some();
        let takes_client_certificates = present(tls_client_ca_file.as_ref()).is_some();
        let certificate = reader.read("TLS_CERT_FILE", tls_cert_file, value::readable_file);
        let key = reader.read("TLS_KEY_FILE", tls_key_file, value::readable_file);
        let authorities = reader.read("TLS_CLIENT_CA_FILE", tls_client_ca_file, value::readable_file);
        let mode = reader.read("TLS_CLIENT_AUTH", tls_client_auth, ClientAuthMode::parse);
        let allows_plaintext = reader.read("GRPC_PLAINTEXT", grpc_plaintext, value::switch) == Some(true);
        let client_auth = client_auth(reader, mode, authorities, takes_client_certificates);
        if is_tls_asked_for && allows_plaintext {
            let description = "can't be given beside TLS_CERT_FILE: calls are either encrypted here or in front";
            reader.report("GRPC_PLAINTEXT", description);
        }
        if !is_tls_asked_for && (is_key_given || takes_client_certificates) {
            reader.report(
                "TLS_CERT_FILE",
                "is missing: TLS_KEY_FILE and TLS_CLIENT_CA_FILE need it",
            );
        }
        if is_tls_asked_for && !is_key_given {
            reader.report("TLS_KEY_FILE", "is missing: TLS_CERT_FILE needs its private key");
        }
        let config = certificate.zip(key).map(|(certificate, key)| TlsConfig {
            certificate,
            key,
            client_auth,
            reload_interval: RELOAD_INTERVAL,
        });
        Self {
            config,
            takes_client_certificates,
            may_leave_loopback: is_tls_asked_for || allows_plaintext,
        }
    }
}

fn client_auth(
    reader: &mut Reader,
    mode: Option<ClientAuthMode>,
    authorities: Option<PathBuf>,
    names_authorities: bool,
) -> ClientAuth {
    match (mode, authorities) {
        (None | Some(ClientAuthMode::Optional), Some(authorities)) => ClientAuth::Optional(authorities),
        (Some(ClientAuthMode::Required), Some(authorities)) => ClientAuth::Required(authorities),
        (Some(ClientAuthMode::None), Some(_)) => {
            let description = "is none, so TLS_CLIENT_CA_FILE has no use: remove one of them";
            reader.report("TLS_CLIENT_AUTH", description);
            ClientAuth::None
        }
        (Some(ClientAuthMode::Optional | ClientAuthMode::Required), None) if !names_authorities => {
            let description = "is missing: TLS_CLIENT_AUTH needs the authorities of client certificates";
            reader.report("TLS_CLIENT_CA_FILE", description);
            ClientAuth::None
        }
        (_, None) => ClientAuth::None,
    }
}
