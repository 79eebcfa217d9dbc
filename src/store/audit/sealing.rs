//! Sealing: what lies below the snapshot horizon is covered by a signed seal, by one runner at a time.
//!
//! Below the horizon (`pg_snapshot_xmin`) every transaction has ended and all that it wrote is seen, so a range of transaction
//! ids there never changes again. Such a range may end inside a transaction, which may have more events than a seal should: they
//! have an order. Transaction ids begin anew when a dump is restored into a younger cluster, which is seen by
//! the next id being no higher than the last that was sealed. Then the events that came with the dump unsealed end the epoch,
//! and those with a higher `seq` than any of them are of the next one. A seal without events begins it at once: later, when
//! ids have caught up with those of the last seal, nothing would tell it from the epoch before.

mod batch;
mod position;

use std::time::Duration;

use postgres_types::Type;
use scoped_futures::ScopedFutureExt as _;
use tokio_postgres::IsolationLevel;

use self::batch::Batch;
use self::position::Position;
use super::xid::Xid;
use crate::domain::audit::{Head, Seal};
use crate::error::{Error, Result};
use crate::signing::SigningKey;
use crate::store::Store;
use crate::store::pool::Transaction;
use crate::store::run_tx::{End, TxError};

/// The key of the advisory lock.
const LOCK_KEY: i64 = i64::from_be_bytes(*b"dashseal");

// The index has the order that events are read in. By the statistics of a log that grows, sorting all of it may look cheaper.
const LOCK: &str = "-- lock_audit_sealing
SELECT pg_try_advisory_xact_lock($1), set_config('enable_sort', 'off', true)";

const AWAIT_LOCK: &str = "-- await_audit_sealing
SELECT pg_advisory_xact_lock($1), set_config('enable_sort', 'off', true)";

// The snapshot may be older than the lock, and not have the seals of the runner before. In a transaction with one snapshot
// that conflict is a serialization failure, upon which the round begins again.
const INSERT: &str = "-- insert_audit_seal
INSERT INTO audit_seal (number, epoch, after_seq, month, from_xid, to_xid, to_seq, last_seq, event_count, event_digests,
    previous_root, root, sealed_at, key_id, signature)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
ON CONFLICT (number) DO NOTHING";

// Events of an epoch have transaction ids that were given in it: so those of an earlier one are not read again and again. Where
// ids have begun again and no seal says so yet, whatever is behind all that was sealed waits.
const LAG: &str = "-- measure_sealing_lag
SELECT COALESCE(extract(epoch FROM clock_timestamp() - oldest.event_time), 0)::double precision
FROM (VALUES (pg_snapshot_xmax(pg_current_snapshot()))) AS given (next_xid)
    LEFT JOIN (SELECT to_xid, to_seq, after_seq, last_seq FROM audit_seal ORDER BY number DESC LIMIT 1) AS last ON true
    CROSS JOIN LATERAL (
        SELECT CASE WHEN last.to_xid < next_xid THEN last.to_xid ELSE '0' END AS after_xid,
            CASE WHEN last.to_xid < next_xid THEN last.to_seq ELSE 0 END AS after_seq,
            CASE WHEN last.to_xid < next_xid THEN next_xid ELSE '18446744073709551615' END AS below_xid,
            COALESCE(CASE WHEN last.to_xid < next_xid THEN last.after_seq ELSE last.last_seq END, -9223372036854775808) AS behind_seq
    ) AS unsealed
    LEFT JOIN LATERAL (
        SELECT event_time FROM audit_log
        WHERE (xid, seq) > (unsealed.after_xid, unsealed.after_seq) AND xid < unsealed.below_xid AND seq > unsealed.behind_seq
        ORDER BY xid, seq LIMIT 1
    ) AS oldest ON true";

/// A seal that was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewSeal {
    /// What names it.
    pub head: Head,
    /// Its epoch.
    pub epoch: i32,
    /// How many events it covers.
    pub events: usize,
}

impl NewSeal {
    fn of(seal: &Seal) -> Self {
        Self {
            head: seal.head(),
            epoch: seal.content.epoch,
            events: seal.content.event_digests.len(),
        }
    }
}

/// What a round of sealing did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sealing {
    /// Another runner seals now.
    AnotherSeals,
    /// It made these seals.
    Sealed {
        /// One for each month whose events were met, and one without events that begins an epoch; none where there was nothing to
        /// seal.
        seals: Vec<NewSeal>,
        /// Whether events below the horizon are left for another round.
        is_behind: bool,
    },
}

impl Store {
    /// Seals events that have none, 10,000 at most, unless another runner does.
    ///
    /// # Errors
    /// The database can't be reached, has another schema, or refuses.
    pub async fn seal_audit_log(&self, key: &SigningKey) -> Result<Sealing> {
        // In one snapshot: what is written after it was seen that transaction ids have begun again did not come with the dump.
        let outcome = self
            .pool
            .run_tx("seal_audit_log", IsolationLevel::RepeatableRead, |tx| {
                async move {
                    match seal(tx, key).await? {
                        Sealing::Sealed { seals, is_behind } if !seals.is_empty() => {
                            Ok(End::Commit(Sealing::Sealed { seals, is_behind }))
                        }
                        nothing => Ok(End::RollBack(nothing)),
                    }
                }
                .scope_boxed()
            })
            .await;
        let sealing = outcome.map_err(|error| match error {
            TxError::Failed(failure) => failure,
            // Whether it was committed or not: the next round goes on from what is there.
            TxError::CommitLost { cause, .. } => Error::internal(cause),
        })?;
        if let Sealing::Sealed { seals, .. } = &sealing {
            seals.iter().for_each(log_seal);
        }
        Ok(sealing)
    }

