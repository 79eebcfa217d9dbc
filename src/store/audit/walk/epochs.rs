//! Which epochs the seals have, and up to where events are sealed.

use std::collections::VecDeque;
use std::ops::RangeInclusive;

use postgres_types::Type;
use tokio_postgres::Row;

use super::StreamKey;
use crate::domain::audit::Month;
use crate::error::Result;
use crate::store::audit::xid::Xid;
use crate::store::pool::Snapshot;

// Of the seals behind the checkpoint, each of which is looked at: what others say of epochs, nobody vouches for. Many have the same
// epoch, so each is looked up behind the one before.
const EPOCHS: &str = "-- list_audit_epochs
WITH RECURSIVE epochs AS (
    (SELECT epoch, after_seq FROM audit_seal WHERE number > $1 ORDER BY number LIMIT 1)
    UNION ALL
    SELECT next.epoch, next.after_seq
    FROM epochs CROSS JOIN LATERAL (
        SELECT epoch, after_seq FROM audit_seal WHERE epoch > epochs.epoch AND number > $1 ORDER BY epoch, number LIMIT 1
    ) AS next
)
SELECT epoch, after_seq FROM epochs";

const HEAD: &str = "-- find_audit_head
SELECT epoch, after_seq, to_xid, to_seq, last_seq, pg_snapshot_xmax(pg_current_snapshot()) AS next_xid
FROM audit_seal ORDER BY number DESC LIMIT 1";

/// Up to where events are sealed.
#[derive(Debug, Clone)]
pub(super) struct Sealed {
    epoch: i32,
    after_seq: i64,
    to_xid: u64,
    to_seq: i64,
    last_seq: i64,
    /// The first transaction id that the database has not given yet.
    next_xid: u64,
}

impl Sealed {
    /// Reads the last seal; none where there is none.
    pub(super) async fn read(snapshot: &mut Snapshot) -> Result<Option<Self>> {
        let found = snapshot.query_once(HEAD, &[]).await?;
        found.first().map(Self::from_row).transpose()
    }

    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self {
            epoch: row.try_get("epoch")?,
            after_seq: row.try_get("after_seq")?,
            to_xid: row.try_get::<_, Xid>("to_xid")?.0,
            to_seq: row.try_get("to_seq")?,
            last_seq: row.try_get("last_seq")?,
            next_xid: row.try_get::<_, Xid>("next_xid")?.0,
        })
    }

    /// Whether transaction ids have begun again since.
    fn is_restored(&self) -> bool {
        self.next_xid <= self.to_xid
    }

    /// Whether what stands in a place of an epoch is too new to be sealed. No transaction has an id that was not given yet, unless
    /// it came with a dump.
    pub(super) fn is_before(&self, epoch: i32, (xid, seq): (u64, i64)) -> bool {
        let is_behind = (epoch, xid, seq) > (self.epoch, self.to_xid, self.to_seq);
        is_behind && (xid < self.next_xid || self.is_restored())
    }
}

/// The epochs in their order, and the `seq` behind which each begins.
#[derive(Debug)]
pub(super) struct Epochs(Vec<(i32, i64)>);

impl Epochs {
    /// Reads those of the seals behind `last_seal`.
    pub(super) async fn read(snapshot: &mut Snapshot, last_seal: i64, sealed: Option<&Sealed>) -> Result<Self> {
        let found = snapshot.query_once(EPOCHS, &[(&last_seal, Type::INT8)]).await?;
        let epochs = found
            .iter()
            .map(|row| Ok((row.try_get("epoch")?, row.try_get("after_seq")?)));
        let mut epochs: Vec<(i32, i64)> = epochs.collect::<Result<_>>()?;
        if epochs.is_empty() {
            epochs.push(sealed.map_or((1, i64::MIN), |last| (last.epoch, last.after_seq)));
        }
        // Transaction ids have begun again, and no seal says so yet.
        if let Some(last) = sealed.filter(|last| last.is_restored()) {
            epochs.push((last.epoch.saturating_add(1), last.last_seq));
        }
        Ok(Self(epochs))
    }

    /// Behind which `seq` the first one begins: no event has that one or a lower one.
    pub(super) fn first(&self) -> i64 {
        self.0.first().map_or(i64::MIN, |(_, after)| *after)
    }

    /// The `seq` that events of an epoch have; none where there is no such epoch.
    pub(super) fn range(&self, epoch: i32) -> Option<RangeInclusive<i64>> {
        let after = |wanted: fn(i32, i32) -> bool| {
            let found = self.0.iter().find(|(known, _)| wanted(*known, epoch));
            found.map(|(_, after)| *after)
        };
        let until = after(|known, epoch| known > epoch).unwrap_or(i64::MAX);
        Some(after(|known, epoch| known == epoch)?.checked_add(1)?..=until)
    }

    /// The events of all epochs in these months.
    pub(super) fn with_each(&self, months: &[Month]) -> VecDeque<StreamKey> {
        let each = |(epoch, _): &(i32, i64)| months.iter().map(|month| (*epoch, *month)).collect::<Vec<_>>();
        self.0.iter().flat_map(each).collect()
    }
}
