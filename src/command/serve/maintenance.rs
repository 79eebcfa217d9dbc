//! Looks once a minute which tasks of maintenance are due, and runs them.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::store::Store;
use crate::store::maintenance::{Done, MaintenanceError, Outcome, TASKS, Task, TaskRecord, When};
use crate::telemetry::Metrics;

/// The time between two looks; each differs by up to a tenth, so that servers do not look at the same moment.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// How long this server leaves a task alone that has failed; another server may try it meanwhile.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(15 * 60);

/// The maintenance of one server.
pub struct Maintenance {
    store: Store,
    metrics: Metrics,
    /// Until when a task that has failed is left alone; of all tasks when they can't even be looked at.
    paused: HashMap<&'static str, Instant>,
}

/// In the place of a task, when they can't be looked at.
const ALL_TASKS: &str = "all";

impl Maintenance {
    /// Prepares to maintain what `store` keeps.
    pub fn new(store: Store, metrics: Metrics) -> Self {
        Self {
            store,
            metrics,
            paused: HashMap::new(),
        }
    }

    /// Works until `stopping` is cancelled; the batch that is under way then is rolled back.
    pub async fn run_until(mut self, stopping: CancellationToken) {
        let work = async {
            loop {
                self.look().await;
                sleep(LOOK_EVERY.mul_f64(rand::random_range(0.9..1.1))).await;
            }
        };
        tokio::select! {
            () = stopping.cancelled() => {}
            () = work => {}
        }
    }

    async fn look(&mut self) {
        if self.is_paused(ALL_TASKS) {
            return;
        }
        if let Err(error) = self.run_due().await {
            self.tell(ALL_TASKS, &error);
        }
    }

    /// Runs what is due, and shows when each task last did its work.
    async fn run_due(&mut self) -> Result<(), MaintenanceError> {
        let records = self.store.maintenance_records().await?;
        for task in TASKS {
            let is_open = is_due(task, &records) && !self.is_paused(task.name);
            // The other server goes on to the tasks that follow.
            if is_open && self.run(task).await == Some(Outcome::AnotherWorks) {
                break;
            }
        }
        self.show_successes(&self.store.maintenance_records().await?);
        Ok(())
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
    async fn run(&mut self, task: &'static Task) -> Option<Outcome> {
        let started = Instant::now();
        match self.store.maintain(task, When::Due).await {
            Ok(outcome) => {
                if let Outcome::Done(done) = outcome {
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
