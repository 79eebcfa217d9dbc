//! The events of a few seals that follow each other: what one statement reads.

use std::collections::VecDeque;
use std::ops::RangeInclusive;

use postgres_types::Type;
use tokio_postgres::Row;

use super::epochs::Sealed;
use super::{SealRow, WalkedEvent};
use crate::domain::audit::{AuditItem, Month, Unreadable};
use crate::error::{Error, Result};
use crate::store::audit::rows::event_columns;
use crate::store::audit::xid::Xid;
use crate::store::pool::{Parameter, Snapshot};

/// The most events that the seals of a segment cover; one seal covers no more.
pub(super) const COVERED: usize = 10_000;

/// How many events are read at once: one more, so that a segment is read once unless somebody added events to it.
const PAGE: usize = COVERED + 1;

/// Where a segment ends that has all events.
pub(super) const BEHIND_ALL: (u64, i64) = (u64::MAX, i64::MAX);

// A further page begins at the last event of the one before, behind as many as were read with its place: there should be one, and an
// event that somebody put into the same place is met all the same.
const READ_EVENTS: &str = concat!(
    "-- walk_audit_events\nSELECT ",
    event_columns!(),
    " FROM audit_log WHERE event_time >= $1 AND event_time < $2 AND (xid, seq) >= ($3, $4) AND (xid, seq) <= ($5, $6)
        AND seq BETWEEN $7 AND $8
    ORDER BY xid, seq LIMIT $9 OFFSET $10"
);

/// An event, and where it stands in the order of the log: its `xid` and its `seq`.
#[derive(Debug)]
pub(super) struct Met<E> {
    place: (u64, i64),
    event: Result<E, Unreadable>,
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

/// The events of a month in an epoch.
#[derive(Debug)]
pub(super) struct EventsOf {
    pub(super) epoch: i32,
    pub(super) month: Month,
    /// The `seq` that they have.
    pub(super) numbers: RangeInclusive<i64>,
}

/// Some seals with the events in their ranges, or the events behind all seals of their month and epoch.
#[derive(Debug)]
pub(super) struct Segment {
    /// None where there can't be any.
    pub(super) events: Option<EventsOf>,
    /// Where they begin and end.
    pub(super) places: RangeInclusive<(u64, i64)>,
    /// Those that are still to be given.
    pub(super) seals: VecDeque<SealRow>,
    /// Where the range ends whose events come now.
    pub(super) open: Option<(u64, i64)>,
    /// Whether no seal covers its events.
    pub(super) is_behind_seals: bool,
    /// How many events were read that stand where they begin.
    pub(super) read_there: usize,
}

impl Segment {
    /// Reads its events, or the first of very many.
    pub(super) async fn read<E: WalkedEvent>(&self, snapshot: &mut Snapshot) -> Result<Vec<Met<E>>> {
        let Some(EventsOf { month, numbers, .. }) = &self.events else {
            return Ok(Vec::new());
        };
        let (begin, end) = (self.places.start(), self.places.end());
        let limit = i64::try_from(PAGE).map_err(Error::internal)?;
        let behind = i64::try_from(self.read_there).map_err(Error::internal)?;
        let parameters: [Parameter<'_>; 10] = [
            (&month.start(), Type::TIMESTAMPTZ),
            (&month.end(), Type::TIMESTAMPTZ),
            (&Xid(begin.0), Type::XID8),
            (&begin.1, Type::INT8),
            (&Xid(end.0), Type::XID8),
            (&end.1, Type::INT8),
            (numbers.start(), Type::INT8),
            (numbers.end(), Type::INT8),
            (&limit, Type::INT8),
            (&behind, Type::INT8),
        ];
        snapshot
            .read_once(READ_EVENTS, &parameters, |row| Met::from_row(&row))
            .await
    }

    /// Puts what was read behind its seals; gives the rest of the segment, too, where it has more events. Up to where events are
    /// sealed, `sealed` says.
    pub(super) fn arrange<E: WalkedEvent>(
        mut self,
        read: Vec<Met<E>>,
        sealed: Option<&Sealed>,
    ) -> (Vec<AuditItem<E>>, Option<Self>) {
        let last = read.last().map(|met| met.place).filter(|_| read.len() == PAGE);
        let read_there = read.iter().rev().take_while(|met| Some(met.place) == last).count();
        let mut items = Vec::with_capacity(read.len() + self.seals.len());
        let mut events = read.into_iter().peekable();
        loop {
            if let Some(end) = self.open {
                while let Some(met) = events.next_if(|met| met.place <= end) {
                    items.push(self.item(met, sealed));
                }
                if let Some(last) = last.filter(|_| events.peek().is_none()) {
                    return (items, Some(self.behind(last, read_there)));
                }
            }
            let Some(seal) = self.seals.pop_front() else {
                return (items, None);
            };
            self.open = seal.as_ref().ok().map(|seal| seal.end());
            items.push(seal.map_or_else(AuditItem::Unreadable, AuditItem::Seal));
        }
    }

    fn item<E>(&self, met: Met<E>, sealed: Option<&Sealed>) -> AuditItem<E> {
        // Whatever else lies behind its seals should have been in one.
        let is_new = self.is_behind_seals
            && self
                .events
                .as_ref()
                .is_some_and(|of| sealed.is_none_or(|sealed| sealed.is_before(of.epoch, met.place)));
        match met.event {
            Ok(event) if is_new => AuditItem::Unsealed(event),
            Ok(event) => AuditItem::Event(event),
            Err(row) => AuditItem::Unreadable(row),
        }
    }

    /// The rest of it, from the event in `last` on, where so many were read.
    fn behind(self, last: (u64, i64), read_there: usize) -> Self {
        let read_before = if last == *self.places.start() {
            self.read_there
        } else {
            0
        };
        Self {
            places: last..=*self.places.end(),
            read_there: read_before + read_there,
            ..self
        }
    }
}
