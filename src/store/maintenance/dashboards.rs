//! Soft-deleted dashboards whose time to come back is over.

use postgres_types::Type;
use uuid::Uuid;

use super::{Batch, Run};
use crate::access::{Permission, Scope};
use crate::domain::audit_event::Change;
use crate::domain::dashboard::Dashboard;
use crate::error::Result;
use crate::store::audit;
use crate::store::dashboard::lifecycle::change_of_state;
use crate::store::dashboard::{from_row, head_columns};
use crate::store::pool::Transaction;

/// The RPC that purges before the time, so that whoever looks for its events finds those of maintenance too.
const METHOD: &str = "perses.dashboards.v1.DashboardService/PurgeDashboard";

/// The most dashboards of a batch: the revisions of each go with it.
const BATCH: i64 = 50;

// One that somebody works on now, as to bring it back, is not waited for.
const LOCK_EXPIRED: &str = concat!(
    "-- lock_expired_dashboards\nSELECT ",
    head_columns!(),
    " FROM dashboard WHERE state = 'deleted' AND purge_at <= now() ORDER BY purge_at LIMIT $1 FOR UPDATE SKIP LOCKED"
);

const PURGE: &str = "-- purge_expired_dashboards
DELETE FROM dashboard WHERE id = ANY($1)";

/// Purges those whose time has come, with the audit event that PurgeDashboard would write.
pub(super) async fn purge_expired(tx: &Transaction<'_>, run: Run) -> Result<Batch> {
    let rows = tx.query(LOCK_EXPIRED, &[(&BATCH, Type::INT8)]).await?;
    let expired: Vec<Dashboard> = rows.iter().map(from_row).collect::<Result<_>>()?;
    let uids: Vec<Uuid> = expired.iter().map(|head| head.uid).collect();
    let purged = tx.execute(PURGE, &[(&uids, Type::UUID_ARRAY)]).await?;
    let access = run.access(METHOD, Permission::DashboardsPurge, Scope::AllProjects);
    let changes: Vec<Change> = expired.iter().map(|head| change_of_state(head, None)).collect();
    audit::append_all(tx, &access, &changes).await?;
    Ok(Batch::of_removed(purged, BATCH.unsigned_abs()))
}
