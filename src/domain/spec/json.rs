//! A JSON document as a tree that borrows from its text.
//!
//! What belongs here: the tree and [`parse`], which knows JSON (RFC 8259) and the limits of structure. What does not: what
//! a document means. Unlike the trees of general crates it keeps the text of numbers (so nothing is rounded), the order of
//! members, and it has no duplicate keys.

mod number;
mod reader;
mod writer;

use std::borrow::Cow;

use super::super::violation::Violation;

pub use number::{MAX_DIGITS, MAX_EXACT_INTEGER, MAX_EXPONENT, Number, number_text};
pub use writer::Written;

/// The deepest nesting of arrays and objects; the document itself is the first level, scalars are none.
pub const MAX_DEPTH: usize = 64;

/// The most values in one document, counting the document itself, containers and scalars; keys don't count.
pub const MAX_NODES: usize = 100_000;

/// A member of an object.
pub type Member<'a> = (Cow<'a, str>, Json<'a>);

/// A JSON value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Json<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as written.
    Number(Number<'a>),
    /// A string without its escapes; it holds no NUL.
    String(Cow<'a, str>),
    /// An array.
    Array(Vec<Json<'a>>),
    /// An object, its members in the order of the text; no key is there twice.
    Object(Vec<Member<'a>>),
}

impl<'a> Json<'a> {
    /// What kind of value this is, with its article, for people.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
        }
    }

    /// The member `key` of an object; none for any other value.
    pub fn get(&self, key: &str) -> Option<&Json<'a>> {
        let Self::Object(members) = self else {
            return None;
        };
        members.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// How many arrays and objects are inside each other at its deepest, itself counted; none in a scalar.
    pub fn levels(&self) -> usize {
        let below = match self {
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) => return 0,
            Self::Array(elements) => elements.iter().map(Self::levels).max(),
            Self::Object(members) => members.iter().map(|(_, value)| value.levels()).max(),
        };
        1 + below.unwrap_or_default()
    }

    /// The text of a string; none for any other value.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }
}

/// Parses `text` as one JSON value within the limits of this module and of [`Number`].
///
/// It neither panics nor uses more stack than [`MAX_DEPTH`] levels need, whatever the text.
///
/// # Errors
/// What is wrong, at most [`MAX_VIOLATIONS`](super::super::violation::MAX_VIOLATIONS), with JSON pointers as fields:
/// - `SPEC_MALFORMED`: not JSON (on the whole document, as its pointers are not defined; the description gives line and
///   column), or a key or string that holds NUL, which PostgreSQL can't store;
/// - `SPEC_DUPLICATE_KEY`: each key that its object had before;
/// - `SPEC_LIMIT_EXCEEDED`: too deep, too many values, or a number beyond the limits.
///
/// Bad syntax, depth and the number of values end the parse; the others don't, so that they are found together.
pub fn parse(text: &str) -> Result<Json<'_>, Vec<Violation>> {
    reader::read(text)
}
