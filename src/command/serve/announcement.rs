//! What `serve` prints once it listens.

use std::io::{self, Write};
use std::net::SocketAddr;

use crate::config::ServeConfig;
use crate::grpc::DASHBOARD_SERVICE;

/// A request that creates a dashboard, short enough for one line.
const CREATE: &str = r#"{"parent":"projects/demo","dashboard_id":"hello","dashboard":{"spec":{"structured":{"display":{"name":"Hello"},"panels":{}}}}}"#;

/// A request that lists it.
const LIST: &str = r#"{"parent":"projects/demo"}"#;

/// Tells a person, and a script, where to go from here; what to try where no credentials are needed.
///
/// # Errors
/// The output is closed.
pub fn announce(out: &mut impl Write, config: &ServeConfig, grpc: SocketAddr, http: SocketAddr) -> io::Result<()> {
    let scheme = if config.listeners.tls.is_some() {
        "https"
    } else {
        "http"
    };
    writeln!(out, "grpc: {scheme}://{grpc}")?;
    writeln!(out, "http: http://{http}")?;
    if config.authentication.is_development && config.listeners.tls.is_none() {
        try_these(out, grpc)?;
    }
    out.flush()
}

fn try_these(out: &mut impl Write, grpc: SocketAddr) -> io::Result<()> {
    writeln!(out)?;
    writeln!(out, "try:")?;
    writeln!(out, "  grpcurl -plaintext {grpc} list {DASHBOARD_SERVICE}")?;
    for (method, request) in [("CreateDashboard", CREATE), ("ListDashboards", LIST)] {
        writeln!(
            out,
            "  grpcurl -plaintext -d '{request}' {grpc} {DASHBOARD_SERVICE}/{method}"
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_find_three_lines_to_try() {
        let mut out = Vec::new();
        try_these(&mut out, SocketAddr::from(([127, 0, 0, 1], 50051))).unwrap();
        let text = String::from_utf8(out).unwrap();
        let tries = text.lines().filter(|line| line.starts_with("  grpcurl -plaintext "));
        assert_eq!(
            tries.filter(|line| line.contains("127.0.0.1:50051")).count(),
            3,
            "{text}"
        );
    }
}
