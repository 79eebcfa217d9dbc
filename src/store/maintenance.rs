//! Maintenance: what is done in the database without anybody calling.
//!
//! A task is one entry of [`TASKS`]. It works in batches, each a transaction of few rows that waits for nobody for long,
//! so it may stop after any of them and is repeated without harm. One server works at a time: each transaction first tries
//! an advisory lock, which ends with it and therefore works through PgBouncer, and the first one writes into
//! `maintenance_task` that the task has begun, so the others find nothing due.
//!
//! What belongs here: the tasks with their statements, and how a run is recorded. What does not: when tasks are looked at
//! (`command::serve`), and the words of `dashboard-store maintain`.

mod audit;
mod dashboards;
mod error;
mod request_ids;
mod revisions;
mod system_templates;

pub use error::MaintenanceError;

use std::time::Duration;

use postgres_types::Type;
use scoped_futures::{ScopedBoxFuture, ScopedFutureExt as _};
use time::OffsetDateTime;
use tokio::time::{Instant, sleep};
use tokio_postgres::IsolationLevel;
use uuid::Uuid;

use super::pool::{Parameter, Transaction};
use super::run_tx::{End, TxError};
use super::{Retention, Store};
use crate::access::{Access, Permission, Scope};
use crate::config::AuditConfig;
use crate::error::{Error, Result};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

/// All tasks, in the order in which they run. A function of the schema that counts what it changed is an entry with `Work::Repeat`.
pub const TASKS: &[Task] = &[
    Task {
        name: "audit_partitions",
        interval: DAY,
        at_start: false,
        done: "partitions of the audit log made",
        work: Work::Repeat("-- make_audit_partitions\nSELECT ensure_audit_partitions()"),
    },
    Task {
        name: "system_templates",
        interval: DAY,
        at_start: true,
        done: "system templates installed or updated",
        work: Work::Batches(|tx, run| system_templates::install(tx, run).scope_boxed()),
    },
    Task {
        name: "audit_retention",
        interval: DAY,
        at_start: false,
        done: "partitions of the audit log dropped",
        work: Work::Batches(|tx, run| audit::drop_partition(tx, run).scope_boxed()),
    },
    Task {
        name: "expired_request_ids",
        interval: HOUR,
        at_start: false,
        done: "expired request ids removed",
        work: Work::Batches(|tx, _| request_ids::remove_expired(tx).scope_boxed()),
    },
    Task {
        name: "deleted_dashboards",
        interval: HOUR,
        at_start: false,
        done: "deleted dashboards purged",
        work: Work::Batches(|tx, run| dashboards::purge_expired(tx, run).scope_boxed()),
    },
    // Before old revisions: those that a link pinned can go with it.
    Task {
        name: "expired_share_links",
        interval: DAY,
        at_start: false,
        done: "expired share links removed",
        work: Work::Repeat("-- remove_expired_share_links\nSELECT cleanup_expired_tokens()"),
    },
    Task {
        name: "old_revisions",
        interval: DAY,
        at_start: false,
        done: "old revisions pruned",
        work: Work::Batches(|tx, run| revisions::prune(tx, run).scope_boxed()),
    },
    Task {
        name: "template_usage",
        interval: HOUR,
        at_start: false,
        done: "usage counts of templates updated",
        work: Work::Repeat("-- count_template_usage\nSELECT update_template_usage_stats()"),
    },
];

/// The key of the advisory lock; the lock is one for all tasks, and separate in each database.
const LOCK_KEY: i64 = i64::from_be_bytes(*b"dashmain");

/// How long a run that has begun, or was asked for by hand, waits until another one has ended its transaction.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long to wait between two attempts.
const POLL: Duration = Duration::from_millis(100);

// Behind a statement that waits for a lock on a table everybody else waits, too: so it gives up soon.
const TRY_LOCK: &str = "-- lock_maintenance
SELECT pg_try_advisory_xact_lock($1), set_config('lock_timeout', '5s', true)";

/// How far in the future a run may have begun: the time of a transaction is that of its beginning.
const AHEAD: Duration = Duration::from_secs(60);

// A run that began in the future began when the clock was wrong: it is no reason to wait until then.
const CLAIM: &str = "-- claim_maintenance_task
INSERT INTO maintenance_task AS task (name, started_at) VALUES ($1, now())
ON CONFLICT (name) DO UPDATE SET started_at = EXCLUDED.started_at, changed_rows = 0
WHERE $2 = 0 OR task.started_at <= now() - make_interval(secs => $2) OR task.started_at > now() + make_interval(secs => $3)";

