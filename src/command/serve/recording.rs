//! Writes what waits in the audit trail, in batches, one after the other on one connection of the pool.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::audit_trail::AuditTrail;
use crate::domain::audit::folding::FoldedCalls;
use crate::error::{Error, Result};
use crate::store::Store;

/// The time between two rounds.
const EVERY: Duration = Duration::from_secs(1);

/// The most events of one statement.
const BATCH: usize = 500;

/// How long the last ones may take, when the server ends.
const LAST_ROUND: Duration = Duration::from_secs(5);

/// The wait before the last ones are tried again.
const LAST_PAUSE: Duration = Duration::from_millis(100);

/// Writes the events of calls without a change.
pub struct Recorder {
    store: Store,
    trail: AuditTrail,
    /// Taken out of the trail and not written yet. While there are any, no others are taken: so the trail bounds them.
    taken: VecDeque<FoldedCalls>,
    /// Whether the log says already that nothing can be written.
    is_reported: bool,
}

impl Recorder {
    /// Prepares to write what waits in `trail`.
    pub fn new(store: Store, trail: AuditTrail) -> Self {
        Self {
            store,
            trail,
            taken: VecDeque::new(),
            is_reported: false,
        }
    }

    /// Works until `ended` is cancelled, when no call goes on any longer; then writes what is left.
    pub async fn run_until(mut self, ended: CancellationToken) {
        while ended.run_until_cancelled(sleep(EVERY)).await.is_some() {
            if self.taken.is_empty() {
                self.taken = self.trail.take_due().into();
            }
            let written = self.write().await;
            self.tell(written.err());
        }
        self.taken.extend(self.trail.take_all());
        self.write_last().await;
    }

    /// Writes what was taken, up to the first batch that can't be written.
    async fn write(&mut self) -> Result<()> {
        while !self.taken.is_empty() {
            let size = BATCH.min(self.taken.len());
            let batch = self.taken.make_contiguous().get(..size).unwrap_or_default();
            self.store.append_folded_calls(batch).await?;
            self.taken.drain(..size);
        }
        Ok(())
    }

    async fn write_last(&mut self) {
        let write_all = async {
            while self.write().await.is_err() {
                sleep(LAST_PAUSE).await;
            }
        };
        if timeout(LAST_ROUND, write_all).await.is_err() {
            let calls: u64 = self.taken.iter().map(|calls| calls.count).sum();
            tracing::error!(calls, "audit events are lost: they could not be written before the end");
        }
    }

    /// Logs once that nothing can be written, until it can. Health tells of a database that is away.
    fn tell(&mut self, error: Option<Error>) {
        let is_fault = error
            .as_ref()
            .is_some_and(|failure| !matches!(failure, Error::Unavailable { .. }));
        if let Some(failure) = error.filter(|_| is_fault && !self.is_reported) {
            tracing::error!(
                cause = failure.causes(),
                "audit events of denied calls can't be written: they wait"
            );
        }
        self.is_reported = is_fault;
    }
}
