//! Tokens as plain PromQL: an expression of the same structure and names that a parser reads without dashboards.
//!
//! Only structure and names matter for what an expression uses, so all else becomes harmless. Each variable becomes what
//! fits its place, strings become their number, durations `1m` and numbers `1`; labels are left out, but for `__name__`.
//! The parser then compiles no foreign regular expression and computes with no foreign number.

use super::tokens::{Text, Token, Variables, Word};

/// The label that holds the name of a metric.
pub(super) const NAME_LABEL: &str = "__name__";

/// What stands for a metric, label or function whose name has a variable in it.
pub(super) const UNKNOWN_NAME: &str = "__name_with_variable__";

/// The most brackets around a part of an expression that is parsed: what is parsed into a tree is visited with recursion.
const MAX_DEPTH: usize = 64;

/// What is opened by a bracket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opening {
    /// Arguments of a call or a part in parentheses.
    Parenthesis,
    /// The labels after `by`, `on` and their like.
    Labels,
    /// The matchers of a selector.
    Selector,
    /// The range of a selector or subquery.
    Range,
}

impl Opening {
    /// What the token at `index` opens.
    pub(super) fn of(tokens: &[Token<'_>], index: usize) -> Option<Self> {
        match tokens[index] {
            Token::Symbol("(") => {
                let before = index.checked_sub(1).map(|before| tokens[before]);
                let is_list =
                    matches!(before, Some(Token::Word(word)) if LABEL_KEYWORDS.iter().any(|keyword| word.is(keyword)));
                Some(if is_list { Self::Labels } else { Self::Parenthesis })
            }
            Token::Symbol("{") => Some(Self::Selector),
            Token::Symbol("[") => Some(Self::Range),
            Token::Symbol(_) | Token::Word(_) | Token::Text(_) => None,
        }
    }

    /// Whether `token` closes it.
    pub(super) fn is_closed_by(self, token: &Token<'_>) -> bool {
        token.is_symbol(match self {
            Self::Parenthesis | Self::Labels => ")",
            Self::Selector => "}",
            Self::Range => "]",
        })
    }
}

/// A matcher of a label in a selector.
#[derive(Debug, Clone, Copy)]
pub(super) struct LabelMatcher<'t> {
    /// The label, which may stand in quotes.
    label: &'t str,
    /// `=`, `!=`, `=~` or `!~`.
    pub(super) operator: &'t str,
    /// The string that the label is held against.
    pub(super) value: Text<'t>,
}

impl<'t> LabelMatcher<'t> {
    /// How many tokens a matcher has.
    const TOKENS: usize = 3;

    /// The matcher that `tokens` begin with.
    pub(super) fn first_of(tokens: &[Token<'t>]) -> Option<Self> {
        let [
            label,
            Token::Symbol(operator @ ("=" | "!=" | "=~" | "!~")),
            Token::Text(value),
            ..,
        ] = tokens
        else {
            return None;
        };
        let label = match label {
            Token::Word(word) => word.text,
            Token::Text(text) => text.content,
            Token::Symbol(_) => return None,
        };
        Some(Self {
            label,
            operator,
            value: *value,
        })
    }

    /// Whether it says which metrics are selected; one that says which are not names none.
    pub(super) fn names_metrics(&self) -> bool {
        self.label == NAME_LABEL && matches!(self.operator, "=" | "=~")
    }
}

/// The keywords that labels in parentheses follow.
const LABEL_KEYWORDS: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];

/// Writes plain PromQL; none if brackets don't match or are nested too deep, which no parser needs to see.
pub(super) fn write(tokens: &[Token<'_>]) -> Option<String> {
    let mut writer = Writer {
        tokens,
        open: Vec::new(),
        is_name_before_selector: false,
        text: String::with_capacity(256),
    };
    let mut index = 0;
    while index < tokens.len() {
        index += writer.write(index)?;
    }
    writer.open.is_empty().then_some(writer.text)
}

/// The state of [`write`].
struct Writer<'t> {
    tokens: &'t [Token<'t>],
    open: Vec<Opening>,
    /// Whether the name of a metric stands before the bracket that was opened last.
    is_name_before_selector: bool,
    text: String,
}

