//! Which segments a log has, and in which order.

use std::collections::{HashMap, VecDeque};

use postgres_types::Type;

use super::SealRow;
use super::epochs::Epochs;
use super::segment::{BEHIND_ALL, COVERED, EventsOf, Segment};
use crate::domain::audit::Month;
use crate::error::Result;
use crate::store::audit::rows::{self, seal_columns};
use crate::store::pool::Snapshot;

/// How many seals are read at once: each holds up to 10,000 digests.
pub(in crate::store::audit) const SEALS: i64 = 32;

/// The most seals of a segment: where little happens, each covers a few events.
const SEALS_OF_A_SEGMENT: usize = 1000;

/// Before all events.
const BEFORE_ALL: (u64, i64) = (0, i64::MIN);

pub(in crate::store::audit) const READ_SEALS: &str = concat!(
    "-- walk_audit_seals\nSELECT ",
    seal_columns!(),
    " FROM audit_seal WHERE number > $1 ORDER BY number LIMIT $2"
);

/// A month in an epoch.
pub(super) type MonthOfEpoch = (i32, Month);

/// The segments of the seals in the order of their numbers, then those of the events behind them.
#[derive(Debug)]
pub(super) struct Segments {
    epochs: Epochs,
    /// Seals that were read and are in no segment yet.
    seals: VecDeque<SealRow>,
    /// The last one that was read.
    last_seal: i64,
    has_all_seals: bool,
    /// Where the events of each month in each epoch begin that are in no segment yet.
    begins: HashMap<MonthOfEpoch, (u64, i64)>,
    /// What may have events behind those of its seals.
    leftovers: VecDeque<MonthOfEpoch>,
}

impl Segments {
    /// Those behind `last_seal`, and of the events in `months`.
    pub(super) fn new(epochs: Epochs, last_seal: i64, months: &[Month]) -> Self {
        Self {
            leftovers: epochs.with_each(months),
            epochs,
            seals: VecDeque::new(),
            last_seal,
            has_all_seals: false,
            begins: HashMap::new(),
        }
    }

    /// The next one; none after the last.
    pub(super) async fn next(&mut self, snapshot: &mut Snapshot) -> Result<Option<Segment>> {
        let (mut seals, mut of, mut covered, mut end) = (VecDeque::new(), None, 0, BEFORE_ALL);
        while seals.len() < SEALS_OF_A_SEGMENT
            && let Some(row) = self.next_seal(snapshot).await?
        {
            if let Ok(seal) = &row {
                let its = (seal.content.epoch, seal.content.month);
                covered += seal.content.event_digests.len();
                if !seals.is_empty() && (covered > COVERED || of.is_some_and(|of| of != its)) {
                    self.seals.push_front(row);
                    break;
                }
                of = Some(its);
                end = end.max(seal.end());
            }
            seals.push_back(row);
        }
        if !seals.is_empty() {
            return Ok(Some(self.segment(of, end, seals)));
        }
        let leftovers = self.leftovers.pop_front();
        Ok(leftovers.map(|of| Segment {
            open: Some(BEHIND_ALL),
            is_behind_seals: true,
            ..self.segment(Some(of), BEHIND_ALL, VecDeque::new())
        }))
    }

    /// Seals, and the events up to `end` that are in no segment yet.
    fn segment(&mut self, of: Option<MonthOfEpoch>, end: (u64, i64), seals: VecDeque<SealRow>) -> Segment {
        let mut begin = BEFORE_ALL;
        if let Some(known) = of.map(|of| self.begins.entry(of).or_insert(BEFORE_ALL)) {
            begin = *known;
            *known = begin.max(next(end));
        }
        let events = of.and_then(|(epoch, month)| {
            let numbers = self.epochs.range(epoch)?;
            Some(EventsOf { epoch, month, numbers })
        });
        Segment {
            events,
            places: begin..=end,
            seals,
            open: None,
            is_behind_seals: false,
            read_there: 0,
        }
    }

    async fn next_seal(&mut self, snapshot: &mut Snapshot) -> Result<Option<SealRow>> {
        if self.seals.is_empty() && !self.has_all_seals {
            let parameters = [(&self.last_seal as _, Type::INT8), (&SEALS as _, Type::INT8)];
            let page = snapshot.query_once(READ_SEALS, &parameters).await?;
            if let Some(last) = page.last() {
                self.last_seal = last.try_get("number")?;
            }
            self.seals = page.iter().map(|row| rows::seal(row).map(Box::new)).collect();
            self.has_all_seals = self.seals.is_empty();
        }
        Ok(self.seals.pop_front())
    }
}

/// The first place behind another one.
fn next((xid, seq): (u64, i64)) -> (u64, i64) {
    match seq.checked_add(1) {
        Some(next) => (xid, next),
        None => (xid.saturating_add(1), i64::MIN),
    }
}
