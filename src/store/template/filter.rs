//! Filters of templates, compiled to conditions with bound values.

use postgres_types::Type;

use crate::domain::filter::Expr;
use crate::domain::filter::templates::Term;
use crate::store::condition::{self, push_contains, push_time};
use crate::store::statement::Statement;

/// Adds the condition.
pub fn push_condition(sql: &mut Statement, expr: &Expr<Term>) {
    condition::push(sql, expr, push_term);
}

fn push_term(sql: &mut Statement, term: &Term) {
    match term {
        Term::NameIs(id) => sql.push("name = ").bind(id.clone(), Type::TEXT),
        Term::NameStartsWith(prefix) => sql.push("name ^@ ").bind(prefix.clone(), Type::TEXT),
        Term::DisplayNameIs(text) => sql.push("display_name = ").bind(text.clone(), Type::TEXT),
        Term::DisplayNameContains(text) => push_contains(sql, "display_name", text),
        Term::CategoryIs(category) => sql.push("category = ").bind(category.as_str(), Type::TEXT),
        Term::IsSystem => sql.push("is_system"),
        Term::IsOfProject => sql.push("NOT is_system"),
        Term::CreatedBy(subject) => sql.push("created_by = ").bind(subject.clone(), Type::TEXT),
        Term::CreateTime(order, time) => push_time(sql, "created_at", *order, *time),
        Term::UpdateTime(order, time) => push_time(sql, "updated_at", *order, *time),
    };
}
