//! A walk through the whole log in one snapshot, in the order in which it is verified: each seal, then the events in its range;
//! at the end the events that are in nobody's.

mod epochs;
mod segment;
mod segments;
mod strays;

use std::collections::VecDeque;

use tokio::sync::mpsc;
use tokio_postgres::Row;
use tokio_util::task::AbortOnDropHandle;

use self::epochs::{Landmarks, Sealed};
use self::segment::{Met, Segment};
use self::segments::Segments;
pub(super) use self::segments::{READ_SEALS, SEALS};
use super::rows;
use crate::domain::audit::{
    AuditEvent, AuditItem, CheckSignature, Checkpoint, DigestedEvent, Head, Month, Report, Seal, Signed, Unreadable,
    Verifier,
};
use crate::error::{Error, Result};
use crate::store::Store;
use crate::store::pool::Snapshot;

/// How many connections verification reads with. PostgreSQL has more to do to send an event than we have to verify it.
const VERIFIERS: usize = 2;

// Before the snapshot: a partition that goes meanwhile would be in it, and be empty, without the checkpoint that stands for it. Each
// connection takes it: whoever wants the table for itself waits for the first one, and another without it would wait behind that.
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

/// A seal, unless somebody has written what can't be one.
type SealRow = Result<Box<Seal>, Unreadable>;

impl Store {
    /// Begins a walk through the audit log that reads with up to so many connections at once, one at least. It has them until its end,
    /// and sees nothing that is written meanwhile.
    ///
    /// # Errors
    /// The database can't be reached, has another schema, or refuses.
    pub async fn begin_audit_walk<E: WalkedEvent>(&self, connections: usize) -> Result<AuditWalk<E>> {
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
        let mut idle = Vec::new();
        if connections > 1 {
            let exported = snapshot.export().await?;
            for _ in 1..connections {
                match self.begin_another_reader(&exported).await {
                    Ok(other) => idle.push(other),
                    // It is for speed alone, and there may be no more to be had.
                    Err(error) => {
                        tracing::debug!(%error, "the audit log is read with fewer connections");
                        break;
                    }
                }
            }
        }
        idle.push(snapshot);
        Ok(AuditWalk {
            checkpoint,
            landmarks: seals,
            first: epochs.first(),
            segments: Segments::new(epochs, last_seal, &months),
            sealed,
            idle,
            under_way: VecDeque::new(),
            met: 0,
            has_strays: false,
        })
    }

    async fn begin_another_reader(&self, exported: &str) -> Result<Snapshot> {
        let mut other = Snapshot::begin_as(self.pool.get().await?, exported, LOCK).await?;
        other.query_once(KEEP_ORDER, &[]).await?;
        Ok(other)
    }

    /// Verifies the whole audit log with the public `keys`. `expected` is a head from a log.
    ///
    /// # Errors
    /// The database can't be reached, has another schema, refuses, or holds a row that can't be read.
    pub async fn verify_audit_log(&self, keys: impl CheckSignature, expected: Option<Head>) -> Result<Report> {
        let mut walk = self.begin_audit_walk::<DigestedEvent>(VERIFIERS).await?;
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
            walk.end().await;
            Ok::<_, Error>(())
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

/// A walk under way. Dropped before its end, its transactions go, and the connections with them.
#[derive(Debug)]
pub struct AuditWalk<E> {
    checkpoint: Option<(Checkpoint, Signed)>,
    /// The seals that say which events belong to which epoch.
    landmarks: Vec<SealRow>,
    /// Behind which `seq` all events come.
    first: i64,
    segments: Segments,
    /// Up to where events are sealed; none where there is no seal.
    sealed: Option<Sealed>,
    /// The connections that read nothing now; all see the same.
    idle: Vec<Snapshot>,
    /// The segments that are being read, in their order.
    under_way: VecDeque<AbortOnDropHandle<Result<ReadSegment<E>>>>,
    /// How many events were given.
    met: usize,
    /// Whether those were given, too, that are in none of the months.
    has_strays: bool,
}

/// A segment, the events that were read of it, and the connection that read them.
#[derive(Debug)]
struct ReadSegment<E> {
    segment: Segment,
    events: Vec<Met<E>>,
    snapshot: Snapshot,
}

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
        while items.is_empty() {
            self.read_ahead().await?;
            let Some(reading) = self.under_way.pop_front() else {
                break;
            };
            let read = reading.await.map_err(Error::internal)??;
            let (arranged, rest) = read.segment.arrange(read.events, self.sealed.as_ref());
            items = arranged;
            match rest {
                Some(rest) => self.under_way.push_front(begin_reading(rest, read.snapshot)),
                None => self.idle.push(read.snapshot),
            }
        }
        self.met += items.iter().filter(|item| !item.is_seal()).count();
        if items.is_empty() && !self.has_strays {
            items = self.find_strays().await?;
            self.has_strays = true;
        }
        Ok((!items.is_empty()).then_some(items))
    }

    /// Looks for events that were not met, with one connection: the others would stand idle for as long as that takes.
    async fn find_strays(&mut self) -> Result<Vec<AuditItem<E>>> {
        let others = self.idle.len().saturating_sub(1);
        end_all(self.idle.drain(..others)).await;
        match self.idle.last_mut() {
            Some(snapshot) => strays::find(snapshot, self.met, self.first).await,
            None => Ok(Vec::new()),
        }
    }

    /// Has each connection read that has nothing to do.
    async fn read_ahead(&mut self) -> Result<()> {
        while let Some(mut snapshot) = self.idle.pop() {
            let Some(segment) = self.segments.next(&mut snapshot).await? else {
                self.idle.push(snapshot);
                break;
            };
            self.under_way.push_back(begin_reading(segment, snapshot));
        }
        Ok(())
    }

    /// Ends the transactions; what is still being read is not waited for.
    pub async fn end(self) {
        drop(self.under_way);
        end_all(self.idle).await;
    }
}

/// Ends transactions that have only read: with a connection that is lost by then, nothing else is.
async fn end_all(snapshots: impl IntoIterator<Item = Snapshot>) {
    for snapshot in snapshots {
        if let Err(error) = snapshot.end().await {
            tracing::debug!(%error, "a connection was lost that had read the audit log");
        }
    }
}

/// Reads the events of a segment in the background.
fn begin_reading<E: WalkedEvent>(
    segment: Segment,
    mut snapshot: Snapshot,
) -> AbortOnDropHandle<Result<ReadSegment<E>>> {
    AbortOnDropHandle::new(tokio::spawn(async move {
        let events = segment.read(&mut snapshot).await?;
        Ok(ReadSegment {
            segment,
            events,
            snapshot,
        })
    }))
}
