//! Retention: a partition whose time is over goes as a whole, once all of its events are sealed. A signed checkpoint stands for
//! it, and an event of the log itself says so; the three happen in one transaction.

use std::fmt::Display;

use postgres_types::Type;
use serde_json::json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::walk::{CHECKPOINT, READ_SEALS, SEALS};
use super::{rows, sealing};
use crate::access::Access;
use crate::config::AuditConfig;
use crate::domain::audit::{Checkpoint, Finding, Head, Month, SealChain, Signed};
use crate::error::{Error, Result};
use crate::signing::{PublicKeys, SigningKey};
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

const INSERT: &str = "-- insert_audit_checkpoint
INSERT INTO audit_checkpoint (kept_from, seal_number, seal_root, dropped_events, created_at, key_id, signature)
VALUES ($1, $2, $3, $4, $5, $6, $7)";

const DROP: &str = "-- drop_audit_partition
SELECT drop_audit_partition($1)";

const RECORD: &str = "-- record_audit_retention
INSERT INTO audit_log (actor, auth_method, method, permission, resource, correlation_id, details)
VALUES ($1, $2, $3, $4, $5, $6, $7)";

/// Drops the oldest partition whose events are all older than they are kept. False when there is none.
///
/// # Errors
/// `Internal` when some of its events are not sealed, or a seal that the checkpoint would stand for is not as it was signed; what the
/// database refuses.
pub(in crate::store) async fn drop_oldest(
    tx: &Transaction<'_>,
    key: &SigningKey,
    config: &AuditConfig,
    access: &Access,
) -> Result<bool> {
    sealing::await_lock(tx).await?;
    let (today, months) = partitions(tx).await?;
    let still_kept = Month::of(today).plus(-config.kept_months);
    let Some(oldest) = months.first().copied().filter(|oldest| *oldest < still_kept) else {
        return Ok(false);
    };
    refuse_unsealed(tx, oldest).await?;
    let last = last_seal_to_drop(tx, oldest, config.public_keys()).await?;
    let checkpoint = Checkpoint {
        kept_from: oldest.plus(1),
        seal_number: last.number,
        seal_root: last.root,
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
    Err(stays(month, format!("its event {id} is not sealed")))
}

async fn count_sealed(tx: &Transaction<'_>, month: Month) -> Result<i64> {
    let rows = tx.query(COUNT_SEALED, &[(&month.to_string(), Type::TEXT)]).await?;
    Ok(rows.first().map_or(Ok(0), |row| row.try_get(0))?)
}

/// The last seal before all those over months behind `oldest`, which are kept.
///
/// Verification begins behind it, so whoever can edit seals could have the server sign that others are of no account: each one
/// from the checkpoint before is looked at first.
async fn last_seal_to_drop(tx: &Transaction<'_>, oldest: Month, keys: PublicKeys) -> Result<Head> {
    let changed = |finding: Finding| stays(oldest, finding);
    let mut chain = SealChain::new(keys);
    let checkpoints = tx.query(CHECKPOINT, &[]).await?;
    if let Some((before, signed)) = checkpoints.first().map(rows::checkpoint).transpose()? {
        chain.begin_behind(&before, &signed).map_err(changed)?;
        if oldest < before.kept_from {
            let why = "it was dropped before, as a checkpoint says, and is there again";
            return Err(stays(oldest, why));
        }
    }
    loop {
        let page = tx
            .query(READ_SEALS, &[(&chain.last().number, Type::INT8), (&SEALS, Type::INT8)])
            .await?;
        if page.is_empty() {
            return Ok(chain.last());
        }
        for row in &page {
            let seal = rows::seal(row).map_err(|row| stays(oldest, row))?;
            if seal.content.month > oldest {
                return Ok(chain.last());
            }
            chain.take(&seal).map_err(changed)?;
        }
    }
}

fn stays(month: Month, why: impl Display) -> Error {
    Error::internal(format!("{} stays: {why}", month.partition()))
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