    /// Seals all that may be sealed now, and tells `sealed` of each round how many events it covers.
    ///
    /// # Errors
    /// The database can't be reached, has another schema, or refuses.
    pub async fn seal_all(&self, key: &SigningKey, mut sealed: impl FnMut(usize) + Send) -> Result<()> {
        while let Sealing::Sealed { seals, is_behind } = self.seal_audit_log(key).await? {
            sealed(seals.iter().map(|seal| seal.events).sum());
            if !is_behind {
                break;
            }
        }
        Ok(())
    }

    /// Seals all events that have no seal, and gives how many that were, for where no server does; none without a key.
    ///
    /// # Errors
    /// The database can't be reached, has another schema, or refuses.
    pub async fn seal_backlog(&self) -> Result<Option<usize>> {
        let Some(key) = &self.audit.key else {
            return Ok(None);
        };
        let mut events = 0;
        self.seal_all(key, |count| events += count).await?;
        Ok(Some(events))
    }

    /// Measures how long the oldest event without a seal has waited for it.
    ///
    /// # Errors
    /// The database can't be reached, has another schema, or refuses.
    pub async fn sealing_lag(&self) -> Result<Duration> {
        let rows = self.read(LAG, &[]).await?;
        let seconds: f64 = rows.first().map_or(Ok(0.0), |row| row.try_get(0))?;
        Ok(Duration::try_from_secs_f64(seconds).unwrap_or_default())
    }
}

/// Takes the lock that sealing and retention share, until the end of the transaction; false when another has it.
async fn try_lock(tx: &Transaction<'_>) -> Result<bool> {
    let rows = tx.query(LOCK, &[(&LOCK_KEY, Type::INT8)]).await?;
    Ok(rows.first().map_or(Ok(false), |row| row.try_get(0))?)
}

/// Takes the same lock as soon as whoever has it has ended the transaction.
///
/// # Errors
/// It waits for longer than `lock_timeout`.
pub(super) async fn await_lock(tx: &Transaction<'_>) -> Result<()> {
    tx.query(AWAIT_LOCK, &[(&LOCK_KEY, Type::INT8)]).await?;
    Ok(())
}

/// Seals events that have none, in a transaction of the caller's.
async fn seal(tx: &Transaction<'_>, key: &SigningKey) -> Result<Sealing> {
    if !try_lock(tx).await? {
        return Ok(Sealing::AnotherSeals);
    }
    let position = Position::read(tx).await?;
    let batch = Batch::read(tx, &position).await?;
    let mut chain = position.chain;
    let mut made = Vec::new();
    for (month, event_digests) in batch.digests {
        made.push(chain.seal(key, month, event_digests, batch.end)?);
    }
    // Behind the events that came with the dump begins another epoch. Its own events are for the next round.
    if position.is_restored && !batch.is_cut {
        made.push(chain.begin_epoch(key)?);
    }
    for seal in &made {
        insert(tx, seal).await?;
    }
    Ok(Sealing::Sealed {
        seals: made.iter().map(NewSeal::of).collect(),
        is_behind: position.is_restored || batch.is_cut,
    })
}

async fn insert(tx: &Transaction<'_>, seal: &Seal) -> Result<()> {
    let content = &seal.content;
    let count = i32::try_from(content.event_digests.len()).map_err(Error::internal)?;
    let digests: Vec<u8> = content
        .event_digests
        .iter()
        .flat_map(|digest| digest.as_bytes().to_vec())
        .collect();
    tx.execute(
        INSERT,
        &[
            (&content.number, Type::INT8),
            (&content.epoch, Type::INT4),
            (&content.after_seq, Type::INT8),
            (&content.month.to_string(), Type::TEXT),
            (&Xid(content.from_xid), Type::XID8),
            (&Xid(content.to_xid), Type::XID8),
            (&content.to_seq, Type::INT8),
            (&content.last_seq, Type::INT8),
            (&count, Type::INT4),
            (&digests, Type::BYTEA),
            (&content.previous_root.as_bytes(), Type::BYTEA),
            (&seal.root.as_bytes(), Type::BYTEA),
            (&content.sealed_at, Type::TIMESTAMPTZ),
            (&seal.signed.key_id, Type::TEXT),
            (&seal.signed.signature.0, Type::BYTEA),
        ],
    )
    .await?;
    Ok(())
}

/// The log of the program is elsewhere than the database: who has it can tell that seals were cut off.
fn log_seal(seal: &NewSeal) {
    let NewSeal { head, epoch, events } = seal;
    let (number, root) = (head.number, head.root);
    tracing::info!(number, epoch, %root, events, "audit log sealed");
}
