//! The issuers whose tokens are taken: the file of `AUTH_CONFIG_FILE`.
//!
//! Its form is that of `AuthenticationConfiguration`, which kube-apiserver reads, with what differs named otherwise: where
//! the keys are, and which claims give a role. `docs/security.md` explains every field.

mod file;

use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::Url;

use self::file::{RawFile, RawIssuer, RawJwt, RawMappings};
use super::problem::Reader;
use super::value;
use crate::domain::role::Role;
use crate::domain::user::{MAX_USER_BYTES, can_begin_name};

const SETTING: &str = "AUTH_CONFIG_FILE";

/// What a file for kube-apiserver says it is. What all versions have in common is all that is read here.
const API_VERSIONS: [&str; 3] = [
    "apiserver.config.k8s.io/v1",
    "apiserver.config.k8s.io/v1beta1",
    "apiserver.config.k8s.io/v1alpha1",
];
const KIND: &str = "AuthenticationConfiguration";

/// How often the keys behind a URL are fetched.
const REFRESH_URL: Duration = Duration::from_secs(5 * 60);
/// How often a file with keys is looked at.
const REFRESH_FILE: Duration = Duration::from_secs(5);
/// How long keys are used that could not be read again.
const MAX_AGE: Duration = Duration::from_secs(24 * 60 * 60);
/// How often, at most, unknown keys make us look for new ones.
const UNKNOWN_KEY_INTERVAL: Duration = Duration::from_secs(10);
/// The range of the two intervals that the file may set.
const SHORTEST_REFRESH: Duration = Duration::from_secs(1);
const LONGEST_AGE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Somebody who signs tokens for callers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuerConfig {
    /// The claim `iss` of its tokens, to the letter.
    pub url: String,
    /// A token has to name one of these in its claim `aud`.
    pub audiences: Vec<String>,
    /// The keys that it signs with.
    pub keys: KeysConfig,
    /// What its claims say.
    pub claims: ClaimMappings,
}

/// The keys of an issuer: a JWK Set (RFC 7517).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeysConfig {
    /// Where they are.
    pub source: KeySource,
    /// How often they are read again.
    pub refresh_interval: Duration,
    /// How long they are used when they can't be read again; then tokens of the issuer are refused.
    pub max_age: Duration,
    /// How often, at most, tokens with unknown keys make us look for new ones.
    pub unknown_key_interval: Duration,
}

/// Where a JWK Set is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// In a file.
    File(PathBuf),
    /// Behind a URL.
    Url {
        /// `https://…`.
        url: String,
        /// A PEM file of the authorities that the server's certificate must come from; none for those of the system.
        certificate_authority: Option<PathBuf>,
        /// A file with the bearer token that we show, such as that of the pod.
        token: Option<PathBuf>,
    },
}

/// Which claims say who the caller is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimMappings {
    /// The user: a text.
    pub username: PrefixedClaim,
    /// The groups: a text or an array of texts; a token may have none.
    pub groups: PrefixedClaim,
    /// Values that give a role on the whole platform.
    pub roles: Vec<RoleMapping>,
}

/// A claim, and what is put before its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrefixedClaim {
    /// The name of a claim, or a JSON pointer to one further inside (`/realm_access/roles`).
    pub claim: String,
    /// Keeps the users, or the groups, of several issuers apart.
    pub prefix: String,
}

/// A claim that gives a role to whoever has one value in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleMapping {
    /// The claim: a text or an array of texts.
    pub claim: String,
    /// The value that counts.
    pub value: String,
    /// The role that it gives.
    pub role: Role,
}

/// Reads the file; none when none was given, and what is left of it when something was reported.
pub(super) fn read(reader: &mut Reader, path: Option<String>) -> Option<Vec<IssuerConfig>> {
    let is_given = super::problem::present(path.as_ref()).is_some();
    let document = reader.read(SETTING, path, |path| {
        let text = fs::read_to_string(path).map_err(|error| format!("can't be read: {error}"))?;
        file::parse(&text)
    });
    let mut problems = Problems::default();
    let issuers = document.map(|document| problems.check_all(document));
    for problem in problems.found {
        reader.report(SETTING, problem);
    }
    is_given.then(|| issuers.unwrap_or_default())
}

/// What is wrong with the file, by the place in it.
#[derive(Debug, Default)]
struct Problems {
    found: Vec<String>,
}

impl Problems {
    fn report(&mut self, place: &str, description: impl std::fmt::Display) {
        self.found.push(format!("{place}: {description}"));
    }

