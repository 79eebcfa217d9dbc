//! What a search was asked for, parsed; and what it found.
//!
//! A query is words, separated by white space. A dashboard is found when each of them occurs in its id, display name,
//! description, a tag or the title of a panel, in any case and anywhere inside, or is exactly the name of a metric that it uses.
//! How the store looks for that does not belong here.

use super::dashboard::Dashboard;
use super::filter::Filter;
use super::reason::Reason;
use super::violation::Violation;

/// The longest query in characters.
pub const MAX_QUERY_CHARS: usize = 256;

/// The most words of a query.
pub const MAX_WORDS: usize = 16;

/// How many letters or digits in a row a word needs for the index of the store to find it: it is one of trigrams.
const INDEXED_CHARS: usize = 3;

/// What to look for: 1 to [`MAX_WORDS`] words, each once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchQuery {
    words: Vec<String>,
}

impl SearchQuery {
    /// Splits `text` into words.
    ///
    /// # Errors
    /// On `field`: `FIELD_REQUIRED` for no word at all, `FIELD_TOO_LONG` above [`MAX_QUERY_CHARS`] or [`MAX_WORDS`],
    /// `FIELD_INVALID` for U+0000, which no dashboard holds.
    pub fn parse(field: &str, text: &str) -> Result<Self, Violation> {
        let chars = text.chars().count();
        if chars > MAX_QUERY_CHARS {
            let description = format!("has {chars} characters: at most {MAX_QUERY_CHARS} are allowed");
            return Err(Violation::new(field, Reason::FieldTooLong, description));
        }
        if text.contains('\0') {
            let description = "cannot contain the character U+0000";
            return Err(Violation::new(field, Reason::FieldInvalid, description));
        }
        let mut words: Vec<String> = Vec::new();
        for word in text.split_whitespace() {
            if !words.iter().any(|known| known == word) {
                words.push(word.to_owned());
            }
        }
        match words.len() {
            0 => Err(Violation::new(
                field,
                Reason::FieldRequired,
                "must hold at least one word to look for",
            )),
            1..=MAX_WORDS => Ok(Self { words }),
            many => {
                let description = format!("has {many} words: at most {MAX_WORDS} are allowed");
                Err(Violation::new(field, Reason::FieldTooLong, description))
            }
        }
    }

    /// The words, in the order of the query.
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// The words as one text, with a space between two.
    pub fn text(&self) -> String {
        self.words.join(" ")
    }

    /// Whether an index of trigrams finds at least one of the words. Only ASCII counts: whether others are letters depends on
    /// the locale of the database.
    pub fn is_indexed(&self) -> bool {
        self.words.iter().any(|word| {
            word.split(|letter: char| !letter.is_ascii_alphanumeric())
                .any(|run| run.len() >= INDEXED_CHARS)
        })
    }
}

/// How many results an answer may have: 1 to [`ResultLimit::MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResultLimit(u16);

impl ResultLimit {
    /// What an answer has when the caller does not say.
    pub const DEFAULT: u16 = 50;

    /// The most that an answer has, also when the caller asks for more.
    pub const MAX: u16 = 100;

    /// Takes the caller's wish: 0 is [`ResultLimit::DEFAULT`], above [`ResultLimit::MAX`] is [`ResultLimit::MAX`].
    ///
    /// # Errors
    /// `FIELD_OUT_OF_RANGE` on `field` below 0.
    pub fn parse(field: &str, wish: i32) -> Result<Self, Violation> {
        match u32::try_from(wish) {
            Ok(0) => Ok(Self(Self::DEFAULT)),
            Ok(wish) => Ok(Self(u16::try_from(wish).unwrap_or(Self::MAX).min(Self::MAX))),
            Err(_) => {
                let description = format!("{wish} is below 0: leave it at 0 for {} results", Self::DEFAULT);
                Err(Violation::new(field, Reason::FieldOutOfRange, description))
            }
        }
    }

    /// The number of results.
    pub const fn get(self) -> u16 {
        self.0
    }
}

/// A search for live dashboards.
#[derive(Debug, Clone)]
pub struct SearchDashboards {
    /// What to look for.
    pub query: SearchQuery,
    /// Among which dashboards.
    pub filter: Option<Filter>,
    /// The most results.
    pub limit: ResultLimit,
}

