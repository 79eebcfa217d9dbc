//! When to try to connect: at once while the database answers, ever more seldom while it does not.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, timeout};
use tracing::{info, warn};

use crate::store::connect::{ConnectError, Connected};

/// The pause after the first failure; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause: short, so that writes go on within seconds after a failover.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How long to wait for the outcome of somebody else's attempt.
const PATIENCE: Duration = Duration::from_millis(250);

/// What is known about reaching the database.
#[derive(Debug)]
pub(super) struct Attempts {
    outage: Mutex<Option<Outage>>,
    /// While the database is away one attempt at a time is made.
    turn: Semaphore,
    /// Counts failures, for those who wait for a connection.
    failures: watch::Sender<u64>,
}

/// A time without a successful attempt.
#[derive(Debug)]
struct Outage {
    failures: u32,
    retry_at: Instant,
    last_failure: ConnectError,
}

impl Default for Attempts {
    fn default() -> Self {
        Self {
            outage: Mutex::new(None),
            turn: Semaphore::new(1),
            failures: watch::Sender::new(0),
        }
    }
}

impl Attempts {
    /// Runs `connect`, or refuses with the last failure where the next attempt is not due yet.
    ///
    /// # Errors
    /// Those of `connect`.
    pub(super) async fn attempt(
        &self,
        connect: impl Future<Output = Result<Connected, ConnectError>>,
    ) -> Result<Connected, ConnectError> {
        let result = self.attempt_when_due(connect).await;
        if result.is_err() {
            self.failures.send_modify(|count| *count += 1);
        }
        result
    }

    /// Changes with every attempt that fails from now on.
    pub(super) fn failures(&self) -> watch::Receiver<u64> {
        self.failures.subscribe()
    }

    /// Why the database can't be reached, if the last attempt failed.
    pub(super) fn last_failure(&self) -> Option<ConnectError> {
        self.outage().as_ref().map(|outage| outage.last_failure.clone())
    }

    async fn attempt_when_due(
        &self,
        connect: impl Future<Output = Result<Connected, ConnectError>>,
    ) -> Result<Connected, ConnectError> {
        let mut turn = None;
        if let Some(last_failure) = self.last_failure() {
            let Ok(Ok(permit)) = timeout(PATIENCE, self.turn.acquire()).await else {
                return Err(last_failure);
            };
            turn = Some(permit);
            if let Some(not_due) = self.failure_until_due() {
                return Err(not_due);
            }
        }
        let result = connect.await;
        match &result {
            Ok(_) => self.succeeded(),
            Err(error) => self.failed(error),
        }
        drop(turn);
        result
    }

    fn failure_until_due(&self) -> Option<ConnectError> {
        let outage = self.outage();
        let outage = outage.as_ref().filter(|outage| Instant::now() < outage.retry_at);
        outage.map(|outage| outage.last_failure.clone())
    }

    fn succeeded(&self) {
        if let Some(outage) = self.outage().take() {
            info!(failed_attempts = outage.failures, "the database can be reached again");
        }
    }

    fn failed(&self, error: &ConnectError) {
        let mut current = self.outage();
        let now = Instant::now();
        // Attempts that were under way together count as one.
        let failures = match &*current {
            Some(outage) if now < outage.retry_at => return,
            Some(outage) => outage.failures.saturating_add(1),
            None => 1,
        };
        let pause = pause_after(failures);
        warn!(error = %error, failed_attempts = failures, retry_in = ?pause, "the database can't be reached");
        *current = Some(Outage {
            failures,
            retry_at: now + pause,
            last_failure: error.clone(),
        });
    }

    fn outage(&self) -> MutexGuard<'_, Option<Outage>> {
        self.outage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Doubles with each failure up to the longest pause; a random half of it keeps several servers from knocking together.
fn pause_after(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    let whole = FIRST_PAUSE.saturating_mul(1 << doublings).min(LONGEST_PAUSE);
    whole.mul_f64(rand::random_range(0.5..=1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_the_longest_and_vary() {
        for (failures, longest) in [
            (1, FIRST_PAUSE),
            (2, FIRST_PAUSE * 2),
            (5, FIRST_PAUSE * 16),
            (6, LONGEST_PAUSE),
            (u32::MAX, LONGEST_PAUSE),
        ] {
            for _ in 0..100 {
                let pause = pause_after(failures);
                assert!(pause >= longest / 2 && pause <= longest, "{failures}: {pause:?}");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_attempt_that_is_not_due_is_not_made() {
        let attempts = Attempts::default();
        let mut failures = attempts.failures();
        let refuse = async || Err(ConnectError::NoHost);
        assert!(attempts.attempt(refuse()).await.is_err());
        assert!(attempts.attempt(async { panic!("not due") }).await.is_err());
        assert!(failures.has_changed().unwrap());
        assert_eq!(*failures.borrow_and_update(), 2);
        tokio::time::advance(FIRST_PAUSE).await;
        assert!(attempts.attempt(refuse()).await.is_err());
        assert_eq!(attempts.outage().as_ref().map(|outage| outage.failures), Some(2));
    }
}