    fn check_all(&mut self, document: RawFile) -> Vec<IssuerConfig> {
        let RawFile { api_version, kind, jwt } = document;
        if api_version.is_some_and(|version| !API_VERSIONS.contains(&version.as_str())) {
            let description = format!("must be one of {}, or left out", API_VERSIONS.join(", "));
            self.report("apiVersion", description);
        }
        if kind.is_some_and(|kind| kind != KIND) {
            self.report("kind", format!("must be {KIND}, or left out"));
        }
        if jwt.is_empty() {
            self.report("jwt", "must have at least one issuer");
        }
        let several = jwt.len() > 1;
        let mut urls = HashSet::new();
        let mut prefixed = Vec::new();
        let mut issuers = Vec::new();
        for (index, RawJwt { issuer, claim_mappings }) in jwt.into_iter().enumerate() {
            let place = format!("jwt[{index}]");
            if !urls.insert(issuer.url.clone()) {
                self.report(
                    &format!("{place}.issuer.url"),
                    "is that of another issuer of this file, too",
                );
            }
            // Where it is missed, that is told.
            let has_prefix = claim_mappings.username.prefix.is_some();
            let claims = self.check_mappings(&place, claim_mappings, several);
            if has_prefix {
                self.check_prefixes(&place, &claims, &prefixed);
                prefixed.push((index, claims.clone()));
            }
            issuers.extend(self.check_issuer(&format!("{place}.issuer"), issuer, claims));
        }
        issuers
    }

    /// Sees to it that no issuer can name somebody as another one does. Those with the same prefix say that they mean the same.
    fn check_prefixes(&mut self, place: &str, own: &ClaimMappings, others: &[(usize, ClaimMappings)]) {
        for (index, other) in others {
            for (field, mine, theirs) in [
                ("username", &own.username.prefix, &other.username.prefix),
                ("groups", &own.groups.prefix, &other.groups.prefix),
            ] {
                if mine != theirs && (mine.starts_with(theirs.as_str()) || theirs.starts_with(mine.as_str())) {
                    let description = format!(
                        "{mine:?} and {theirs:?} of jwt[{index}] begin alike: one issuer could name whom the other means. \
                         Give both another one, or the same"
                    );
                    self.report(&format!("{place}.claimMappings.{field}.prefix"), description);
                }
            }
        }
    }

    fn check_issuer(&mut self, place: &str, raw: RawIssuer, claims: ClaimMappings) -> Option<IssuerConfig> {
        if raw.url.trim().is_empty() {
            self.report(&format!("{place}.url"), "must be the claim iss of its tokens");
        }
        if raw.audiences.is_empty() || raw.audiences.iter().any(|audience| audience.trim().is_empty()) {
            let description = "must name at least one audience, such as dashboard-store, and none that is empty: without, \
                               tokens for other services would be taken";
            self.report(&format!("{place}.audiences"), description);
        }
        let default_refresh = if raw.jwks_file.is_some() {
            REFRESH_FILE
        } else {
            REFRESH_URL
        };
        let refresh_interval = self
            .duration(&format!("{place}.jwksRefreshInterval"), raw.jwks_refresh_interval)
            .unwrap_or(default_refresh);
        let max_age = self
            .duration(&format!("{place}.jwksMaxAge"), raw.jwks_max_age)
            .unwrap_or(MAX_AGE);
        if max_age < refresh_interval {
            let description =
                "must not be shorter than jwksRefreshInterval: keys would expire before they are read again";
            self.report(&format!("{place}.jwksMaxAge"), description);
        }
        let url = RawUrl {
            url: raw.jwks_url,
            certificate_authority: raw.certificate_authority_file,
            token: raw.token_file,
        };
        let source = self.check_source(place, raw.jwks_file, url)?;
        Some(IssuerConfig {
            url: raw.url,
            audiences: raw.audiences,
            keys: KeysConfig {
                source,
                refresh_interval,
                max_age,
                unknown_key_interval: UNKNOWN_KEY_INTERVAL,
            },
            claims,
        })
    }

    fn check_source(&mut self, place: &str, jwks_file: Option<String>, raw: RawUrl) -> Option<KeySource> {
        match (jwks_file, raw.url) {
            (Some(file), None) => {
                if raw.certificate_authority.is_some() || raw.token.is_some() {
                    let description = "has no certificateAuthorityFile and no tokenFile: a file is not fetched";
                    self.report(&format!("{place}.jwksFile"), description);
                }
                self.file(&format!("{place}.jwksFile"), &file).map(KeySource::File)
            }
            (None, Some(url)) => {
                if let Err(description) = check_url(&url) {
                    self.report(&format!("{place}.jwksURL"), description);
                }
                let certificate_authority = raw.certificate_authority.and_then(|path| {
                    let place = format!("{place}.certificateAuthorityFile");
                    self.path(&place, &path, value::authorities_file)
                });
                let token = raw.token;
                Some(KeySource::Url {
                    url,
                    certificate_authority,
                    token: token.and_then(|path| self.file(&format!("{place}.tokenFile"), &path)),
                })
            }
            (Some(_), Some(_)) | (None, None) => {
                self.report(
                    place,
                    "must have either jwksFile or jwksURL, where the keys of the issuer are",
                );
                None
            }
        }
    }