const RECORD: &str = "-- record_maintenance_batch
UPDATE maintenance_task SET changed_rows = changed_rows + $2, finished_at = CASE WHEN $3 THEN now() ELSE finished_at END
WHERE name = $1";

const LIST: &str = "-- list_maintenance_tasks
SELECT name, extract(epoch FROM now() - started_at)::double precision AS age, finished_at FROM maintenance_task";

/// One task of maintenance.
#[derive(Debug)]
pub struct Task {
    /// Its name, in `maintenance_task`, logs and metrics.
    pub name: &'static str,
    /// How long after the beginning of one run the next one is due.
    pub interval: Duration,
    /// Whether each server also runs it when it starts, due or not: what it does belongs to the release.
    pub at_start: bool,
    /// What was done to the rows that a run counts, for people.
    pub done: &'static str,
    work: Work,
}

/// What a task does in one transaction, which is repeated until there is no more to do.
#[derive(Debug)]
enum Work {
    /// A statement that gives one number, how many rows it changed: repeated until that is none.
    Repeat(&'static str),
    /// A function that knows itself where the next batch begins.
    Batches(BatchFn),
}

type BatchFn = for<'t> fn(&'t Transaction<'t>, Run) -> ScopedBoxFuture<'static, 't, Result<Batch>>;

/// What a batch is told.
#[derive(Debug, Clone)]
struct Run {
    /// Where it begins: what the batch before it said, at first nil.
    from: Uuid,
    /// The id of all batches of the run, in logs and audit events.
    correlation_id: Uuid,
    retention: Retention,
    audit: AuditConfig,
}

/// What one batch did.
#[derive(Debug, Clone, Copy)]
struct Batch {
    rows: u64,
    /// Where the next one begins; none when nothing is left to do.
    next: Option<Uuid>,
}

impl Run {
    /// The server's access to what the run does, for its audit events; see [`Access::of_server`].
    fn access(&self, method: &str, permission: Permission, scope: Scope) -> Access {
        Access::of_server(method, self.correlation_id, permission, scope)
    }
}

impl Batch {
    /// Nothing was done, and nothing is left to do.
    const NOTHING: Self = Self { rows: 0, next: None };

    /// A batch of at most `limit` rows that are no longer found afterwards: a full one may have left some.
    fn of_removed(rows: u64, limit: u64) -> Self {
        Self {
            rows,
            next: (rows >= limit).then_some(Uuid::nil()),
        }
    }
}

impl Task {
    async fn batch(&self, tx: &Transaction<'_>, run: Run) -> Result<Batch> {
        match self.work {
            Work::Batches(work) => work(tx, run).await,
            Work::Repeat(statement) => {
                let rows = tx.query(statement, &[]).await?;
                let changed: i32 = rows.first().map_or(Ok(0), |row| row.try_get(0))?;
                Ok(Batch::of_removed(u64::try_from(changed).unwrap_or(0), 1))
            }
        }
    }
}

/// When a task is to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// If its interval has passed since it last began, and nobody else works.
    Due,
    /// In any case, after whoever else works.
    Now,
}

/// What a run did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Done {
    /// The rows that it made or removed.
    pub rows: u64,
    /// The transactions that it took.
    pub batches: u32,
    /// Its id, also in the audit events that it wrote.
    pub correlation_id: Uuid,
}

/// How a run ended that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing is left to do.
    Done(Done),
    /// Its interval has not passed.
    NotDue,
    /// Another run has the lock, and does what is left.
    AnotherWorks,
}

/// When a task ran last, on whichever server.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskRecord {
    /// The task.
    pub name: String,
    /// How long ago the last run began, or [`Duration::MAX`] when the clock of the database was ahead then: nobody knows.
    pub age: Duration,
    /// When a run last did all that was to do.
    pub finished_at: Option<OffsetDateTime>,
}

/// How one transaction ended.
enum Step {
    /// Another run has the lock.
    Busy,
    /// The task is not due.
    NotDue,
    Did(Batch),
}

