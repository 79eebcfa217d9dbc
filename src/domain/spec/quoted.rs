//! Text of a document inside a sentence.

use std::fmt;

/// The most characters of a caller's text that a sentence repeats.
const MAX_QUOTED_CHARS: usize = 100;

/// Shows a caller's text in double quotes, escaped, and cut with an ellipsis where it is long.
pub(super) struct Quoted<'a>(pub(super) &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(MAX_QUOTED_CHARS) {
            Some((end, _)) => write!(f, "{:?}…", &self.0[..end]),
            None => write!(f, "{:?}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_cut() {
        assert_eq!(Quoted("a\"b").to_string(), r#""a\"b""#);
        let fits = "é".repeat(MAX_QUOTED_CHARS);
        assert_eq!(Quoted(&fits).to_string(), format!("\"{fits}\""));
        assert_eq!(Quoted(&format!("{fits}x")).to_string(), format!("\"{fits}\"…"));
    }
}
