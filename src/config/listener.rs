//! Addresses to listen on.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::args::ListenerArgs;
use super::embedded::DatabaseSource;
use super::problem::Reader;
use super::value;

const GRPC_PORT: u16 = 50051;
const HTTP_PORT: u16 = 8080;

/// Where to listen: on loopback, until callers are authenticated. Port 0 takes a free one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenersConfig {
    /// Where gRPC listens.
    pub grpc_addr: SocketAddr,
    /// Where health and metrics listen over HTTP.
    pub http_addr: SocketAddr,
}

/// Why a database of the user's is not served without `--insecure-dev`.
const NOT_SECURE_YET: &str = "must be given: this version has no authentication, so whoever reaches the port may read \
                              and change every dashboard; give --insecure-dev to accept that on this machine alone";

impl ListenersConfig {
    /// Reads the options; the database decides whether serving without authentication must be asked for.
    pub(super) fn read(reader: &mut Reader, args: ListenerArgs, source: Option<DatabaseSource>) -> Self {
        let ListenerArgs {
            grpc_addr,
            http_addr,
            insecure_dev,
        } = args;
        let is_asked_for = reader.read("INSECURE_DEV", insecure_dev, value::switch);
        if !is_asked_for.unwrap_or(source != Some(DatabaseSource::External)) {
            reader.report("INSECURE_DEV", NOT_SECURE_YET);
        }
        let mut read = |setting, raw, port| {
            reader
                .read(setting, raw, |text| loopback(text, port))
                .unwrap_or_else(|| SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
        };
        Self {
            grpc_addr: read("GRPC_ADDR", grpc_addr, GRPC_PORT),
            http_addr: read("HTTP_ADDR", http_addr, HTTP_PORT),
        }
    }
}

/// Parses `ADDRESS:PORT` or an address alone, which must be loopback.
///
/// Until callers are authenticated everybody who reaches a listener may do everything, so nothing else is allowed.
fn loopback(text: &str, default_port: u16) -> Result<SocketAddr, String> {
    let address = parse(text.trim(), default_port)?;
    if address.ip().is_loopback() {
        return Ok(address);
    }
    Err(format!(
        "must be a loopback address: this version has no authentication, which comes with a later one, so it serves \
         this machine alone; use 127.0.0.1:{port} or [::1]:{port}, and reach it from elsewhere through a tunnel such as \
         ssh -L or kubectl port-forward",
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
            assert!(refused.contains("no authentication"), "{text}: {refused}");
        }
        for text in ["example.com:1", "127.0.0.1:99999", "127.0.0.1:x", "50051"] {
            let refused = loopback(text, 50051).unwrap_err();
            assert!(refused.contains("ADDRESS:PORT"), "{text}: {refused}");
        }
    }
}
