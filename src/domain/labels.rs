//! The labels of a dashboard: keys and values to select it by, with the syntax of Kubernetes labels.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::digest::Fingerprint;
use super::reason::Reason;
use super::violation::{MAX_VIOLATIONS, Violation};

/// The most labels of one dashboard.
pub const MAX_LABELS: usize = 64;

/// The longest name of a key, and the longest value, in bytes.
pub const MAX_NAME_BYTES: usize = 63;

/// The longest prefix of a key in bytes.
pub const MAX_PREFIX_BYTES: usize = 253;

/// Labels by key.
///
/// Deserialising is for the store and trusts it; everything else goes through [`Labels::parse`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Labels(BTreeMap<String, String>);

impl Labels {
    /// Takes `labels`; of a key that comes twice the last value.
    ///
    /// # Errors
    /// All that is wrong, at most [`MAX_VIOLATIONS`]: `FIELD_TOO_LONG` on `field` for more than [`MAX_LABELS`], and
    /// `FIELD_INVALID` on `field.key` for a key or a value that breaks the syntax.
    pub fn parse(field: &str, labels: impl IntoIterator<Item = (String, String)>) -> Result<Self, Vec<Violation>> {
        let labels: BTreeMap<String, String> = labels.into_iter().collect();
        let mut violations = Vec::new();
        if labels.len() > MAX_LABELS {
            let description = format!("has {} labels: at most {MAX_LABELS} are taken", labels.len());
            violations.push(Violation::new(field, Reason::FieldTooLong, description));
        }
        let wrong = labels.iter().filter_map(|(key, value)| {
            let description = check_key(key).and_then(|()| check_value(value)).err()?;
            // The longest legal key is shown whole, a longer one is not needed to find it.
            let shown: String = key.chars().take(MAX_PREFIX_BYTES + 1 + MAX_NAME_BYTES).collect();
            Some(Violation::new(
                format!("{field}.{shown}"),
                Reason::FieldInvalid,
                description,
            ))
        });
        violations.extend(wrong);
        violations.truncate(MAX_VIOLATIONS);
        if violations.is_empty() {
            Ok(Self(labels))
        } else {
            Err(violations)
        }
    }

    /// The labels in the order of their keys.
    pub fn as_map(&self) -> &BTreeMap<String, String> {
        &self.0
    }

    /// Adds the labels to the fingerprint of a request.
    pub(super) fn fingerprint(&self, request: Fingerprint) -> Fingerprint {
        let counted = request.part((self.0.len() as u64).to_be_bytes());
        self.0
            .iter()
            .fold(counted, |parts, (key, value)| parts.part(key).part(value))
    }
}

/// What an update does to the labels of a dashboard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LabelsChange {
    /// Puts these in the place of all.
    Replace(Labels),
    /// Changes some and leaves the others.
    Patch {
        /// The labels that are set.
        set: Labels,
        /// The keys that are removed; one that is not there is no error.
        cleared: BTreeSet<String>,
    },
}

impl LabelsChange {
    /// The labels after the change of `current`.
    ///
    /// # Errors
    /// `FIELD_TOO_LONG` on `dashboard.labels` when they are more than [`MAX_LABELS`] together.
    pub fn apply(&self, current: &Labels) -> Result<Labels, Violation> {
        let (set, cleared) = match self {
            Self::Replace(labels) => return Ok(labels.clone()),
            Self::Patch { set, cleared } => (set, cleared),
        };
        let mut changed = current.0.clone();
        changed.retain(|key, _| !cleared.contains(key));
        changed.extend(set.0.clone());
        if changed.len() > MAX_LABELS {
            let description = format!("would have {} labels: at most {MAX_LABELS} are taken", changed.len());
            return Err(Violation::new("dashboard.labels", Reason::FieldTooLong, description));
        }
        Ok(Labels(changed))
    }

    /// Adds the change to the fingerprint of a request.
    pub(super) fn fingerprint(&self, request: Fingerprint) -> Fingerprint {
        match self {
            Self::Replace(labels) => labels.fingerprint(request.part("replace")),
            Self::Patch { set, cleared } => set.fingerprint(request.part("patch")).parts(cleared.iter()),
        }
    }
}

/// Checks a key: a name, and maybe a DNS subdomain and a slash before it.
fn check_key(key: &str) -> Result<(), &'static str> {
    let (prefix, name) = match key.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, key),
    };
    if prefix.is_some_and(|prefix| !is_subdomain(prefix)) {
        return Err("the prefix of the key must be a lower-case DNS subdomain of at most 253 characters");
    }
    if !is_name(name) {
        return Err(
            "the key must have 1 to 63 characters of [A-Za-z0-9_.-], the first and the last a letter or a digit, and may \
             have a DNS subdomain and a slash before them",
        );
    }
    Ok(())
}