impl Writer<'_> {
    /// Writes the token at `index` and returns how many tokens that took.
    fn write(&mut self, index: usize) -> Option<usize> {
        let inside = self.open.last().copied();
        match (self.tokens[index], inside) {
            (Token::Symbol(symbol), _) => self.write_symbol(symbol, index)?,
            (Token::Word(_) | Token::Text(_), Some(Opening::Labels)) => {}
            (_, Some(Opening::Selector)) => return Some(self.write_matcher(index)),
            (Token::Word(_), Some(Opening::Range)) => self.push_word("1m"),
            (Token::Word(word), _) => {
                let plain = self.plain_word(word, index);
                self.push_word(plain);
            }
            (Token::Text(_), _) => self.push_text(index),
        }
        Some(1)
    }

    /// Writes a symbol, and keeps what is open.
    fn write_symbol(&mut self, symbol: &str, index: usize) -> Option<()> {
        if let Some(opening) = Opening::of(self.tokens, index) {
            if self.open.len() == MAX_DEPTH {
                return None;
            }
            self.open.push(opening);
            self.is_name_before_selector = match index.checked_sub(1).map(|before| self.tokens[before]) {
                Some(Token::Word(word)) => !word.is_keyword(),
                Some(Token::Text(_) | Token::Symbol(_)) | None => false,
            };
        } else if matches!(symbol, ")" | "}" | "]") {
            let opened = self.open.pop()?;
            if !opened.is_closed_by(&self.tokens[index]) {
                return None;
            }
            // Nothing is left in many selectors, and one of nothing at all is refused; it was one of labels, or anything.
            if opened == Opening::Selector && self.text.ends_with('{') {
                if self.is_name_before_selector {
                    self.text.pop();
                    return Some(());
                }
                self.text.push_str("_=\"0\"");
            }
        } else if symbol == "," && self.open.last() == Some(&Opening::Labels) {
            return Some(());
        }
        self.text.push_str(symbol);
        Some(())
    }

    /// Writes a matcher of names, leaves out any other matcher with the comma after it, and writes what is none as it is, for
    /// the parser to judge. Returns how many tokens that took.
    fn write_matcher(&mut self, index: usize) -> usize {
        let length = match (LabelMatcher::first_of(&self.tokens[index..]), self.tokens[index]) {
            (Some(matcher), _) if matcher.names_metrics() => {
                // Always `=`, as the parser would compile what follows `=~`.
                self.push_word(NAME_LABEL);
                self.text.push('=');
                self.push_text(index + 2);
                return LabelMatcher::TOKENS;
            }
            (Some(_), _) => LabelMatcher::TOKENS,
            // A variable that holds a whole matcher.
            (None, Token::Word(word)) if word.variables == Variables::All => 1,
            (None, Token::Word(word)) => {
                self.push_word(word.text);
                return 1;
            }
            (None, _) => {
                self.push_text(index);
                return 1;
            }
        };
        let has_comma = self
            .tokens
            .get(index + length)
            .is_some_and(|token| token.is_symbol(","));
        length + usize::from(has_comma)
    }

    /// What stands for a word that is in no selector, range or list of labels.
    fn plain_word<'w>(&self, word: Word<'w>, index: usize) -> &'w str
    where
        Self: 'w,
    {
        let before = index.checked_sub(1).map(|before| self.tokens[before]);
        let after = self.tokens.get(index + 1);
        let is_after = |symbol| after.is_some_and(|token| token.is_symbol(symbol));
        if self.is_offset(index) {
            return "1m";
        }
        if word.is_number() {
            return "1";
        }
        if word.variables == Variables::None {
            return word.text;
        }
        if is_after("(") || matches!(after, Some(Token::Word(next)) if next.is("by") || next.is("without")) {
            return "sum";
        }
        let is_before = |symbol| before.is_some_and(|token| token.is_symbol(symbol));
        let is_alone = word.variables == Variables::All && !is_after("{") && !is_after("[");
        let is_argument = is_after(",") || (is_before(",") && is_after(")"));
        if is_before("@") || (is_alone && is_argument) {
            return "1";
        }
        UNKNOWN_NAME
    }

    /// Whether the word at `index` is the duration of an `offset`, maybe behind a sign.
    fn is_offset(&self, index: usize) -> bool {
        let before = &self.tokens[..index];
        let before = match before {
            [rest @ .., Token::Symbol("-" | "+")] => rest,
            _ => before,
        };
        matches!(before, [.., Token::Word(word)] if word.is("offset"))
    }

    fn push_word(&mut self, word: &str) {
        if self
            .text
            .ends_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':'))
        {
            self.text.push(' ');
        }
        self.text.push_str(word);
    }

    /// Writes the string at `index` as its index, by which [`text_of`] finds it again.
    fn push_text(&mut self, index: usize) {
        self.text.push('"');
        self.text.push_str(&index.to_string());
        self.text.push('"');
    }
}

/// The string among `tokens` that was written as `number`, and whether it is a pattern.
pub(super) fn text_of<'t>(tokens: &[Token<'t>], number: &str) -> Option<(Text<'t>, bool)> {
    let index = number.parse::<usize>().ok()?;
    match tokens.get(index.checked_sub(1)?..)? {
        [before, Token::Text(text), ..] => Some((*text, before.is_symbol("=~"))),
        _ => None,
    }
}
