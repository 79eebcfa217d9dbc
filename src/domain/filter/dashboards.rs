//! The fields of dashboards that a filter may name, and what each means.
//!
//! | field | operators | meaning |
//! |---|---|---|
//! | `name` | `=` `!=` `:` | the dashboard's id, the last segment of its name; `:` and a `*` at the end ask for a prefix |
//! | `display_name` | `=` `!=` `:` | `:` asks whether it contains the text, without regard to case |
//! | `tags` | `:` | has this tag; `tags:*` has any |
//! | `labels.KEY` | `=` `!=` `:` | `:` is as `=`; `labels.KEY:*` and `labels:KEY` ask whether it is set. A key with dots stands in quotes |
//! | `created_by` | `=` `!=` | the subject that created it |
//! | `create_time`, `update_time` | `=` `!=` `<` `<=` `>` `>=` | RFC 3339, compared to the microsecond |
//! | `state` | `=` `!=` | `ACTIVE` or `DELETED` |
//!
//! Fields of other resources do not belong here.

use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

use super::Problem;
use super::syntax::{Comparison, Expr, Operator, Value};
use crate::domain::name;
use crate::domain::violation::quoted;

/// What one dashboard has to fulfil. Each is true or false and never unknown, so that its negation finds all others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Term {
    /// The id is this one; a legal id.
    NameIs(String),
    /// The id begins so; not empty, made of the characters of ids.
    NameStartsWith(String),
    /// The display name is this one; may be empty.
    DisplayNameIs(String),
    /// The display name contains this text, without regard to case; not empty.
    DisplayNameContains(String),
    /// The tag is among the tags; not empty.
    HasTag(String),
    /// There is at least one tag.
    HasAnyTag,
    /// The label is set, with this value.
    LabelIs {
        /// The label's key; not empty.
        key: String,
        /// Its value; may be empty.
        value: String,
    },
    /// The label is set, with any value.
    HasLabel {
        /// The label's key; not empty.
        key: String,
    },
    /// This subject created it; not empty.
    CreatedBy(String),
    /// The time of creation, against one in UTC of whole microseconds.
    CreateTime(TimeOrder, OffsetDateTime),
    /// The time of the last change, against one in UTC of whole microseconds.
    UpdateTime(TimeOrder, OffsetDateTime),
    /// It is not deleted.
    IsActive,
    /// It is soft-deleted.
    IsDeleted,
}

/// Where a dashboard's time lies, seen from the time of the filter.
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

/// The fields that a filter may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field<'a> {
    Name,
    DisplayName,
    Tags,
    Labels,
    Label(&'a str),
    CreatedBy,
    CreateTime,
    UpdateTime,
    State,
}

/// The fields in words, for whoever named another one.
const FIELDS: &str = "name, display_name, tags, labels.KEY, created_by, create_time, update_time and state";

impl<'a> Field<'a> {
    fn parse(comparison: &'a Comparison) -> Result<Self, Problem> {
        let path: Vec<&str> = comparison.path.iter().map(String::as_str).collect();
        let problem = |description: String| Err(Problem::new(comparison.path_offset, description));
        match path.as_slice() {
            ["name"] => Ok(Self::Name),
            ["display_name"] => Ok(Self::DisplayName),
            ["tags"] => Ok(Self::Tags),
            ["labels"] => Ok(Self::Labels),
            ["labels", ""] => problem("the key of a label is not empty".into()),
            ["labels", key] => Ok(Self::Label(key)),
            ["labels", parts @ ..] => {
                let key = quoted(&parts.join("."));
                problem(format!("a key with dots stands in quotes: labels.{key}"))
            }
            ["created_by"] => Ok(Self::CreatedBy),
            ["create_time"] => Ok(Self::CreateTime),
            ["update_time"] => Ok(Self::UpdateTime),
            ["state"] => Ok(Self::State),
            other => problem(format!(
                "no field {}: the fields are {FIELDS}",
                quoted(&other.join("."))
            )),
        }
    }

    fn operators(self) -> &'static [Operator] {
        use Operator::{Equal, Greater, GreaterOrEqual, Has, Less, LessOrEqual, NotEqual};
        match self {
            Self::Name | Self::DisplayName | Self::Label(_) => &[Equal, NotEqual, Has],
            Self::Tags | Self::Labels => &[Has],
            Self::CreatedBy | Self::State => &[Equal, NotEqual],
            Self::CreateTime | Self::UpdateTime => &[Equal, NotEqual, Less, LessOrEqual, Greater, GreaterOrEqual],
        }
    }
}

/// Gives a comparison its meaning for dashboards.
///
/// # Errors
/// An unknown field, an operator that it does not take, or a value that it can't have.
pub(super) fn term(comparison: Comparison) -> Result<Expr<Term>, Problem> {
    let field = Field::parse(&comparison)?;
    if !field.operators().contains(&comparison.operator) {
        let allowed: Vec<&str> = field.operators().iter().map(|operator| operator.as_str()).collect();
        let description = format!(
            "{} does not take {}, only {}",
            quoted(&comparison.path.join(".")),
            comparison.operator,
            allowed.join(" ")
        );
        return Err(Problem::new(comparison.path_offset, description));
    }
    let positive = Expr::Term(positive_term(field, &comparison)?);
    match comparison.operator {
        Operator::NotEqual => Ok(Expr::Not(Box::new(positive))),
        _ => Ok(positive),
    }
}

