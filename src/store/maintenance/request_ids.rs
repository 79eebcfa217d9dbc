//! Request ids whose answers nobody is promised any more.

use postgres_types::Type;

use super::Batch;
use crate::error::Result;
use crate::store::pool::Transaction;

/// The most rows of a batch.
const BATCH: i64 = 1000;

// Answers are found for 24 hours. A call that began within them may still look for its own: it ends within minutes.
const REMOVE_EXPIRED: &str = "-- remove_expired_request_ids
DELETE FROM mutation_request WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM mutation_request WHERE created_at <= now() - interval '24 hours 5 minutes'
    ORDER BY created_at LIMIT $1 FOR UPDATE SKIP LOCKED
))";

/// Removes those that expired.
pub(super) async fn remove_expired(tx: &Transaction<'_>) -> Result<Batch> {
    let removed = tx.execute(REMOVE_EXPIRED, &[(&BATCH, Type::INT8)]).await?;
    Ok(Batch::of_removed(removed, BATCH.unsigned_abs()))
}
