//! A walk through the whole log in one snapshot, in the order in which it is verified: each seal, then the events in its range;
//! at the end the events that are in nobody's.

use std::collections::{HashMap, VecDeque};

use postgres_types::Type;
use tokio::sync::mpsc;
use tokio_postgres::Row;

use super::rows::{self, event_columns, seal_columns};
use super::xid::Xid;
use crate::domain::audit::{
    AuditEvent, AuditItem, CheckSignature, Checkpoint, Head, Month, Report, Seal, Signed, Verifier,
};
use crate::error::{Error, Result};
use crate::store::Store;
use crate::store::pool::{Parameter, Snapshot};

/// How many events are read at once, and given at once, about.
const PAGE: usize = 4000;

/// How many seals are read at once: each holds up to 10,000 digests.
const SEALS: i64 = 32;

/// Where a range ends that has all events.
const BEHIND_ALL: (u64, i64) = (u64::MAX, i64::MAX);

// The index has the order that events are read in, whatever the statistics say of sorting.
const KEEP_ORDER: &str = "-- keep_audit_order
SELECT set_config('enable_sort', 'off', true)";

const PARTITIONS: &str = "-- list_audit_partitions
SELECT class.relname::text FROM pg_inherits JOIN pg_class AS class ON class.oid = inhrelid
WHERE inhparent = 'audit_log'::regclass ORDER BY class.relname";

const CHECKPOINT: &str = "-- find_audit_checkpoint
SELECT kept_from, seal_number, seal_root, dropped_events, created_at, key_id, signature
FROM audit_checkpoint ORDER BY kept_from DESC LIMIT 1";

// Many seals have the same epoch: each is looked up behind the one before.
const EPOCHS: &str = "-- list_audit_epochs
WITH RECURSIVE epochs AS (
    (SELECT epoch, after_seq FROM audit_seal ORDER BY epoch, number LIMIT 1)
    UNION ALL
    SELECT next.epoch, next.after_seq
    FROM epochs CROSS JOIN LATERAL (
        SELECT epoch, after_seq FROM audit_seal WHERE epoch > epochs.epoch ORDER BY epoch, number LIMIT 1
    ) AS next
)
SELECT epoch, after_seq FROM epochs";

const HEAD: &str = "-- find_audit_head
SELECT epoch, to_xid, to_seq, last_seq, pg_snapshot_xmax(pg_current_snapshot()) AS next_xid
FROM audit_seal ORDER BY number DESC LIMIT 1";

const READ_SEALS: &str = concat!(
    "-- walk_audit_seals\nSELECT ",
    seal_columns!(),
    " FROM audit_seal WHERE number > $1 ORDER BY number LIMIT $2"
);

const READ_EVENTS: &str = concat!(
    "-- walk_audit_events\nSELECT ",
    event_columns!(),
    " FROM audit_log WHERE event_time >= $1 AND event_time < $2 AND (xid, seq) > ($3, $4) AND seq > $5 AND seq <= $6
    ORDER BY xid, seq LIMIT $7"
);

impl Store {
    /// Begins a walk through the audit log. It has a connection until its end, and sees nothing that is written meanwhile.
    ///
    /// # Errors
    /// The database can't be reached, has another schema, or refuses.
    pub async fn begin_audit_walk(&self) -> Result<AuditWalk> {
        let mut snapshot = Snapshot::begin(self.pool.get().await?).await?;
        snapshot.query_once(KEEP_ORDER, &[]).await?;
        let partitions = snapshot.query_once(PARTITIONS, &[]).await?;
        let names = partitions.iter().map(|row| row.try_get::<_, &str>(0));
        let months = names.filter_map(|name| name.map(Month::of_partition).transpose());
        let months: Vec<Month> = months.collect::<Result<_, _>>()?;
        let checkpoints = snapshot.query_once(CHECKPOINT, &[]).await?;
        let checkpoint = checkpoints.first().map(rows::checkpoint).transpose()?;
        let heads = snapshot.query_once(HEAD, &[]).await?;
        let sealed = heads.first().map(Sealed::from_row).transpose()?;
        let epochs = Epochs::read(&mut snapshot, sealed.as_ref()).await?;
        Ok(AuditWalk {
            last_seal: checkpoint.as_ref().map_or(0, |(found, _)| found.seal_number),
            leftovers: epochs.with_each(&months),
            snapshot,
            checkpoint,
            epochs,
            sealed,
            seals: VecDeque::new(),
            has_all_seals: false,
            open: None,
            streams: HashMap::new(),
        })
    }

