//! The file as it is written.

use serde::Deserialize;

use crate::domain::resource::yaml;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RawFile {
    /// What Kubernetes calls this form; it may be left out.
    pub(super) api_version: Option<String>,
    pub(super) kind: Option<String>,
    pub(super) jwt: Vec<RawJwt>,
}

/// One issuer, and what its claims say.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "a mapping with issuer")]
pub(super) struct RawJwt {
    pub(super) issuer: RawIssuer,
    #[serde(default)]
    pub(super) claim_mappings: RawMappings,
}

#[derive(Debug, Deserialize)]
#[serde(
    rename_all = "camelCase",
    deny_unknown_fields,
    expecting = "a mapping with url and audiences"
)]
pub(super) struct RawIssuer {
    pub(super) url: String,
    pub(super) audiences: Vec<String>,
    pub(super) jwks_file: Option<String>,
    #[serde(rename = "jwksURL")]
    pub(super) jwks_url: Option<String>,
    pub(super) certificate_authority_file: Option<String>,
    pub(super) token_file: Option<String>,
    pub(super) jwks_refresh_interval: Option<String>,
    pub(super) jwks_max_age: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(
    rename_all = "camelCase",
    deny_unknown_fields,
    expecting = "a mapping with username, groups or roles"
)]
pub(super) struct RawMappings {
    #[serde(default)]
    pub(super) username: RawClaim,
    #[serde(default)]
    pub(super) groups: RawClaim,
    #[serde(default)]
    pub(super) roles: Vec<RawRole>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(
    rename_all = "camelCase",
    deny_unknown_fields,
    expecting = "a mapping with claim or prefix"
)]
pub(super) struct RawClaim {
    pub(super) claim: Option<String>,
    pub(super) prefix: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(
    rename_all = "camelCase",
    deny_unknown_fields,
    expecting = "a mapping with claim, value and role"
)]
pub(super) struct RawRole {
    pub(super) claim: String,
    pub(super) value: String,
    pub(super) role: String,
}

/// Parses YAML, of which JSON is a part.
///
/// # Errors
/// What is wrong with the form of the file, and where.
pub(super) fn parse(text: &str) -> Result<RawFile, String> {
    let json = yaml::to_json(text).map_err(|violations| {
        let descriptions: Vec<String> = violations.into_iter().map(|violation| violation.description).collect();
        format!("is not YAML that can be read: {}", descriptions.join("; "))
    })?;
    if json == "null" {
        return Err("is empty: it needs a mapping with the list jwt".into());
    }
    if !json.starts_with('{') {
        return Err("must be a mapping with the list jwt".into());
    }
    let deserializer = &mut serde_json::Deserializer::from_str(&json);
    serde_path_to_error::deserialize(deserializer).map_err(|error| {
        let place = error.path().to_string();
        // Line and column are those of the JSON that the file was turned into, which nobody has seen.
        let message = error.into_inner().to_string();
        let description = message.split(" at line ").next().unwrap_or_default();
        format!("{place}: {description}")
    })
}
