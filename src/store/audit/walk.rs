//! A walk through the whole log in one snapshot, in the order in which it is verified: each seal, then the events in its range;
//! at the end the events that are in nobody's.

mod epochs;
mod strays;
mod stream;

use std::collections::{HashMap, VecDeque};

use postgres_types::Type;
use tokio::sync::mpsc;
use tokio_postgres::Row;

use self::epochs::{Epochs, Landmarks, Sealed};
use self::stream::Stream;
use super::rows::{self, seal_columns};
use crate::domain::audit::{
    AuditEvent, AuditItem, CheckSignature, Checkpoint, DigestedEvent, Head, Month, Report, Seal, Signed, Unreadable,
    Verifier,
};
use crate::error::{Error, Result};
use crate::store::Store;
use crate::store::pool::Snapshot;

/// How many events are read at once, and given at once, about.
const PAGE: usize = 4000;

/// How many seals are read at once: each holds up to 10,000 digests.
pub(super) const SEALS: i64 = 32;

/// Where a range ends that has all events.
const BEHIND_ALL: (u64, i64) = (u64::MAX, i64::MAX);

// Before the snapshot: a partition that goes meanwhile would be in it, and be empty, without the checkpoint that stands for it.
const LOCK: &str = "-- lock_audit_log
LOCK TABLE ONLY audit_log IN ACCESS SHARE MODE";

// The index has the order that events are read in, whatever the statistics say of sorting.
const KEEP_ORDER: &str = "-- keep_audit_order
SELECT set_config('enable_sort', 'off', true)";

const PARTITIONS: &str = "-- list_audit_partitions
SELECT class.relname::text FROM pg_inherits JOIN pg_class AS class ON class.oid = inhrelid
WHERE inhparent = 'audit_log'::regclass ORDER BY class.relname";

pub(super) const CHECKPOINT: &str = "-- find_audit_checkpoint
SELECT kept_from, seal_number, seal_root, dropped_events, created_at, key_id, signature
FROM audit_checkpoint ORDER BY kept_from DESC LIMIT 1";

pub(super) const READ_SEALS: &str = concat!(
    "-- walk_audit_seals\nSELECT ",
    seal_columns!(),
    " FROM audit_seal WHERE number > $1 ORDER BY number LIMIT $2"
);

impl Store {
    /// Begins a walk through the audit log. It has a connection until its end, and sees nothing that is written meanwhile.
    ///
    /// # Errors
    /// The database can't be reached, has another schema, or refuses.
    pub async fn begin_audit_walk<E: WalkedEvent>(&self) -> Result<AuditWalk<E>> {
        let mut snapshot = Snapshot::begin(self.pool.get().await?).await?;
        snapshot.query_once(LOCK, &[]).await?;
        snapshot.query_once(KEEP_ORDER, &[]).await?;
        let partitions = snapshot.query_once(PARTITIONS, &[]).await?;
        let names = partitions.iter().map(|row| row.try_get::<_, &str>(0));
        let months = names.filter_map(|name| name.map(Month::of_partition).transpose());
        let months: Vec<Month> = months.collect::<Result<_, _>>()?;
        let checkpoints = snapshot.query_once(CHECKPOINT, &[]).await?;
        let checkpoint = checkpoints.first().map(rows::checkpoint).transpose()?;
        let last_seal = checkpoint.as_ref().map_or(0, |(found, _)| found.seal_number);
        let Landmarks { seals, epochs, sealed } = Landmarks::read(&mut snapshot, last_seal).await?;
        Ok(AuditWalk {
            last_seal,
            leftovers: epochs.with_each(&months),
            snapshot,
            checkpoint,
            landmarks: seals,
            epochs,
            sealed,
            seals: VecDeque::new(),
            has_all_seals: false,
            open: None,
            streams: HashMap::new(),
            met: 0,
            has_strays: false,
        })
    }

    /// Verifies the whole audit log with the public `keys`. `expected` is a head from a log.
    ///
    /// # Errors
    /// The database can't be reached, has another schema, refuses, or holds a row that can't be read.
    pub async fn verify_audit_log(&self, keys: impl CheckSignature, expected: Option<Head>) -> Result<Report> {
        let mut walk = self.begin_audit_walk::<DigestedEvent>().await?;
        let mut verifier = Verifier::new(keys, expected);
        walk.prepare(&mut verifier);
        // The database is read on while what came is looked at.
        let (sender, mut portions) = mpsc::channel(1);
        let reading = tokio::spawn(async move {
            while let Some(items) = walk.next_portion().await? {
                if sender.send(items).await.is_err() {
                    break;
                }
            }
            walk.end().await
        });
        while !verifier.is_done()
            && let Some(items) = portions.recv().await
        {
            items.into_iter().for_each(|item| verifier.take(item));
        }
        drop(portions);
        let read = reading.await.map_err(Error::internal)?;
        // What was found is found, whatever became of the rest.
        if !verifier.is_done() {
            read?;
        }
        Ok(verifier.finish())
    }
}

/// What a walk makes of each event that it meets.
pub trait WalkedEvent: Sized + Send + 'static {
    /// Makes it of a row.
    ///
    /// # Errors
    /// Somebody has written what no event of ours holds.
    fn read(row: &Row) -> Result<Self, Unreadable>;

    /// Where the event stands in the order of the log.
    fn place(&self) -> (u64, i64);
}

impl WalkedEvent for Box<AuditEvent> {
    fn read(row: &Row) -> Result<Self, Unreadable> {
        rows::event(row).map(Self::new)
    }