    /// Verifies the whole audit log with the public `keys`. `expected` is a head from a log.
    ///
    /// # Errors
    /// The database can't be reached, has another schema, refuses, or holds a row that can't be read.
    pub async fn verify_audit_log(&self, keys: impl CheckSignature, expected: Option<Head>) -> Result<Report> {
        let mut walk = self.begin_audit_walk().await?;
        let mut verifier = Verifier::new(keys, expected);
        if let Some((checkpoint, signed)) = walk.checkpoint() {
            verifier.take_checkpoint(checkpoint, signed);
        }
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
            items.iter().for_each(|item| verifier.take(item));
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

/// A walk under way. Dropped before its end, its transaction goes, and the connection with it.
#[derive(Debug)]
pub struct AuditWalk {
    snapshot: Snapshot,
    checkpoint: Option<(Checkpoint, Signed)>,
    epochs: Epochs,
    /// Up to where events are sealed; none where there is no seal.
    sealed: Option<Sealed>,
    /// Seals that were read and not given yet.
    seals: VecDeque<Seal>,
    last_seal: i64,
    has_all_seals: bool,
    /// The seal whose events come now: where they are, and where its range ends.
    open: Option<(StreamKey, (u64, i64))>,
    streams: HashMap<StreamKey, Stream>,
    /// What may have events behind those of its seals.
    leftovers: VecDeque<StreamKey>,
}

/// The events of a month in an epoch.
type StreamKey = (i32, Month);

impl AuditWalk {
    /// The signed checkpoint that retention left, where it dropped events: the walk begins behind it.
    pub fn checkpoint(&self) -> Option<&(Checkpoint, Signed)> {
        self.checkpoint.as_ref()
    }

    /// Gives the next few thousand seals and events; none after the last.
    ///
    /// # Errors
    /// The database can't be reached, or holds a row that can't be read.
    pub async fn next_portion(&mut self) -> Result<Option<Vec<AuditItem>>> {
        let mut items = Vec::new();
        while items.len() < PAGE {
            if let Some((key, end)) = self.open {
                let stream = self.stream(key).await?;
                stream.take_until(end, |event| items.push(AuditItem::Event(event)));
                if stream.is_dry() {
                    continue;
                }
                self.open = None;
            } else if let Some(seal) = self.next_seal().await? {
                self.open = Some(((seal.content.epoch, seal.content.month), seal.end()));
                items.push(AuditItem::Seal(Box::new(seal)));
            } else if !self.take_leftovers(&mut items).await? {
                break;
            }
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

    async fn next_seal(&mut self) -> Result<Option<Seal>> {
        if self.seals.is_empty() && !self.has_all_seals {
            let parameters = [(&self.last_seal as _, Type::INT8), (&SEALS as _, Type::INT8)];
            let page = self.snapshot.query_once(READ_SEALS, &parameters).await?;
            self.seals = page.iter().map(rows::seal).collect::<Result<_>>()?;
            self.has_all_seals = self.seals.is_empty();
        }
        let next = self.seals.pop_front();
        if let Some(seal) = &next {
            self.last_seal = seal.content.number;
        }
        Ok(next)
    }

    /// Gives events behind the last seal of their month and epoch; false when there are no more.
    async fn take_leftovers(&mut self, items: &mut Vec<AuditItem>) -> Result<bool> {
        let Some(&key) = self.leftovers.front() else {
            return Ok(false);
        };
        let sealed = self.sealed.clone();
        let stream = self.stream(key).await?;
        stream.take_until(BEHIND_ALL, |event| {
            // Whatever else lies behind its seals should have been in one.
            let is_new = sealed.as_ref().is_none_or(|sealed| sealed.is_before(key.0, &event));
            items.push(if is_new {
                AuditItem::Unsealed(event)
            } else {
                AuditItem::Event(event)
            });
        });
        if !stream.is_dry() {
            self.leftovers.pop_front();
            self.streams.remove(&key);
        }
        Ok(true)
    }

    /// The events of a month in an epoch, some of which are in memory unless there are none left.
    async fn stream(&mut self, key: StreamKey) -> Result<&mut Stream> {
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

/// Up to where events are sealed.
#[derive(Debug, Clone)]
struct Sealed {
    epoch: i32,
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
            to_xid: row.try_get::<_, Xid>("to_xid")?.0,
            to_seq: row.try_get("to_seq")?,
            last_seq: row.try_get("last_seq")?,
            next_xid: row.try_get::<_, Xid>("next_xid")?.0,
        })
    }

    fn is_before(&self, epoch: i32, event: &AuditEvent) -> bool {
        (epoch, event.xid, event.seq) > (self.epoch, self.to_xid, self.to_seq)
    }
}

/// The epochs in their order, and the `seq` behind which each begins.
#[derive(Debug)]
struct Epochs(Vec<(i32, i64)>);

impl Epochs {
    async fn read(snapshot: &mut Snapshot, sealed: Option<&Sealed>) -> Result<Self> {
        let found = snapshot.query_once(EPOCHS, &[]).await?;
        let epochs = found
            .iter()
            .map(|row| Ok((row.try_get("epoch")?, row.try_get("after_seq")?)));
        let mut epochs: Vec<(i32, i64)> = epochs.collect::<Result<_>>()?;
        if epochs.is_empty() {
            epochs.push((1, i64::MIN));
        }
        // Transaction ids have begun again, and no seal says so yet.
        if let Some(last) = sealed.filter(|last| last.next_xid <= last.to_xid) {
            epochs.push((last.epoch + 1, last.last_seq));
        }
        Ok(Self(epochs))
    }

    /// The range of `seq` of an epoch: behind the first, up to the second.
    fn range(&self, epoch: i32) -> (i64, i64) {
        let begins = |wanted: fn(&i32, &i32) -> bool| self.0.iter().find(|(known, _)| wanted(known, &epoch));
        let after = begins(|known, epoch| known == epoch).map_or(i64::MAX, |(_, after)| *after);
        let until = begins(|known, epoch| known > epoch).map_or(i64::MAX, |(_, next)| *next);
        (after, until)
    }

    fn with_each(&self, months: &[Month]) -> VecDeque<StreamKey> {
        let each = |(epoch, _): &(i32, i64)| months.iter().map(|month| (*epoch, *month)).collect::<Vec<_>>();
        self.0.iter().flat_map(each).collect()
    }
}

/// The events of one month in one epoch, read page by page.
#[derive(Debug)]
struct Stream {
    month: Month,
    seq_range: (i64, i64),
    events: VecDeque<AuditEvent>,
    /// Where the last event stands that was read.
    last: (u64, i64),
    has_all: bool,
}

impl Stream {
    fn new(month: Month, seq_range: (i64, i64)) -> Self {
        Self {
            month,
            seq_range,
            events: VecDeque::new(),
            last: (0, i64::MIN),
            has_all: false,
        }
    }

    /// Whether a page has to be read before anything can be said of the next event.
    fn is_dry(&self) -> bool {
        self.events.is_empty() && !self.has_all
    }

    /// Takes the events in memory up to the end of a range.
    fn take_until(&mut self, end: (u64, i64), mut take: impl FnMut(Box<AuditEvent>)) {
        while let Some(event) = self.events.pop_front_if(|event| (event.xid, event.seq) <= end) {
            take(Box::new(event));
        }
    }

    async fn read_page(&mut self, snapshot: &mut Snapshot) -> Result<()> {
        let (start, end) = (self.month.start(), self.month.end());
        let limit = i64::try_from(PAGE).map_err(Error::internal)?;
        let parameters: [Parameter<'_>; 7] = [
            (&start, Type::TIMESTAMPTZ),
            (&end, Type::TIMESTAMPTZ),
            (&Xid(self.last.0), Type::XID8),
            (&self.last.1, Type::INT8),
            (&self.seq_range.0, Type::INT8),
            (&self.seq_range.1, Type::INT8),
            (&limit, Type::INT8),
        ];
        let page = snapshot
            .read_once(READ_EVENTS, &parameters, |row| rows::event(&row))
            .await?;
        self.has_all = page.len() < PAGE;
        self.last = page.last().map_or(self.last, |event| (event.xid, event.seq));
        self.events = page.into();
        Ok(())
    }
}
