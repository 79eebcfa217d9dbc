//! One thing that is wrong with one field of a request.

use super::reason::Reason;
use super::share_link::without_secret;

/// The most violations that one answer carries; what comes after them is left out.
pub const MAX_VIOLATIONS: usize = 50;

/// The most characters of a caller's text that a description repeats.
const MAX_QUOTED_CHARS: usize = 100;

/// What is wrong with one field, for a program ([`Reason`]) and for a person (`description`).
///
/// Becomes a `google.rpc.BadRequest.FieldViolation`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The field, as `a.b`; inside a document the path goes on as a JSON pointer (RFC 6901): `dashboard.spec/panels/cpu`.
    pub field: String,
    /// Why, for programs.
    pub reason: Reason,
    /// What is wrong and what to do, for people.
    pub description: String,
}

impl Violation {
    /// Creates a violation of `field`. Both texts end where the secret of a share link begins that was put into the wrong field: a
    /// path has the keys of a document in it, a description what a parser met.
    pub fn new(field: impl Into<String>, reason: Reason, description: impl Into<String>) -> Self {
        Self {
            field: cut_at_secret(field.into()),
            reason,
            description: cut_at_secret(description.into()),
        }
    }

    /// Puts `prefix` before the field: a nested value knows its own path only.
    #[must_use]
    pub fn under(mut self, prefix: &str) -> Self {
        self.field.insert_str(0, prefix);
        self
    }
}

/// Violations of one request, gathered field by field so that the caller learns all of them at once.
#[derive(Debug, Default)]
pub struct Violations(Vec<Violation>);

impl Violations {
    /// Takes the value of a field that was parsed, or what is wrong with it.
    pub fn note<T>(&mut self, parsed: Result<T, impl Into<Self>>) -> Option<T> {
        parsed.map_err(|wrong| self.0.extend(wrong.into().0)).ok()
    }

    /// Gives `value` when nothing was wrong.
    ///
    /// # Errors
    /// All that was wrong.
    pub fn or_ok<T>(self, value: T) -> Result<T, Self> {
        if self.0.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl From<Violation> for Violations {
    fn from(violation: Violation) -> Self {
        Self(vec![violation])
    }
}

impl From<Vec<Violation>> for Violations {
    fn from(violations: Vec<Violation>) -> Self {
        Self(violations)
    }
}

impl From<Violations> for Vec<Violation> {
    fn from(violations: Violations) -> Self {
        violations.0
    }
}

fn cut_at_secret(mut text: String) -> String {
    text.truncate(without_secret(&text).len());
    text
}

/// Shows a caller's `text` inside a description: in double quotes, escaped, and cut with an ellipsis where it is long, or
/// where the secret of a share link begins that was put into the wrong field.
pub(crate) fn quoted(text: &str) -> String {
    let told = without_secret(text);
    let end = told
        .char_indices()
        .nth(MAX_QUOTED_CHARS)
        .map_or(told.len(), |(end, _)| end);
    let ellipsis = if end < text.len() { "…" } else { "" };
    format!("{:?}{ellipsis}", &told[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_cut() {
        assert_eq!(quoted("a\"b"), r#""a\"b""#);
        let fits = "é".repeat(MAX_QUOTED_CHARS);
        assert_eq!(quoted(&fits), format!("\"{fits}\""));
        assert_eq!(quoted(&format!("{fits}x")), format!("\"{fits}\"…"));
    }

    #[test]
    fn secrets_are_not_repeated() {
        assert_eq!(quoted("projects/psh_0123456789"), "\"projects/psh_\"…");
        let violation = Violation::new("spec/panels/psh_0123/kind", Reason::SpecInvalid, "met psh_0123 here");
        let told = (violation.field.as_str(), violation.description.as_str());
        assert_eq!(told, ("spec/panels/psh_", "met psh_"));
    }
}
