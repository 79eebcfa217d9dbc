//! Sealing: what lies below the snapshot horizon is covered by a signed seal, by one runner at a time.
//!
//! Below the horizon (`pg_snapshot_xmin`) every transaction has ended and all that it wrote is seen, so a range of transaction
//! ids there never changes again. Such a range may end inside a transaction, which may have more events than a seal should: they
//! have an order. Transaction ids begin anew when a dump is restored into a younger cluster, which is seen by
//! the next id being no higher than the last that was sealed. Then the events that came with the dump unsealed end the epoch,
//! and those with a higher `seq` than any of them begin the next one.

use std::collections::BTreeMap;
use std::time::Duration;

use postgres_types::Type;
use scoped_futures::ScopedFutureExt as _;
use time::OffsetDateTime;
use tokio_postgres::{IsolationLevel, Row};

use super::rows::{self, event_columns};
use super::xid::Xid;
use crate::domain::audit::event::EventHasher;
use crate::domain::audit::seal::{WHOLE_TRANSACTION, first_previous_root};
use crate::domain::audit::{AuditEvent, Head, Month, Seal, SealContent};
use crate::domain::digest::Digest;
use crate::error::{Error, Result};
use crate::signing::SigningKey;
use crate::store::Store;
use crate::store::pool::Transaction;
use crate::store::run_tx::{End, TxError};

/// The key of the advisory lock.
const LOCK_KEY: i64 = i64::from_be_bytes(*b"dashseal");

/// How many events are read at once.
const PAGE: usize = 2000;

/// How many events a round seals at most.
const ROUND: usize = 5 * PAGE;

/// Below every `seq`: where the first epoch begins.
const BEFORE_ALL: i64 = i64::MIN;

/// Below every event of an epoch: no transaction has the id 0.
const BEFORE_ALL_XIDS: (u64, i64) = (0, BEFORE_ALL);

// The index has the order that events are read in. By the statistics of a log that grows, sorting all of it may look cheaper.
const LOCK: &str = "-- lock_audit_sealing
SELECT pg_try_advisory_xact_lock($1), set_config('enable_sort', 'off', true)";

const POSITION: &str = "-- find_audit_position
SELECT pg_snapshot_xmin(pg_current_snapshot()) AS horizon, pg_snapshot_xmax(pg_current_snapshot()) AS next_xid,
    clock_timestamp() AS sealed_at, last.number, last.epoch, last.after_seq, last.to_xid, last.to_seq, last.last_seq,
    last.root
FROM (VALUES (true)) AS always LEFT JOIN (
    SELECT number, epoch, after_seq, to_xid, to_seq, last_seq, root FROM audit_seal ORDER BY number DESC LIMIT 1
) AS last ON true";

const READ: &str = concat!(
    "-- read_unsealed_events\nSELECT ",
    event_columns!(),
    " FROM audit_log WHERE (xid, seq) > ($1, $2) AND xid < $3 AND seq > $4 ORDER BY xid, seq LIMIT $5"
);

const INSERT: &str = "-- insert_audit_seal
INSERT INTO audit_seal (number, epoch, after_seq, month, from_xid, to_xid, to_seq, last_seq, event_count, event_digests,
    previous_root, root, sealed_at, key_id, signature)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)";

const LAG: &str = "-- measure_sealing_lag
SELECT COALESCE(extract(epoch FROM clock_timestamp() - (
    SELECT event_time FROM audit_log
    WHERE (xid, seq) > (
        COALESCE((SELECT to_xid FROM audit_seal ORDER BY number DESC LIMIT 1), '0'),
        COALESCE((SELECT to_seq FROM audit_seal ORDER BY number DESC LIMIT 1), 0)
    )
    ORDER BY xid, seq LIMIT 1
)), 0)::double precision";

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

