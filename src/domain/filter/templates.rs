//! The fields of templates that a filter may name, and what each means.
//!
//! | field | operators | meaning |
//! |---|---|---|
//! | `name` | `=` `!=` `:` | the template's id, the last segment of its name; `:` and a `*` at the end ask for a prefix |
//! | `display_name` | `=` `!=` `:` | `:` asks whether it contains the text, without regard to case |
//! | `category` | `=` `!=` | `MODEL_SERVING`, `TRAINING_JOB`, `NOTEBOOK_SERVER`, `DATA_PIPELINE` or `GENERAL` |
//! | `is_system` | `=` `!=` | `true` for those that come with the service, else `false` |
//! | `created_by` | `=` `!=` | the subject that created it |
//! | `create_time`, `update_time` | `=` `!=` `<` `<=` `>` `>=` | RFC 3339, compared to the microsecond |
//!
//! Fields of other resources do not belong here.

use time::OffsetDateTime;

use super::syntax::{Comparison, Expr, Operator};
use super::values::{
    Ids, TIME_OPERATORS, TimeOrder, bad_value, check_operator, ids, non_empty, text, time, unknown_field, with_sign,
    word,
};
use super::{Meaning, Problem};
use crate::domain::template::Category;
use crate::domain::violation::quoted;

/// What one template has to fulfil. Each is true or false and never unknown, so that its negation finds all others.
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
    /// It is for this.
    CategoryIs(Category),
    /// It comes with the service.
    IsSystem,
    /// It belongs to a project.
    IsOfProject,
    /// This subject created it; not empty.
    CreatedBy(String),
    /// The time of creation, against one in UTC of whole microseconds.
    CreateTime(TimeOrder, OffsetDateTime),
    /// The time of the last change, against one in UTC of whole microseconds.
    UpdateTime(TimeOrder, OffsetDateTime),
}

/// The fields that a filter may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Name,
    DisplayName,
    Category,
    IsSystem,
    CreatedBy,
    CreateTime,
    UpdateTime,
}

/// The fields in words, for whoever named another one.
const FIELDS: &str = "name, display_name, category, is_system, created_by, create_time and update_time";

impl Field {
    fn parse(comparison: &Comparison) -> Result<Self, Problem> {
        match comparison.path.join(".").as_str() {
            "name" => Ok(Self::Name),
            "display_name" => Ok(Self::DisplayName),
            "category" => Ok(Self::Category),
            "is_system" => Ok(Self::IsSystem),
            "created_by" => Ok(Self::CreatedBy),
            "create_time" => Ok(Self::CreateTime),
            "update_time" => Ok(Self::UpdateTime),
            _ => Err(unknown_field(comparison, FIELDS)),
        }
    }

    fn operators(self) -> &'static [Operator] {
        use Operator::{Equal, Has, NotEqual};
        match self {
            Self::Name | Self::DisplayName => &[Equal, NotEqual, Has],
            Self::Category | Self::IsSystem | Self::CreatedBy => &[Equal, NotEqual],
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
fn positive_term(field: Field, comparison: &Comparison) -> Result<Term, Problem> {
    match field {
        Field::Name => ids(comparison, "template").map(|wanted| match wanted {
            Ids::Is(id) => Term::NameIs(id),
            Ids::StartWith(prefix) => Term::NameStartsWith(prefix),
        }),
        Field::DisplayName if comparison.operator == Operator::Has => {
            non_empty(comparison).map(Term::DisplayNameContains)
        }
        Field::DisplayName => text(comparison).map(|name| Term::DisplayNameIs(name.to_owned())),
        Field::Category => category(comparison).map(Term::CategoryIs),
        Field::IsSystem => is_system(comparison),
        Field::CreatedBy => non_empty(comparison).map(Term::CreatedBy),
        Field::CreateTime => time(comparison).map(|(order, time)| Term::CreateTime(order, time)),
        Field::UpdateTime => time(comparison).map(|(order, time)| Term::UpdateTime(order, time)),
    }
}

fn category(comparison: &Comparison) -> Result<Category, Problem> {
    word(
        comparison,
        "TEMPLATE_CATEGORY_",
        "category",
        Category::ALL.map(|category| (category.as_str(), category)),
    )
}

fn is_system(comparison: &Comparison) -> Result<Term, Problem> {
    match text(comparison)? {
        "true" => Ok(Term::IsSystem),
        "false" => Ok(Term::IsOfProject),
        other => Err(bad_value(
            comparison,
            format!("{} is neither true nor false", quoted(other)),
        )),
    }
}

#[cfg(test)]
mod tests {
    use time::Duration;

    use super::super::TemplateFilter;
    use super::*;

    /// The expression of `filter`, or the sentence that refuses it.
    fn parse(filter: &str) -> Result<Expr<Term>, String> {
        match TemplateFilter::parse("filter", filter) {
            Ok(Some(parsed)) => Ok(parsed.expr().clone()),
            Ok(None) => Err("blank".into()),
            Err(violation) => Err(violation.description),
        }
    }

    #[test]
    fn each_field_has_its_meaning() {
        let new_year = OffsetDateTime::UNIX_EPOCH + Duration::days(365);
        for (filter, term) in [
            ("name = gpu", Term::NameIs("gpu".into())),
            ("name:model-", Term::NameStartsWith("model-".into())),
            ("display_name = \"\"", Term::DisplayNameIs(String::new())),
            ("display_name:GPU", Term::DisplayNameContains("GPU".into())),
            ("category = MODEL_SERVING", Term::CategoryIs(Category::ModelServing)),
            (
                "category = TEMPLATE_CATEGORY_GENERAL",
                Term::CategoryIs(Category::General),
            ),
            ("is_system = true", Term::IsSystem),
            ("is_system = false", Term::IsOfProject),
            ("created_by = user:ada", Term::CreatedBy("user:ada".into())),
            (
                "create_time < 1971-01-01T00:00:00Z",
                Term::CreateTime(TimeOrder::Before, new_year),
            ),
            (
                "update_time >= 1971-01-01T00:00:00Z",
                Term::UpdateTime(TimeOrder::NotBefore, new_year),
            ),
        ] {
            assert_eq!(parse(filter), Ok(Expr::Term(term)), "{filter}");
        }
        let not_system = Expr::Not(Box::new(Expr::Term(Term::IsSystem)));
        assert_eq!(parse("is_system != true"), Ok(not_system));
    }

    #[test]
    fn what_has_no_meaning_is_refused_with_what_has() {
        for (filter, part) in [
            ("tags:gpu", "no field \"tags\""),
            ("category = model_serving", "is no category"),
            ("category:GENERAL", "does not take :"),
            ("is_system = yes", "neither true nor false"),
            ("is_system = *", "bare *"),
            ("name = 'a b'", "the id of a template"),
        ] {
            let refused = parse(filter).unwrap_err();
            assert!(refused.contains(part), "{filter}: {refused}");
        }
    }
}
