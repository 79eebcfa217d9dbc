//! Retention: a partition whose time is over goes as a whole, once all of its events are sealed. A signed checkpoint stands for
//! it, and an event of the log itself says so; the three happen in one transaction.

use postgres_types::Type;
use serde_json::json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{rows, sealing};
use crate::access::Access;
use crate::domain::audit::seal::first_previous_root;
use crate::domain::audit::{Checkpoint, Month, Signed};
use crate::domain::digest::Digest;
use crate::error::{Error, Result};
use crate::signing::SigningKey;
use crate::store::pool::Transaction;

const PARTITIONS: &str = "-- list_audit_partitions_in_order
SELECT now() AS today, COALESCE(array_agg(class.relname::text ORDER BY class.relname), '{}') AS partitions
FROM pg_inherits JOIN pg_class AS class ON class.oid = inhrelid WHERE inhparent = 'audit_log'::regclass";

// Of those that came with a dump into a younger cluster, all are sealed before the epoch ends.
const FIND_UNSEALED: &str = "-- find_unsealed_in_partition
SELECT id FROM audit_log
WHERE event_time >= $1 AND event_time < $2
    AND (xid, seq) > (
        COALESCE((SELECT to_xid FROM audit_seal ORDER BY number DESC LIMIT 1), '0'),
        COALESCE((SELECT to_seq FROM audit_seal ORDER BY number DESC LIMIT 1), 0)
    )
    AND seq > COALESCE((SELECT after_seq FROM audit_seal ORDER BY number DESC LIMIT 1), -9223372036854775808)
ORDER BY xid, seq LIMIT 1";

const COUNT_SEALED: &str = "-- count_sealed_in_partition
SELECT COALESCE(sum(event_count), 0)::bigint FROM audit_seal WHERE month = $1";

// Seals of a month follow those of the month before, but for some at its edge. Asked for a range of months, PostgreSQL takes the
// index of both columns; for one month it would look through all seals by their numbers where the month has none.
const FIND_LAST_SEAL: &str = "-- find_last_dropped_seal
SELECT number, root FROM audit_seal WHERE number < COALESCE(
    (
        SELECT min(first.number)
        FROM unnest($1::text[]) AS kept(month)
            CROSS JOIN LATERAL (
                SELECT number FROM audit_seal WHERE month BETWEEN kept.month AND kept.month ORDER BY month, number LIMIT 1
            ) AS first
    ),
    9223372036854775807
)
ORDER BY number DESC LIMIT 1";

const INSERT: &str = "-- insert_audit_checkpoint
INSERT INTO audit_checkpoint (kept_from, seal_number, seal_root, dropped_events, created_at, key_id, signature)
VALUES ($1, $2, $3, $4, $5, $6, $7)";

const DROP: &str = "-- drop_audit_partition
SELECT drop_audit_partition($1)";

const RECORD: &str = "-- record_audit_retention
INSERT INTO audit_log (actor, auth_method, method, permission, resource, correlation_id, details)
VALUES ($1, $2, $3, $4, $5, $6, $7)";

/// Drops the oldest partition whose events are all older than so many months. False when there is none, or when another runner
/// seals now.
///
/// # Errors
/// `Internal` when some of its events are not sealed; what the database refuses.
pub(in crate::store) async fn drop_oldest(
    tx: &Transaction<'_>,
    key: &SigningKey,
    retention_months: i32,
    access: &Access,
) -> Result<bool> {
    if !sealing::try_lock(tx).await? {
        return Ok(false);
    }
    let (today, months) = partitions(tx).await?;
    let still_kept = Month::of(today).plus(-retention_months);
    let Some((&oldest, kept)) = months.split_first().filter(|(oldest, _)| **oldest < still_kept) else {
        return Ok(false);
    };
    refuse_unsealed(tx, oldest).await?;
    let (seal_number, seal_root) = last_seal_before(tx, kept).await?;
    let checkpoint = Checkpoint {
        kept_from: kept.first().copied().unwrap_or(oldest.plus(1)),
        seal_number,
        seal_root,
        dropped_events: count_sealed(tx, oldest).await?,
        created_at: today,
    };
    let month = oldest.to_string();
    tx.query(DROP, &[(&month, Type::TEXT)]).await?;
    insert(tx, &checkpoint, &key.sign(&checkpoint.message())).await?;
    record(tx, access, oldest, &checkpoint).await?;
    Ok(true)
}

