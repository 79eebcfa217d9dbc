//! Who a grant is for: a user or a group, by the name that authentication finds.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::reason::Reason;
use super::share_link::holds_secret;
use super::user::{MAX_USER_BYTES, is_name};
use super::violation::Violation;

/// `user:…` or `group:…`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Subject(String);

impl Subject {
    /// Parses `user:…` or `group:…`.
    ///
    /// # Errors
    /// `FIELD_REQUIRED` on `field` when empty; `FIELD_INVALID` for another form, and for a name that is empty, longer than 512
    /// bytes, has characters that are [unseen](super::user::is_unseen) or a blank at an end (nobody logs in with such a name), or holds
    /// the secret of a share link.
    pub fn parse(field: &str, text: &str) -> Result<Self, Violation> {
        if text.is_empty() {
            let description = "must be set: user:NAME or group:NAME";
            return Err(Violation::new(field, Reason::FieldRequired, description));
        }
        let name = text.strip_prefix("user:").or_else(|| text.strip_prefix("group:"));
        if !name.is_some_and(is_name) {
            let description = format!(
                "must be user:NAME or group:NAME, with 1 to {MAX_USER_BYTES} bytes without characters that are not seen, and \
                 without a blank at either end"
            );
            return Err(Violation::new(field, Reason::FieldInvalid, description));
        }
        if holds_secret(text) {
            let description = "the token of a share link is neither a user nor a group";
            return Err(Violation::new(field, Reason::FieldInvalid, description));
        }
        Ok(Self(text.to_owned()))
    }

    /// Takes what was stored: whatever was taken once, or written by hand, can be listed and revoked.
    pub fn from_stored(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The text as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Subject> for String {
    fn from(subject: Subject) -> Self {
        subject.0
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_and_groups_are_read_as_written() {
        for text in [
            "user:ada",
            "group:sre",
            "user:spiffe://cluster.local/ns/a",
            "group:a b",
            "user:user:x",
        ] {
            assert_eq!(Subject::parse("subject", text).unwrap().as_str(), text);
        }
        assert!(Subject::parse("subject", &format!("user:{}", "x".repeat(MAX_USER_BYTES))).is_ok());
    }

    #[test]
    fn other_texts_are_refused() {
        let refused = |text: &str| Subject::parse("subject", text).unwrap_err().reason;
        assert_eq!(refused(""), Reason::FieldRequired);
        for text in [
            "ada",
            "user:",
            "group:",
            "User:ada",
            "system:dashboard-store",
            "user:a\n",
            "user:ada ",
            "user: ada",
            "group:sre\u{a0}",
            "user:\0",
            "user:ada\u{200b}",
            "group:\u{202e}sre",
            &format!("group:{}", "x".repeat(MAX_USER_BYTES + 1)),
        ] {
            assert_eq!(refused(text), Reason::FieldInvalid, "{text}");
        }
    }
}
