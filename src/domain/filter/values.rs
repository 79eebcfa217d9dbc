//! The values of comparisons, as the fields of several resources read them.

use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

use super::Problem;
use super::syntax::{Comparison, Expr, Operator, Value};
use crate::domain::name;
use crate::domain::violation::quoted;

/// The operators that a time takes.
pub(super) const TIME_OPERATORS: &[Operator] = &[
    Operator::Equal,
    Operator::NotEqual,
    Operator::Less,
    Operator::LessOrEqual,
    Operator::Greater,
    Operator::GreaterOrEqual,
];

/// Where a resource's time lies, seen from the time of the filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeOrder {
    /// `<`
    Before,
    /// `<=`
    NotAfter,
    /// `=`
    At,
    /// `>=`
    NotBefore,
    /// `>`
    After,
}

/// The text that a field is compared with.
pub(super) fn text(comparison: &Comparison) -> Result<&str, Problem> {
    match &comparison.value {
        Value::Text(text) => Ok(text),
        Value::Anything => Err(bad_value(
            comparison,
            "a bare * asks whether a field is set, which does not fit here: put it in quotes if you mean an asterisk",
        )),
    }
}

/// The same, where the empty text has no meaning.
pub(super) fn non_empty(comparison: &Comparison) -> Result<String, Problem> {
    match text(comparison)? {
        "" => Err(bad_value(comparison, "the value must not be empty here")),
        text => Ok(text.to_owned()),
    }
}

/// Which ids a comparison of `name` means.
pub(super) enum Ids {
    /// This one; a legal id.
    Is(String),
    /// Those that begin so; not empty, made of the characters of ids.
    StartWith(String),
}

/// Reads a comparison of `name`, the id of a `resource`: `:` and a `*` at the end ask for a prefix.
pub(super) fn ids(comparison: &Comparison, resource: &str) -> Result<Ids, Problem> {
    let id = text(comparison)?;
    match (id.strip_suffix('*'), comparison.operator) {
        (Some(prefix), _) => id_prefix(comparison, prefix, resource),
        (None, Operator::Has) => id_prefix(comparison, id, resource),
        (None, _) => match name::check_id(id) {
            Ok(()) => Ok(Ids::Is(id.to_owned())),
            Err(why) => Err(bad_value(
                comparison,
                format!("{why}; it is the id of a {resource}, the last segment of its name"),
            )),
        },
    }
}

fn id_prefix(comparison: &Comparison, prefix: &str, resource: &str) -> Result<Ids, Problem> {
    let is_id_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    match prefix {
        "" => Err(bad_value(comparison, "the beginning of a name must not be empty")),
        _ if prefix.bytes().all(is_id_byte) => Ok(Ids::StartWith(prefix.to_owned())),
        _ => Err(bad_value(
            comparison,
            format!(
                "{} begins no id of a {resource}, the last segment of its name: those have a-z A-Z 0-9 _ . -",
                quoted(prefix)
            ),
        )),
    }
}

/// A time, and where times have to lie seen from it.
pub(super) fn time(comparison: &Comparison) -> Result<(TimeOrder, OffsetDateTime), Problem> {
    let order = match comparison.operator {
        Operator::Less => TimeOrder::Before,
        Operator::LessOrEqual => TimeOrder::NotAfter,
        Operator::GreaterOrEqual => TimeOrder::NotBefore,
        Operator::Greater => TimeOrder::After,
        // Times do not take `:`.
        Operator::Equal | Operator::NotEqual | Operator::Has => TimeOrder::At,
    };
    let written = text(comparison)?;
    let time = OffsetDateTime::parse(written, &Rfc3339)
        .ok()
        .and_then(|time| time.checked_to_offset(UtcOffset::UTC))
        .and_then(|time| time.replace_nanosecond(time.microsecond() * 1000).ok());
    match time {
        Some(time) => Ok((order, time)),
        None => Err(bad_value(
            comparison,
            format!(
                "{} is not a time of RFC 3339, such as 2026-01-31T12:00:00Z",
                quoted(written)
            ),
        )),
    }
}

/// One of the words that a field has, in upper case; also in the long form that answers show, which begins with `prefix`.
pub(super) fn word<T, const N: usize>(
    comparison: &Comparison,
    prefix: &str,
    noun: &str,
    words: [(&str, T); N],
) -> Result<T, Problem> {
    let written = text(comparison)?;
    let short = written.strip_prefix(prefix).unwrap_or(written);
    let names = words.each_ref().map(|(name, _)| name.to_ascii_uppercase());
    let known = words.into_iter().zip(&names).find(|(_, name)| *name == short);
    known.map(|((_, meant), _)| meant).ok_or_else(|| {
        let description = format!("{} is no {noun}: there are {}", quoted(written), names.join(", "));
        bad_value(comparison, description)
    })
}

/// The problem of a path that names no field; `fields` are those that there are, in words.
pub(super) fn unknown_field(comparison: &Comparison, fields: &str) -> Problem {
    let path = quoted(&comparison.path.join("."));
    Problem::new(
        comparison.path_offset,
        format!("no field {path}: the fields are {fields}"),
    )
}

/// The problem of a value.
pub(super) fn bad_value(comparison: &Comparison, description: impl Into<String>) -> Problem {
    Problem::new(comparison.value_offset, description)
}

/// Refuses an operator that is not among those that a field takes.
pub(super) fn check_operator(comparison: &Comparison, taken: &[Operator]) -> Result<(), Problem> {
    if taken.contains(&comparison.operator) {
        return Ok(());
    }
    let allowed: Vec<&str> = taken.iter().map(|operator| operator.as_str()).collect();
    let description = format!(
        "{} does not take {}, only {}",
        quoted(&comparison.path.join(".")),
        comparison.operator,
        allowed.join(" ")
    );
    Err(Problem::new(comparison.path_offset, description))
}

/// The condition of a comparison whose term was read as if it had said `=`.
pub(super) fn with_sign<T>(operator: Operator, positive: T) -> Expr<T> {
    match operator {
        Operator::NotEqual => Expr::Not(Box::new(Expr::Term(positive))),
        _ => Expr::Term(positive),
    }
}
