//! Filters of events, compiled to conditions with bound values.

use postgres_types::Type;
use serde_json::{Number, json};

use crate::domain::audit::AuditResult;
use crate::domain::filter::Expr;
use crate::domain::filter::audit_events::{AddressRange, Term};
use crate::store::condition::{self, push_time};
use crate::store::statement::Statement;

/// Adds the condition.
pub(super) fn push_condition(sql: &mut Statement, expr: &Expr<Term>) {
    condition::push(sql, expr, push_term);
}

fn push_term(sql: &mut Statement, term: &Term) {
    match term {
        Term::ActorIs(actor) => sql.push("actor = ").bind(actor.clone(), Type::TEXT),
        Term::MethodIs(method) => sql.push("method = ").bind(method.clone(), Type::TEXT),
        Term::PermissionIs(permission) => sql.push("permission = ").bind(permission.clone(), Type::TEXT),
        Term::ProjectIs(project) => sql
            .push("project IS NOT NULL AND project = ")
            .bind(project.clone(), Type::TEXT),
        Term::HasProject => sql.push("project IS NOT NULL"),
        Term::ResourceIs(resource) => sql.push("resource = ").bind(resource.clone(), Type::TEXT),
        Term::Time(order, time) => push_time(sql, "event_time", *order, *time),
        // As text: only so is it seen that the index of what was denied or failed has them all.
        Term::ResultIs(AuditResult::Success) => sql.push("result = 'success'"),
        Term::ResultIs(AuditResult::Denied) => sql.push("result = 'denied'"),
        Term::ResultIs(AuditResult::Failed) => sql.push("result = 'failed'"),
        Term::ReasonIs(reason) => sql
            .push("result <> 'success' AND reason = ")
            .bind(reason.clone(), Type::TEXT),
        Term::HasReason => sql.push("result <> 'success'"),
        Term::ClientIpIn(AddressRange { address, prefix }) => sql
            .push("client_ip IS NOT NULL AND client_ip <<= ")
            .bind(format!("{address}/{prefix}"), Type::TEXT)
            .push("::inet"),
        Term::CorrelationIdIs(id) => sql.push("correlation_id = ").bind(*id, Type::UUID),
        Term::DetailIs { key, value } => push_detail(sql, key, value),
        Term::HasDetail { key } => sql.push("details <> '{}' AND details ? ").bind(key.clone(), Type::TEXT),
    };
}

/// The first condition is that of the index, which leaves out the many events without details.
fn push_detail<'s>(sql: &'s mut Statement, key: &str, value: &str) -> &'s mut Statement {
    sql.push("details <> '{}' AND (details @> ")
        .bind(json!({ key: value }), Type::JSONB);
    if let Ok(number) = value.parse::<Number>() {
        sql.push(" OR details @> ").bind(json!({ key: number }), Type::JSONB);
    }
    sql.push(")")
}
