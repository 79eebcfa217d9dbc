//! Bearer tokens: signed JWTs (RFC 7519), each sent to the issuer that it names.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, Header};
use moka::sync::Cache;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;

use super::issuer::{Issuer, Verified};
use super::jwks::KeysError;
use super::refused;
use crate::access::Identity;
use crate::config::IssuerConfig;
use crate::error::Result;
use crate::telemetry::Metrics;

/// How many verified tokens are remembered; an entry has about 1 KB.
const MAX_REMEMBERED: u64 = 10_000;

/// The algorithms that are taken: those with a public key. `none` is not even an [`Algorithm`].
pub(super) const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// Verifies tokens, each once.
#[derive(Debug)]
pub(super) struct Tokens {
    issuers: Vec<Arc<Issuer>>,
    /// What verified tokens say, by their SHA-256: the token itself is kept nowhere.
    verified: Cache<[u8; 32], Arc<Remembered>>,
}

#[derive(Debug)]
struct Remembered {
    issuer: Arc<Issuer>,
    verified: Verified,
}

impl Remembered {
    /// Whether the token would be verified again now: it has not expired, and its issuer has the same keys as then.
    fn holds(&self) -> bool {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let is_unexpired = now.is_ok_and(|since_epoch| since_epoch.as_secs() < self.verified.expires_at);
        is_unexpired && self.issuer.keys.version() == Some(self.verified.keys_version)
    }
}

impl Tokens {
    /// Sets up issuers.
    ///
    /// # Errors
    /// A file with keys that can't be used.
    pub(super) fn new(issuers: &[IssuerConfig]) -> Result<Self, KeysError> {
        let issuers = issuers.iter().map(|config| Issuer::new(config).map(Arc::new));
        Ok(Self {
            issuers: issuers.collect::<Result<_, _>>()?,
            verified: Cache::new(MAX_REMEMBERED),
        })
    }

    /// Reads the keys of all issuers again and again until `closing` is cancelled.
    pub(super) fn keep_fresh(&self, closing: &CancellationToken, metrics: &Metrics) {
        for issuer in &self.issuers {
            tokio::spawn(Arc::clone(&issuer.keys).refresh_until(closing.clone(), metrics.clone()));
        }
    }

    /// Who a token says that the caller is.
    pub(super) async fn verify(&self, token: &str) -> Result<Identity> {
        let hash: [u8; 32] = Sha256::digest(token).into();
        if let Some(remembered) = self.verified.get(&hash).filter(|remembered| remembered.holds()) {
            return Ok(remembered.verified.identity.clone());
        }
        let header = header(token)?;
        let issuer = self.issuer_of(token)?;
        let verified = issuer.verify(token, &header).await?;
        let identity = verified.identity.clone();
        self.verified.insert(hash, Arc::new(Remembered { issuer, verified }));
        Ok(identity)
    }

    /// The issuer that a token says it is of, which its signature has to prove.
    fn issuer_of(&self, token: &str) -> Result<Arc<Issuer>> {
        #[derive(Deserialize)]
        struct IssuedBy {
            iss: Option<String>,
        }
        let claims =
            jsonwebtoken::dangerous::insecure_decode_claims::<IssuedBy>(token).map_err(|_| refused(NO_TOKEN))?;
        let url = claims.iss.ok_or_else(|| refused("the token has no valid claim iss"))?;
        let issuer = self.issuers.iter().find(|issuer| issuer.url() == url).cloned();
        issuer.ok_or_else(|| refused("the token is not of an issuer that this service knows"))
    }
}

const NO_TOKEN: &str = "the bearer token is no JWT that is signed with RS, PS, ES or EdDSA";

/// The header of a token that may be verified.
fn header(token: &str) -> Result<Header> {
    let header = jsonwebtoken::decode_header(token).map_err(|_| refused(NO_TOKEN))?;
    if !ALGORITHMS.contains(&header.alg) {
        return Err(refused(NO_TOKEN));
    }
    // Extensions that must be understood, and we understand none (RFC 7515, 4.1.11).
    if header.crit.is_some() {
        return Err(refused(
            "the token demands an extension (crit) that this service does not know",
        ));
    }
    Ok(header)
}
