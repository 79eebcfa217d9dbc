//! Filters as conditions with bound values: what those of all resources have in common.

use postgres_types::Type;
use time::OffsetDateTime;

use super::statement::Statement;
use crate::domain::filter::{Expr, TimeOrder};

/// Adds a term to a statement.
pub type PushTerm<T> = for<'s> fn(&'s mut Statement, &T);

/// Adds the condition. Each term is true or false for every row, never null: so `NOT` finds all others.
pub fn push<T>(sql: &mut Statement, expr: &Expr<T>, push_term: PushTerm<T>) {
    match expr {
        Expr::And(parts) => push_joined(sql, parts, " AND ", push_term),
        Expr::Or(parts) => push_joined(sql, parts, " OR ", push_term),
        Expr::Not(inner) => {
            sql.push("NOT ");
            push(sql, inner, push_term);
        }
        Expr::Term(term) => {
            sql.push("(");
            push_term(sql, term);
            sql.push(")");
        }
    }
}

fn push_joined<T>(sql: &mut Statement, parts: &[Expr<T>], operator: &str, push_term: PushTerm<T>) {
    sql.push("(");
    for (position, part) in parts.iter().enumerate() {
        if position > 0 {
            sql.push(operator);
        }
        push(sql, part, push_term);
    }
    sql.push(")");
}

/// Whether a column of text contains `text`, without regard to case.
pub fn push_contains<'s>(sql: &'s mut Statement, column: &str, text: &str) -> &'s mut Statement {
    // Both sides in the database's collation: in the column's own, `lower` knows the case of ASCII letters alone.
    sql.push("position(lower(")
        .bind(text.to_owned(), Type::TEXT)
        .push(") IN lower(")
        .push(column)
        .push(r#" COLLATE "default")) > 0"#)
}

/// Where the time of a column lies, seen from `time`.
pub fn push_time<'s>(
    sql: &'s mut Statement,
    column: &str,
    order: TimeOrder,
    time: OffsetDateTime,
) -> &'s mut Statement {
    let operator = match order {
        TimeOrder::Before => " < ",
        TimeOrder::NotAfter => " <= ",
        TimeOrder::At => " = ",
        TimeOrder::NotBefore => " >= ",
        TimeOrder::After => " > ",
    };
    sql.push(column).push(operator).bind(time, Type::TIMESTAMPTZ)
}
