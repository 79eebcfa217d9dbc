//! Networks: from where a share link can be used.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::domain::reason::Reason;
use crate::domain::violation::{Violation, Violations, quoted};

/// The most networks of one list.
pub const MAX_NETWORKS: usize = 32;

/// How many bits of an IPv6 address say that it is an IPv4 address (RFC 4291, 2.5.5.2).
const MAPPED_BITS: u8 = 96;

/// The networks that a link can be used from; none for anywhere.
///
/// Whatever was written, the same addresses are the same list: the fewest networks that hold them, IPv4 first, in their order. So lists
/// are equal, and within each other, as their addresses are. IPv4 addresses stand as such, also those that were written as IPv6
/// (`::ffff:192.0.2.0/120`): for PostgreSQL the two have nothing to do with each other.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct AllowedNetworks(Vec<IpNet>);

impl AllowedNetworks {
    /// Parses `192.0.2.0/24` and the like, in any order and cut in any way.
    ///
    /// # Errors
    /// `FIELD_TOO_LONG` on `field` for more than [`MAX_NETWORKS`]; `FIELD_INVALID` on `field[index]` for each that
    /// [`parse_network`] refuses, and on `field` for a list that is every address all the same.
    pub fn parse(field: &str, texts: &[String]) -> Result<Self, Violations> {
        if texts.len() > MAX_NETWORKS {
            let description = format!("has {} networks: at most {MAX_NETWORKS} are taken", texts.len());
            return Err(Violation::new(field, Reason::FieldTooLong, description).into());
        }
        let mut wrong = Violations::default();
        let mut networks = Vec::new();
        for (index, text) in texts.iter().enumerate() {
            let parsed = parse_network(text)
                .map_err(|why| Violation::new(format!("{field}[{index}]"), Reason::FieldInvalid, why));
            networks.extend(wrong.note(parsed));
        }
        let parsed = Self::of(&networks);
        wrong.note(parsed.check_limit(field));
        wrong.or_ok(parsed)
    }

    /// The same of networks that are kept. Those that are every address together were taken once, and stay as they are: the whole
    /// could not be read back.
    fn stored(networks: Vec<IpNet>) -> Self {
        let one_form = Self::of(&networks);
        if one_form.is_everything() {
            Self(networks)
        } else {
            one_form
        }
    }

    /// Whether it is every address of IPv4, or of IPv6.
    fn is_everything(&self) -> bool {
        self.0.iter().any(|network| network.prefix_len() == 0)
    }

    fn check_limit(&self, field: &str) -> Result<(), Violation> {
        if !self.is_everything() {
            return Ok(());
        }
        let description = "together these networks are every address, which is no limit: leave them out";
        Err(Violation::new(field, Reason::FieldInvalid, description))
    }

    /// The one form of these networks.
    fn of(networks: &Vec<IpNet>) -> Self {
        Self(IpNet::aggregate(networks))
    }

    /// The networks as text.
    pub fn to_texts(&self) -> Vec<String> {
        self.0.iter().map(IpNet::to_string).collect()
    }

    /// Whether each address of `self` is one of `other`.
    pub fn is_within(&self, other: &Self) -> bool {
        let is_anywhere = |networks: &Self| networks.0.is_empty();
        let is_covered = |network: &IpNet| other.0.iter().any(|wider| wider.contains(network));
        is_anywhere(other) || (!is_anywhere(self) && self.0.iter().all(is_covered))
    }
}

/// Parses one network, strictly: an address, a slash, and how many of its bits name the network.
///
/// # Errors
/// A sentence: for any other form, for an address with bits behind those that name the network, and for a network of all
/// addresses, which is no limit and would only look like one.
pub fn parse_network(text: &str) -> Result<IpNet, String> {
    let malformed = || {
        format!(
            "{} is not a network such as 192.0.2.0/24, 192.0.2.7/32 or 2001:db8::/32",
            quoted(text)
        )
    };
    let (address, length) = text.split_once('/').ok_or_else(malformed)?;
    let address: IpAddr = address.parse().map_err(|_| malformed())?;
    let bits: u8 = length
        .parse()
        .ok()
        .filter(|bits: &u8| bits.to_string() == length)
        .ok_or_else(malformed)?;
    let network = match (address.to_canonical(), bits.checked_sub(MAPPED_BITS)) {
        (IpAddr::V4(mapped), Some(bits_of_v4)) if address.is_ipv6() => IpNet::new(mapped.into(), bits_of_v4),
        // With fewer bits it is a network of IPv6: the address has bits behind them, which are refused below.
        _ => IpNet::new(address, bits),
    };
    let network = network.map_err(|_| malformed())?;
    if network.trunc() != network {
        let description = format!(
            "{} has bits behind the first {bits}: write {} for the network, or all bits for the address",
            quoted(text),
            network.trunc()
        );
        return Err(description);
    }
    if network.prefix_len() == 0 {
        return Err(format!(
            "{} is every address, which is no limit: leave it out",
            quoted(text)
        ));
    }
    Ok(network)
}

