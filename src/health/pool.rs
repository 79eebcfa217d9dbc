//! What health knows of the connection pool.

use std::sync::Arc;
use std::time::Duration;

/// The pool use above which the service is degraded, in percent.
const HIGH_PERCENT: f64 = 80.0;

/// The pool use below which a warning may be given again, in percent.
const LOW_PERCENT: f64 = 70.0;

/// The connection pool at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PoolSnapshot {
    /// Connections that are open.
    pub open: u32,
    /// Of those, the ones that nobody uses.
    pub idle: u32,
    /// Of those, the ones that somebody uses.
    pub in_use: u32,
    /// The most that may be open.
    pub max_open: u32,
    /// Requests that have had to wait for a connection since the start.
    pub wait_count: u64,
    /// How long they have waited, all together.
    pub wait_duration: Duration,
}

/// Reads the pool's state from memory.
pub type PoolSource = Arc<dyn Fn() -> PoolSnapshot + Send + Sync>;

impl PoolSnapshot {
    /// How much of the pool is in use, in percent of what may be open.
    pub fn utilization_percent(&self) -> f64 {
        if self.max_open == 0 {
            return 0.0;
        }
        f64::from(self.in_use) * 100.0 / f64::from(self.max_open)
    }

    /// Whether so much is in use that the service is degraded.
    pub fn is_under_pressure(&self) -> bool {
        self.utilization_percent() > HIGH_PERCENT
    }
}

/// Remembers whether pressure has been reported, so that a pool around the limit does not fill the log.
#[derive(Debug, Default)]
pub struct PoolPressure {
    is_reported: bool,
}

impl PoolPressure {
    /// Whether `snapshot` is worth a warning: the first above the limit since the use was clearly below it.
    pub fn must_warn(&mut self, snapshot: &PoolSnapshot) -> bool {
        if snapshot.utilization_percent() < LOW_PERCENT {
            self.is_reported = false;
        }
        let must_warn = snapshot.is_under_pressure() && !self.is_reported;
        self.is_reported |= must_warn;
        must_warn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_use(in_use: u32) -> PoolSnapshot {
        PoolSnapshot {
            in_use,
            max_open: 10,
            ..PoolSnapshot::default()
        }
    }

    #[test]
    fn pressure_is_warned_of_once_until_it_is_clearly_over() {
        let mut pressure = PoolPressure::default();
        let warnings = [8, 9, 10, 8, 9, 7, 9, 6, 9].map(|count| pressure.must_warn(&in_use(count)));
        assert_eq!(warnings, [false, true, false, false, false, false, false, false, true]);
    }

    #[test]
    fn utilization_counts_what_is_in_use_of_what_may_be_open() {
        let pool = PoolSnapshot { open: 5, ..in_use(3) };
        assert!((pool.utilization_percent() - 30.0).abs() < f64::EPSILON);
    }

    #[test]
    fn an_unlimited_or_unknown_pool_is_not_in_use() {
        assert!(PoolSnapshot::default().utilization_percent().abs() < f64::EPSILON);
    }
}
