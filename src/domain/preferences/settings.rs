//! Settings: whatever a user interface wants to keep of a user, as JSON text.

use crate::domain::reason::Reason;
use crate::domain::spec::json::{self, Json};
use crate::domain::violation::Violation;

/// The longest text in bytes.
pub const MAX_SETTINGS_BYTES: usize = 64 * 1024;

/// The deepest nesting, the settings themselves being the first level: less than documents have, as settings have no other
/// form in which a user interface could read back what it wrote deeper.
pub const MAX_SETTINGS_LEVELS: usize = 32;

/// A JSON object within [`MAX_SETTINGS_LEVELS`] and the other limits of structure that documents have; empty when nothing
/// is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings(String);

impl Settings {
    /// Takes `text` as it is.
    ///
    /// # Errors
    /// All that is wrong, below `field`: `SPEC_LIMIT_EXCEEDED` beyond [`MAX_SETTINGS_BYTES`] and [`MAX_SETTINGS_LEVELS`],
    /// `SPEC_MALFORMED` for what is no object, and those of [`json::parse`].
    pub fn parse(field: &str, text: String) -> Result<Self, Vec<Violation>> {
        let refuse = |reason, description: String| Err(vec![Violation::new(field, reason, description)]);
        if text.len() > MAX_SETTINGS_BYTES {
            let description = format!("has {} bytes: at most {MAX_SETTINGS_BYTES} are taken", text.len());
            return refuse(Reason::SpecLimitExceeded, description);
        }
        match json::parse(&text) {
            Ok(tree) if tree.levels() > MAX_SETTINGS_LEVELS => {
                let description = format!("arrays and objects are nested more than {MAX_SETTINGS_LEVELS} deep");
                refuse(Reason::SpecLimitExceeded, description)
            }
            Ok(Json::Object(_)) => Ok(Self(text)),
            Ok(other) => {
                let description = format!("must be a JSON object, not {}", other.kind());
                refuse(Reason::SpecMalformed, description)
            }
            Err(violations) => Err(violations.into_iter().map(|violation| violation.under(field)).collect()),
        }
    }

    /// Takes a text that was parsed before: the store's.
    pub fn trusted(text: String) -> Self {
        Self(text)
    }

    /// The JSON text.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// Whether nothing is set.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self("{}".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> Vec<(String, Reason)> {
        let violations = Settings::parse("settings", text.to_owned()).unwrap_err();
        let fields = violations.into_iter();
        fields.map(|violation| (violation.field, violation.reason)).collect()
    }

    #[test]
    fn settings_are_an_object_within_the_limits() {
        let largest = format!(r#"{{"a":"{}"}}"#, "x".repeat(MAX_SETTINGS_BYTES - 8));
        assert_eq!(largest.len(), MAX_SETTINGS_BYTES);
        assert_eq!(Settings::parse("settings", largest.clone()).unwrap().text(), largest);
        let too_large = largest.replacen('x', "xx", 1);
        let whole = |reason| [("settings".to_owned(), reason)];
        assert_eq!(refused(&too_large), whole(Reason::SpecLimitExceeded));
        assert_eq!(refused("[]"), whole(Reason::SpecMalformed));
        assert_eq!(refused("{"), whole(Reason::SpecMalformed));
        let with_nul = r#"{"a":{"b":"\u0000"}}"#;
        assert_eq!(refused(with_nul), [("settings/a/b".to_owned(), Reason::SpecMalformed)]);
    }

    #[test]
    fn settings_are_nested_so_deep_at_most() {
        for (open, close) in [("[", "]"), (r#"{"b":"#, "}")] {
            let nested = |levels: usize| format!(r#"{{"a":{}0{}}}"#, open.repeat(levels - 1), close.repeat(levels - 1));
            assert!(Settings::parse("settings", nested(MAX_SETTINGS_LEVELS)).is_ok());
            for levels in [MAX_SETTINGS_LEVELS + 1, json::MAX_DEPTH, json::MAX_DEPTH + 1] {
                assert_eq!(refused(&nested(levels))[0].1, Reason::SpecLimitExceeded, "{levels}");
            }
        }
    }
}