impl From<AllowedNetworks> for Vec<String> {
    fn from(networks: AllowedNetworks) -> Self {
        networks.to_texts()
    }
}

impl TryFrom<Vec<String>> for AllowedNetworks {
    type Error = String;

    fn try_from(texts: Vec<String>) -> Result<Self, Self::Error> {
        texts
            .iter()
            .map(|text| parse_network(text))
            .collect::<Result<_, _>>()
            .map(Self::stored)
    }
}

#[cfg(test)]
mod tests {
    use ipnet::Ipv4Net;
    use proptest::prelude::*;

    use super::*;

    fn networks(texts: &[&str]) -> AllowedNetworks {
        let owned: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        AllowedNetworks::parse("cidrs", &owned).unwrap()
    }

    #[test]
    fn networks_have_one_form() {
        for (text, form) in [
            ("192.0.2.0/24", "192.0.2.0/24"),
            ("192.0.2.7/32", "192.0.2.7/32"),
            ("0.0.0.0/1", "0.0.0.0/1"),
            ("2001:DB8:0:0::/32", "2001:db8::/32"),
            ("::1/128", "::1/128"),
            ("::ffff:192.0.2.0/120", "192.0.2.0/24"),
            ("::ffff:c000:207/128", "192.0.2.7/32"),
        ] {
            assert_eq!(
                parse_network(text).map(|network| network.to_string()),
                Ok(form.to_owned())
            );
        }
        assert_eq!(
            networks(&["10.0.0.0/8", "::ffff:10.0.0.0/104"]),
            networks(&["10.0.0.0/8"])
        );
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in [
            "",
            "/",
            "*",
            "192.0.2.7",
            "192.0.2.0/",
            "192.0.2.0/33",
            "192.0.2.0/024",
            "192.0.2.0/+24",
            "192.0.2.0/ 24",
            "192.0.2.0/24/24",
            "192.0.2.0/255.255.255.0",
            "192.0.2/24",
            "010.0.0.0/8",
            "2001:db8::/129",
            "fe80::%eth0/64",
            "localhost/32",
            "192.0.2.0-192.0.2.9",
        ] {
            assert!(parse_network(text).unwrap_err().contains("is not a network"), "{text}");
        }
    }

    #[test]
    fn host_bits_and_networks_of_everything_are_refused() {
        for text in [
            "192.0.2.1/24",
            "10.1.0.0/8",
            "2001:db8::1/64",
            "::ffff:192.0.2.1/120",
            "::ffff:0:0/95",
        ] {
            assert!(parse_network(text).unwrap_err().contains("bits behind"), "{text}");
        }
        for text in ["0.0.0.0/0", "::/0", "::ffff:0:0/96"] {
            assert!(parse_network(text).unwrap_err().contains("no limit"), "{text}");
        }
    }

    #[test]
    fn networks_that_are_everything_together_are_refused() {
        for texts in [
            &["0.0.0.0/1", "128.0.0.0/2", "192.0.0.0/2"][..],
            &["8000::/1", "::/1"],
            &["10.0.0.0/8", "::/1", "8000::/1"],
        ] {
            let owned: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
            let wrong: Vec<Violation> = AllowedNetworks::parse("cidrs", &owned).unwrap_err().into();
            assert_eq!((wrong.len(), wrong[0].field.as_str()), (1, "cidrs"), "{texts:?}");
            // As an earlier release kept them.
            let kept = AllowedNetworks::try_from(owned.clone()).unwrap();
            assert_eq!(kept.to_texts(), owned);
        }
    }

