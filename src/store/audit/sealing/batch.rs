//! The digests of the events that a round seals.

use std::collections::BTreeMap;

use postgres_types::Type;
use tokio_postgres::Row;

use super::position::{BEFORE_ALL, Position};
use crate::domain::audit::seal::{EPOCH_BEGIN, WHOLE_TRANSACTION};
use crate::domain::audit::{AuditEvent, Month};
use crate::domain::digest::Digest;
use crate::error::{Error, Result};
use crate::store::audit::rows::{self, event_columns};
use crate::store::audit::time::AuditTime;
use crate::store::audit::xid::Xid;
use crate::store::pool::Transaction;

/// How many events are read at once.
const PAGE: usize = 2000;

/// How many events a round seals at most.
const ROUND: usize = 5 * PAGE;

const READ: &str = concat!(
    "-- read_unsealed_events\nSELECT ",
    event_columns!(),
    " FROM audit_log WHERE (xid, seq) > ($1, $2) AND xid < $3 AND seq > $4 ORDER BY xid, seq LIMIT $5"
);

/// Where the range of a round ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct RangeEnd {
    pub(super) to_xid: u64,
    pub(super) to_seq: i64,
    /// The highest `seq` in it.
    pub(super) last_seq: i64,
}

impl RangeEnd {
    /// Where the range of a seal ends that begins an epoch: no transaction has the id 0, so all events lie behind it.
    pub(super) const BEFORE_ALL: Self = Self {
        to_xid: EPOCH_BEGIN.0,
        to_seq: EPOCH_BEGIN.1,
        last_seq: BEFORE_ALL,
    };
}

/// The digests of the events of one round, and where it ends.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) digests: BTreeMap<Month, Vec<Digest>>,
    events: usize,
    pub(super) end: RangeEnd,
    /// Whether it ends because it is full.
    pub(super) is_cut: bool,
}

impl Batch {
    /// Reads in pages, until it is full or has all that may be sealed.
    pub(super) async fn read(tx: &Transaction<'_>, position: &Position) -> Result<Self> {
        let mut batch = Self {
            digests: BTreeMap::new(),
            events: 0,
            end: RangeEnd::BEFORE_ALL,
            is_cut: false,
        };
        let mut after = position.chain.after;
        loop {
            let page = read_page(tx, position, after).await?;
            for row in &page {
                let event: AuditEvent<&str> = rows::event(row)?;
                refuse_end_of_time(&event)?;
                after = event.place();
                batch.add(&event);
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

    fn add(&mut self, event: &AuditEvent<&str>) {
        self.digests.entry(event.month()).or_default().push(event.digest());
        self.events += 1;
        (self.end.to_xid, self.end.to_seq) = event.place();
        self.end.last_seq = self.end.last_seq.max(event.seq);
    }
}

/// A seal says in which month its events are: one at a time that no partition of ours has would be missed there ever after.
fn refuse_end_of_time(event: &AuditEvent<&str>) -> Result<()> {
    if !AuditTime::is_first(event.event_time) && !AuditTime::is_last(event.event_time) {
        return Ok(());
    }
    Err(Error::internal(format!(
        "event {} can't be sealed: its time is before the year 1 or after 9999; the service has not written it, and until a superuser \
         removes it nothing is sealed",
        event.id
    )))
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
