//! The `filter` of lists: a subset of AIP-160, parsed into a tree that a store compiles without looking at text again.
//!
//! [`syntax`] knows the language and no field; [`audit_events`], [`dashboards`], [`share_links`] and [`templates`] know which fields these have and give every
//! term its type, with what they share in `values`. Another resource adds a file beside them. SQL does not belong here.
//!
//! # The language
//! ```text
//! filter     = conjunction
//! conjunction = disjunction { "AND" disjunction }
//! disjunction = negation { "OR" negation }
//! negation   = [ "NOT" | "-" ] ( "(" conjunction ")" | comparison )
//! comparison = field operator value
//! field      = segment { "." segment }
//! operator   = "=" | "!=" | "<" | "<=" | ">" | ">=" | ":"
//! value      = word | string | "*"
//! ```
//! - **`OR` binds tighter than `AND`**, as AIP-160 has it: `a AND b OR c` means `a AND (b OR c)`.
//! - Keywords are upper case. A string stands in `"` or `'`, where `\` escapes a quote or itself. A word ends at white
//!   space, a parenthesis, a comma, a quote or one of `= ! < >`; a word that names a field ends at `.` and `:` as well.
//! - `field:*` asks whether the field is set; `"*"` in quotes is an asterisk.
//! - `a != b` means `NOT a = b` for every field. So it also finds what has no `a` at all, as selectors of Kubernetes do.
//! - AIP-160's bare values, adjacent terms without `AND`, and functions are not taken.

pub mod audit_events;
pub mod dashboards;
pub mod share_links;
pub mod syntax;
pub mod templates;
mod values;

use super::reason::Reason;
use super::violation::Violation;
pub use dashboards::Term;
use syntax::Comparison;
pub use syntax::Expr;
pub use values::TimeOrder;

/// The longest filter in bytes.
pub const MAX_BYTES: usize = 2048;

/// What comparisons mean for one kind of resource.
pub trait Meaning: Sized {
    /// Gives a comparison its meaning.
    ///
    /// # Errors
    /// An unknown field, an operator that it does not take, or a value that it can't have.
    fn of(comparison: Comparison) -> Result<Expr<Self>, Problem>;
}

/// A filter of dashboards.
pub type Filter = FilterOf<Term>;

/// A filter of share links.
pub type ShareLinkFilter = FilterOf<share_links::Term>;

/// A filter of templates.
pub type TemplateFilter = FilterOf<templates::Term>;

/// A filter of audit events.
pub type AuditFilter = FilterOf<audit_events::Term>;

/// A filter of the resources that have terms of the type `T`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterOf<T> {
    text: String,
    expr: Expr<T>,
}

impl<T: Meaning> FilterOf<T> {
    /// Parses the filter of a list; a blank one filters nothing and is none.
    ///
    /// # Errors
    /// On `field`: `FIELD_TOO_LONG` above [`MAX_BYTES`], else `INVALID_FILTER` with the position, counted in characters
    /// from 1, and what is allowed there.
    pub fn parse(field: &str, text: &str) -> Result<Option<Self>, Violation> {
        if text.len() > MAX_BYTES {
            let description = format!("has {} bytes: at most {MAX_BYTES} are allowed", text.len());
            return Err(Violation::new(field, Reason::FieldTooLong, description));
        }
        if text.trim().is_empty() {
            return Ok(None);
        }
        let expr = syntax::parse(text)
            .and_then(|tree| tree.try_map(&mut T::of))
            .map_err(|problem| problem.in_filter(field, text))?;
        Ok(Some(Self {
            text: text.trim().to_owned(),
            expr,
        }))
    }

    /// The filter as written, without white space around it: what a page token is bound to.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What a resource has to fulfil.
    pub fn expr(&self) -> &Expr<T> {
        &self.expr
    }
}

/// Why a filter is refused, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where the wrong part begins, in bytes from 0.
    offset: usize,
    /// What is wrong and what is allowed.
    description: String,
}

impl Problem {
    /// Describes what is wrong at the byte `offset`.
    fn new(offset: usize, description: impl Into<String>) -> Self {
        Self {
            offset,
            description: description.into(),
        }
    }

    /// Makes the violation of `field`, which holds the filter `text`.
    fn in_filter(self, field: &str, text: &str) -> Violation {
        let before = text.get(..self.offset).unwrap_or(text);
        let position = before.chars().count() + 1;
        Violation::new(
            field,
            Reason::InvalidFilter,
            format!("at character {position}: {}", self.description),
        )
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn blank_filters_are_none_and_text_is_trimmed() {
        assert_eq!(Filter::parse("filter", ""), Ok(None));
        assert_eq!(Filter::parse("filter", " \n"), Ok(None));
        let filter = Filter::parse("filter", "  name = cpu ").map(|filter| filter.map(|filter| filter.text));
        assert_eq!(filter, Ok(Some("name = cpu".to_owned())));
    }

    #[test]
    fn long_filters_are_refused() {
        let longest = format!("created_by={}", "x".repeat(MAX_BYTES - 11));
        assert!(Filter::parse("filter", &longest).is_ok());
        let refused = Filter::parse("filter", &format!("{longest}x")).map_err(|violation| violation.reason);
        assert_eq!(refused, Err(Reason::FieldTooLong));
        assert!(Filter::parse("filter", &" ".repeat(MAX_BYTES + 1)).is_err());
    }

    #[test]
    fn positions_count_characters_from_one() {
        let refused = Filter::parse("a.filter", "name = \"é\" AND ü");
        let expected = Violation::new(
            "a.filter",
            Reason::InvalidFilter,
            "at character 17: expected one of the operators = != < <= > >= :, found the end",
        );
        assert_eq!(refused, Err(expected));
    }

    proptest! {
        #[test]
        fn no_filter_panics_and_what_is_read_is_read_again(text in "((name|tags|labels.a|create_time|state)(=|!=|:|<=)[ -~é]{0,6}( AND | OR | NOT )?){0,8}") {
            match Filter::parse("filter", &text) {
                Ok(None) => prop_assert_eq!(text.trim(), ""),
                Ok(Some(filter)) => prop_assert_eq!(Filter::parse("filter", filter.text()), Ok(Some(filter.clone()))),
                Err(violation) => prop_assert_eq!(violation.reason, Reason::InvalidFilter),
            }
        }
    }
}
