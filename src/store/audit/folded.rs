//! Events of calls without a change, many at once.

use postgres_types::Type;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::domain::audit::AuditResult;
use crate::domain::audit::folding::FoldedCalls;
use crate::error::Result;
use crate::store::Store;

const APPEND: &str = "-- append_folded_calls
INSERT INTO audit_log (actor, actor_groups, auth_method, method, permission, project, resource, result, reason,
    client_ip, user_agent, correlation_id, trace_id, event_count, details)
SELECT actor, actor_groups, auth_method, method, permission, project, resource, result, reason,
    client_ip, user_agent, correlation_id, trace_id, event_count, details
FROM jsonb_to_recordset($1) AS calls (
    actor text, actor_groups text[], auth_method text, method text, permission text, project text, resource text,
    result text, reason text, client_ip inet, user_agent text, correlation_id uuid, trace_id text, event_count integer,
    details jsonb
)";

impl Store {
    /// Appends an event for each of `calls`, all of them or none.
    ///
    /// # Errors
    /// None of its own.
    pub async fn append_folded_calls(&self, calls: &[FoldedCalls]) -> Result<()> {
        let rows: Value = calls.iter().map(row).collect();
        self.read(APPEND, &[(&rows, Type::JSONB)]).await?;
        Ok(())
    }
}

fn row(calls: &FoldedCalls) -> Value {
    let call = &calls.first;
    let groups: Vec<String> = call.actor_groups.iter().map(|group| storable(group)).collect();
    // A single read that succeeded was written about when it was made.
    let is_plain = call.result == AuditResult::Success && calls.count == 1;
    let details = if is_plain {
        json!({})
    } else {
        json!({ "first_time": text(calls.first_time), "last_time": text(calls.last_time) })
    };
    json!({
        "actor": storable(&call.actor),
        "actor_groups": groups,
        "auth_method": call.auth_method,
        "method": call.method,
        "permission": call.permission,
        "project": call.project,
        "resource": call.resource,
        "result": call.result.as_str(),
        "reason": call.reason,
        "client_ip": call.client_ip,
        "user_agent": storable(&call.user_agent),
        "correlation_id": call.correlation_id,
        "trace_id": call.trace_id,
        "event_count": i32::try_from(calls.count).unwrap_or(i32::MAX),
        "details": details,
    })
}

/// PostgreSQL keeps no U+0000; one event that it refused would stand in the way of all others.
fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

fn text(time: OffsetDateTime) -> String {
    time.format(&Rfc3339).unwrap_or_default()
}
