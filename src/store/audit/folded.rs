//! Events of calls without a change, many at once.

use postgres_types::Type;
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use crate::domain::audit::AuditResult;
use crate::domain::audit::folding::FoldedCalls;
use crate::error::Result;
use crate::store::Store;

// The first of the calls may have been in an earlier life of the project. Whoever is admin of this one reads the events that name the
// project and were written in this life: so these do not name it.
const APPEND: &str = "-- append_folded_calls
INSERT INTO audit_log (actor, actor_groups, auth_method, method, permission, project, resource, result, reason,
    client_ip, user_agent, correlation_id, trace_id, event_count, details)
SELECT actor, actor_groups, auth_method, method, permission,
    CASE WHEN first_time <= (SELECT purged_at FROM project_purge WHERE project_purge.project = calls.project) THEN NULL
        ELSE project END,
    resource, result, reason, client_ip, user_agent, correlation_id, trace_id, event_count, details
FROM jsonb_to_recordset($1) AS calls (
    actor text, actor_groups text[], auth_method text, method text, permission text, project text, resource text,
    result text, reason text, client_ip inet, user_agent text, correlation_id uuid, trace_id text, event_count integer,
    first_time timestamptz, details jsonb
)";

/// How long after a call its event is written, where nothing keeps the writing.
const SOON: Duration = Duration::seconds(5);

impl Store {
    /// Appends an event for each of `calls`, all of them or none.
    ///
    /// # Errors
    /// None of its own.
    pub async fn append_folded_calls(&self, calls: &[FoldedCalls]) -> Result<()> {
        let now = OffsetDateTime::now_utc();
        let rows: Value = calls.iter().map(|folded| row(folded, now)).collect();
        self.read(APPEND, &[(&rows, Type::JSONB)]).await?;
        Ok(())
    }
}

fn row(calls: &FoldedCalls, now: OffsetDateTime) -> Value {
    let call = &calls.first;
    let groups: Vec<String> = call.actor_groups.iter().map(|group| storable(group)).collect();
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
        "first_time": calls.first_time.format(&Rfc3339).ok(),
        "details": details(calls, now),
    })
}

/// When the calls ended. A single read that succeeded has no need of it where its event has that time itself.
fn details(calls: &FoldedCalls, now: OffsetDateTime) -> Value {
    let is_read = calls.first.result == AuditResult::Success && calls.count == 1;
    if is_read && now - calls.last_time < SOON {
        json!({})
    } else {
        json!({ "first_time": text(calls.first_time), "last_time": text(calls.last_time) })
    }
}

/// PostgreSQL keeps no U+0000; one event that it refused would stand in the way of all others.
fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

fn text(time: OffsetDateTime) -> String {
    time.format(&Rfc3339).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::audit::folding::EndedCall;

    #[test]
    fn an_event_says_when_the_calls_were_unless_it_is_a_read_that_was_just_made() {
        let ended = OffsetDateTime::UNIX_EPOCH;
        let calls = |result, count| FoldedCalls {
            first: EndedCall {
                actor: "user:ada".to_owned(),
                actor_groups: Vec::new(),
                auth_method: "jwt",
                method: "a.B/C".to_owned(),
                permission: "dashboards.get",
                project: None,
                resource: String::new(),
                result,
                reason: None,
                client_ip: None,
                user_agent: String::new(),
                correlation_id: Uuid::nil(),
                trace_id: None,
            },
            count,
            first_time: ended,
            last_time: ended,
        };
        let times = json!({ "first_time": "1970-01-01T00:00:00Z", "last_time": "1970-01-01T00:00:00Z" });
        let soon = ended + Duration::SECOND;
        assert_eq!(details(&calls(AuditResult::Success, 1), soon), json!({}));
        // The database was away meanwhile.
        assert_eq!(
            details(&calls(AuditResult::Success, 1), ended + Duration::MINUTE),
            times
        );
        assert_eq!(details(&calls(AuditResult::Success, 2), soon), times);
        assert_eq!(details(&calls(AuditResult::Denied, 1), soon), times);
    }
}
