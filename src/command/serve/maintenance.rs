//! Looks once a minute which tasks of maintenance are due, and runs them; some it runs first of all, because this server has
//! just been started. A server that takes no part looks as well, and shows when others have done the work.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::store::Store;
use crate::store::maintenance::{Done, MaintenanceError, Outcome, TASKS, Task, TaskRecord, When};
use crate::telemetry::Metrics;

/// The time between two looks; each differs by up to a tenth, so that servers do not look at the same moment.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// The time until the next look when the database is away or not ready, as it may be when the server starts.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// How long this server leaves a task alone that has failed; another server may try it meanwhile.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(15 * 60);

/// The maintenance of one server.
pub struct Maintenance {
    store: Store,
    metrics: Metrics,
    /// Whether it runs tasks, and not only shows when they ran.
    takes_part: bool,
    /// The tasks that are still to run because the server has started.
    of_start: HashSet<&'static str>,
    /// Until when a task that has failed is left alone; of all tasks when they can't even be looked at.
    paused: HashMap<&'static str, Instant>,
}

/// In the place of a task, when they can't be looked at.
const ALL_TASKS: &str = "all";

impl Maintenance {
    /// Prepares to maintain what `store` keeps, or to show how others do.
    pub fn new(store: Store, metrics: Metrics, takes_part: bool) -> Self {
        let of_start = TASKS.iter().filter(|task| task.at_start).map(|task| task.name);
        if takes_part {
            TASKS.iter().for_each(|task| metrics.begin_maintenance(task.name));
        }
        Self {
            store,
            metrics,
            takes_part,
            of_start: of_start.collect(),
            paused: HashMap::new(),
        }
    }

    /// Works until `stopping` is cancelled; the batch that is under way then is rolled back.
    pub async fn run_until(mut self, stopping: CancellationToken) {
        let work = async {
            loop {
                let pause = self.look().await;
                sleep(pause.mul_f64(rand::random_range(0.9..1.1))).await;
            }
        };
        tokio::select! {
            () = stopping.cancelled() => {}
            () = work => {}
        }
    }

    /// Runs what is due, and gives the time until the next look.
    async fn look(&mut self) -> Duration {
        if self.is_paused(ALL_TASKS) {
            return LOOK_EVERY;
        }
        let Err(error) = self.run_due().await else {
            return LOOK_EVERY;
        };
        self.tell(ALL_TASKS, &error);
        match error {
            MaintenanceError::Unavailable(_) => LOOK_AGAIN,
            _ => LOOK_EVERY,
        }
    }

    /// Runs what is due where it takes part, and shows when each task last did its work.
    async fn run_due(&mut self) -> Result<(), MaintenanceError> {
        let records = self.store.maintenance_records().await?;
        if !self.takes_part {
            self.show_successes(&records);
            return Ok(());
        }
        for task in TASKS {
            let Some(when) = self.when(task, &records) else {
                continue;
            };
            // The other server goes on to the tasks that follow.
            if self.run(task, when).await == Some(Outcome::AnotherWorks) {
                break;
            }
        }
        self.show_successes(&self.store.maintenance_records().await?);
        Ok(())
    }

    /// How a task is to be run; none when it is not.
    fn when(&self, task: &Task, records: &[TaskRecord]) -> Option<When> {
        if self.is_paused(task.name) {
            return None;
        }
        match self.of_start.contains(task.name) {
            true => Some(When::Now),
            false => is_due(task, records).then_some(When::Due),
        }
    }

    /// Shows when each task last did its work, on whichever server.
    fn show_successes(&self, records: &[TaskRecord]) {
        for task in TASKS {
            let finished_at = record_of(task, records).and_then(|last| last.finished_at);
            if let Some(finished_at) = finished_at {
                self.metrics.show_maintenance_success(task.name, finished_at);
            }
        }
    }

    /// Runs one task; none when it failed.
    async fn run(&mut self, task: &'static Task, when: When) -> Option<Outcome> {
        let started = Instant::now();
        match self.store.maintain(task, when).await {
            Ok(outcome) => {
                if let Outcome::Done(done) = outcome {
                    self.of_start.remove(task.name);
                    self.metrics.record_maintenance(task.name, true);
                    log_run(task, done, started.elapsed());
                }
                Some(outcome)
            }
            Err(error) => {
                self.metrics.record_maintenance(task.name, false);
                self.tell(task.name, &error);
                None
            }
        }
    }

    /// Logs why a task failed, and leaves it alone for a while. Health tells of a database that is away.
    fn tell(&mut self, task: &'static str, error: &MaintenanceError) {
        if let MaintenanceError::Unavailable(_) = error {
            tracing::debug!(task, %error, "maintenance has to wait");
            return;
        }
        self.paused.insert(task, Instant::now() + PAUSE_AFTER_FAILURE);
        tracing::warn!(task, %error, "maintenance failed");
    }

    fn is_paused(&self, task: &str) -> bool {
        self.paused.get(task).is_some_and(|until| Instant::now() < *until)
    }
}

/// What is known of the last run of a task, which may be nothing.
fn record_of<'r>(task: &Task, records: &'r [TaskRecord]) -> Option<&'r TaskRecord> {
    records.iter().find(|record| record.name == task.name)
}

/// Whether so much time has passed since the task last began; the store asks once more under its lock.
fn is_due(task: &Task, records: &[TaskRecord]) -> bool {
    record_of(task, records).is_none_or(|last| last.age >= task.interval)
}

/// Logs a run that did something.
fn log_run(task: &Task, done: Done, duration: Duration) {
    let Done {
        rows,
        batches,
        correlation_id,
    } = done;
    let (name, duration_ms) = (task.name, duration.as_millis());
    match rows {
        0 => tracing::debug!(task = name, duration_ms, "maintenance found nothing to do"),
        _ => tracing::info!(task = name, rows, batches, duration_ms, %correlation_id, "maintenance done"),
    }
}
