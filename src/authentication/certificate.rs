//! What the certificate of a connection says of the peer. That an authority of ours signed it, TLS has checked.

use std::collections::HashSet;
use std::time::{SystemTime, UNIX_EPOCH};

use x509_cert::Certificate;
use x509_cert::der::Decode as _;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use super::{checked_name, refused};
use crate::access::Identity;
use crate::error::Result;

/// The certificate that a peer has shown, and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerCertificate {
    /// The subject alternative names that are URIs, in their order.
    uris: Vec<String>,
    /// Those that are DNS names, in lower case.
    dns_names: Vec<String>,
    /// The second since 1970 after which it is no longer valid.
    not_after: u64,
}

impl PeerCertificate {
    /// Reads a certificate in DER.
    ///
    /// # Errors
    /// What the parser says of bytes that are no certificate.
    pub fn from_der(der: &[u8]) -> Result<Self, x509_cert::der::Error> {
        let certificate = Certificate::from_der(der)?.tbs_certificate;
        let mut read = Self {
            uris: Vec::new(),
            dns_names: Vec::new(),
            not_after: certificate.validity.not_after.to_unix_duration().as_secs(),
        };
        let names = certificate.get::<SubjectAltName>()?;
        for name in names.map(|(_, names)| names.0).unwrap_or_default() {
            match name {
                GeneralName::UniformResourceIdentifier(uri) => read.uris.push(uri.to_string()),
                GeneralName::DnsName(dns_name) => read.dns_names.push(comparable(dns_name.as_str())),
                _ => {}
            }
        }
        Ok(read)
    }

    /// Whether it was valid until some time ago.
    pub fn has_expired(&self) -> bool {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        !now.is_ok_and(|since_epoch| since_epoch.as_secs() <= self.not_after)
    }

    /// This certificate, if it is still valid: a connection may outlive it.
    pub(super) fn unexpired(&self) -> Result<&Self> {
        if self.has_expired() {
            return Err(refused("the client certificate has expired: connect with a new one"));
        }
        Ok(self)
    }

    /// Whether its URI, or one of its DNS names, is among `names`, which are [`comparable`].
    ///
    /// As for [`Self::principal`], several URIs name nobody.
    pub(super) fn is_one_of(&self, names: &HashSet<String>) -> bool {
        let has_listed_dns_name = || self.dns_names.iter().any(|name| !is_uri(name) && names.contains(name));
        match &self.uris[..] {
            [] => has_listed_dns_name(),
            [uri] => is_uri(uri) && names.contains(uri) || has_listed_dns_name(),
            [_, _, ..] => false,
        }
    }

    /// Who the peer is: its URI (a SPIFFE id), or else its first DNS name.
    ///
    /// A certificate with several URIs names nobody: a SPIFFE id is the only one of its certificate. Nor does a wildcard, nor a
    /// name of one kind where the other one belongs: an authority that vouches for it as a DNS name has not looked at it as a URI.
    pub(super) fn principal(&self) -> Result<Identity> {
        let name = match &self.uris[..] {
            [uri] => Some(uri).filter(|uri| is_uri(uri)),
            [] => self.dns_names.iter().find(|name| !is_uri(name) && !name.contains('*')),
            [_, _, ..] => None,
        };
        let text = "the client certificate does not say who calls: it needs one URI, or a DNS name, as subject \
                    alternative name";
        let user = name.ok_or_else(|| refused(text))?;
        Ok(Identity {
            user: checked_name("the name in the client certificate", user)?,
            groups: Vec::new(),
            roles: Vec::new(),
        })
    }
}

fn is_uri(name: &str) -> bool {
    name.contains(':')
}

/// A name as it is compared: DNS names have no case. What has a colon is a URI.
pub(super) fn comparable(name: &str) -> String {
    if is_uri(name) {
        return name.to_owned();
    }
    name.to_ascii_lowercase()
}
