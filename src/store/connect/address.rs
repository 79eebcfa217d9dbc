//! Where a host is: the addresses behind a name, or the directory of a Unix socket.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use tokio::net::lookup_host;

use crate::config::DatabaseHost;

/// One address of one host.
#[derive(Debug, Clone)]
pub(super) struct Endpoint {
    /// The name that the certificate must carry.
    pub(super) host: String,
    /// Where to connect.
    pub(super) address: Address,
}

/// Where to connect.
#[derive(Debug, Clone)]
pub(super) enum Address {
    /// An IP address and a port.
    Tcp(SocketAddr),
    /// A Unix socket.
    Unix {
        /// The directory that it is in.
        directory: PathBuf,
        /// A part of its file name.
        port: u16,
    },
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.address {
            Address::Tcp(address) if self.host == address.ip().to_string() => address.fmt(f),
            Address::Tcp(address) => write!(f, "{} ({address})", self.host),
            Address::Unix { directory, port } => write!(f, "{}", socket_path(directory.clone(), *port).display()),
        }
    }
}

/// The file of a Unix socket of PostgreSQL.
pub(super) fn socket_path(directory: PathBuf, port: u16) -> PathBuf {
    directory.join(format!(".s.PGSQL.{port}"))
}

/// Looks a host up.
///
/// # Errors
/// When its name can't be resolved.
pub(super) async fn resolve(host: &DatabaseHost) -> io::Result<Vec<Endpoint>> {
    let endpoint = |address| Endpoint {
        host: host.host.clone(),
        address,
    };
    if host.is_unix_socket() {
        let directory = PathBuf::from(&host.host);
        return Ok(vec![endpoint(Address::Unix {
            directory,
            port: host.port,
        })]);
    }
    let addresses = lookup_host((host.host.as_str(), host.port)).await?;
    Ok(addresses.map(|address| endpoint(Address::Tcp(address))).collect())
}
