//! The language of filters, for every resource: text to a tree of comparisons.
//!
//! Bounded on all sides, so that neither parsing nor what is made of a tree needs care: [`MAX_TERMS`] comparisons,
//! [`MAX_DEPTH`] parentheses. Which fields exist does not belong here.

use std::fmt;

use winnow::combinator::{alt, delimited, not, opt, preceded, repeat};
use winnow::error::ParserError;
use winnow::prelude::*;
use winnow::stream::{LocatingSlice, Location, Stateful};
use winnow::token::{literal, none_of, one_of, take_while};

use super::Problem;

/// The most comparisons in one filter.
pub const MAX_TERMS: usize = 32;

/// The most parentheses around one comparison.
pub const MAX_DEPTH: usize = 16;

/// The words with a meaning of their own.
const KEYWORDS: [&str; 3] = ["AND", "OR", "NOT"];

/// A condition over terms of the type `T`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expr<T> {
    /// All of at least two hold.
    And(Vec<Expr<T>>),
    /// At least one of at least two holds.
    Or(Vec<Expr<T>>),
    /// It does not hold.
    Not(Box<Expr<T>>),
    /// One term.
    Term(T),
}

impl<T> Expr<T> {
    /// Replaces every term by what `convert` makes of it, from left to right up to the first error.
    ///
    /// # Errors
    /// The first error of `convert`.
    pub fn try_map<U, E>(self, convert: &mut impl FnMut(T) -> Result<Expr<U>, E>) -> Result<Expr<U>, E> {
        match self {
            Self::And(parts) => Ok(Expr::And(try_map_all(parts, convert)?)),
            Self::Or(parts) => Ok(Expr::Or(try_map_all(parts, convert)?)),
            Self::Not(inner) => Ok(Expr::Not(Box::new(inner.try_map(convert)?))),
            Self::Term(term) => convert(term),
        }
    }

    /// Whether there is a term that `holds` is true of.
    pub fn has(&self, holds: &impl Fn(&T) -> bool) -> bool {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().any(|part| part.has(holds)),
            Self::Not(inner) => inner.has(holds),
            Self::Term(term) => holds(term),
        }
    }
}

fn try_map_all<T, U, E>(
    parts: Vec<Expr<T>>,
    convert: &mut impl FnMut(T) -> Result<Expr<U>, E>,
) -> Result<Vec<Expr<U>>, E> {
    parts.into_iter().map(|part| part.try_map(convert)).collect()
}

/// How a comparison compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `:`, which every field reads in its own way.
    Has,
}

impl Operator {
    /// The operator as written in a filter.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Has => ":",
        }
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a field is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A word or a string, without its quotes and escapes.
    Text(String),
    /// The bare `*`: anything.
    Anything,
}

/// One `field operator value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// The segments of the field's name, at least one.
    pub path: Vec<String>,
    /// Where the field stands, in bytes from 0.
    pub path_offset: usize,
    /// The operator.
    pub operator: Operator,
    /// The value.
    pub value: Value,
    /// Where the value stands, in bytes from 0.
    pub value_offset: usize,
}

/// The filter, with the position and what was used of the limits.
type Input<'a> = Stateful<LocatingSlice<&'a str>, Used>;

/// How much of the limits the text so far has used.
#[derive(Debug, Clone, Copy, Default)]
struct Used {
    terms: usize,
    depth: usize,
}

impl<'a> ParserError<Input<'a>> for Problem {
    type Inner = Self;

    fn from_input(input: &Input<'a>) -> Self {
        expected(input, "something else")
    }

    fn into_inner(self) -> Result<Self::Inner, Self> {
        Ok(self)
    }
}

/// Parses `text`, which is not blank.
///
/// # Errors
/// The first place where `text` leaves the grammar or a limit.
pub fn parse(text: &str) -> Result<Expr<Comparison>, Problem> {
    if let Some(offset) = text.find('\0') {
        return Err(Problem::new(offset, "the character U+0000 is not allowed"));
    }
    let mut input = Stateful {
        input: LocatingSlice::new(text),
        state: Used::default(),
    };
    let expr = conjunction(&mut input)?;
    skip_space(&mut input)?;
    match input.input.is_empty() {
        true => Ok(expr),
        false => Err(expected(&input, "AND, OR or the end")),
    }
}

fn conjunction(input: &mut Input<'_>) -> Result<Expr<Comparison>, Problem> {
    let first = disjunction(input)?;
    let mut parts = vec![first];
    while keyword(input, "AND")? {
        parts.push(disjunction(input)?);
    }
    Ok(one_or(Expr::And, parts))
}

fn disjunction(input: &mut Input<'_>) -> Result<Expr<Comparison>, Problem> {
    let first = negation(input)?;
    let mut parts = vec![first];
    while keyword(input, "OR")? {
        parts.push(negation(input)?);
    }
    Ok(one_or(Expr::Or, parts))
}

/// Joins `parts`, unless there is one alone.
fn one_or<T>(join: impl FnOnce(Vec<Expr<T>>) -> Expr<T>, mut parts: Vec<Expr<T>>) -> Expr<T> {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        last => {
            parts.extend(last);
            join(parts)
        }
    }
}

fn negation(input: &mut Input<'_>) -> Result<Expr<Comparison>, Problem> {
    if keyword(input, "NOT")? || symbol(input, '-')? {
        return Ok(Expr::Not(Box::new(primary(input)?)));
    }
    primary(input)
}

fn primary(input: &mut Input<'_>) -> Result<Expr<Comparison>, Problem> {
    if !symbol(input, '(')? {
        return comparison(input).map(Expr::Term);
    }
    input.state.depth += 1;
    if input.state.depth > MAX_DEPTH {
        let description = format!("more than {MAX_DEPTH} parentheses inside each other");
        return Err(Problem::new(input.previous_token_end() - 1, description));
    }
    let inner = conjunction(input)?;
    if !symbol(input, ')')? {
        return Err(expected(input, "AND, OR or \")\""));
    }
    input.state.depth -= 1;
    Ok(inner)
}

