//! The events of one month in one epoch, read page by page.

use std::collections::VecDeque;
use std::ops::RangeInclusive;

use postgres_types::Type;
use tokio_postgres::Row;

use super::{PAGE, WalkedEvent};
use crate::domain::audit::{AuditItem, Month, Unreadable};
use crate::error::{Error, Result};
use crate::store::audit::rows::event_columns;
use crate::store::audit::xid::Xid;
use crate::store::pool::{Parameter, Snapshot};

// A page begins at the last event of the one before, behind as many as were read with its place: there should be one, and an event
// that somebody put into the same place is met all the same.
const READ_EVENTS: &str = concat!(
    "-- walk_audit_events\nSELECT ",
    event_columns!(),
    " FROM audit_log WHERE event_time >= $1 AND event_time < $2 AND (xid, seq) >= ($3, $4) AND seq BETWEEN $5 AND $6
    ORDER BY xid, seq LIMIT $7 OFFSET $8"
);

/// An event, and where it stands in the order of the log: its `xid` and its `seq`.
#[derive(Debug)]
pub(super) struct Met<E> {
    pub(super) place: (u64, i64),
    pub(super) event: Result<E, Unreadable>,
}

impl<E: WalkedEvent> Met<E> {
    fn from_row(row: &Row) -> Result<Self> {
        let event = E::read(row);
        let place = match &event {
            Ok(event) => event.place(),
            Err(_) => (row.try_get::<_, Xid>("xid")?.0, row.try_get("seq")?),
        };
        Ok(Self { place, event })
    }
}

impl<E> From<Met<E>> for AuditItem<E> {
    fn from(met: Met<E>) -> Self {
        met.event.map_or_else(Self::Unreadable, Self::Event)
    }
}

/// The events of one month in one epoch.
#[derive(Debug)]
pub(super) struct Stream<E> {
    month: Month,
    /// The `seq` of its events.
    range: Option<RangeInclusive<i64>>,
    events: VecDeque<Met<E>>,
    /// Where the last event stands that was read, and how many were that stand there.
    last: (u64, i64),
    read_there: usize,
    has_all: bool,
}

impl<E: WalkedEvent> Stream<E> {
    pub(super) fn new(month: Month, range: Option<RangeInclusive<i64>>) -> Self {
        Self {
            month,
            has_all: range.is_none(),
            range,
            events: VecDeque::new(),
            last: (0, i64::MIN),
            read_there: 0,
        }
    }

    /// Whether a page has to be read before anything can be said of the next event.
    pub(super) fn is_dry(&self) -> bool {
        self.events.is_empty() && !self.has_all
    }

    /// Takes the events in memory up to the end of a range.
    pub(super) fn take_until(&mut self, end: (u64, i64), mut take: impl FnMut(Met<E>)) {
        while let Some(met) = self.events.pop_front_if(|met| met.place <= end) {
            take(met);
        }
    }

    pub(super) async fn read_page(&mut self, snapshot: &mut Snapshot) -> Result<()> {
        let Some(range) = &self.range else {
            return Ok(());
        };
        let (start, end) = (self.month.start(), self.month.end());
        let limit = i64::try_from(PAGE).map_err(Error::internal)?;
        let behind = i64::try_from(self.read_there).map_err(Error::internal)?;
        let parameters: [Parameter<'_>; 8] = [
            (&start, Type::TIMESTAMPTZ),
            (&end, Type::TIMESTAMPTZ),
            (&Xid(self.last.0), Type::XID8),
            (&self.last.1, Type::INT8),
            (range.start(), Type::INT8),
            (range.end(), Type::INT8),
            (&limit, Type::INT8),
            (&behind, Type::INT8),
        ];
        let page = snapshot
            .read_once(READ_EVENTS, &parameters, |row| Met::from_row(&row))
            .await?;
        self.has_all = page.len() < PAGE;
        if let Some(last) = page.last().map(|met| met.place) {
            let there = page.iter().rev().take_while(|met| met.place == last).count();
            self.read_there = if last == self.last {
                self.read_there + there
            } else {
                there
            };
            self.last = last;
        }
        self.events = page.into();
        Ok(())
    }
}
