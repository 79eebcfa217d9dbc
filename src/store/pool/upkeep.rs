//! What the pool does once a second: close what is idle beyond need.

use std::sync::Weak;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::{MissedTickBehavior, interval};

use super::Shared;
use super::statistics::CloseReason;

/// How often the number of idle connections is looked at.
const SAMPLE_RATE: Duration = Duration::from_millis(100);
/// How many looks make a round.
const SAMPLES: u32 = 10;

/// Works until the pool is gone.
///
/// Closing a connection on return whenever enough are idle would be simpler, and halve the throughput: under load the number
/// of idle ones goes up and down all the time. What is idle in every look of a round is not needed.
pub(super) async fn run(pool: Weak<Shared>) {
    let mut ticks = interval(SAMPLE_RATE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
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
