//! Where the chain of seals ends, and what the next one may cover.

use time::OffsetDateTime;
use tokio_postgres::Row;

use super::batch::RangeEnd;
use crate::domain::audit::seal::{WHOLE_TRANSACTION, first_previous_root};
use crate::domain::audit::{Month, Seal, SealContent};
use crate::domain::digest::Digest;
use crate::error::{Error, Result};
use crate::signing::SigningKey;
use crate::store::audit::rows;
use crate::store::audit::xid::Xid;
use crate::store::pool::Transaction;

/// Below every `seq`: where the first epoch begins.
pub(super) const BEFORE_ALL: i64 = i64::MIN;

/// Below every event of an epoch: no transaction has the id 0.
const BEFORE_ALL_XIDS: (u64, i64) = (0, BEFORE_ALL);

const POSITION: &str = "-- find_audit_position
SELECT pg_snapshot_xmin(pg_current_snapshot()) AS horizon, pg_snapshot_xmax(pg_current_snapshot()) AS next_xid,
    clock_timestamp() AS sealed_at, last.number, last.epoch, last.after_seq, last.to_xid, last.to_seq, last.last_seq,
    last.root
FROM (VALUES (true)) AS always LEFT JOIN (
    SELECT number, epoch, after_seq, to_xid, to_seq, last_seq, root FROM audit_seal ORDER BY number DESC LIMIT 1
) AS last ON true";

/// Where the chain ends, and the next seal begins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chain {
    number: i64,
    root: Digest,
    epoch: i32,
    pub(super) after_seq: i64,
    /// Where the range of the last seal of the epoch ends.
    pub(super) after: (u64, i64),
    last_seq: i64,
    sealed_at: OffsetDateTime,
}

impl Chain {
    /// Makes the next seal. Those of one round have the same range, each in its own month.
    ///
    /// # Errors
    /// `Internal` where the last seal has the highest number, which only somebody else can have written.
    pub(super) fn seal(
        &mut self,
        key: &SigningKey,
        month: Month,
        event_digests: Vec<Digest>,
        end: RangeEnd,
    ) -> Result<Seal> {
        let from_xid = match self.after {
            (whole, WHOLE_TRANSACTION) => whole.saturating_add(1),
            (begun, _) => begun,
        };
        let number = self.number.checked_add(1).ok_or_else(|| self.has_no_next())?;
        let content = SealContent {
            number,
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
        self.last_seq = content.last_seq;
        self.root = root;
        Ok(Seal { content, root, signed })
    }

    /// Makes the seal that begins the next epoch, behind all events that were there when transaction ids began again. It covers
    /// none itself.
    ///
    /// # Errors
    /// `Internal` where the last seal has the highest number or epoch, which only somebody else can have written.
    pub(super) fn begin_epoch(&mut self, key: &SigningKey) -> Result<Seal> {
        self.epoch = self.epoch.checked_add(1).ok_or_else(|| self.has_no_next())?;
        self.after_seq = self.last_seq;
        self.after = BEFORE_ALL_XIDS;
        self.seal(key, Month::of(self.sealed_at), Vec::new(), RangeEnd::BEFORE_ALL)
    }

    fn has_no_next(&self) -> Error {
        let Self { number, epoch, .. } = self;
        Error::internal(format!(
            "no seal can follow seal {number} of epoch {epoch} in audit_seal: the service has not made it, and until a superuser removes \
             it nothing is sealed"
        ))
    }
}

/// What may be sealed now.
#[derive(Debug, Clone, Copy)]
pub(super) struct Position {
    pub(super) chain: Chain,
    /// The first transaction id that may not.
    pub(super) below: u64,
    /// Whether transaction ids have begun again since the last seal.
    pub(super) is_restored: bool,
}

impl Position {
    pub(super) async fn read(tx: &Transaction<'_>) -> Result<Self> {
        let rows = tx.query(POSITION, &[]).await?;
        let row = rows.first().ok_or_else(|| Error::internal("no position"))?;
        Self::from_row(row)
    }

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
            is_restored,
        })
    }
}
