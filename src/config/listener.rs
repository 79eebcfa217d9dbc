//! Addresses to listen on.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::args::ListenerArgs;
use super::authentication::AuthenticationConfig;
use super::problem::Reader;
use super::tls::{TlsChoice, TlsConfig};

const GRPC_PORT: u16 = 50051;
const HTTP_PORT: u16 = 8080;

/// Where to listen: on loopback in development, on every interface otherwise. Port 0 takes a free one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenersConfig {
    /// Where gRPC listens.
    pub grpc_addr: SocketAddr,
    /// Where health and metrics listen over HTTP.
    pub http_addr: SocketAddr,
    /// The certificates of the gRPC listener; none to serve in plain text.
    pub tls: Option<TlsConfig>,
}

impl ListenersConfig {
    /// Reads the options.
    pub(super) fn read(
        reader: &mut Reader,
        args: ListenerArgs,
        tls: TlsChoice,
        callers: &AuthenticationConfig,
    ) -> Self {
        let is_development = callers.is_development;
        let ListenerArgs { grpc_addr, http_addr } = args;
        let default_ip: IpAddr = match is_development {
            true => Ipv4Addr::LOCALHOST.into(),
            false => Ipv6Addr::UNSPECIFIED.into(),
        };
        let mut read = |setting, raw, port| {
            let checked = |text: &str| match is_development {
                true => loopback(text, port),
                false => parse(text.trim(), port),
            };
            let address = reader.read(setting, raw, checked);
            address.unwrap_or_else(|| SocketAddr::from((default_ip, port)))
        };
        let grpc_addr = read("GRPC_ADDR", grpc_addr, GRPC_PORT);
        let http_addr = read("HTTP_ADDR", http_addr, HTTP_PORT);
        let takes_tokens = !callers.issuers.is_empty();
        if takes_tokens && !tls.may_leave_loopback && !grpc_addr.ip().is_loopback() {
            reader.report("GRPC_PLAINTEXT", unencrypted(grpc_addr));
        }
        Self {
            grpc_addr,
            http_addr,
            tls: tls.config,
        }
    }
}

/// Why credentials are not taken in plain text from other machines.
fn unencrypted(address: SocketAddr) -> String {
    format!(
        "is not given, and without TLS whoever is between can read the tokens of callers of {address}: set \
         TLS_CERT_FILE and TLS_KEY_FILE; or give --grpc-plaintext if something in front, such as a service mesh, \
         encrypts"
    )
}

/// Parses `ADDRESS:PORT` or an address alone, which must be loopback.
///
/// In development everybody who reaches a listener may do everything, so nothing else is allowed.
fn loopback(text: &str, default_port: u16) -> Result<SocketAddr, String> {
    let address = parse(text.trim(), default_port)?;
    if address.ip().is_loopback() {
        return Ok(address);
    }
    Err(format!(
        "must be a loopback address, because without authentication everybody who reaches it may do everything: use \
         127.0.0.1:{port} or [::1]:{port}; or set TLS_CLIENT_CA_FILE or AUTH_CONFIG_FILE, so that callers prove who \
         they are",
        port = address.port()
    ))
}

fn parse(text: &str, default_port: u16) -> Result<SocketAddr, String> {
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Ok(address);
    }
    if let Some(ip) = parse_host(text) {
        return Ok(SocketAddr::new(ip, default_port));
    }
    let malformed = || format!("must be ADDRESS:PORT, such as 127.0.0.1:{default_port} or [::1]:{default_port}");
    let (host, port) = text.rsplit_once(':').ok_or_else(malformed)?;
    let ip = parse_host(host).ok_or_else(malformed)?;
    let port = port.parse().map_err(|_| malformed())?;
    Ok(SocketAddr::new(ip, port))
}

/// An IP address, `localhost`, or nothing at all, which means every interface as in Go.
fn parse_host(host: &str) -> Option<IpAddr> {
    match host {
        "localhost" => Some(Ipv4Addr::LOCALHOST.into()),
        "" => Some(Ipv6Addr::UNSPECIFIED.into()),
        _ => host.trim_start_matches('[').trim_end_matches(']').parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_addresses_are_taken_with_or_without_port() {
        for (text, expected) in [
            ("127.0.0.1:0", "127.0.0.1:0"),
            ("127.0.0.1", "127.0.0.1:50051"),
            ("localhost:9000", "127.0.0.1:9000"),
            ("localhost", "127.0.0.1:50051"),
            ("[::1]:9000", "[::1]:9000"),
            ("::1", "[::1]:50051"),
        ] {
            assert_eq!(
                loopback(text, 50051).map(|a| a.to_string()),
                Ok(expected.to_owned()),
                "{text}"
            );
        }
    }

    #[test]
    fn other_addresses_are_refused_with_what_to_do() {
        for text in ["0.0.0.0:50051", ":50051", "[::]:50051", "10.0.0.1:50051", "192.168.1.1"] {
            let refused = loopback(text, 50051).unwrap_err();
            assert!(refused.contains("127.0.0.1:50051"), "{text}: {refused}");
            assert!(refused.contains("without authentication"), "{text}: {refused}");
        }
        for text in ["example.com:1", "127.0.0.1:99999", "127.0.0.1:x", "50051"] {
            let refused = loopback(text, 50051).unwrap_err();
            assert!(refused.contains("ADDRESS:PORT"), "{text}: {refused}");
        }
    }
}
