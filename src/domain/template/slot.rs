//! Slots inside a text: `%{x}`, `%{x:label}`, `%{x:regex}`, `%{x:text}`, and `%%{` for a plain `%{`.
//!
//! A text is read from left to right, so a `%` can't stand directly before a slot: `%%{x}` is the text `%{x}`.

use std::borrow::Cow;

use crate::domain::violation::quoted;

/// What is escaped by `%%{`, and begins a slot otherwise.
const OPENING: &str = "%{";

/// How a value is written into a text.
///
/// Numbers and booleans are written as JSON writes them, durations as they were given; then the same rules hold for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotKind {
    /// `%{x}`: as it is, and only if it means nothing in PromQL, in JSON or to Perses' variables: no `"`, `\`, `{`, `}`, `$`,
    /// no line break.
    Plain,
    /// `%{x:label}`: between the double quotes of a PromQL string, where it is read back as the value.
    Label,
    /// `%{x:regex}`: the same where PromQL reads the string as a regular expression, which then matches the value alone.
    Regex,
    /// `%{x:text}`: as it is, whatever it holds.
    Text,
}

/// A piece of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'t> {
    /// Is written as it is.
    Text(&'t str),
    /// Is replaced by the value of a parameter.
    Slot {
        /// The parameter's name.
        name: &'t str,
        /// How its value is written.
        kind: SlotKind,
    },
}

/// Takes a text apart.
///
/// # Errors
/// A sentence for the first slot that is malformed.
pub fn pieces(text: &str) -> Result<Vec<Piece<'_>>, String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(position) = rest.find(OPENING) {
        let (before, opened) = rest.split_at(position);
        let inside = opened.strip_prefix(OPENING).unwrap_or_default();
        if let Some(kept) = before.strip_suffix('%') {
            found.extend([Piece::Text(kept), Piece::Text(OPENING)]);
            rest = inside;
            continue;
        }
        let (slot, after) = inside
            .split_once('}')
            .ok_or_else(|| format!("the slot {} has no }}: write %%{{ for a plain %{{", quoted(opened)))?;
        found.extend([Piece::Text(before), read_slot(slot)?]);
        rest = after;
    }
    found.push(Piece::Text(rest));
    Ok(found)
}

/// Reads what stands between the braces.
fn read_slot(slot: &str) -> Result<Piece<'_>, String> {
    let (name, kind) = match slot.split_once(':') {
        None => (slot, SlotKind::Plain),
        Some((name, "label")) => (name, SlotKind::Label),
        Some((name, "regex")) => (name, SlotKind::Regex),
        Some((name, "text")) => (name, SlotKind::Text),
        Some((_, other)) => {
            let description = format!(
                "{} is no kind of slot: there are %{{x}}, %{{x:label}}, %{{x:regex}} and %{{x:text}}",
                quoted(other)
            );
            return Err(description);
        }
    };
    Ok(Piece::Slot { name, kind })
}

impl SlotKind {
    /// The value as this kind of slot writes it.
    ///
    /// # Errors
    /// The first character that the slot does not take.
    pub fn write(self, value: &str) -> Result<Cow<'_, str>, char> {
        match self {
            Self::Plain => match value.chars().find(|c| has_meaning(*c)) {
                Some(refused) => Err(refused),
                None => Ok(Cow::Borrowed(value)),
            },
            Self::Label => Ok(Cow::Owned(promql_literal(value))),
            Self::Regex => Ok(Cow::Owned(promql_literal(&quote_meta(value)))),
            Self::Text => Ok(Cow::Borrowed(value)),
        }
    }
}

/// Whether a character could end or open something where the value stands.
fn has_meaning(c: char) -> bool {
    let is_line_break = matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}');
    is_line_break || r#""\{}$"#.contains(c)
}

