//! What `serve` prints once it listens.

use std::io::{self, Write};
use std::net::SocketAddr;

use crate::grpc::DASHBOARD_SERVICE;

/// A request that creates a dashboard, short enough for one line.
const CREATE: &str = r#"{"parent":"projects/demo","dashboard_id":"hello","dashboard":{"spec":{"structured":{"display":{"name":"Hello"},"panels":{}}}}}"#;

/// A request that lists it.
const LIST: &str = r#"{"parent":"projects/demo"}"#;

/// Tells a person, and a script, where to go from here.
///
/// # Errors
/// The output is closed.
pub fn announce(out: &mut impl Write, grpc: SocketAddr, http: SocketAddr) -> io::Result<()> {
    writeln!(out, "grpc: http://{grpc}")?;
    writeln!(out, "http: http://{http}")?;
    writeln!(out)?;
    writeln!(out, "try:")?;
    writeln!(out, "  grpcurl -plaintext {grpc} list {DASHBOARD_SERVICE}")?;
    for (method, request) in [("CreateDashboard", CREATE), ("ListDashboards", LIST)] {
        writeln!(
            out,
            "  grpcurl -plaintext -d '{request}' {grpc} {DASHBOARD_SERVICE}/{method}"
        )?;
    }
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_find_both_addresses_and_people_three_lines_to_try() {
        let mut out = Vec::new();
        let addresses = [50051, 8080].map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        announce(&mut out, addresses[0], addresses[1]).unwrap();
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(
            lines[..2],
            ["grpc: http://127.0.0.1:50051", "http: http://127.0.0.1:8080"]
        );
        let tries = lines.iter().filter(|line| line.starts_with("  grpcurl -plaintext "));
        assert_eq!(tries.count(), 3, "{text}");
    }
}