    #[test]
    fn each_wrong_network_is_named() {
        let texts = ["10.0.0.0/8", "x", "10.0.0.1/8"].map(str::to_owned);
        let wrong: Vec<Violation> = AllowedNetworks::parse("cidrs", &texts).unwrap_err().into();
        let fields: Vec<&str> = wrong.iter().map(|violation| violation.field.as_str()).collect();
        assert_eq!(fields, ["cidrs[1]", "cidrs[2]"]);
        let many = vec!["10.0.0.0/8".to_owned(); MAX_NETWORKS + 1];
        let wrong: Vec<Violation> = AllowedNetworks::parse("cidrs", &many).unwrap_err().into();
        assert_eq!(wrong[0].reason, Reason::FieldTooLong);
    }

    #[test]
    fn narrower_lists_are_within_wider_ones() {
        let (anywhere, wide) = (networks(&[]), networks(&["10.0.0.0/8", "2001:db8::/32"]));
        for narrow in [
            networks(&["10.0.0.0/8"]),
            networks(&["10.1.0.0/16", "2001:db8::/48"]),
            wide.clone(),
        ] {
            assert!(narrow.is_within(&wide) && narrow.is_within(&anywhere), "{narrow:?}");
        }
        for wider in [
            networks(&["10.0.0.0/7"]),
            networks(&["10.0.0.0/8", "11.0.0.0/8"]),
            anywhere,
        ] {
            assert!(!wider.is_within(&wide), "{wider:?}");
        }
        assert!(networks(&[]).is_within(&networks(&[])));
    }

    #[test]
    fn the_same_addresses_are_one_list() {
        for (written, form) in [
            (&["10.128.0.0/9", "10.0.0.0/9"][..], &["10.0.0.0/8"][..]),
            (&["10.0.0.0/8", "10.1.0.0/16", "10.0.0.0/8"], &["10.0.0.0/8"]),
            (
                &["2001:db8::/32", "192.0.2.0/24", "10.0.0.0/8"],
                &["10.0.0.0/8", "192.0.2.0/24", "2001:db8::/32"],
            ),
            (&["::ffff:10.0.0.0/105", "10.128.0.0/9"], &["10.0.0.0/8"]),
            // Side by side, and halves of different networks.
            (&["10.1.0.0/16", "10.2.0.0/16"], &["10.1.0.0/16", "10.2.0.0/16"]),
        ] {
            assert_eq!(networks(written).to_texts(), form);
            let read_back = AllowedNetworks::try_from(networks(written).to_texts());
            assert_eq!(read_back, Ok(networks(written)));
        }
    }

    proptest! {
        #[test]
        fn what_is_read_is_read_again_as_it_is_written(text in "[0-9]{1,3}\\.[0-9]{1,3}\\.0\\.0/[0-9]{1,2}|[0-9a-f:]{1,12}/[0-9]{1,3}|\\PC{0,20}") {
            if let Ok(network) = parse_network(&text) {
                prop_assert_eq!(parse_network(&network.to_string()), Ok(network));
            }
        }

        /// Sixteen addresses are few enough to be looked at one by one.
        #[test]
        fn lists_are_as_wide_as_their_addresses_are_many(
            one in proptest::collection::vec((0_u32..16, 28_u8..=32), 1..8),
            other in proptest::collection::vec((0_u32..16, 28_u8..=32), 1..8),
        ) {
            let list = |cut: &[(u32, u8)]| {
                let nets = cut.iter().map(|(address, bits)| Ipv4Net::new((*address).into(), *bits).unwrap().trunc());
                let texts: Vec<String> = nets.map(|net| net.to_string()).collect();
                AllowedNetworks::parse("cidrs", &texts).unwrap()
            };
            let addresses = |cut: &[(u32, u8)]| {
                let holds = |address: u32| cut.iter().any(|(net, bits)| (net ^ address) >> (32 - bits) == 0);
                (0_u32..16).filter(|address| holds(*address)).collect::<Vec<_>>()
            };
            let (of_one, of_other) = (addresses(&one), addresses(&other));
            prop_assert_eq!(list(&one) == list(&other), of_one == of_other);
            let is_within = of_one.iter().all(|address| of_other.contains(address));
            prop_assert_eq!(list(&one).is_within(&list(&other)), is_within);
        }
    }
}
