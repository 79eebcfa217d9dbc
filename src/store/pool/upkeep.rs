//! What the pool does once a second: close what is idle beyond need, and say when it runs full.

use std::sync::Weak;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::{MissedTickBehavior, interval};
use tracing::{info, warn};

use super::Shared;
use super::statistics::{CloseReason, PoolStats};

/// How often the number of idle connections is looked at.
const SAMPLE_RATE: Duration = Duration::from_millis(100);
/// How many looks make a round.
const SAMPLES: u32 = 10;
/// The use, in percent, from which on the pool counts as nearly full.
const NEARLY_FULL_PERCENT: f64 = 80.0;
/// The use, in percent, below which it no longer does: lower, so that the log does not flicker.
const RELAXED_PERCENT: f64 = 60.0;

/// Works until the pool is gone.
///
/// Closing a connection on return whenever enough are idle would be simpler, and halve the throughput: under load the number
/// of idle ones goes up and down all the time. What is idle in every look of a round is not needed.
pub(super) async fn run(pool: Weak<Shared>) {
    let mut ticks = interval(SAMPLE_RATE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut is_nearly_full = false;
    loop {
        let mut fewest_idle = u32::MAX;
        for _ in 0..SAMPLES {
            ticks.tick().await;
            let Some(shared) = pool.upgrade() else {
                return;
            };
            fewest_idle = fewest_idle.min(shared.sessions.state().idle_connections);
        }
        let Some(shared) = pool.upgrade() else {
            return;
        };
        close_idle(&shared, fewest_idle.saturating_sub(shared.config.max_idle));
        is_nearly_full = watch_use(&shared.stats(), is_nearly_full);
    }
}

/// Closes up to `count` idle connections; never waits, and leaves those alone that would have to be checked.
fn close_idle(shared: &Shared, count: u32) {
    for _ in 0..count {
        let Some(Ok(mut session)) = shared.sessions.get_owned().now_or_never() else {
            return;
        };
        session.closing = Some(CloseReason::MaxIdle);
    }
}

/// Says when the pool becomes nearly full and when it no longer is; gives what it is now.
fn watch_use(stats: &PoolStats, was_nearly_full: bool) -> bool {
    let percent = stats.utilization_percent();
    if !was_nearly_full && percent >= NEARLY_FULL_PERCENT {
        warn!(
            in_use = stats.in_use,
            max_open = stats.max_open,
            waiting = stats.waiting,
            "the connection pool is nearly full"
        );
        return true;
    }
    if was_nearly_full && percent < RELAXED_PERCENT {
        info!(
            in_use = stats.in_use,
            max_open = stats.max_open,
            "the connection pool has room again"
        );
        return false;
    }
    was_nearly_full
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_warning_does_not_flicker() {
        let stats = |in_use| PoolStats {
            max_open: 10,
            in_use,
            ..PoolStats::default()
        };
        let mut is_nearly_full = false;
        let mut seen = Vec::new();
        for in_use in [7, 8, 7, 8, 6, 5, 7, 10] {
            is_nearly_full = watch_use(&stats(in_use), is_nearly_full);
            seen.push(is_nearly_full);
        }
        assert_eq!(seen, [false, true, true, true, true, false, false, true]);
    }
}
