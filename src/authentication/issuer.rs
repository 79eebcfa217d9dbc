//! One issuer: whether a token is its own and is for us, and what its claims say.

use std::sync::Arc;

use jsonwebtoken::errors::{Error as TokenError, ErrorKind};
use jsonwebtoken::{Header, Validation};
use serde_json::{Map, Value};

use super::jwks::{Found, Keys, KeysError};
use super::{checked_name, refused};
use crate::access::Identity;
use crate::config::{ClaimMappings, IssuerConfig, PrefixedClaim};
use crate::domain::reason::Reason;
use crate::domain::role::Role;
use crate::error::{Error, Result};

/// How far the clocks of an issuer and of this server may be apart, in seconds.
const SKEW_SECONDS: u64 = 60;

/// The claims of a token.
type Claims = Map<String, Value>;

/// One issuer of tokens.
#[derive(Debug)]
pub(super) struct Issuer {
    url: String,
    audiences: Vec<String>,
    claims: ClaimMappings,
    pub(super) keys: Arc<Keys>,
}

/// What a token that was verified says.
#[derive(Debug)]
pub(super) struct Verified {
    /// Who the caller is.
    pub(super) identity: Identity,
    /// The second since 1970 when it expires.
    pub(super) expires_at: u64,
    /// The version of the keys that it was verified with.
    pub(super) keys_version: u64,
}

impl Issuer {
    /// Sets up one issuer.
    ///
    /// # Errors
    /// A file with keys that can't be used.
    pub(super) fn new(config: &IssuerConfig) -> Result<Self, KeysError> {
        Ok(Self {
            url: config.url.clone(),
            audiences: config.audiences.clone(),
            claims: config.claims.clone(),
            keys: Arc::new(Keys::new(config.keys.clone())?),
        })
    }

    /// The claim `iss` of its tokens.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Verifies a token with this header, which says that it is of this issuer.
    pub(super) async fn verify(&self, token: &str, header: &Header) -> Result<Verified> {
        let (key, keys_version) = match self.keys.find(header.kid.as_deref(), header.alg).await {
            Found::Key(key, version) => (key, version),
            Found::Unknown => {
                return Err(refused(
                    "the token is signed with a key that its issuer does not publish",
                ));
            }
            Found::Unavailable => return Err(self.keys_unavailable()),
        };
        let mut validation = Validation::new(header.alg);
        validation.leeway = SKEW_SECONDS;
        validation.validate_nbf = true;
        validation.set_issuer(&[&self.url]);
        validation.set_audience(&self.audiences);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        let decoded = jsonwebtoken::decode::<Claims>(token, &key.key, &validation);
        let claims = decoded.map_err(|error| refused(why(&error)))?.claims;
        let expires_at = claims.get("exp").and_then(Value::as_f64).unwrap_or_default();
        Ok(Verified {
            identity: self.identity(&claims)?,
            expires_at: expires_at as u64,
            keys_version,
        })
    }

    fn keys_unavailable(&self) -> Error {
        Error::Unavailable {
            reason: Reason::SigningKeysUnavailable,
            description: "the keys of the token's issuer can't be had, so nobody can tell whether it is valid".into(),
            cause: Some(self.url.clone().into()),
        }
    }

    fn identity(&self, claims: &Claims) -> Result<Identity> {
        let ClaimMappings {
            username,
            groups,
            roles,
        } = &self.claims;
        let user = value_at(claims, &username.claim).and_then(Value::as_str);
        let missing = || refused(format!("the token has no text in the claim {}", username.claim));
        let user = user.filter(|user| !user.is_empty()).ok_or_else(missing)?;
        let groups_of_user = texts_at(claims, &groups.claim)?.into_iter();
        let mut identity = Identity {
            user: prefixed(username, user)?,
            groups: groups_of_user
                .map(|group| prefixed(groups, group))
                .collect::<Result<_>>()?,
            roles: Vec::new(),
        };
        for mapping in roles {
            if texts_at(claims, &mapping.claim)?.contains(&mapping.value.as_str()) {
                add(&mut identity.roles, mapping.role);
            }
        }
        Ok(identity)
    }
}

fn add(roles: &mut Vec<Role>, role: Role) {
    if !roles.contains(&role) {
        roles.push(role);
    }
}

fn prefixed(claim: &PrefixedClaim, value: &str) -> Result<String> {
    let name = format!("{}{value}", claim.prefix);
    checked_name(&format!("the claim {}", claim.claim), &name)
}

/// The value of a claim: by its name, or by a JSON pointer.
fn value_at<'a>(claims: &'a Claims, claim: &str) -> Option<&'a Value> {
    let Some(pointer) = claim.strip_prefix('/') else {
        return claims.get(claim);
    };
    let (first, rest) = pointer.split_once('/').unwrap_or((pointer, ""));
    let unescaped = first.replace("~1", "/").replace("~0", "~");
    let inside = claims.get(&unescaped)?;
    match rest {
        "" => Some(inside),
        _ => inside.pointer(&format!("/{rest}")),
    }
}

/// The texts in a claim, which is one text or an array of them; none when it is missing.
fn texts_at<'a>(claims: &'a Claims, claim: &str) -> Result<Vec<&'a str>> {
    let malformed = || {
        refused(format!(
            "the claim {claim} of the token is neither a text nor an array of texts"
        ))
    };
    match value_at(claims, claim) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::String(text)) => Ok(vec![text]),
        Some(Value::Array(values)) => {
            let texts = values.iter().map(|value| value.as_str().ok_or_else(malformed));
            texts.collect()
        }
        Some(_) => Err(malformed()),
    }
}

/// Why a token is not taken, without a word of what is in it.
fn why(error: &TokenError) -> String {
    let text = match error.kind() {
        ErrorKind::ExpiredSignature => "the token has expired",
        ErrorKind::ImmatureSignature => "the token is not valid yet",
        ErrorKind::InvalidAudience => "the token is for another audience",
        ErrorKind::InvalidIssuer => "the token is of another issuer",
        ErrorKind::InvalidSignature => "the signature of the token is not valid",
        ErrorKind::MissingRequiredClaim(claim) => return format!("the token has no valid claim {claim}"),
        ErrorKind::InvalidClaimFormat(claim) => return format!("the claim {claim} of the token is malformed"),
        _ => "the token can't be read or verified",
    };
    text.to_owned()
}