/// The term without its negation: `!=` is read as `=`.
fn positive_term(field: Field<'_>, comparison: &Comparison) -> Result<Term, Problem> {
    let has = comparison.operator == Operator::Has;
    let anything = has && comparison.value == Value::Anything;
    match field {
        Field::Name => match (text(comparison)?, has) {
            (id, true) => name_prefix(comparison, id.strip_suffix('*').unwrap_or(id)),
            (id, false) => match id.strip_suffix('*') {
                Some(prefix) => name_prefix(comparison, prefix),
                None => name_is(comparison, id),
            },
        },
        Field::DisplayName if has => non_empty(comparison).map(Term::DisplayNameContains),
        Field::DisplayName => text(comparison).map(|text| Term::DisplayNameIs(text.to_owned())),
        Field::Tags if anything => Ok(Term::HasAnyTag),
        Field::Tags => non_empty(comparison).map(Term::HasTag),
        Field::Labels => non_empty(comparison).map(|key| Term::HasLabel { key }),
        Field::Label(key) if anything => Ok(Term::HasLabel { key: key.to_owned() }),
        Field::Label(key) => text(comparison).map(|value| Term::LabelIs {
            key: key.to_owned(),
            value: value.to_owned(),
        }),
        Field::CreatedBy => non_empty(comparison).map(Term::CreatedBy),
        Field::CreateTime => time(comparison).map(|(order, time)| Term::CreateTime(order, time)),
        Field::UpdateTime => time(comparison).map(|(order, time)| Term::UpdateTime(order, time)),
        Field::State => state(comparison),
    }
}

fn text(comparison: &Comparison) -> Result<&str, Problem> {
    match &comparison.value {
        Value::Text(text) => Ok(text),
        Value::Anything => Err(bad_value(
            comparison,
            "a bare * asks whether a field is set, which does not fit here: put it in quotes if you mean an asterisk",
        )),
    }
}

fn non_empty(comparison: &Comparison) -> Result<String, Problem> {
    match text(comparison)? {
        "" => Err(bad_value(comparison, "the value must not be empty here")),
        text => Ok(text.to_owned()),
    }
}

fn name_is(comparison: &Comparison, id: &str) -> Result<Term, Problem> {
    match name::check_id(id) {
        Ok(()) => Ok(Term::NameIs(id.to_owned())),
        Err(why) => Err(bad_value(
            comparison,
            format!("{why}; it is the id of a dashboard, the last segment of its name"),
        )),
    }
}

fn name_prefix(comparison: &Comparison, prefix: &str) -> Result<Term, Problem> {
    let is_id_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    match prefix {
        "" => Err(bad_value(comparison, "the beginning of a name must not be empty")),
        _ if prefix.bytes().all(is_id_byte) => Ok(Term::NameStartsWith(prefix.to_owned())),
        _ => Err(bad_value(
            comparison,
            format!(
                "{} begins no id of a dashboard, the last segment of its name: those have a-z A-Z 0-9 _ . -",
                quoted(prefix)
            ),
        )),
    }
}

fn time(comparison: &Comparison) -> Result<(TimeOrder, OffsetDateTime), Problem> {
    let order = match comparison.operator {
        Operator::Less => TimeOrder::Before,
        Operator::LessOrEqual => TimeOrder::NotAfter,
        Operator::GreaterOrEqual => TimeOrder::NotBefore,
        Operator::Greater => TimeOrder::After,
        // Times do not take `:`.
        Operator::Equal | Operator::NotEqual | Operator::Has => TimeOrder::At,
    };
    let text = text(comparison)?;
    let time = OffsetDateTime::parse(text, &Rfc3339)
        .ok()
        .and_then(|time| time.checked_to_offset(UtcOffset::UTC))
        .and_then(|time| time.replace_nanosecond(time.microsecond() * 1000).ok());
    match time {
        Some(time) => Ok((order, time)),
        None => Err(bad_value(
            comparison,
            format!(
                "{} is not a time of RFC 3339, such as 2026-01-31T12:00:00Z",
                quoted(text)
            ),
        )),
    }
}

fn state(comparison: &Comparison) -> Result<Term, Problem> {
    let state = text(comparison)?;
    // The long form is what an answer shows.
    match state.strip_prefix("DASHBOARD_STATE_").unwrap_or(state) {
        "ACTIVE" => Ok(Term::IsActive),
        "DELETED" => Ok(Term::IsDeleted),
        _ => Err(bad_value(
            comparison,
            format!("{} is no state: ACTIVE and DELETED are", quoted(state)),
        )),
    }
}

fn bad_value(comparison: &Comparison, description: impl Into<String>) -> Problem {
    Problem::new(comparison.value_offset, description)
}

#[cfg(test)]
mod tests;
