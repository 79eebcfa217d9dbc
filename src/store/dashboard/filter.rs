//! Filters, compiled to conditions with bound values.

use postgres_types::Type;
use serde_json::json;

use crate::domain::filter::{Expr, Term};
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
        // The first condition is that of the index, which keeps the beginning alone.
        Term::DisplayNameIs(text) => sql
            .push("left(display_name, 200) = left(")
            .bind(text.clone(), Type::TEXT)
            .push(", 200) AND display_name = ")
            .bind(text.clone(), Type::TEXT),
        Term::DisplayNameContains(text) => push_contains(sql, "display_name", text),
        Term::HasTag(tag) => sql.push("metadata @> ").bind(json!({ "tags": [tag] }), Type::JSONB),
        Term::HasAnyTag => sql.push("metadata -> 'tags' <> '[]'"),
        Term::LabelIs { key, value } => sql
            .push("metadata @> ")
            .bind(json!({ "labels": { key.as_str(): value } }), Type::JSONB),
        Term::HasLabel { key } => sql.push("metadata -> 'labels' ? ").bind(key.clone(), Type::TEXT),
        Term::CreatedBy(subject) => sql.push("created_by = ").bind(subject.clone(), Type::TEXT),
        Term::CreateTime(order, time) => push_time(sql, "created_at", *order, *time),
        Term::UpdateTime(order, time) => push_time(sql, "updated_at", *order, *time),
        Term::FromTemplate(name) => sql
            .push("template_name IS NOT NULL AND template_name = ")
            .bind(name.to_string(), Type::TEXT),
        Term::FromAnyTemplate => sql.push("template_name IS NOT NULL"),
        Term::IsActive => sql.push("state = 'active'"),
        Term::IsDeleted => sql.push("state = 'deleted'"),
    };
}
