//! The audit log: what is older than it is kept.

use super::{Batch, Run};
use crate::access::{Permission, Scope};
use crate::error::Result;
use crate::store::audit;
use crate::store::pool::Transaction;

/// Drops one partition that is older than it is kept; none without a key, because then nothing is sealed.
pub(super) async fn drop_partition(tx: &Transaction<'_>, run: Run) -> Result<Batch> {
    let Some(key) = &run.audit.key else {
        return Ok(Batch::NOTHING);
    };
    let access = run.access("maintenance/audit_retention", Permission::AuditDrop, Scope::Platform);
    let dropped = audit::drop_oldest(tx, key, &run.audit, &access).await?;
    Ok(Batch::of_removed(dropped.into(), 1))
}