fn comparison(input: &mut Input<'_>) -> Result<Comparison, Problem> {
    skip_space(input)?;
    let path_offset = input.current_token_start();
    input.state.terms += 1;
    if input.state.terms > MAX_TERMS {
        return Err(Problem::new(path_offset, format!("more than {MAX_TERMS} comparisons")));
    }
    let path = path(input)?;
    skip_space(input)?;
    let operator = operator(input)?;
    skip_space(input)?;
    let value_offset = input.current_token_start();
    Ok(Comparison {
        path,
        path_offset,
        operator,
        value: value(input)?,
        value_offset,
    })
}

fn path(input: &mut Input<'_>) -> Result<Vec<String>, Problem> {
    let mut segments = vec![segment(input)?];
    while opt::<_, _, Problem, _>('.').parse_next(input)?.is_some() {
        segments.push(segment(input)?);
    }
    Ok(segments)
}

fn segment(input: &mut Input<'_>) -> Result<String, Problem> {
    if let Some(text) = string(input)? {
        return Ok(text);
    }
    let start = input.current_token_start();
    let word: Option<&str> = opt(take_while(1.., is_field_char)).parse_next(input)?;
    match word {
        Some(keyword) if KEYWORDS.contains(&keyword) => Err(misplaced(keyword, start, "a field")),
        Some(word) => Ok(word.to_owned()),
        None => Err(expected(input, "a field")),
    }
}

fn operator(input: &mut Input<'_>) -> Result<Operator, Problem> {
    let found: Option<Operator> = opt(alt((
        "<=".value(Operator::LessOrEqual),
        ">=".value(Operator::GreaterOrEqual),
        "!=".value(Operator::NotEqual),
        "<".value(Operator::Less),
        ">".value(Operator::Greater),
        "=".value(Operator::Equal),
        ":".value(Operator::Has),
    )))
    .parse_next(input)?;
    found.ok_or_else(|| expected(input, "one of the operators = != < <= > >= :"))
}

fn value(input: &mut Input<'_>) -> Result<Value, Problem> {
    if let Some(text) = string(input)? {
        return Ok(Value::Text(text));
    }
    let start = input.current_token_start();
    // Times and subjects have colons inside: 12:30, user:alice.
    let word: Option<&str> =
        opt((one_of(|c| is_word_char(c) && c != ':'), take_while(0.., is_word_char)).take()).parse_next(input)?;
    match word {
        Some("*") => Ok(Value::Anything),
        Some(keyword) if KEYWORDS.contains(&keyword) => Err(misplaced(keyword, start, "a value")),
        Some(word) => Ok(Value::Text(word.to_owned())),
        None => Err(expected(input, "a value")),
    }
}

/// Takes a string in quotes, if one begins here.
fn string(input: &mut Input<'_>) -> Result<Option<String>, Problem> {
    let start = input.current_token_start();
    let quote: Option<char> = opt(one_of(['"', '\''])).parse_next(input)?;
    let Some(quote) = quote else {
        return Ok(None);
    };
    let escaped = preceded('\\', one_of(['"', '\'', '\\']));
    let plain = none_of([quote, '\\']);
    let body: String = repeat(0.., alt((plain, escaped))).parse_next(input)?;
    let end: Option<char> = opt(one_of([quote, '\\'])).parse_next(input)?;
    match end {
        Some('\\') => Err(Problem::new(
            input.previous_token_end() - 1,
            "a \\ in a string stands before a quote or another \\",
        )),
        Some(_) => Ok(Some(body)),
        None => Err(Problem::new(start, "the string that begins here does not end")),
    }
}

/// Takes `word`, if it stands here alone, after any white space.
fn keyword(input: &mut Input<'_>, word: &'static str) -> Result<bool, Problem> {
    let word_end = not(one_of(is_word_char));
    let found: Option<&str> = opt(delimited(space, literal(word), word_end)).parse_next(input)?;
    Ok(found.is_some())
}

/// Takes `symbol`, if it stands here, after any white space.
fn symbol(input: &mut Input<'_>, symbol: char) -> Result<bool, Problem> {
    let found: Option<char> = opt(preceded(space, symbol)).parse_next(input)?;
    Ok(found.is_some())
}

fn skip_space(input: &mut Input<'_>) -> Result<(), Problem> {
    space.void().parse_next(input)
}

fn space<'a>(input: &mut Input<'a>) -> Result<&'a str, Problem> {
    take_while(0.., char::is_whitespace).parse_next(input)
}

/// Whether `c` can stand in a word: what is neither white space nor has a meaning of its own.
fn is_word_char(c: char) -> bool {
    !(c.is_whitespace() || c.is_control() || "()\"',=!<>".contains(c))
}

/// Whether `c` can stand in a segment of a field's name without quotes.
fn is_field_char(c: char) -> bool {
    is_word_char(c) && !".:".contains(c)
}

/// Says what should stand at `start` in place of a keyword.
fn misplaced(keyword: &str, start: usize, what: &str) -> Problem {
    let description = format!("expected {what}, found {keyword}: put it in quotes if you mean the word");
    Problem::new(start, description)
}

/// Says what should stand where `input` is, and what stands there.
fn expected(input: &Input<'_>, what: &str) -> Problem {
    let offset = input.current_token_start();
    let found = match input.input.chars().next() {
        Some(c) => format!("{c:?}"),
        None => "the end".to_owned(),
    };
    Problem::new(offset, format!("expected {what}, found {found}"))
}

#[cfg(test)]
mod tests;