/// Checks a value: a name, or nothing.
fn check_value(value: &str) -> Result<(), &'static str> {
    if value.is_empty() || is_name(value) {
        return Ok(());
    }
    Err(
        "the value must be empty or have up to 63 characters of [A-Za-z0-9_.-], the first and the last a letter or a digit",
    )
}

/// `([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]`, with its length.
fn is_name(name: &str) -> bool {
    let is_edge = |b: &u8| b.is_ascii_alphanumeric();
    let bytes = name.as_bytes();
    bytes.len() <= MAX_NAME_BYTES
        && bytes.first().is_some_and(is_edge)
        && bytes.last().is_some_and(is_edge)
        && bytes.iter().all(|b| is_edge(b) || b"_.-".contains(b))
}

/// `[a-z0-9]([-a-z0-9]*[a-z0-9])?`, once or more, with dots between, with its length (RFC 1123).
fn is_subdomain(prefix: &str) -> bool {
    let is_edge = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let is_label = |label: &str| {
        let bytes = label.as_bytes();
        bytes.first().is_some_and(is_edge)
            && bytes.last().is_some_and(is_edge)
            && bytes.iter().all(|b| is_edge(b) || *b == b'-')
    };
    prefix.len() <= MAX_PREFIX_BYTES && prefix.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(labels: &[(&str, &str)]) -> Result<Labels, Vec<Violation>> {
        let own = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        Labels::parse("dashboard.labels", labels.iter().map(own))
    }

    #[test]
    fn kubernetes_labels_are_taken() {
        let longest = "x".repeat(MAX_NAME_BYTES);
        let longest_key = format!("{}/{longest}", "p".repeat(MAX_PREFIX_BYTES));
        for (key, value) in [
            ("team", "ml"),
            ("a", ""),
            ("app.kubernetes.io/managed-by", "Helm_3.x-1"),
            ("0/A_b.c-D", "0"),
            ("a-b.c/x", "x"),
            (&longest_key, &longest),
        ] {
            let labels = parse(&[(key, value)]).unwrap();
            assert_eq!(labels.as_map().get(key).map(String::as_str), Some(value));
        }
        assert_eq!(parse(&[]), Ok(Labels::default()));
    }

    #[test]
    fn broken_keys_are_refused() {
        let too_long = "x".repeat(MAX_NAME_BYTES + 1);
        let long_prefix = format!("{}/x", "p".repeat(MAX_PREFIX_BYTES + 1));
        for key in [
            "",
            "-a",
            "a-",
            ".a",
            "a_",
            "a b",
            "é",
            "a\0",
            &too_long,
            "/a",
            "a/",
            "a/b/c",
            "A.b/x",
            "a..b/x",
            "-a/x",
            "a_b/x",
            &long_prefix,
        ] {
            let violations = parse(&[(key, "x")]).unwrap_err();
            let expected = [(format!("dashboard.labels.{key}"), Reason::FieldInvalid)];
            assert_eq!(
                violations.into_iter().map(|v| (v.field, v.reason)).collect::<Vec<_>>(),
                expected
            );
        }
    }

    #[test]
    fn broken_values_are_refused_on_their_key() {
        let too_long = "x".repeat(MAX_NAME_BYTES + 1);
        for value in ["-", "a ", "a/b", "é", "a\0b", &too_long] {
            let violations = parse(&[("ok", "fine"), ("team", value)]).unwrap_err();
            assert_eq!(violations.len(), 1, "{value}");
            assert_eq!(violations[0].field, "dashboard.labels.team", "{value}");
            assert!(violations[0].description.starts_with("the value"), "{value}");
        }
    }

    #[test]
    fn the_number_is_limited() {
        let keys: Vec<String> = (0..=MAX_LABELS).map(|number| number.to_string()).collect();
        let labels: Vec<(&str, &str)> = keys.iter().map(|key| (key.as_str(), "")).collect();
        assert!(parse(&labels[1..]).is_ok());
        let violations = parse(&labels).unwrap_err();
        assert_eq!(violations.len(), 1);
        assert_eq!(
            (violations[0].field.as_str(), violations[0].reason),
            ("dashboard.labels", Reason::FieldTooLong)
        );
    }

    #[test]
    fn the_store_keeps_a_plain_object() {
        let labels = parse(&[("b", "2"), ("a", "1")]).unwrap();
        let stored = serde_json::to_string(&labels).unwrap();
        assert_eq!(stored, r#"{"a":"1","b":"2"}"#);
        assert_eq!(serde_json::from_str::<Labels>(&stored).unwrap(), labels);
    }
}
