//! Where a caller is, as far as that can be known.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

use super::share_link::parse_network;

/// The proxies that are believed when they say whom they speak for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// Parses networks with commas between them: `10.0.0.0/8,192.0.2.7/32`.
    ///
    /// # Errors
    /// A sentence about the first that is none; see [`parse_network`].
    pub fn parse(text: &str) -> Result<Self, String> {
        let networks = text.split(',').map(|network| parse_network(network.trim()));
        networks.collect::<Result<_, _>>().map(Self)
    }

    /// The address of the client behind the connection of `peer`, IPv4 always as such; none when nobody who is trusted says it.
    ///
    /// It is the peer itself, unless that is a trusted proxy. Then it is the right-most entry of `forwarded_for`, the values of
    /// `X-Forwarded-For` in their order, that is no trusted proxy: each proxy adds whom it was called by, so all to the left of
    /// it is only what that one claimed.
    pub fn client<'a>(&self, peer: Option<IpAddr>, forwarded_for: impl IntoIterator<Item = &'a str>) -> Option<IpAddr> {
        let peer = peer?.to_canonical();
        if !self.trusts(peer) {
            return Some(peer);
        }
        let entries: Vec<&str> = forwarded_for.into_iter().flat_map(|value| value.split(',')).collect();
        for entry in entries.into_iter().rev() {
            let address = address(entry.trim())?;
            if !self.trusts(address) {
                return Some(address);
            }
        }
        None
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// Reads an address, IPv4 always as such; some proxies add the port.
fn address(entry: &str) -> Option<IpAddr> {
    let with_port = || entry.parse::<SocketAddr>().ok().map(|socket| socket.ip());
    let parsed = entry.parse::<IpAddr>().ok().or_else(with_port);
    parsed.map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, forwarded_for: &[&str]) -> Option<String> {
        let proxies = TrustedProxies::parse("10.0.0.0/8, 2001:db8::/32").unwrap();
        let found = proxies.client(peer.parse().ok(), forwarded_for.iter().copied());
        found.map(|address| address.to_string())
    }

    #[test]
    fn a_peer_that_is_no_proxy_is_the_client_whatever_it_says() {
        for peer in ["192.0.2.7", "::ffff:192.0.2.7"] {
            assert_eq!(client(peer, &[]).as_deref(), Some("192.0.2.7"));
            assert_eq!(client(peer, &["203.0.113.9"]).as_deref(), Some("192.0.2.7"));
        }
        let trusting_nobody = TrustedProxies::default().client("10.0.0.1".parse().ok(), ["203.0.113.9"]);
        assert_eq!(trusting_nobody, "10.0.0.1".parse().ok());
    }

    #[test]
    fn behind_proxies_the_right_most_address_that_is_none_is_the_client() {
        for (forwarded_for, expected) in [
            (&["203.0.113.9"][..], Some("203.0.113.9")),
            (&["6.6.6.6, 203.0.113.9"], Some("203.0.113.9")),
            (&["6.6.6.6, 203.0.113.9,10.1.1.1"], Some("203.0.113.9")),
            (
                &["6.6.6.6", "203.0.113.9", "10.1.1.1, 2001:db8::5"],
                Some("203.0.113.9"),
            ),
            (&["::ffff:203.0.113.9"], Some("203.0.113.9")),
            (&["203.0.113.9:4711"], Some("203.0.113.9")),
            (&["[2001:db9::1]:4711"], Some("2001:db9::1")),
            // Nobody who is trusted says it.
            (&[], None),
            (&[""], None),
            (&["10.1.1.1"], None),
            (&["203.0.113.9, unknown"], None),
            (&["203.0.113.9, "], None),
        ] {
            assert_eq!(
                client("10.0.0.1", forwarded_for).as_deref(),
                expected,
                "{forwarded_for:?}"
            );
        }
        assert_eq!(
            client("::ffff:10.0.0.1", &["203.0.113.9"]).as_deref(),
            Some("203.0.113.9")
        );
    }

    #[test]
    fn a_peer_without_an_address_has_none() {
        assert_eq!(client("", &["203.0.113.9"]), None);
    }

    #[test]
    fn proxies_are_strict_networks() {
        for text in ["", "10.0.0.1", "10.0.0.1/8", "0.0.0.0/0", "10.0.0.0/8,"] {
            assert!(TrustedProxies::parse(text).is_err(), "{text}");
        }
    }
}
