//! Finds out who is calling, by one credential: what it is decides how it is checked, and one that is not valid is never
//! passed over for another.
//!
//! What belongs here: what certificates, headers and tokens say, and whether it is true. What does not: the wire, which
//! hands over the headers and the certificate of the connection, and what the caller may do.

mod certificate;
mod development;
mod headers;
mod issuer;
mod jwks;
mod jwt;

use std::collections::HashSet;

use http::HeaderMap;
use tokio_util::sync::CancellationToken;

pub use self::certificate::PeerCertificate;
pub use self::jwks::KeysError;

use self::jwt::Tokens;
use crate::access::{AuthMethod, Identity};
use crate::config::AuthenticationConfig;
use crate::domain::user::UserId;
use crate::error::{Error, Result};
use crate::telemetry::Metrics;

/// Finds out who is calling.
#[derive(Debug)]
pub struct Authenticator {
    mode: Mode,
}

#[derive(Debug)]
enum Mode {
    /// Everybody is taken at its word.
    Development,
    /// Everybody proves who it is.
    Proof {
        /// The names in the certificates of the peers that may state a user.
        header_peers: HashSet<String>,
        tokens: Tokens,
    },
}

impl Authenticator {
    /// The one that takes everybody at its word, which only a server on loopback may have.
    pub fn development() -> Self {
        Self {
            mode: Mode::Development,
        }
    }

    /// Sets up what `config` asks for. Keys in files are read at once; those behind URLs once [`Self::keep_fresh`] runs.
    ///
    /// # Errors
    /// A file with keys that can't be used.
    pub fn new(config: &AuthenticationConfig) -> Result<Self, KeysError> {
        if config.is_development {
            return Ok(Self::development());
        }
        let header_peers = config.identity_header_peers.iter();
        Ok(Self {
            mode: Mode::Proof {
                header_peers: header_peers.map(|name| certificate::comparable(name)).collect(),
                tokens: Tokens::new(&config.issuers)?,
            },
        })
    }

    /// Reads the keys of issuers again and again until `closing` is cancelled.
    pub fn keep_fresh(&self, closing: &CancellationToken, metrics: &Metrics) {
        if let Mode::Proof { tokens, .. } = &self.mode {
            tokens.keep_fresh(closing, metrics);
        }
    }

    /// Finds out who sent a call with these headers over a connection with this certificate.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` without a credential, with a bad one, or with two. `UNAVAILABLE` when the keys of the issuer of a
    /// token can't be had.
    pub async fn authenticate(
        &self,
        headers: &HeaderMap,
        peer: Option<&PeerCertificate>,
    ) -> Result<(Identity, AuthMethod)> {
        let Mode::Proof { header_peers, tokens } = &self.mode else {
            let identity = development::identity(headers)?;
            return Ok((identity, AuthMethod::Development));
        };
        let certificate = peer.map(PeerCertificate::unexpired).transpose()?;
        match (headers::stated_identity(headers)?, headers::bearer_token(headers)?) {
            (Some(_), Some(_)) => Err(refused(
                "the call has two credentials, x-remote-user and a token: send one",
            )),
            (Some(identity), None) => {
                let is_trusted = certificate.is_some_and(|certificate| certificate.is_one_of(header_peers));
                let text = "x-remote-user and x-remote-group are taken from proxies alone that prove who they are";
                let stated = is_trusted.then_some(identity).ok_or_else(|| refused(text))?;
                Ok((stated, AuthMethod::IdentityHeaders))
            }
            (None, Some(token)) => Ok((tokens.verify(token).await?, AuthMethod::Jwt)),
            (None, None) => {
                let certificate = certificate.ok_or_else(|| refused(NO_CREDENTIAL))?;
                Ok((certificate.principal()?, AuthMethod::ClientCertificate))
            }
        }
    }
}

/// What a caller is told that says nothing of itself.
const NO_CREDENTIAL: &str = "the call has no credential: send a bearer token, or connect with a client certificate";

/// The error of a credential that is not taken; `text` never repeats it.
fn refused(text: impl Into<String>) -> Error {
    Error::Unauthenticated(text.into())
}

/// The name of a user or a group, if it can be one; `source` says where it comes from.
fn checked_name(source: &str, name: &str) -> Result<String> {
    let valid = UserId::new(source, name).map_err(|violation| {
        let description = violation.description;
        refused(format!("{source} can't be a name: {description}"))
    });
    valid.map(|_| name.to_owned())
}

#[cfg(test)]
mod tests;
