//! Which epochs the seals have, and up to where events are sealed.

use std::collections::VecDeque;
use std::ops::RangeInclusive;

use postgres_types::Type;
use tokio_postgres::Row;

use super::segments::MonthOfEpoch;
use crate::domain::audit::seal::EPOCH_BEGIN;
use crate::domain::audit::{Month, Seal, Unreadable};
use crate::error::Result;
use crate::store::audit::rows::{self, seal_columns};
use crate::store::audit::xid::Xid;
use crate::store::pool::Snapshot;

// Behind the checkpoint, the first seal and those that begin epochs: their ranges are the transaction id 0. What others say of epochs
// is what these say, or somebody else has written it. And the last seal of all. Each is looked up by its number:
// PostgreSQL would rather read all seals in their order, since it may not sort (see `KEEP_ORDER`).
const LANDMARKS: &str = concat!(
    "-- find_audit_landmarks\nSELECT ",
    seal_columns!(),
    ", pg_snapshot_xmax(pg_current_snapshot()) AS next_xid
FROM (
    (SELECT number FROM audit_seal WHERE number > $1 ORDER BY number LIMIT 1)
    UNION
    SELECT number FROM audit_seal WHERE to_xid = '0' AND to_seq = 9223372036854775807 AND number > $1
    UNION
    (SELECT number FROM audit_seal ORDER BY number DESC LIMIT 1)
) AS landmark (place) CROSS JOIN LATERAL (SELECT * FROM audit_seal WHERE number = place LIMIT 1) AS seal
ORDER BY place"
);

/// The seals that say which events belong to which epoch, in the order of their numbers, and what they say. Whether they are as they
/// were signed is for others to find out.
#[derive(Debug)]
pub(super) struct Landmarks {
    pub(super) seals: Vec<Result<Box<Seal>, Unreadable>>,
    pub(super) epochs: Epochs,
    /// None where there is no seal.
    pub(super) sealed: Option<Sealed>,
}

impl Landmarks {
    /// Reads those behind `last_seal`, and the last one in any case.
    pub(super) async fn read(snapshot: &mut Snapshot, last_seal: i64) -> Result<Self> {
        let rows = snapshot.query_once(LANDMARKS, &[(&last_seal, Type::INT8)]).await?;
        let sealed = rows.last().map(Sealed::from_row).transpose()?;
        Ok(Self {
            seals: rows.iter().map(|row| rows::seal(row).map(Box::new)).collect(),
            epochs: Epochs::of(&rows, last_seal, sealed.as_ref())?,
            sealed,
        })
    }
}

/// Up to where events are sealed.
#[derive(Debug)]
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
    /// Those of the seals behind `last_seal` in `rows`.
    fn of(rows: &[Row], last_seal: i64, sealed: Option<&Sealed>) -> Result<Self> {
        let mut epochs: Vec<(i32, i64)> = Vec::new();
        for row in rows {
            let epoch: i32 = row.try_get("epoch")?;
            let is_first = epochs.is_empty() && row.try_get::<_, i64>("number")? > last_seal;
            let range_end = (row.try_get::<_, Xid>("to_xid")?.0, row.try_get("to_seq")?);
            let is_later = epochs.last().is_some_and(|(last, _)| *last < epoch);
            if is_first || is_later && range_end == EPOCH_BEGIN {
                epochs.push((epoch, row.try_get("after_seq")?));
            }
        }
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
    pub(super) fn with_each(&self, months: &[Month]) -> VecDeque<MonthOfEpoch> {
        let each = |(epoch, _): &(i32, i64)| months.iter().map(|month| (*epoch, *month)).collect::<Vec<_>>();
        self.0.iter().flat_map(each).collect()
    }
}
