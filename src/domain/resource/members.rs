//! A JSON object with the text of its members as it was written.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::domain::reason::Reason;
use crate::domain::spec::json::{self, Json};
use crate::domain::spec::pointer::Pointer;
use crate::domain::violation::{MAX_VIOLATIONS, Violation};

/// The members of an object in the order of the text; no key is there twice.
pub(super) struct Members<'a> {
    /// The JSON pointer to the object.
    at: &'static str,
    members: Vec<(Cow<'a, str>, &'a RawValue)>,
}

/// As serde reads them, with keys that may be there twice.
struct RawMembers<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Members<'a> {
    /// Reads `text`, which stands at the JSON pointer `at`.
    ///
    /// # Errors
    /// `SPEC_MALFORMED` for what is not JSON or no object, and `SPEC_DUPLICATE_KEY` for each key that is there again.
    pub(super) fn parse(text: &'a str, at: &'static str) -> Result<Self, Vec<Violation>> {
        let malformed = |error: serde_json::Error| {
            let description = match error.classify() {
                // Not with serde's words, which repeat what it met: as much as a document.
                serde_json::error::Category::Data => "must be an object".to_owned(),
                _ => format!("is not valid JSON: {error}"),
            };
            vec![Violation::new(at, Reason::SpecMalformed, description)]
        };
        let RawMembers(members) = serde_json::from_str(text).map_err(malformed)?;
        let mut keys = HashSet::new();
        let duplicates: Vec<Violation> = members
            .iter()
            .filter(|(key, _)| !keys.insert(key.as_ref()))
            .map(|(key, _)| {
                let field = format!("{at}{}", Pointer::Root.key(key).to_field());
                Violation::new(field, Reason::SpecDuplicateKey, "the object has this key twice")
            })
            .take(MAX_VIOLATIONS)
            .collect();
        if duplicates.is_empty() {
            Ok(Self { at, members })
        } else {
            Err(duplicates)
        }
    }

    /// The text of a member; none if it is absent or null.
    pub(super) fn get(&self, key: &str) -> Option<&'a str> {
        let (_, value) = self.members.iter().find(|(name, _)| name == key)?;
        Some(value.get()).filter(|text| *text != "null")
    }

    /// The text of a member that must be there.
    ///
    /// # Errors
    /// `FIELD_REQUIRED`.
    pub(super) fn required(&self, key: &str) -> Result<&'a str, Vec<Violation>> {
        self.get(key).ok_or_else(|| {
            let field = format!("{}/{key}", self.at);
            vec![Violation::new(field, Reason::FieldRequired, "must be set")]
        })
    }

    /// The value of a member; none if it is absent or null.
    ///
    /// # Errors
    /// Those of [`json::parse`].
    pub(super) fn value(&self, key: &str) -> Result<Option<Json<'a>>, Vec<Violation>> {
        let Some(text) = self.get(key) else {
            return Ok(None);
        };
        let under = |violation: Violation| violation.under(&format!("{}/{key}", self.at));
        json::parse(text)
            .map(Some)
            .map_err(|violations| violations.into_iter().map(under).collect())
    }

    /// The text of a string; none if it is absent or null.
    ///
    /// # Errors
    /// `FIELD_INVALID` for any other value.
    pub(super) fn text(&self, key: &str) -> Result<Option<String>, Vec<Violation>> {
        match self.value(key)? {
            None => Ok(None),
            Some(Json::String(text)) => Ok(Some(text.into_owned())),
            Some(other) => {
                let field = format!("{}/{key}", self.at);
                let description = format!("must be a string, not {}", other.kind());
                Err(vec![Violation::new(field, Reason::FieldInvalid, description)])
            }
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for RawMembers<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = RawMembers<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(Key(key)) = object.next_key()? {
                    members.push((key, object.next_value()?));
                }
                Ok(RawMembers(members))
            }
        }

        deserializer.deserialize_map(Object)
    }
}

/// A key, borrowed where it has no escapes.
#[derive(serde::Deserialize)]
#[serde(transparent)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);
