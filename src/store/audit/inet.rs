//! Addresses (`inet`) as text: what a cast to `text` gives, without its price.

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use postgres_protocol::types::inet_from_sql;
use postgres_types::{FromSql, Type, accepts};

/// An address with the length of its prefix, as in `10.0.0.1/32`: as `network_show` in PostgreSQL writes it.
#[derive(Debug)]
pub(super) struct InetText(pub(super) String);

impl<'a> FromSql<'a> for InetText {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        let inet = inet_from_sql(raw)?;
        let length = inet.netmask();
        Ok(Self(match inet.addr() {
            IpAddr::V6(address) => match embedded(address) {
                Some(v4) => format!("::{v4}/{length}"),
                None => format!("{address}/{length}"),
            },
            IpAddr::V4(address) => format!("{address}/{length}"),
        }))
    }

    accepts!(INET);
}

/// The IPv4 address that PostgreSQL writes behind 96 bits of zeros and no more (`inet_net_ntop_ipv6` in its `inet_net_ntop.c`), where
/// RFC 5952 has two groups of hexadecimal digits.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let low = u32::try_from(u128::from(address)).ok()?;
    (low > u32::from(u16::MAX)).then(|| Ipv4Addr::from(low))
}
