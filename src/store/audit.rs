//! Audit events: appended in the transaction of the change that they tell of, sealed, walked through, dropped when their time
//! is over.

mod filter;
mod folded;
mod list;
mod reading;
mod retention;
mod rows;
mod sealing;
mod walk;
mod xid;

use postgres_types::Type;

use crate::access::Access;
use crate::domain::audit_event::Change;
use crate::domain::name::ProjectId;
use crate::error::Result;
use crate::store::pool::Transaction;

pub use list::AuditExport;
pub(super) use retention::drop_oldest;
pub(super) use sealing::seal;
pub use sealing::{NewSeal, Sealing};
pub use walk::AuditWalk;

const APPEND: &str = "-- append_audit_event
INSERT INTO audit_log (actor, actor_groups, auth_method, method, permission, project, resource, resource_uid,
    revision_before, revision_after, sha256_before, sha256_after, changed_paths,
    client_ip, user_agent, correlation_id, trace_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)";

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
        ],
    )
    .await?;
    Ok(())
}
