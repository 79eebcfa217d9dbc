//! The audit log: what has no seal yet, and what is older than it is kept. Both need the key that signs.

use super::{Batch, Run};
use crate::error::Result;
use crate::store::audit::{self, Sealing};
use crate::store::pool::Transaction;

/// Seals events that have none; nothing without a key.
pub(super) async fn seal(tx: &Transaction<'_>, run: Run) -> Result<Batch> {
    let Some(key) = &run.audit.key else {
        return Ok(Batch::NOTHING);
    };
    match audit::seal(tx, key).await? {
        Sealing::AnotherSeals => Ok(Batch::NOTHING),
        Sealing::Sealed { seals, is_behind } => {
            let events: usize = seals.iter().map(|seal| seal.events).sum();
            Ok(Batch {
                rows: events.try_into().unwrap_or(u64::MAX),
                next: is_behind.then_some(run.from),
            })
        }
    }
}

/// Drops one partition that is older than it is kept; none without a key, because then nothing is sealed.
pub(super) async fn drop_partition(tx: &Transaction<'_>, run: Run) -> Result<Batch> {
    let Some(key) = &run.audit.key else {
        return Ok(Batch::NOTHING);
    };
    let dropped = audit::drop_oldest(tx, key, run.audit.kept_months, run.correlation_id).await?;
    Ok(Batch::of_removed(dropped.into(), 1))
}