/// The value between the double quotes of a PromQL string, whose escapes are Go's. `$` is escaped, too: PromQL reads it
/// back, and Perses, which looks for its variables in the text of the query, does not see it.
fn promql_literal(value: &str) -> String {
    let mut literal = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '\\' | '"' => literal.extend(['\\', c]),
            '\n' => literal.push_str("\\n"),
            '\r' => literal.push_str("\\r"),
            '\t' => literal.push_str("\\t"),
            '$' => literal.push_str("\\x24"),
            control if control.is_ascii_control() => literal.push_str(&format!("\\x{:02x}", u32::from(control))),
            other => literal.push(other),
        }
    }
    literal
}

/// A regular expression that matches the value alone: RE2's `QuoteMeta`.
fn quote_meta(value: &str) -> String {
    let mut quoted_value = String::with_capacity(value.len());
    for c in value.chars() {
        if r"\.+*?()|[]{}^$".contains(c) {
            quoted_value.push('\\');
        }
        quoted_value.push(c);
    }
    quoted_value
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(text: &str) -> Result<String, String> {
        let shown = |piece: Piece<'_>| match piece {
            Piece::Text(text) => text.to_owned(),
            Piece::Slot { name, kind } => format!("<{name} {kind:?}>"),
        };
        pieces(text).map(|pieces| pieces.into_iter().map(shown).collect())
    }

    #[test]
    fn texts_are_taken_apart() {
        for (text, expected) in [
            ("", ""),
            ("100 % of {x}", "100 % of {x}"),
            ("a%{x}b%{y:label}", "a<x Plain>b<y Label>"),
            ("%{x:regex}%{x:text}", "<x Regex><x Text>"),
            ("%%{x}", "%{x}"),
            ("%%%{x}", "%%{x}"),
            ("%%{%{x}", "%{<x Plain>"),
            ("%%{", "%{"),
            ("a %% b", "a %% b"),
        ] {
            assert_eq!(shown(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn malformed_slots_are_refused() {
        for (text, part) in [
            ("a %{x", "has no }"),
            ("%{x} %{", "has no }"),
            ("%{x:json}", "\"json\" is no kind of slot"),
            ("%{x:}", "\"\" is no kind of slot"),
            ("%{x:label:text}", "\"label:text\" is no kind of slot"),
        ] {
            let refused = shown(text).unwrap_err();
            assert!(refused.contains(part), "{refused}");
        }
    }

    #[test]
    fn plain_slots_take_what_means_nothing() {
        let taken = "a-z_0.9/é:;,'()[]<>=~ |*";
        assert_eq!(SlotKind::Plain.write(taken).as_deref(), Ok(taken));
        for refused in ['"', '\\', '{', '}', '$', '\n', '\r', '\u{2028}'] {
            assert_eq!(SlotKind::Plain.write(&format!("a{refused}b")), Err(refused));
        }
    }

    #[test]
    fn literals_are_escaped_as_in_go() {
        let value = "a\"b\\c{$x}\n\u{1}é";
        assert_eq!(SlotKind::Label.write(value).as_deref(), Ok(r#"a\"b\\c{\x24x}\n\x01é"#));
        assert_eq!(SlotKind::Regex.write("a.b$").as_deref(), Ok(r"a\\.b\\\x24"));
        assert_eq!(SlotKind::Text.write(value).as_deref(), Ok(value));
    }

    proptest! {
        #[test]
        fn a_quoted_value_matches_itself_alone(value in "\\PC{0,20}", other in "\\PC{0,20}") {
            let pattern = regex::Regex::new(&format!("^(?:{})$", quote_meta(&value))).unwrap();
            prop_assert!(pattern.is_match(&value));
            prop_assert_eq!(pattern.is_match(&other), value == other);
        }

        #[test]
        fn escaped_openings_are_plain_text(text in "[%{}a:]{0,12}") {
            let escaped = text.replace("%{", "%%{");
            // A `%` before an escape is read as a part of it.
            prop_assume!(!text.contains("%%{"));
            prop_assert_eq!(shown(&escaped), Ok(text));
        }
    }
}
