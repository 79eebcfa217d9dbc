//! Counting what the pool does.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// How a pool is used now, and what happened since it was made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PoolStats {
    /// The most connections that may be open.
    pub max_open: u32,
    /// Connections that are open.
    pub open: u32,
    /// Of these, those that wait to be lent.
    pub idle: u32,
    /// Connections that are lent, being opened for a borrower, or being cancelled after one.
    pub in_use: u32,
    /// Requests that wait because all are in use.
    pub waiting: u32,
    /// How many requests had to wait.
    pub wait_count: u64,
    /// For how long, together.
    pub wait_duration: Duration,
    /// How many waited in vain.
    pub timeouts: u64,
    /// How many were refused because the database could not be reached.
    pub unavailable: u64,
    /// Connections that were opened.
    pub created: u64,
    /// Connections that were closed, by reason.
    pub closed: ClosedConnections,
}

/// Connections that were closed, by reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ClosedConnections {
    /// Lost, or no longer answering.
    pub broken: u64,
    /// Thrown away after a statement was abandoned.
    pub cancelled: u64,
    /// More were idle than are kept.
    pub max_idle: u64,
    /// Idle for too long.
    pub max_idle_time: u64,
    /// Too old.
    pub max_lifetime: u64,
}

/// Why a connection was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CloseReason {
    Broken,
    Cancelled,
    MaxIdle,
    MaxIdleTime,
    MaxLifetime,
}

/// The counters behind [`PoolStats`].
#[derive(Debug, Default)]
pub(super) struct Statistics {
    waiting: AtomicU32,
    wait_count: AtomicU64,
    wait_microseconds: AtomicU64,
    timeouts: AtomicU64,
    unavailable: AtomicU64,
    created: AtomicU64,
    broken: AtomicU64,
    cancelled: AtomicU64,
    max_idle: AtomicU64,
    max_idle_time: AtomicU64,
    max_lifetime: AtomicU64,
}

impl Statistics {
    /// Counts a request as waiting until the guard is dropped, which a cancelled request does, too.
    pub(super) fn start_waiting(&self) -> Waiting<'_> {
        self.waiting.fetch_add(1, Relaxed);
        self.wait_count.fetch_add(1, Relaxed);
        Waiting {
            statistics: self,
            since: Instant::now(),
        }
    }

    pub(super) fn count_unavailable(&self) {
        self.unavailable.fetch_add(1, Relaxed);
    }

    /// Counts a request that had the right to a connection and got none in time.
    pub(super) fn count_timeout(&self) {
        self.timeouts.fetch_add(1, Relaxed);
    }

    pub(super) fn count_created(&self) {
        self.created.fetch_add(1, Relaxed);
    }

    pub(super) fn count_closed(&self, reason: CloseReason) {
        let counter = match reason {
            CloseReason::Broken => &self.broken,
            CloseReason::Cancelled => &self.cancelled,
            CloseReason::MaxIdle => &self.max_idle,
            CloseReason::MaxIdleTime => &self.max_idle_time,
            CloseReason::MaxLifetime => &self.max_lifetime,
        };
        counter.fetch_add(1, Relaxed);
    }

    /// The counters as they are, beside what the caller knows.
    pub(super) fn snapshot(&self, max_open: u32, open: u32, idle: u32, in_use: u32) -> PoolStats {
        PoolStats {
            max_open,
            open,
            idle,
            in_use,
            waiting: self.waiting.load(Relaxed),
            wait_count: self.wait_count.load(Relaxed),
            wait_duration: Duration::from_micros(self.wait_microseconds.load(Relaxed)),
            timeouts: self.timeouts.load(Relaxed),
            unavailable: self.unavailable.load(Relaxed),
            created: self.created.load(Relaxed),
            closed: ClosedConnections {
                broken: self.broken.load(Relaxed),
                cancelled: self.cancelled.load(Relaxed),
                max_idle: self.max_idle.load(Relaxed),
                max_idle_time: self.max_idle_time.load(Relaxed),
                max_lifetime: self.max_lifetime.load(Relaxed),
            },
        }
    }
}

/// A request that waits for a connection.
pub(super) struct Waiting<'a> {
    statistics: &'a Statistics,
    since: Instant,
}

impl Waiting<'_> {
    /// Ends the wait without a connection.
    pub(super) fn timed_out(self) {
        self.statistics.count_timeout();
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let waited = u64::try_from(self.since.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.statistics.wait_microseconds.fetch_add(waited, Relaxed);
        self.statistics.waiting.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_abandoned_wait_ends() {
        let statistics = Statistics::default();
        let waiting = statistics.start_waiting();
        assert_eq!(statistics.snapshot(1, 1, 0, 1).waiting, 1);
        drop(waiting);
        statistics.start_waiting().timed_out();
        let stats = statistics.snapshot(1, 1, 0, 1);
        assert_eq!((stats.waiting, stats.wait_count, stats.timeouts), (0, 2, 1));
    }
}