    fn place(&self) -> (u64, i64) {
        AuditEvent::place(self)
    }
}

impl WalkedEvent for DigestedEvent {
    fn read(row: &Row) -> Result<Self, Unreadable> {
        rows::event::<&str>(row).map(|event| Self::from(&event))
    }

    fn place(&self) -> (u64, i64) {
        self.place
    }
}

/// A walk under way. Dropped before its end, its transaction goes, and the connection with it.
#[derive(Debug)]
pub struct AuditWalk<E> {
    snapshot: Snapshot,
    checkpoint: Option<(Checkpoint, Signed)>,
    /// The seals that say which events belong to which epoch.
    landmarks: Vec<Result<Box<Seal>, Unreadable>>,
    epochs: Epochs,
    /// Up to where events are sealed; none where there is no seal.
    sealed: Option<Sealed>,
    /// Seals that were read and not given yet.
    seals: VecDeque<Result<Box<Seal>, Unreadable>>,
    /// The last one that was read.
    last_seal: i64,
    has_all_seals: bool,
    /// The seal whose events come now: where they are, and where its range ends.
    open: Option<(StreamKey, (u64, i64))>,
    streams: HashMap<StreamKey, Stream<E>>,
    /// What may have events behind those of its seals.
    leftovers: VecDeque<StreamKey>,
    /// How many events were given.
    met: usize,
    /// Whether those were given, too, that are in none of the months.
    has_strays: bool,
}

/// The events of a month in an epoch.
type StreamKey = (i32, Month);

impl<E: WalkedEvent> AuditWalk<E> {
    /// The signed checkpoint that retention left, where it dropped events: the walk begins behind it.
    pub fn checkpoint(&self) -> Option<&(Checkpoint, Signed)> {
        self.checkpoint.as_ref()
    }

    /// Gives `verifier` what it takes before all else.
    pub fn prepare(&self, verifier: &mut Verifier<impl CheckSignature>) {
        if let Some((checkpoint, signed)) = self.checkpoint() {
            verifier.take_checkpoint(checkpoint, signed);
        }
        verifier.take_landmarks(&self.landmarks);
    }

    /// Gives the next few thousand seals and events; none after the last.
    ///
    /// # Errors
    /// The database can't be reached, or holds a row that can't be read.
    pub async fn next_portion(&mut self) -> Result<Option<Vec<AuditItem<E>>>> {
        let mut items = Vec::new();
        while items.len() < PAGE {
            if let Some((key, end)) = self.open {
                let stream = self.stream(key).await?;
                stream.take_until(end, |met| items.push(met.into()));
                if stream.is_dry() {
                    continue;
                }
                self.open = None;
            } else if let Some(seal) = self.next_seal().await? {
                items.push(match seal {
                    Ok(seal) => {
                        self.open = Some(((seal.content.epoch, seal.content.month), seal.end()));
                        AuditItem::Seal(seal)
                    }
                    Err(row) => AuditItem::Unreadable(row),
                });
            } else if !self.take_leftovers(&mut items).await? {
                break;
            }
        }
        self.met += items.iter().filter(|item| !item.is_seal()).count();
        if items.is_empty() && !self.has_strays {
            items = strays::find(&mut self.snapshot, self.met, self.epochs.first()).await?;
            self.has_strays = true;
        }
        Ok((!items.is_empty()).then_some(items))
    }

    /// Ends the transaction.
    ///
    /// # Errors
    /// The connection is lost.
    pub async fn end(self) -> Result<()> {
        Ok(self.snapshot.end().await?)
    }

    async fn next_seal(&mut self) -> Result<Option<Result<Box<Seal>, Unreadable>>> {
        if self.seals.is_empty() && !self.has_all_seals {
            let parameters = [(&self.last_seal as _, Type::INT8), (&SEALS as _, Type::INT8)];
            let page = self.snapshot.query_once(READ_SEALS, &parameters).await?;
            if let Some(last) = page.last() {
                self.last_seal = last.try_get("number")?;
            }
            self.seals = page.iter().map(|row| rows::seal(row).map(Box::new)).collect();
            self.has_all_seals = self.seals.is_empty();
        }
        Ok(self.seals.pop_front())
    }

    /// Gives events behind the last seal of their month and epoch; false when there are no more.
    async fn take_leftovers(&mut self, items: &mut Vec<AuditItem<E>>) -> Result<bool> {
        let Some(&key) = self.leftovers.front() else {
            return Ok(false);
        };
        let sealed = self.sealed.clone();
        let stream = self.stream(key).await?;
        stream.take_until(BEHIND_ALL, |met| {
            // Whatever else lies behind its seals should have been in one.
            let is_new = sealed.as_ref().is_none_or(|sealed| sealed.is_before(key.0, met.place));
            items.push(match AuditItem::from(met) {
                AuditItem::Event(event) if is_new => AuditItem::Unsealed(event),
                other => other,
            });
        });
        if !stream.is_dry() {
            self.leftovers.pop_front();
            self.streams.remove(&key);
        }
        Ok(true)
    }

    /// The events of a month in an epoch, some of which are in memory unless there are none left.
    async fn stream(&mut self, key: StreamKey) -> Result<&mut Stream<E>> {
        let (epoch, month) = key;
        let stream = self
            .streams
            .entry(key)
            .or_insert_with(|| Stream::new(month, self.epochs.range(epoch)));
        if stream.is_dry() {
            stream.read_page(&mut self.snapshot).await?;
        }
        Ok(stream)
    }
}
