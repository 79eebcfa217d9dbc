//! How callers prove who they are.

use reqwest::Url;
use rustls::pki_types::DnsName;

use super::args::AuthenticationArgs;
use super::embedded::DatabaseSource;
use super::issuers::{self, IssuerConfig};
use super::problem::Reader;
use super::tls::TlsChoice;
use super::value;

/// How callers prove who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthenticationConfig {
    /// Whether nobody has to, and everybody is taken at its word.
    pub is_development: bool,
    /// The names in the certificates of the proxies that may state a user.
    pub identity_header_peers: Vec<String>,
    /// Whose tokens are taken.
    pub issuers: Vec<IssuerConfig>,
    /// Whether reflection is open to everybody.
    pub open_reflection: bool,
}

/// Why a service that nobody could call does not start.
const NO_CREDENTIALS: &str = "is not given, and no other way to tell who calls is configured: set TLS_CLIENT_CA_FILE \
                              (with TLS_CERT_FILE and TLS_KEY_FILE) for client certificates, or AUTH_CONFIG_FILE for \
                              bearer tokens; or give --insecure-dev to let everybody on this machine do everything";

impl AuthenticationConfig {
    /// Reads the options; the database decides whether serving without authentication must be asked for.
    pub(super) fn read(
        reader: &mut Reader,
        args: AuthenticationArgs,
        tls: &TlsChoice,
        source: Option<DatabaseSource>,
    ) -> Self {
        let AuthenticationArgs {
            auth_config_file,
            identity_header_peers,
            open_reflection,
            insecure_dev,
        } = args;
        let asked_for = reader.read("INSECURE_DEV", insecure_dev, value::switch);
        let issuers = issuers::read(reader, auth_config_file);
        let takes_tokens = issuers.is_some();
        let peers = reader.read("IDENTITY_HEADER_PEERS", identity_header_peers, names);
        if peers.is_some() && !tls.takes_client_certificates {
            let description = "needs TLS_CLIENT_CA_FILE: a proxy is known by its certificate";
            reader.report("IDENTITY_HEADER_PEERS", description);
        }

        let is_configured = takes_tokens || tls.takes_client_certificates;
        let is_development = asked_for.unwrap_or(source != Some(DatabaseSource::External) && !is_configured);
        if is_development && is_configured {
            let description = "can't be given beside TLS_CLIENT_CA_FILE or AUTH_CONFIG_FILE: where everybody is taken at \
                               its word, credentials have no use";
            reader.report("INSECURE_DEV", description);
        }
        if !is_development && !is_configured {
            reader.report("INSECURE_DEV", NO_CREDENTIALS);
        }
        let open_reflection = reader.read("OPEN_REFLECTION", open_reflection, value::switch);
        Self {
            is_development,
            identity_header_peers: peers.unwrap_or_default(),
            issuers: issuers.unwrap_or_default(),
            open_reflection: open_reflection.unwrap_or(false),
        }
    }
}

fn names(text: &str) -> Result<Vec<String>, String> {
    let names: Vec<String> = text.split(',').map(|name| name.trim().to_owned()).collect();
    if !names.iter().all(|name| is_dns_name(name) || is_uri(name)) {
        let description = "must be DNS names or URIs, one or several as a,b,c, as they stand among the subject alternative names \
                           of certificates: proxy.example.com,spiffe://cluster.local/ns/a/sa/proxy";
        return Err(description.to_owned());
    }
    Ok(names)
}

/// A wildcard is none: it would be compared as it is written. Nor is one that ends with a dot, as none does in certificates.
fn is_dns_name(name: &str) -> bool {
    DnsName::try_from(name).is_ok() && !name.ends_with('.')
}

/// Without the two slashes, a host with a port would be one, and so would what openssl writes before a name, `DNS:`.
fn is_uri(name: &str) -> bool {
    let has_form = |(scheme, rest): (&str, &str)| scheme == "urn" || rest.starts_with("//");
    let is_written = |character: char| character.is_ascii_graphic();
    name.split_once(':').is_some_and(has_form) && name.chars().all(is_written) && Url::parse(name).is_ok()
}
