//! The fields of share links that a filter may name, and what each means.
//!
//! | field | operators | meaning |
//! |---|---|---|
//! | `state` | `=` `!=` | `ACTIVE`, `EXPIRED`, `EXHAUSTED` or `REVOKED` |
//! | `created_by` | `=` `!=` | the subject that created it |
//! | `create_time`, `expire_time` | `=` `!=` `<` `<=` `>` `>=` | RFC 3339, compared to the microsecond |
//!
//! Fields of other resources do not belong here.

use time::OffsetDateTime;

use super::syntax::{Comparison, Expr, Operator};
use super::values::{TIME_OPERATORS, TimeOrder, check_operator, non_empty, time, unknown_field, with_sign, word};
use super::{Meaning, Problem};
use crate::domain::share_link::ShareLinkState;

/// What one link has to fulfil. Each is true or false and never unknown, so that its negation finds all others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Term {
    /// It is in this state.
    StateIs(ShareLinkState),
    /// This subject created it; not empty.
    CreatedBy(String),
    /// The time of creation, against one in UTC of whole microseconds.
    CreateTime(TimeOrder, OffsetDateTime),
    /// The time when it expires, against one in UTC of whole microseconds.
    ExpireTime(TimeOrder, OffsetDateTime),
}

/// The fields that a filter may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    State,
    CreatedBy,
    CreateTime,
    ExpireTime,
}

/// The fields in words, for whoever named another one.
const FIELDS: &str = "state, created_by, create_time and expire_time";

impl Field {
    fn parse(comparison: &Comparison) -> Result<Self, Problem> {
        match comparison.path.join(".").as_str() {
            "state" => Ok(Self::State),
            "created_by" => Ok(Self::CreatedBy),
            "create_time" => Ok(Self::CreateTime),
            "expire_time" => Ok(Self::ExpireTime),
            _ => Err(unknown_field(comparison, FIELDS)),
        }
    }

    fn operators(self) -> &'static [Operator] {
        use Operator::{Equal, NotEqual};
        match self {
            Self::State | Self::CreatedBy => &[Equal, NotEqual],
            Self::CreateTime | Self::ExpireTime => TIME_OPERATORS,
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
        Field::State => state(comparison).map(Term::StateIs),
        Field::CreatedBy => non_empty(comparison).map(Term::CreatedBy),
        Field::CreateTime => time(comparison).map(|(order, time)| Term::CreateTime(order, time)),
        Field::ExpireTime => time(comparison).map(|(order, time)| Term::ExpireTime(order, time)),
    }
}

fn state(comparison: &Comparison) -> Result<ShareLinkState, Problem> {
    word(
        comparison,
        "SHARE_LINK_STATE_",
        "state",
        ShareLinkState::ALL.map(|state| (state.as_str(), state)),
    )
}

#[cfg(test)]
mod tests {
    use super::super::ShareLinkFilter;
    use super::*;

    /// The expression of `filter`, or the sentence that refuses it.
    fn parse(filter: &str) -> Result<Expr<Term>, String> {
        match ShareLinkFilter::parse("filter", filter) {
            Ok(Some(parsed)) => Ok(parsed.expr().clone()),
            Ok(None) => Err("blank".into()),
            Err(violation) => Err(violation.description),
        }
    }

    #[test]
    fn each_field_has_its_meaning() {
        let epoch = OffsetDateTime::UNIX_EPOCH;
        for (filter, term) in [
            ("state = ACTIVE", Term::StateIs(ShareLinkState::Active)),
            (
                "state = SHARE_LINK_STATE_REVOKED",
                Term::StateIs(ShareLinkState::Revoked),
            ),
            ("created_by = user:ada", Term::CreatedBy("user:ada".into())),
            (
                "create_time < 1970-01-01T00:00:00Z",
                Term::CreateTime(TimeOrder::Before, epoch),
            ),
            (
                "expire_time >= 1970-01-01T00:00:00Z",
                Term::ExpireTime(TimeOrder::NotBefore, epoch),
            ),
        ] {
            assert_eq!(parse(filter), Ok(Expr::Term(term)), "{filter}");
        }
        let not_active = Expr::Not(Box::new(Expr::Term(Term::StateIs(ShareLinkState::Active))));
        assert_eq!(parse("state != ACTIVE"), Ok(not_active));
    }

    #[test]
    fn what_has_no_meaning_is_refused_with_what_has() {
        for (filter, part) in [
            ("token = x", "no field \"token\""),
            ("token_sha256 = x", "no field"),
            ("state = active", "is no state"),
            ("state > ACTIVE", "does not take >"),
            ("created_by = ''", "must not be empty"),
        ] {
            let refused = parse(filter).unwrap_err();
            assert!(refused.contains(part), "{filter}: {refused}");
        }
    }
}