impl Store {
    /// Reads when each task ran last; one that never ran is not among them.
    ///
    /// # Errors
    /// The database can't be reached, has another schema, or refuses.
    pub async fn maintenance_records(&self) -> Result<Vec<TaskRecord>, MaintenanceError> {
        let rows = self.read(LIST, &[]).await?;
        let records: Result<Vec<_>> = rows
            .iter()
            .map(|row| {
                let seconds: f64 = row.try_get("age")?;
                Ok(TaskRecord {
                    name: row.try_get("name")?,
                    age: age(seconds),
                    finished_at: row.try_get("finished_at")?,
                })
            })
            .collect();
        Ok(records?)
    }

    /// Runs a task until nothing is left to do.
    ///
    /// Dropped in the middle, the batch under way is rolled back.
    ///
    /// # Errors
    /// What the first batch that failed failed with.
    pub async fn maintain(&self, task: &Task, when: When) -> Result<Outcome, MaintenanceError> {
        let mut done = Done {
            rows: 0,
            batches: 0,
            correlation_id: Uuid::now_v7(),
        };
        let mut run = Run {
            from: Uuid::nil(),
            correlation_id: done.correlation_id,
            retention: self.retention,
            audit: self.audit.clone(),
        };
        let mut claim = Some(when);
        loop {
            let batch = match self.next_batch(task, &run, claim).await? {
                Step::Did(batch) => batch,
                Step::NotDue => return Ok(Outcome::NotDue),
                Step::Busy => return Ok(Outcome::AnotherWorks),
            };
            claim = None;
            done.rows += batch.rows;
            done.batches += 1;
            match batch.next {
                Some(next) => run.from = next,
                None => return Ok(Outcome::Done(done)),
            }
        }
    }

    /// Runs a batch as soon as no other run holds the lock; one that is only due does not wait for it.
    async fn next_batch(&self, task: &Task, run: &Run, claim: Option<When>) -> Result<Step> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let step = self.try_batch(task, run, claim).await?;
            let may_wait = claim != Some(When::Due) && Instant::now() < deadline;
            match step {
                Step::Busy if may_wait => sleep(POLL).await,
                ended => return Ok(ended),
            }
        }
    }

    async fn try_batch(&self, task: &Task, run: &Run, claim: Option<When>) -> Result<Step> {
        let outcome = self
            .pool
            .run_tx("maintenance", IsolationLevel::ReadCommitted, |tx| {
                async move {
                    if !try_lock(tx).await? {
                        return Ok(End::RollBack(Step::Busy));
                    }
                    if let Some(when) = claim
                        && !try_claim(tx, task, when).await?
                    {
                        return Ok(End::RollBack(Step::NotDue));
                    }
                    let batch = task.batch(tx, run.clone()).await?;
                    record(tx, task, batch).await?;
                    Ok(End::Commit(Step::Did(batch)))
                }
                .scope_boxed()
            })
            .await;
        outcome.map_err(|error| match error {
            TxError::Failed(failure) => failure,
            // Whether it was committed or not: the next run does what is left.
            TxError::CommitLost { cause, .. } => Error::internal(cause),
        })
    }
}

/// How long ago a run began. The moment that two servers may differ by is no sign of a clock that was wrong.
fn age(seconds: f64) -> Duration {
    match seconds < -AHEAD.as_secs_f64() {
        true => Duration::MAX,
        false => Duration::try_from_secs_f64(seconds).unwrap_or_default(),
    }
}

async fn try_lock(tx: &Transaction<'_>) -> Result<bool> {
    let rows = tx.query(TRY_LOCK, &[(&LOCK_KEY, Type::INT8)]).await?;
    Ok(rows.first().map_or(Ok(false), |row| row.try_get(0))?)
}

/// Writes that the task has begun; false when it is not due.
async fn try_claim(tx: &Transaction<'_>, task: &Task, when: When) -> Result<bool> {
    let seconds = match when {
        When::Due => task.interval.as_secs_f64(),
        When::Now => 0.0,
    };
    let parameters: [Parameter<'_>; 3] = [
        (&task.name, Type::TEXT),
        (&seconds, Type::FLOAT8),
        (&AHEAD.as_secs_f64(), Type::FLOAT8),
    ];
    let claimed = tx.execute(CLAIM, &parameters).await?;
    Ok(claimed == 1)
}

async fn record(tx: &Transaction<'_>, task: &Task, batch: Batch) -> Result<()> {
    let rows = i64::try_from(batch.rows).map_err(Error::internal)?;
    let is_last = batch.next.is_none();
    tx.execute(
        RECORD,
        &[(&task.name, Type::TEXT), (&rows, Type::INT8), (&is_last, Type::BOOL)],
    )
    .await?;
    Ok(())
}
