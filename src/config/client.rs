//! Where a running service is, and how the commands that are its clients call it.

use std::fs;

use http::Uri;
use secrecy::SecretString;

use super::args::ClientArgs;
use super::problem::Reader;

/// Where the service is unless it is said otherwise.
const DEFAULT_ADDRESS: &str = "http://127.0.0.1:50051";

/// Where a running service is, and how it is called.
#[derive(Debug, Clone)]
pub struct ClientConfig {
    /// The address, `http://host:port` or `https://host:port`.
    pub address: Uri,
    /// The token that proves who calls.
    pub token: Option<SecretString>,
    /// The certificates of an encrypted connection; none for `http://`.
    pub tls: Option<ClientTls>,
}

/// The certificates of an encrypted connection, as PEM.
#[derive(Debug, Clone)]
pub struct ClientTls {
    /// The authorities that the service's certificate must come from; none for those of the system.
    pub authorities: Option<Vec<u8>>,
    /// The client's certificate with its key.
    pub identity: Option<(Vec<u8>, SecretString)>,
}

impl ClientConfig {
    /// Reads the options, with the files that they name.
    pub(super) fn read(reader: &mut Reader, args: ClientArgs) -> Option<Self> {
        let ClientArgs {
            addr,
            token_file,
            ca_file,
            cert_file,
            key_file,
        } = args;
        let address = addr.filter(|text| !text.trim().is_empty());
        let address = reader.read(
            "DASHBOARD_STORE_ADDR",
            Some(address.unwrap_or_else(|| DEFAULT_ADDRESS.to_owned())),
            service_address,
        );
        let token = reader.read("DASHBOARD_STORE_TOKEN_FILE", token_file, token);
        let authorities = reader.read("DASHBOARD_STORE_CA_FILE", ca_file, file);
        let certificate = reader.read("DASHBOARD_STORE_CERT_FILE", cert_file, file);
        let key = reader.read("DASHBOARD_STORE_KEY_FILE", key_file, secret_file);
        let identity = match (certificate, key) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (Some(_), None) => {
                let description = "is missing: DASHBOARD_STORE_CERT_FILE needs its private key";
                reader.report("DASHBOARD_STORE_KEY_FILE", description);
                None
            }
            (None, Some(_)) => {
                let description = "is missing: DASHBOARD_STORE_KEY_FILE needs its certificate";
                reader.report("DASHBOARD_STORE_CERT_FILE", description);
                None
            }
            (None, None) => None,
        };
        let address = address?;
        let is_encrypted = address.scheme_str() == Some("https");
        if !is_encrypted && (authorities.is_some() || identity.is_some()) {
            let description = "has no encryption, so certificates have no use: write https://, or remove them";
            reader.report("DASHBOARD_STORE_ADDR", description);
        }
        if !is_encrypted && token.is_some() && !is_loopback(&address) {
            let description = "has no encryption, and a token must not travel in the clear: write https://";
            reader.report("DASHBOARD_STORE_ADDR", description);
        }
        let tls = is_encrypted.then_some(ClientTls { authorities, identity });
        Some(Self { address, token, tls })
    }
}

fn service_address(text: &str) -> Result<Uri, String> {
    let malformed = || "must be http://HOST:PORT, or https://HOST:PORT for an encrypted connection".to_owned();
    let address: Uri = text.trim().parse().map_err(|_| malformed())?;
    let has_scheme = matches!(address.scheme_str(), Some("http" | "https"));
    let is_bare = matches!(address.path_and_query().map(|path| path.as_str()), None | Some("/"));
    match has_scheme && is_bare && address.host().is_some() {
        true => Ok(address),
        false => Err(malformed()),
    }
}

fn is_loopback(address: &Uri) -> bool {
    let host = address.host().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
}

/// Reads a token. It goes into a header, which takes visible ASCII alone.
fn token(path: &str) -> Result<SecretString, String> {
    let text = fs::read_to_string(path).map_err(unreadable)?;
    let token = text.trim_end_matches(['\r', '\n']);
    match !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()) {
        true => Ok(SecretString::from(token)),
        false => Err("must hold one line with a token, without white space".to_owned()),
    }
}

fn file(path: &str) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(unreadable)
}

fn secret_file(path: &str) -> Result<SecretString, String> {
    fs::read_to_string(path).map(SecretString::from).map_err(unreadable)
}

fn unreadable(error: std::io::Error) -> String {
    format!("can't be read: {error}")
}
