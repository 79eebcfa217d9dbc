//! Audit events: appended in the transaction of the change that they tell of, sealed, walked through, dropped when their time
//! is over.

mod retention;
mod rows;
mod sealing;
mod walk;
mod xid;

use std::net::IpAddr;

use postgres_types::Type;
use uuid::Uuid;

use crate::access::{Access, Permission};
use crate::domain::audit_event::Change;
use crate::domain::name::ProjectId;
use crate::error::Result;
use crate::store::pool::Transaction;

pub(super) use retention::drop_oldest;
pub(super) use sealing::seal;
pub use sealing::{NewSeal, Sealing};
pub use walk::AuditWalk;

const APPEND: &str = "-- append_audit_event
INSERT INTO audit_log (actor, actor_groups, auth_method, method, permission, project, resource, resource_uid,
    revision_before, revision_after, sha256_before, sha256_after, changed_paths,
    client_ip, user_agent, correlation_id, trace_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)";

/// Who maintenance is in audit events; no user has such a name.
const MAINTENANCE: &str = "system:maintenance";

/// A change that maintenance makes, which a caller could have made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MaintenanceEvent {
    /// PurgeDashboard.
    DashboardPurged,
}

impl MaintenanceEvent {
    /// The method and the permission of the call that it stands for, so that whoever looks for them finds it.
    fn call(self) -> (&'static str, Permission) {
        match self {
            Self::DashboardPurged => (
                "perses.dashboards.v1.DashboardService/PurgeDashboard",
                Permission::DashboardsPurge,
            ),
        }
    }
}

/// What an event says of who made the change, and in which call.
struct Author<'a> {
    actor: &'a str,
    groups: &'a [String],
    auth_method: &'static str,
    method: &'a str,
    permission: Permission,
    client_ip: Option<IpAddr>,
    user_agent: &'a str,
    correlation_id: Uuid,
    trace_id: Option<&'a str>,
}

impl<'a> From<&'a Access> for Author<'a> {
    fn from(access: &'a Access) -> Self {
        let caller = access.caller();
        let origin = caller.origin();
        Self {
            actor: caller.subject(),
            groups: caller.groups(),
            auth_method: caller.auth_method().as_str(),
            method: &origin.method,
            permission: access.permission(),
            client_ip: origin.client_ip,
            user_agent: &origin.user_agent,
            correlation_id: origin.correlation_id,
            trace_id: origin.trace_id.as_deref(),
        }
    }
}

/// Appends the event of a change that succeeded.
pub(super) async fn append(tx: &Transaction<'_>, access: &Access, change: &Change) -> Result<()> {
    insert(tx, &Author::from(access), change).await
}

/// Appends the event of a change that nobody asked for now: the run of maintenance `correlation_id` made it.
pub(super) async fn append_of_maintenance(
    tx: &Transaction<'_>,
    event: MaintenanceEvent,
    correlation_id: Uuid,
    change: &Change,
) -> Result<()> {
    let (method, permission) = event.call();
    let author = Author {
        actor: MAINTENANCE,
        groups: &[],
        auth_method: "system",
        method,
        permission,
        client_ip: None,
        user_agent: "",
        correlation_id,
        trace_id: None,
    };
    insert(tx, &author, change).await
}

async fn insert(tx: &Transaction<'_>, author: &Author<'_>, change: &Change) -> Result<()> {
    let (revision_before, revision_after) = (change.before.map(|v| v.revision), change.after.map(|v| v.revision));
    let before = change.before.as_ref().map(|version| version.sha256.as_bytes());
    let after = change.after.as_ref().map(|version| version.sha256.as_bytes());
    let project = change.project.as_ref().map(ProjectId::as_str);
    tx.execute(
        APPEND,
        &[
            (&author.actor, Type::TEXT),
            (&author.groups, Type::TEXT_ARRAY),
            (&author.auth_method, Type::TEXT),
            (&author.method, Type::TEXT),
            (&author.permission.as_str(), Type::TEXT),
            (&project, Type::TEXT),
            (&change.resource, Type::TEXT),
            (&change.uid, Type::UUID),
            (&revision_before, Type::INT4),
            (&revision_after, Type::INT4),
            (&before, Type::BYTEA),
            (&after, Type::BYTEA),
            (&change.changed_paths, Type::TEXT_ARRAY),
            (&author.client_ip, Type::INET),
            (&author.user_agent, Type::TEXT),
            (&author.correlation_id, Type::UUID),
            (&author.trace_id, Type::TEXT),
        ],
    )
    .await?;
    Ok(())
}