    fn check_mappings(&mut self, place: &str, raw: RawMappings, several_issuers: bool) -> ClaimMappings {
        let RawMappings {
            username,
            groups,
            roles,
        } = raw;
        let inside = |field: &str| format!("{place}.claimMappings.{field}");
        if several_issuers && username.prefix.is_none() {
            let description = "must be given where there are several issuers: the same name of two issuers may be two \
                               people. \"\" says that it is one";
            self.report(&inside("username.prefix"), description);
        }
        self.check_prefix(&inside("username.prefix"), username.prefix.as_deref());
        self.check_prefix(&inside("groups.prefix"), groups.prefix.as_deref());
        let username = PrefixedClaim {
            claim: username.claim.unwrap_or_else(|| "sub".to_owned()),
            prefix: username.prefix.unwrap_or_default(),
        };
        let groups = PrefixedClaim {
            claim: groups.claim.unwrap_or_else(|| "groups".to_owned()),
            prefix: groups.prefix.unwrap_or_else(|| username.prefix.clone()),
        };
        let mut mappings = Vec::new();
        for (index, raw_role) in roles.into_iter().enumerate() {
            let place = inside(&format!("roles[{index}]"));
            let Some(role) = Role::parse(&raw_role.role) else {
                let known = Role::ALL.map(Role::as_str).join(", ");
                self.report(&format!("{place}.role"), format!("must be one of {known}"));
                continue;
            };
            if raw_role.value.is_empty() {
                self.report(&format!("{place}.value"), "must not be empty");
            }
            mappings.push(RoleMapping {
                claim: raw_role.claim,
                value: raw_role.value,
                role,
            });
        }
        let mapping = ClaimMappings {
            username,
            groups,
            roles: mappings,
        };
        let role_claims = mapping.roles.iter().map(|role| &role.claim);
        if role_claims
            .chain([&mapping.username.claim, &mapping.groups.claim])
            .any(|claim| claim.is_empty())
        {
            self.report(
                &format!("{place}.claimMappings"),
                "has an empty claim: name one, or leave the field out",
            );
        }
        mapping
    }

    /// Sees to it that there are names with the prefix: with another one, every token would be refused.
    fn check_prefix(&mut self, place: &str, prefix: Option<&str>) {
        if prefix.is_some_and(|prefix| !can_begin_name(prefix)) {
            let description = format!(
                "must be what a name can begin with: less than {MAX_USER_BYTES} bytes without characters that are not seen, with \
                 no blank in front, and no token of a share link"
            );
            self.report(place, description);
        }
    }

    fn duration(&mut self, place: &str, raw: Option<String>) -> Option<Duration> {
        let parsed = value::duration_within(&raw?, SHORTEST_REFRESH..=LONGEST_AGE);
        parsed.map_err(|description| self.report(place, description)).ok()
    }

    fn file(&mut self, place: &str, path: &str) -> Option<PathBuf> {
        self.path(place, path, value::readable_file)
    }

    fn path(
        &mut self,
        place: &str,
        path: &str,
        parse: impl FnOnce(&str) -> Result<PathBuf, String>,
    ) -> Option<PathBuf> {
        let parsed = parse(path);
        parsed
            .map_err(|description| self.report(place, format!("{path:?} {description}")))
            .ok()
    }
}

/// What is wrong with the URL of keys, if anything is. It is not repeated, since it may have a secret in it.
fn check_url(url: &str) -> Result<(), String> {
    if !url.starts_with("https://") {
        return Err("must begin with https://: whoever changes the keys on the way is every user".to_owned());
    }
    let parsed = Url::parse(url).map_err(|error| format!("is no URL that can be used: {error}"))?;
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return Err("must have no user and no password: what is to be shown there belongs in tokenFile".to_owned());
    }
    Ok(())
}

/// What the file says of keys behind a URL.
struct RawUrl {
    url: Option<String>,
    certificate_authority: Option<String>,
    token: Option<String>,
}

#[cfg(test)]
mod tests;