/// What a round of sealing did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sealing {
    /// Another runner seals now.
    AnotherSeals,
    /// It made these seals.
    Sealed {
        /// One for each month whose events were met; none where there was nothing to seal.
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
        let outcome = self
            .pool
            .run_tx("seal_audit_log", IsolationLevel::ReadCommitted, |tx| {
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
pub(in crate::store) async fn try_lock(tx: &Transaction<'_>) -> Result<bool> {
    let rows = tx.query(LOCK, &[(&LOCK_KEY, Type::INT8)]).await?;
    Ok(rows.first().map_or(Ok(false), |row| row.try_get(0))?)
}

/// Seals events that have none, in a transaction of the caller's.
async fn seal(tx: &Transaction<'_>, key: &SigningKey) -> Result<Sealing> {
    if !try_lock(tx).await? {
        return Ok(Sealing::AnotherSeals);
    }
    let rows = tx.query(POSITION, &[]).await?;
    let row = rows.first().ok_or_else(|| Error::internal("no position"))?;
    let position = Position::from_row(row)?;
    let mut batch = Batch::read(tx, &position).await?;
    let mut chain = position.chain;
    // Behind the events that came with the dump begins another epoch.
    let mut is_behind = position.is_restored;
    if position.is_restored && batch.is_empty() {
        let next = position.next_epoch();
        batch = Batch::read(tx, &next).await?;
        chain = next.chain;
        is_behind = false;
    }
    is_behind |= batch.is_cut;
    let mut seals = Vec::new();
    for (month, event_digests) in batch.digests {
        let made = chain.seal(key, month, event_digests, batch.end);
        insert(tx, &made).await?;
        seals.push(NewSeal {
            head: made.head(),
            epoch: made.content.epoch,
            events: made.content.event_digests.len(),
        });
    }
    Ok(Sealing::Sealed { seals, is_behind })
}

/// Where the chain ends, and the next seal begins.
#[derive(Debug, Clone, Copy)]
struct Chain {
    number: i64,
    root: Digest,
    epoch: i32,
    after_seq: i64,
    /// Where the range of the last seal of the epoch ends.
    after: (u64, i64),
    last_seq: i64,
    sealed_at: OffsetDateTime,
}

impl Chain {
    /// Makes the next seal. Those of one round have the same range, each in its own month.
    fn seal(&mut self, key: &SigningKey, month: Month, event_digests: Vec<Digest>, end: RangeEnd) -> Seal {
        let from_xid = match self.after {
            (whole, WHOLE_TRANSACTION) => whole + 1,
            (begun, _) => begun,
        };
        let content = SealContent {
            number: self.number + 1,
            epoch: self.epoch,
            after_seq: self.after_seq,
            month,
            from_xid,
            to_xid: end.to_xid,
            to_seq: end.to_seq,
            last_seq: self.last_seq.max(end.last_seq),
            event_digests,
            previous_root: self.root,
            sealed_at: self.sealed_at,
        };
        let root = content.root();
        let signed = key.sign(&content.message(root));
        self.number = content.number;
        self.root = root;
        Seal { content, root, signed }
    }
}

/// What may be sealed now.
#[derive(Debug, Clone, Copy)]
struct Position {
    chain: Chain,
    /// The first transaction id that may not.
    below: u64,
    horizon: u64,
    /// Whether transaction ids have begun again since the last seal.
    is_restored: bool,
}

impl Position {
    fn from_row(row: &Row) -> Result<Self> {
        let horizon = row.try_get::<_, Xid>("horizon")?.0;
        let next_xid = row.try_get::<_, Xid>("next_xid")?.0;
        let last_xid = row.try_get::<_, Option<Xid>>("to_xid")?.map(|xid| xid.0);
        let to_seq = row.try_get::<_, Option<i64>>("to_seq")?;
        let is_restored = last_xid.is_some_and(|last| next_xid <= last);
        let root = row.try_get::<_, Option<&[u8]>>("root")?.map(rows::digest).transpose()?;
        Ok(Self {
            chain: Chain {
                number: row.try_get::<_, Option<i64>>("number")?.unwrap_or(0),
                root: root.unwrap_or_else(first_previous_root),
                epoch: row.try_get::<_, Option<i32>>("epoch")?.unwrap_or(1),
                after_seq: row.try_get::<_, Option<i64>>("after_seq")?.unwrap_or(BEFORE_ALL),
                after: last_xid.zip(to_seq).unwrap_or(BEFORE_ALL_XIDS),
                last_seq: row.try_get::<_, Option<i64>>("last_seq")?.unwrap_or(BEFORE_ALL),
                sealed_at: row.try_get("sealed_at")?,
            },
            // What came with a dump never changes again, and nothing new has so high an id.
            below: if is_restored { u64::MAX } else { horizon },
            horizon,
            is_restored,
        })
    }

    /// Behind all events that were there when transaction ids began again.
    fn next_epoch(&self) -> Self {
        Self {
            chain: Chain {
                epoch: self.chain.epoch + 1,
                after_seq: self.chain.last_seq,
                after: BEFORE_ALL_XIDS,
                ..self.chain
            },
            below: self.horizon,
            ..*self
        }
    }
}

/// Where the range of a round ends.
#[derive(Debug, Clone, Copy)]
struct RangeEnd {
    to_xid: u64,
    to_seq: i64,
    /// The highest `seq` in it.
    last_seq: i64,
}

/// The digests of the events of one round, and where it ends.
#[derive(Debug)]
struct Batch {
    digests: BTreeMap<Month, Vec<Digest>>,
    events: usize,
    end: RangeEnd,
    /// Whether it ends because it is full.
    is_cut: bool,
}

impl Batch {
    /// Reads in pages, until it is full or has all that may be sealed.
    async fn read(tx: &Transaction<'_>, position: &Position) -> Result<Self> {
        let mut batch = Self {
            digests: BTreeMap::new(),
            events: 0,
            end: RangeEnd {
                to_xid: 0,
                to_seq: BEFORE_ALL,
                last_seq: BEFORE_ALL,
            },
            is_cut: false,
        };
        let mut hasher = EventHasher::default();
        let mut after = position.chain.after;
        loop {
            let page = read_page(tx, position, after).await?;
            for row in &page {
                let event = rows::event(row)?;
                after = (event.xid, event.seq);
                batch.add(&event, &mut hasher);
            }
            if page.len() < PAGE {
                break;
            }
            if batch.events >= ROUND {
                batch.is_cut = true;
                return Ok(batch);
            }
        }
        // All transactions of the range have been seen, also those without events. What came with a dump has no other end
        // than its last event.
        batch.end.to_seq = WHOLE_TRANSACTION;
        if position.below != u64::MAX {
            batch.end.to_xid = position.below.saturating_sub(1);
        }
        Ok(batch)
    }

    fn is_empty(&self) -> bool {
        self.events == 0
    }

    fn add(&mut self, event: &AuditEvent, hasher: &mut EventHasher) {
        self.digests
            .entry(event.month())
            .or_default()
            .push(hasher.digest(event));
        self.events += 1;
        (self.end.to_xid, self.end.to_seq) = (event.xid, event.seq);
        self.end.last_seq = self.end.last_seq.max(event.seq);
    }
}

async fn read_page(tx: &Transaction<'_>, position: &Position, after: (u64, i64)) -> Result<Vec<Row>> {
    let limit = i64::try_from(PAGE).map_err(Error::internal)?;
    let parameters = [
        (&Xid(after.0) as _, Type::XID8),
        (&after.1 as _, Type::INT8),
        (&Xid(position.below) as _, Type::XID8),
        (&position.chain.after_seq as _, Type::INT8),
        (&limit as _, Type::INT8),
    ];
    Ok(tx.query(READ, &parameters).await?)
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
