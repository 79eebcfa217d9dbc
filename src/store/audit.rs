//! Audit events: appended in the transaction of the change that they tell of, sealed, walked through, dropped when their time
//! is over.

mod export;
mod filter;
mod folded;
mod inet;
mod list;
mod reading;
mod retention;
mod rows;
mod sealing;
mod seals;
mod time;
mod walk;
mod xid;

use std::collections::BTreeMap;

use postgres_types::{Json, Type};

use crate::access::Access;
use crate::domain::audit_event::{Change, Version};
use crate::domain::name::ProjectId;
use crate::error::Result;
use crate::store::pool::Transaction;

pub use export::AuditExport;
pub(super) use retention::drop_oldest;
pub use sealing::{NewSeal, Sealing};
pub use walk::{AuditWalk, WalkedEvent};

// Nearly every change is one: that goes without arrays.
const APPEND: &str = "-- append_audit_event
INSERT INTO audit_log (actor, actor_groups, auth_method, method, permission, project, resource, resource_uid,
    revision_before, revision_after, sha256_before, sha256_after, changed_paths,
    client_ip, user_agent, correlation_id, trace_id, details)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)";

// Names of fields have no comma.
const APPEND_ALL: &str = "-- append_audit_events
INSERT INTO audit_log (actor, actor_groups, auth_method, method, permission, client_ip, user_agent, correlation_id, trace_id,
    project, resource, resource_uid, revision_before, revision_after, sha256_before, sha256_after, changed_paths, details)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9,
    project, resource, uid, revision_before, revision_after, sha256_before, sha256_after, string_to_array(paths, ','),
    details
FROM unnest($10, $11, $12, $13, $14, $15, $16, $17, $18)
    AS change (project, resource, uid, revision_before, revision_after, sha256_before, sha256_after, paths, details)";

/// Appends the event of a change that succeeded.
pub(super) async fn append(tx: &Transaction<'_>, access: &Access, change: &Change) -> Result<()> {
    let caller = access.caller();
    let origin = caller.origin();
    let (revision_before, revision_after) = (change.before.map(|v| v.revision), change.after.map(|v| v.revision));
    let before = change.before.as_ref().map(|version| version.sha256.as_bytes());
    let after = change.after.as_ref().map(|version| version.sha256.as_bytes());
    let project = change.project.as_ref().map(ProjectId::as_str);
    tx.execute(
        APPEND,
        &[
            (&caller.subject(), Type::TEXT),
            (&caller.groups(), Type::TEXT_ARRAY),
            (&caller.auth_method().as_str(), Type::TEXT),
            (&origin.method, Type::TEXT),
            (&access.permission().as_str(), Type::TEXT),
            (&project, Type::TEXT),
            (&change.resource, Type::TEXT),
            (&change.uid, Type::UUID),
            (&revision_before, Type::INT4),
            (&revision_after, Type::INT4),
            (&before, Type::BYTEA),
            (&after, Type::BYTEA),
            (&change.changed_paths, Type::TEXT_ARRAY),
            (&origin.client_ip, Type::INET),
            (&origin.user_agent, Type::TEXT),
            (&origin.correlation_id, Type::UUID),
            (&origin.trace_id, Type::TEXT),
            (&details(change), Type::JSONB),
        ],
    )
    .await?;
    Ok(())
}

/// Appends the events of changes that succeeded together, in their order; one proof says whose all of them are.
pub(super) async fn append_all(tx: &Transaction<'_>, access: &Access, changes: &[Change]) -> Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    let caller = access.caller();
    let origin = caller.origin();
    let sha256 = |version: &Version| version.sha256.as_bytes().to_vec();
    let projects: Vec<_> = changes
        .iter()
        .map(|change| change.project.as_ref().map(ProjectId::as_str))
        .collect();
    let resources: Vec<_> = changes.iter().map(|change| change.resource.as_str()).collect();
    let uids: Vec<_> = changes.iter().map(|change| change.uid).collect();
    let revisions_before: Vec<_> = changes.iter().map(|c| c.before.map(|v| v.revision)).collect();
    let revisions_after: Vec<_> = changes.iter().map(|c| c.after.map(|v| v.revision)).collect();
    let before: Vec<_> = changes.iter().map(|c| c.before.as_ref().map(sha256)).collect();
    let after: Vec<_> = changes.iter().map(|c| c.after.as_ref().map(sha256)).collect();
    let paths: Vec<_> = changes.iter().map(|change| change.changed_paths.join(",")).collect();
    let details: Vec<_> = changes.iter().map(details).collect();
    tx.execute(
        APPEND_ALL,
        &[
            (&caller.subject(), Type::TEXT),
            (&caller.groups(), Type::TEXT_ARRAY),
            (&caller.auth_method().as_str(), Type::TEXT),
            (&origin.method, Type::TEXT),
            (&access.permission().as_str(), Type::TEXT),
            (&origin.client_ip, Type::INET),
            (&origin.user_agent, Type::TEXT),
            (&origin.correlation_id, Type::UUID),
            (&origin.trace_id, Type::TEXT),
            (&projects, Type::TEXT_ARRAY),
            (&resources, Type::TEXT_ARRAY),
            (&uids, Type::UUID_ARRAY),
            (&revisions_before, Type::INT4_ARRAY),
            (&revisions_after, Type::INT4_ARRAY),
            (&before, Type::BYTEA_ARRAY),
            (&after, Type::BYTEA_ARRAY),
            (&paths, Type::TEXT_ARRAY),
            (&details, Type::JSONB_ARRAY),
        ],
    )
    .await?;
    Ok(())
}

fn details(change: &Change) -> Json<BTreeMap<&str, &str>> {
    let pairs = change.details.iter();
    Json(pairs.map(|(key, value)| (*key, value.as_str())).collect())
}
