//! Asks the database once a second whether it is there.

use std::time::Duration;

use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::pool::{PoolPressure, PoolSnapshot, PoolSource};
use super::{HealthHandle, ProbeResult};

/// How often the database is asked.
const INTERVAL: Duration = Duration::from_secs(1);

/// How long it may take to answer.
const TIMEOUT: Duration = Duration::from_millis(500);

/// The database did not answer in time.
#[derive(Debug, thiserror::Error)]
#[error("the database did not answer within {} ms", TIMEOUT.as_millis())]
struct ProbeTimeout;

/// Feeds `health` until `closing` is cancelled, and warns when the pool is nearly used up.
///
/// `probe` asks the database and checks its schema. It must not wait behind requests for a connection: a busy pool is not
/// an unreachable database. It is dropped when it takes longer than 500 ms, which counts as a failure.
pub async fn probe_until<P, F>(closing: CancellationToken, health: HealthHandle, pool: PoolSource, probe: P)
where
    P: Fn() -> F + Send,
    F: Future<Output = ProbeResult> + Send,
{
    let mut ticks = tokio::time::interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut pressure = PoolPressure::default();
    loop {
        let probed = tokio::select! {
            () = closing.cancelled() => return,
            probed = async { ticks.tick().await; tokio::time::timeout(TIMEOUT, probe()).await } => probed,
        };
        health.observe(probed.unwrap_or_else(|_elapsed| Err(ProbeTimeout.into())));

        let snapshot = pool();
        if pressure.must_warn(&snapshot) {
            warn_of_pressure(&snapshot);
        }
    }
}

fn warn_of_pressure(snapshot: &PoolSnapshot) {
    tracing::warn!(
        in_use = snapshot.in_use,
        max_open = snapshot.max_open,
        wait_count = snapshot.wait_count,
        "more than 80 % of the database connections are in use"
    );
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::health::{Phase, ProbeOk, SchemaState};

    fn answer() -> ProbeResult {
        Ok(ProbeOk {
            response_time: Duration::from_millis(1),
            schema: SchemaState::Ready,
        })
    }

    #[tokio::test(start_paused = true)]
    async fn a_database_that_hangs_is_down_after_three_probes_and_comes_back() {
        let health = HealthHandle::default();
        let closing = CancellationToken::new();
        let probes = Arc::new(AtomicUsize::new(0));
        let probe = {
            let probes = Arc::clone(&probes);
            move || {
                let number = probes.fetch_add(1, Ordering::Relaxed);
                async move {
                    if (1..4).contains(&number) {
                        std::future::pending::<()>().await;
                    }
                    answer()
                }
            }
        };
        let pool: PoolSource = Arc::new(PoolSnapshot::default);
        let task = tokio::spawn(probe_until(closing.clone(), health.clone(), pool, probe));

        let mut seen = Vec::new();
        for _ in 0..7 {
            tokio::time::sleep(Duration::from_millis(990)).await;
            seen.push(health.phase());
        }
        assert_eq!(seen.first(), Some(&Phase::Serving));
        assert!(seen.contains(&Phase::NotServing), "{seen:?}");
        assert_eq!(seen.last(), Some(&Phase::Serving), "{seen:?}");

        closing.cancel();
        task.await.unwrap();
    }
}
