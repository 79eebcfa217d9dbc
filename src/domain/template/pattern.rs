//! The pattern of a STRING parameter: a regular expression that the whole value has to match.
//!
//! The engine has no backtracking: matching takes time proportional to the length of the value, whoever wrote the pattern.

use regex::{Regex, RegexBuilder};

/// The longest pattern in bytes.
pub const MAX_PATTERN_BYTES: usize = 1000;

/// The most memory that a compiled pattern may take, in bytes: `(\w{100}){100}` is short and takes a thousand times more.
const MAX_COMPILED_BYTES: usize = 256 * 1024;

/// A compiled pattern.
#[derive(Debug, Clone)]
pub struct Pattern(Regex);

impl Pattern {
    /// Compiles a pattern of the syntax of RE2, less what looks around or back.
    ///
    /// # Errors
    /// A sentence that says why it can't be compiled.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > MAX_PATTERN_BYTES {
            return Err(format!(
                "has {} bytes: at most {MAX_PATTERN_BYTES} are taken",
                text.len()
            ));
        }
        // By itself too: `a)|(b` would be one only between the parentheses, and would no longer match the whole value.
        compile(text)?;
        compile(&format!(r"\A(?:{text})\z")).map(Self)
    }

    /// Whether the whole value matches.
    pub fn matches(&self, value: &str) -> bool {
        self.0.is_match(value)
    }
}

fn compile(text: &str) -> Result<Regex, String> {
    let compiled = RegexBuilder::new(text)
        .size_limit(MAX_COMPILED_BYTES)
        .dfa_size_limit(MAX_COMPILED_BYTES)
        .build();
    compiled.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => "is too large when compiled: use fewer or smaller repetitions".to_owned(),
        other => format!("is not a regular expression: {other}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_value_has_to_match() {
        let pattern = Pattern::parse("[a-z]+|x1").unwrap();
        for (value, matches) in [
            ("abc", true),
            ("x1", true),
            ("", false),
            ("abc1", false),
            ("abc\n", false),
        ] {
            assert_eq!(pattern.matches(value), matches, "{value}");
        }
    }

    #[test]
    fn what_is_no_pattern_or_too_large_is_refused() {
        for text in [
            "(",
            "a)|(b",
            r"(\w{100}){100}",
            r"(a)\1",
            "(?=a)",
            &"a".repeat(MAX_PATTERN_BYTES + 1),
        ] {
            assert!(Pattern::parse(text).is_err(), "{text}");
        }
    }
}
