//! The tags of a dashboard: words to find it by.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::reason::Reason;
use super::violation::{MAX_VIOLATIONS, Violation};

/// The most tags of one dashboard (Perses `pkg/model/api/v1/metadata.go`).
pub const MAX_TAGS: usize = 20;

/// The longest tag in characters.
pub const MAX_TAG_CHARS: usize = 50;

/// A set of tags, in the order of their bytes: like Perses, nobody can tell in which order they were given, so that equal
/// sets are equal values. Capitals count.
///
/// Deserialising is for the store and trusts it; everything else goes through [`Tags::parse`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tags(Vec<String>);

impl Tags {
    /// Takes `tags` as a set: repeated ones count once.
    ///
    /// # Errors
    /// All that is wrong, at most [`MAX_VIOLATIONS`]: `FIELD_TOO_LONG` on `field` for more than [`MAX_TAGS`], and on
    /// `field[index]` `FIELD_TOO_LONG` or `FIELD_INVALID` for a tag that breaks a rule, in Perses' words.
    pub fn parse(field: &str, tags: Vec<String>) -> Result<Self, Vec<Violation>> {
        let mut violations: Vec<Violation> = tags
            .iter()
            .enumerate()
            .filter_map(|(index, tag)| {
                let (reason, description) = check_tag(tag).err()?;
                Some(Violation::new(format!("{field}[{index}]"), reason, description))
            })
            .take(MAX_VIOLATIONS)
            .collect();
        let set: BTreeSet<String> = tags.into_iter().collect();
        if set.len() > MAX_TAGS {
            let description = format!("cannot contain more than {MAX_TAGS} tags");
            violations.insert(0, Violation::new(field, Reason::FieldTooLong, description));
            violations.truncate(MAX_VIOLATIONS);
        }
        if violations.is_empty() {
            Ok(Self(set.into_iter().collect()))
        } else {
            Err(violations)
        }
    }

    /// The tags, each once, in the order of their bytes.
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }
}

fn check_tag(tag: &str) -> Result<(), (Reason, String)> {
    if tag.trim().is_empty() {
        return Err((Reason::FieldInvalid, "tag cannot be empty".into()));
    }
    let shown: String = tag.chars().take(MAX_TAG_CHARS).collect();
    if tag.trim() != tag {
        let description = format!("tag {shown:?} cannot start or end with whitespace");
        return Err((Reason::FieldInvalid, description));
    }
    if tag.chars().nth(MAX_TAG_CHARS).is_some() {
        let description = format!("tag {shown:?}… cannot contain more than {MAX_TAG_CHARS} characters");
        return Err((Reason::FieldTooLong, description));
    }
    if tag.contains('\0') {
        return Err((
            Reason::FieldInvalid,
            format!("tag {shown:?} holds \\u0000, which can't be stored"),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(tags: &[&str]) -> Result<Tags, Vec<Violation>> {
        Tags::parse("dashboard.tags", tags.iter().map(|tag| (*tag).to_owned()).collect())
    }

    #[test]
    fn tags_are_a_set() {
        let tags = parse(&["gpu", "b", "a", "gpu", "B"]).unwrap();
        assert_eq!(tags.as_slice(), ["B", "a", "b", "gpu"]);
        assert_eq!(Ok(tags), parse(&["B", "b", "a", "gpu"]));
        assert_eq!(parse(&[]), Ok(Tags::default()));
    }

    #[test]
    fn limits_hold_at_and_one_beyond() {
        let longest = "é".repeat(MAX_TAG_CHARS);
        assert!(parse(&[&longest]).is_ok());
        let names: Vec<String> = (0..=MAX_TAGS).map(|number| number.to_string()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let repeated = [&names[1..], &names[1..]].concat();
        assert_eq!(parse(&repeated).map(|tags| tags.as_slice().len()), Ok(MAX_TAGS));
        let violations = parse(&names).unwrap_err();
        assert_eq!(violations.len(), 1);
        assert_eq!(
            (violations[0].field.as_str(), violations[0].reason),
            ("dashboard.tags", Reason::FieldTooLong)
        );
    }

    #[test]
    fn each_wrong_tag_is_named() {
        let too_long = "x".repeat(MAX_TAG_CHARS + 1);
        let violations = parse(&["ok", "", " ", "\u{a0}a", "a\n", &too_long, "a\0b", "a b/ü:🚀"]).unwrap_err();
        let found: Vec<(&str, Reason)> = violations.iter().map(|v| (v.field.as_str(), v.reason)).collect();
        assert_eq!(
            found,
            [
                ("dashboard.tags[1]", Reason::FieldInvalid),
                ("dashboard.tags[2]", Reason::FieldInvalid),
                ("dashboard.tags[3]", Reason::FieldInvalid),
                ("dashboard.tags[4]", Reason::FieldInvalid),
                ("dashboard.tags[5]", Reason::FieldTooLong),
                ("dashboard.tags[6]", Reason::FieldInvalid),
            ]
        );
        assert_eq!(parse(&[""; 60]).unwrap_err().len(), MAX_VIOLATIONS);
    }

    #[test]
    fn the_store_keeps_a_plain_array() {
        let tags = parse(&["b", "a"]).unwrap();
        let stored = serde_json::to_string(&tags).unwrap();
        assert_eq!(stored, r#"["a","b"]"#);
        assert_eq!(serde_json::from_str::<Tags>(&stored).unwrap(), tags);
    }
}
