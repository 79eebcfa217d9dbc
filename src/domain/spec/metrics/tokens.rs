//! PromQL as tokens, with the variables of dashboards in it.
//!
//! What belongs here: where words, strings and symbols begin and end. What does not: whether their order makes sense. Any
//! text has tokens, in one pass and without recursion.

use std::borrow::Cow;

use super::super::variable_graph::split_reference;

/// Symbols of two characters; a string begins and an operator ends elsewhere, so that longest first is enough.
const LONG_SYMBOLS: [&str; 6] = ["=~", "!~", "!=", "==", "<=", ">="];

/// The words of PromQL that are no names where a metric could stand, beside those of functions.
const KEYWORDS: [&str; 31] = [
    "and",
    "atan2",
    "avg",
    "bool",
    "bottomk",
    "by",
    "count",
    "count_values",
    "end",
    "group",
    "group_left",
    "group_right",
    "ignoring",
    "inf",
    "limit_ratio",
    "limitk",
    "max",
    "min",
    "nan",
    "offset",
    "on",
    "or",
    "quantile",
    "start",
    "stddev",
    "stdvar",
    "sum",
    "topk",
    "unless",
    "without",
    "fill",
];

/// A part of an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'t> {
    /// A name, a keyword, a number or a duration.
    Word(Word<'t>),
    /// What is between the quotes of a string.
    Text(Text<'t>),
    /// An operator, a bracket, a comma, or a character that PromQL does not know.
    Symbol(&'t str),
}

impl Token<'_> {
    /// Whether this is `symbol`.
    pub(super) fn is_symbol(&self, symbol: &str) -> bool {
        matches!(self, Self::Symbol(own) if *own == symbol)
    }
}

/// Characters of names and numbers, and variables among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Word<'t> {
    /// As written.
    pub(super) text: &'t str,
    /// Whether a variable is all of the word, a part of it, or none.
    pub(super) variables: Variables,
}

impl Word<'_> {
    /// Whether this is `keyword`, in any capitals.
    pub(super) fn is(&self, keyword: &str) -> bool {
        self.text.eq_ignore_ascii_case(keyword)
    }

    /// Whether this has a meaning of its own.
    pub(super) fn is_keyword(&self) -> bool {
        KEYWORDS.iter().any(|keyword| self.is(keyword))
    }

    /// Whether this is a number or a duration, or begins as one.
    pub(super) fn is_number(&self) -> bool {
        self.text.starts_with(|c: char| c.is_ascii_digit() || c == '.') || self.is("inf") || self.is("nan")
    }
}

/// How much of a word is variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Variables {
    /// Nothing.
    None,
    /// A part.
    Part,
    /// One variable and nothing else.
    All,
}

/// The content of a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Text<'t> {
    /// As written, with its escapes.
    pub(super) content: &'t str,
    /// Whether backslashes escape: not between backquotes.
    pub(super) has_escapes: bool,
}

impl Text<'_> {
    /// What the string says, without its escapes; none if it has one that no name needs, such as `\x41`.
    pub(super) fn unescaped(&self) -> Option<Cow<'_, str>> {
        if !self.has_escapes || !self.content.contains('\\') {
            return Some(Cow::Borrowed(self.content));
        }
        let mut text = String::with_capacity(self.content.len());
        let mut characters = self.content.chars();
        while let Some(character) = characters.next() {
            if character != '\\' {
                text.push(character);
                continue;
            }
            let escaped = characters.next().filter(|c| matches!(c, '\\' | '"' | '\''))?;
            text.push(escaped);
        }
        Some(Cow::Owned(text))
    }
}

/// Splits `expression` into tokens, without white space and comments.
pub(super) fn split(expression: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::with_capacity(expression.len() / 4);
    let mut rest = expression;
    // The range of a selector or subquery: there a colon is no character of a word.
    let mut is_in_range = false;
    // Behind a string that does not end, quotes are symbols: looking for the end once is enough.
    let mut has_strings = true;
    while let Some(first) = rest.chars().next() {
        if first.is_whitespace() {
            rest = &rest[first.len_utf8()..];
            continue;
        }
        if first == '#' {
            rest = rest.split_once('\n').map_or("", |(_, next_line)| next_line);
            continue;
        }
        let is_string = has_strings && matches!(first, '"' | '\'' | '`');
        let text = if is_string { split_string(rest, first) } else { None };
        has_strings &= !is_string || text.is_some();
        let (token, remainder) = text
            .or_else(|| split_word(rest, is_in_range))
            .unwrap_or_else(|| split_symbol(rest, first));
        match token {
            Token::Symbol("[") => is_in_range = true,
            Token::Symbol("]") => is_in_range = false,
            Token::Word(_) | Token::Text(_) | Token::Symbol(_) => {}
        }
        tokens.push(token);
        rest = remainder;
    }
    tokens
}

/// Splits off the symbol that `text` begins with; `first` is its first character.
fn split_symbol(text: &str, first: char) -> (Token<'_>, &str) {
    let is_long = LONG_SYMBOLS.iter().any(|symbol| text.starts_with(symbol));
    let length = if is_long { 2 } else { first.len_utf8() };
    let (symbol, remainder) = text.split_at(length);
    (Token::Symbol(symbol), remainder)
}

/// Splits off the string that `text` begins with; none if it does not end.
fn split_string(text: &str, quote: char) -> Option<(Token<'_>, &str)> {
    let has_escapes = quote != '`';
    let inner = &text[1..];
    let mut is_escaped = false;
    for (index, character) in inner.char_indices() {
        if is_escaped {
            is_escaped = false;
        } else if character == quote {
            let content = &inner[..index];
            return Some((Token::Text(Text { content, has_escapes }), &inner[index + 1..]));
        } else {
            is_escaped = has_escapes && character == '\\';
        }
    }
    None
}

/// Splits a word off; none if `text` begins with none.
fn split_word(text: &str, is_in_range: bool) -> Option<(Token<'_>, &str)> {
    let is_of_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.') || (c == ':' && !is_in_range);
    let mut rest = text;
    let mut variables = 0;
    let mut has_characters = false;
    loop {
        let after_characters = rest.trim_start_matches(is_of_word);
        has_characters |= after_characters.len() < rest.len();
        rest = after_characters;
        let Some(after_variable) = strip_variable(rest) else {
            break;
        };
        variables += 1;
        rest = after_variable;
    }
    let (word, _) = text.split_at(text.len() - rest.len());
    let variables = match (variables, has_characters) {
        (0, false) => return None,
        (0, true) => Variables::None,
        (1, false) => Variables::All,
        _ => Variables::Part,
    };
    Some((Token::Word(Word { text: word, variables }), rest))
}

/// What follows the variable that `text` begins with; none if it begins with none.
fn strip_variable(text: &str) -> Option<&str> {
    let after_dollar = text.strip_prefix('$')?;
    // A reference ends before the next one: a brace that never closes is looked for no further.
    let (reference, _) = after_dollar.split_at(after_dollar.find('$').unwrap_or(after_dollar.len()));
    let (_, after_reference) = split_reference(reference)?;
    let length = reference.len() - after_reference.len();
    Some(&after_dollar[length..])
}

/// Whether a variable is in `text`.
pub(super) fn has_variable(text: &str) -> bool {
    text.split('$')
        .skip(1)
        .any(|reference| split_reference(reference).is_some())
}
