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
//! | `template` | `=` `!=` `:` | the resource name of the template that it came from; `template:*` asks whether it came from any |
//! | `state` | `=` `!=` | `ACTIVE` or `DELETED` |
//!
//! Fields of other resources do not belong here.

use time::OffsetDateTime;

use super::syntax::{Comparison, Expr, Operator, Value};
use super::values::{
    Ids, TIME_OPERATORS, TimeOrder, bad_value, check_operator, ids, non_empty, text, time, unknown_field, with_sign,
};
use super::{Meaning, Problem};
use crate::domain::name::TemplateName;
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
    /// It came from this template.
    FromTemplate(TemplateName),
    /// It came from a template.
    FromAnyTemplate,
    /// It is not deleted.
    IsActive,
    /// It is soft-deleted.
    IsDeleted,
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
    Template,
    State,
}

/// The fields in words, for whoever named another one.
const FIELDS: &str = "name, display_name, tags, labels.KEY, created_by, create_time, update_time, template and state";

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
            ["template"] => Ok(Self::Template),
            ["state"] => Ok(Self::State),
            _ => Err(unknown_field(comparison, FIELDS)),
        }
    }

    fn operators(self) -> &'static [Operator] {
        use Operator::{Equal, Has, NotEqual};
        match self {
            Self::Name | Self::DisplayName | Self::Label(_) | Self::Template => &[Equal, NotEqual, Has],
            Self::Tags | Self::Labels => &[Has],
            Self::CreatedBy | Self::State => &[Equal, NotEqual],
            Self::CreateTime | Self::UpdateTime => TIME_OPERATORS,
        }
    }
}

impl Meaning for Term {
    fn of(comparison: Comparison) -> Result<Expr<Self>, Problem> {
        let field = Field::parse(&comparison)?;
        check_operator(&comparison, field.operators())?;
        Ok(with_sign(comparison.operator, positive_term(field, &comparison)?))
    }
}

/// The term without its negation: `!=` is read as `=`.
fn positive_term(field: Field<'_>, comparison: &Comparison) -> Result<Term, Problem> {
    let has = comparison.operator == Operator::Has;
    let anything = has && comparison.value == Value::Anything;
    match field {
        Field::Name => ids(comparison, "dashboard").map(|wanted| match wanted {
            Ids::Is(id) => Term::NameIs(id),
            Ids::StartWith(prefix) => Term::NameStartsWith(prefix),
        }),
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
        Field::Template if anything => Ok(Term::FromAnyTemplate),
        Field::Template => template(comparison),
        Field::State => state(comparison),
    }
}

fn template(comparison: &Comparison) -> Result<Term, Problem> {
    let name = TemplateName::parse("template", text(comparison)?);
    name.map(Term::FromTemplate)
        .map_err(|violation| bad_value(comparison, violation.description))
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

#[cfg(test)]
mod tests;
