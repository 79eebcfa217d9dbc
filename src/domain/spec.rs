//! The content of a dashboard: its Perses `spec`, as text that every rule was held against.
//!
//! What belongs here: intake, from text to a [`DashboardSpec`], with the limits of structure ([`json`]) and the rules of
//! Perses (`rules` and one module per part of the document). What does not: metadata such as names and tags.
//!
//! Nothing is rewritten. Perses drops fields that it does not know; here the text that a caller wrote is the text that a
//! caller reads, byte for byte.

pub mod canonical;
mod datasources;
pub mod duration;
mod fields;
mod findings;
pub mod json;
mod layouts;
mod metrics;
mod panels;
pub mod pointer;
mod rules;
pub mod search_terms;
pub mod shared;
mod variable_graph;
mod variables;

use self::findings::Findings;
use self::json::Json;
use self::search_terms::{SearchTerms, SearchTexts};
use super::digest::Digest;
use super::reason::Reason;
use super::violation::Violation;

/// The limits of a document that an operator sets; the others are constants of [`json`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpecLimits {
    /// The largest text in bytes.
    pub max_bytes: usize,
}

impl Default for SpecLimits {
    /// 1 MiB.
    fn default() -> Self {
        Self { max_bytes: 1024 * 1024 }
    }
}

/// A Perses dashboard spec that obeys every rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DashboardSpec {
    text: String,
    sha256: Digest,
    canonical_digest: Digest,
    display_name: String,
    description: String,
    search_texts: SearchTexts,
    warnings: Vec<String>,
}

impl DashboardSpec {
    /// Takes `text` as it is if it obeys every rule.
    ///
    /// # Errors
    /// All that is wrong, at most [`MAX_VIOLATIONS`](super::violation::MAX_VIOLATIONS). The field of each is a JSON pointer
    /// into the spec, empty for the whole document and cut if it is very long; the caller puts the path of the spec before it
    /// with [`Violation::under`]. Reasons are those of [`json::parse`], `SPEC_LIMIT_EXCEEDED` for a text beyond `limits`,
    /// `SPEC_MALFORMED` for one that is not an object and, if the structure is sound, `SPEC_INVALID` for each rule of Perses
    /// that is broken.
    pub fn parse(text: String, limits: &SpecLimits) -> Result<Self, Vec<Violation>> {
        let document = parse_object(&text, limits)?;
        let mut findings = Findings::default();
        rules::check(&document, &mut findings);
        if !findings.violations.is_empty() {
            return Err(findings.violations);
        }
        Ok(Self {
            sha256: Digest::of(text.as_bytes()),
            canonical_digest: canonical::digest(&document),
            display_name: display_field(&document, "name"),
            description: display_field(&document, "description"),
            search_texts: SearchTexts::of(&document),
            warnings: findings.warnings,
            text,
        })
    }

    /// The text as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// SHA-256 of the text.
    pub fn sha256(&self) -> Digest {
        self.sha256
    }

    /// The length of the text in bytes.
    pub fn size_bytes(&self) -> usize {
        self.text.len()
    }

    /// `display.name`, empty if absent.
    pub fn display_name(&self) -> &str {
        &self.display_name
    }

    /// `display.description`, empty if absent.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// Reads what a search finds it by: the titles of its panels and the metrics that it uses. For whoever writes it, once: to read
    /// PromQL is a third of the work for a document.
    pub fn search_terms(&self) -> SearchTerms {
        self.search_texts.terms()
    }

    /// A digest of the JSON value, equal for every way to write it; see [`canonical`].
    pub fn canonical_digest(&self) -> Digest {
        self.canonical_digest
    }

    /// What is legal and probably not meant, in sentences for people: a variable that only a project or a global variable can
    /// supply, a key that differs from a known one in capitals alone, a tab with a panel that is not there.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

/// Parses a text that is within the limit, and an object.
pub(super) fn parse_object<'t>(text: &'t str, limits: &SpecLimits) -> Result<Json<'t>, Vec<Violation>> {
    if text.len() > limits.max_bytes {
        let description = format!("has {} bytes: at most {} are taken", text.len(), limits.max_bytes);
        return Err(vec![Violation::new("", Reason::SpecLimitExceeded, description)]);
    }
    let document = json::parse(text)?;
    let Json::Object(_) = document else {
        let description = format!("must be a JSON object, not {}", document.kind());
        return Err(vec![Violation::new("", Reason::SpecMalformed, description)]);
    };
    Ok(document)
}

/// A text of `display`, which the rules found to be text if it is there.
fn display_field(document: &Json<'_>, key: &str) -> String {
    let display = document.get("display");
    let field = display.and_then(|display| display.get(key));
    field.and_then(Json::as_str).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests;
