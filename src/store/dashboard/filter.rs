//! Filters, compiled to conditions with bound values.

use postgres_types::Type;
use serde_json::json;
use time::OffsetDateTime;

use crate::domain::filter::dashboards::TimeOrder;
use crate::domain::filter::{Expr, Term};
use crate::store::statement::Statement;

/// Adds the condition. It is true or false for every row, never null: so `NOT` finds all others.
pub fn push_condition(sql: &mut Statement, expr: &Expr<Term>) {
    match expr {
        Expr::And(parts) => push_joined(sql, parts, " AND "),
        Expr::Or(parts) => push_joined(sql, parts, " OR "),
        Expr::Not(inner) => {
            sql.push("NOT ");
            push_condition(sql, inner);
        }
        Expr::Term(term) => {
            sql.push("(");
            push_term(sql, term);
            sql.push(")");
        }
    }
}

fn push_joined(sql: &mut Statement, parts: &[Expr<Term>], operator: &str) {
    sql.push("(");
    for (position, part) in parts.iter().enumerate() {
        if position > 0 {
            sql.push(operator);
        }
        push_condition(sql, part);
    }
    sql.push(")");
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
        // Both sides in the database's collation: in the column's own, `lower` knows the case of ASCII letters alone.
        Term::DisplayNameContains(text) => sql
            .push("position(lower(")
            .bind(text.clone(), Type::TEXT)
            .push(r#") IN lower(display_name COLLATE "default")) > 0"#),
        Term::HasTag(tag) => sql.push("metadata @> ").bind(json!({ "tags": [tag] }), Type::JSONB),
        Term::HasAnyTag => sql.push("metadata -> 'tags' <> '[]'"),
        Term::LabelIs { key, value } => sql
            .push("metadata @> ")
            .bind(json!({ "labels": { key.as_str(): value } }), Type::JSONB),
        Term::HasLabel { key } => sql.push("metadata -> 'labels' ? ").bind(key.clone(), Type::TEXT),
        Term::CreatedBy(subject) => sql.push("created_by = ").bind(subject.clone(), Type::TEXT),
        Term::CreateTime(order, time) => push_time(sql, "created_at", *order, *time),
        Term::UpdateTime(order, time) => push_time(sql, "updated_at", *order, *time),
        Term::IsActive => sql.push("state = 'active'"),
        Term::IsDeleted => sql.push("state = 'deleted'"),
    };
}

fn push_time<'s>(sql: &'s mut Statement, column: &str, order: TimeOrder, time: OffsetDateTime) -> &'s mut Statement {
    let operator = match order {
        TimeOrder::Before => " < ",
        TimeOrder::NotAfter => " <= ",
        TimeOrder::At => " = ",
        TimeOrder::NotBefore => " >= ",
        TimeOrder::After => " > ",
    };
    sql.push(column).push(operator).bind(time, Type::TIMESTAMPTZ)
}