/// The time, and the months of all partitions in their order.
async fn partitions(tx: &Transaction<'_>) -> Result<(OffsetDateTime, Vec<Month>)> {
    let rows = tx.query(PARTITIONS, &[]).await?;
    let row = rows.first().ok_or_else(|| Error::internal("no partitions"))?;
    let names: Vec<&str> = row.try_get("partitions")?;
    let months = names.into_iter().filter_map(Month::of_partition).collect();
    Ok((row.try_get("today")?, months))
}

async fn refuse_unsealed(tx: &Transaction<'_>, month: Month) -> Result<()> {
    let (start, end) = (month.start(), month.end());
    let range = [(&start as _, Type::TIMESTAMPTZ), (&end as _, Type::TIMESTAMPTZ)];
    let rows = tx.query(FIND_UNSEALED, &range).await?;
    let Some(row) = rows.first() else {
        return Ok(());
    };
    let id: Uuid = row.try_get("id")?;
    let partition = month.partition();
    Err(Error::internal(format!(
        "{partition} stays: its event {id} is not sealed"
    )))
}

async fn count_sealed(tx: &Transaction<'_>, month: Month) -> Result<i64> {
    let rows = tx.query(COUNT_SEALED, &[(&month.to_string(), Type::TEXT)]).await?;
    Ok(rows.first().map_or(Ok(0), |row| row.try_get(0))?)
}

/// The number and the root of the last seal before all those over months that are kept.
async fn last_seal_before(tx: &Transaction<'_>, kept: &[Month]) -> Result<(i64, Digest)> {
    let months: Vec<String> = kept.iter().map(Month::to_string).collect();
    let rows = tx.query(FIND_LAST_SEAL, &[(&months, Type::TEXT_ARRAY)]).await?;
    match rows.first() {
        Some(row) => Ok((row.try_get("number")?, rows::digest(row.try_get("root")?)?)),
        None => Ok((0, first_previous_root())),
    }
}

async fn insert(tx: &Transaction<'_>, checkpoint: &Checkpoint, signed: &Signed) -> Result<()> {
    tx.execute(
        INSERT,
        &[
            (&checkpoint.kept_from.to_string(), Type::TEXT),
            (&checkpoint.seal_number, Type::INT8),
            (&checkpoint.seal_root.as_bytes(), Type::BYTEA),
            (&checkpoint.dropped_events, Type::INT8),
            (&checkpoint.created_at, Type::TIMESTAMPTZ),
            (&signed.key_id, Type::TEXT),
            (&signed.signature.0, Type::BYTEA),
        ],
    )
    .await?;
    Ok(())
}

/// Says in the log itself what is no longer in it.
async fn record(tx: &Transaction<'_>, access: &Access, dropped: Month, checkpoint: &Checkpoint) -> Result<()> {
    let caller = access.caller();
    let resource = format!("auditPartitions/{}", dropped.partition());
    let details = json!({
        "dropped_events": checkpoint.dropped_events,
        "kept_from": checkpoint.kept_from.to_string(),
        "seal_number": checkpoint.seal_number,
        "seal_root": checkpoint.seal_root.to_string(),
    });
    tx.execute(
        RECORD,
        &[
            (&caller.subject(), Type::TEXT),
            (&caller.auth_method().as_str(), Type::TEXT),
            (&caller.origin().method, Type::TEXT),
            (&access.permission().as_str(), Type::TEXT),
            (&resource, Type::TEXT),
            (&caller.origin().correlation_id, Type::UUID),
            (&details, Type::JSONB),
        ],
    )
    .await?;
    Ok(())
}