/// A field that words of a query were found in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MatchedField {
    /// The id.
    Name,
    /// `spec.display.name`.
    DisplayName,
    /// `spec.display.description`.
    Description,
    /// A tag.
    Tags,
    /// The title of a panel.
    PanelTitles,
    /// The name of a metric, exactly.
    MetricNames,
}

impl MatchedField {
    /// Every field, in the order in which results name them.
    pub const ALL: [Self; 6] = [
        Self::Name,
        Self::DisplayName,
        Self::Description,
        Self::Tags,
        Self::PanelTitles,
        Self::MetricNames,
    ];

    /// The name that callers see.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::DisplayName => "display_name",
            Self::Description => "description",
            Self::Tags => "tags",
            Self::PanelTitles => "panel_titles",
            Self::MetricNames => "metric_names",
        }
    }
}

/// A dashboard that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundDashboard {
    /// The dashboard without its document.
    pub dashboard: Dashboard,
    /// How well it fits, from 0 to 1.
    pub score: f64,
    /// Where a word was found, in the order of [`MatchedField::ALL`].
    pub matched_fields: Vec<MatchedField>,
}

/// What a search found.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchResults {
    /// The best first.
    pub found: Vec<FoundDashboard>,
    /// Whether others may fit as well.
    pub truncated: bool,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(text: &str) -> Result<Vec<String>, Reason> {
        SearchQuery::parse("query", text)
            .map(|query| query.words)
            .map_err(|violation| violation.reason)
    }

    #[test]
    fn words_are_what_white_space_separates_each_once() {
        assert_eq!(
            words(" gpu\t% \u{a0}gpu\nGPU "),
            Ok(vec!["gpu".into(), "%".into(), "GPU".into()])
        );
        let query = SearchQuery::parse("query", " a  b ").map(|query| query.text());
        assert_eq!(query, Ok("a b".to_owned()));
    }

    #[test]
    fn queries_without_words_or_with_too_much_are_refused() {
        for blank in ["", " \t\n"] {
            assert_eq!(words(blank), Err(Reason::FieldRequired));
        }
        assert_eq!(words("a\0b"), Err(Reason::FieldInvalid));
        assert!(words(&"ü".repeat(MAX_QUERY_CHARS)).is_ok());
        assert_eq!(words(&"x".repeat(MAX_QUERY_CHARS + 1)), Err(Reason::FieldTooLong));
        let many: Vec<String> = (0..=MAX_WORDS).map(|number| number.to_string()).collect();
        assert!(words(&many[1..].join(" ")).is_ok());
        assert_eq!(words(&many.join(" ")), Err(Reason::FieldTooLong));
    }

    #[test]
    fn a_word_is_indexed_with_three_letters_or_digits_in_a_row() {
        for (text, expected) in [
            ("gpu", true),
            ("a_b k8s", true),
            ("_k8s_", true),
            ("ab", false),
            ("a-b.c_d", false),
            ("% _ \\", false),
            ("müll", false),
            ("مرحبا 🔥", false),
        ] {
            let is_indexed = SearchQuery::parse("query", text).map(|query| query.is_indexed());
            assert_eq!(is_indexed, Ok(expected), "{text}");
        }
    }

    #[test]
    fn limits_have_a_default_and_an_end() {
        let limit = |wish| ResultLimit::parse("page_size", wish).map(ResultLimit::get);
        assert_eq!((limit(0), limit(1), limit(100)), (Ok(50), Ok(1), Ok(100)));
        assert_eq!((limit(101), limit(i32::MAX)), (Ok(100), Ok(100)));
        let refused = limit(-1).map_err(|violation| (violation.field, violation.reason));
        assert_eq!(refused, Err(("page_size".to_owned(), Reason::FieldOutOfRange)));
    }

    proptest! {
        #[test]
        fn no_text_panics_and_words_are_read_as_themselves(text in "(\\PC|[ \t%_]){0,300}") {
            if let Ok(query) = SearchQuery::parse("query", &text) {
                prop_assert_eq!(SearchQuery::parse("query", &query.text()), Ok(query));
            }
        }
    }
}
