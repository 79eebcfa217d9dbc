//! The connections that requests share.
//!
//! [`Pool::get`] lends a connection; dropping it gives it back. bb8 keeps the idle ones; what bb8 lacks is here: a queue
//! that can be measured, prompt refusal while the database is away, limits with jitter, and safety against futures that
//! are dropped in the middle of a statement.
//!
//! **Dropped futures.** A request can end at any `await`: its deadline passes, its caller goes away. Its statement would
//! run on, and the next borrower would wait behind it. So a connection knows whether a statement is under way: when it is
//! dropped then, the statement is cancelled in the database, and the connection is thrown away.
//!
//! ```no_run
//! use tokio_postgres::IsolationLevel;
//! use tokio_postgres::types::Type;
//! # async fn example(pool: dashboard_store::store::pool::Pool, name: &str) -> Result<(), Box<dyn std::error::Error>> {
//! let mut connection = pool.get().await?;
//! // One statement: one round trip, and prepared for the next time where the connection allows it.
//! let rows = connection.query("SELECT 1 WHERE $1 <> ''", &[(&name, Type::TEXT)]).await?;
//! // Several: from `lease` to `settle` the connection counts as busy.
//! let mut lease = connection.lease();
//! let transaction = lease.begin(IsolationLevel::ReadCommitted).await?;
//! transaction.execute("DELETE FROM nothing WHERE name = $1", &[(&name, Type::TEXT)]).await?;
//! transaction.commit().await?;
//! lease.settle();
//! # Ok(())
//! # }
//! ```
//!
//! What belongs here: lending, keeping and closing connections. What does not: opening one (`store::connect`), SQL.

mod attempts;
mod connection;
mod session;
mod snapshot;
mod statements;
mod statistics;
mod transaction;
mod upkeep;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bb8::{QueueStrategy, RunError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, timeout_at};

use crate::config::{ConnectConfig, PoolConfig};
use crate::domain::reason::Reason;
use crate::error::{Cause, Error, Result};
use crate::store::connect::{ConnectError, Connector};
use attempts::Attempts;
pub use connection::{Lease, Parameter, PooledConnection, QueryError};
use session::{SessionErrorSink, SessionOpener};
pub use snapshot::Snapshot;
pub use statistics::PoolStats;
use statistics::Statistics;
pub use transaction::Transaction;

/// How often bb8 looks for connections that are too old or were idle for too long, at most and at least.
const REAPER_RATES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));
/// How long to wait for one attempt to connect before asking for another.
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// The connections that requests share. Clones are the same pool; its background work stops with the last one.
#[derive(Clone)]
pub struct Pool {
    shared: Arc<Shared>,
}

struct Shared {
    config: PoolConfig,
    /// One permit for each connection that may be open: the queue of those who wait.
    slots: Arc<Semaphore>,
    sessions: bb8::Pool<SessionOpener>,
    attempts: Arc<Attempts>,
    statistics: Arc<Statistics>,
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

impl Pool {
    /// Makes a pool without opening a connection: that happens when one is asked for, whether the database is up or not.
    ///
    /// Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// [`ConnectError::Certificate`] when a certificate can't be used.
    pub fn connect_lazy(connect: ConnectConfig, config: PoolConfig) -> Result<Self, ConnectError> {
        let attempts = Arc::new(Attempts::default());
        let statistics = Arc::new(Statistics::default());
        let backstop = config.acquire_timeout + connect.connect_timeout;
        let opener = SessionOpener::new(
            Connector::new(connect)?,
            Arc::clone(&attempts),
            Arc::clone(&statistics),
            &config,
        );
        let sessions = bb8::Pool::builder()
            .max_size(config.max_open)
            .max_lifetime(config.max_lifetime)
            .idle_timeout(config.max_idle_time)
            .connection_timeout(backstop)
            // bb8's own retries sleep for seconds while holding a place; ours are in `Attempts`.
            .retry_connection(false)
            .reaper_rate(reaper_rate(&config))
            // First in, first out would refresh every connection in turn, and none would ever be idle for long.
            .queue_strategy(QueueStrategy::Lifo)
            .error_sink(Box::new(SessionErrorSink))
            .build_unchecked(opener);
        let shared = Arc::new(Shared {
            slots: Arc::new(Semaphore::new(config.max_open as usize)),
            sessions,
            attempts,
            statistics,
            config,
        });
        tokio::spawn(upkeep::run(Arc::downgrade(&shared)));
        Ok(Self { shared })
    }

    /// Lends a connection.
    ///
    /// # Errors
    /// `POOL_TIMEOUT` when all stay in use, or one more is not opened, for as long as a request waits; `DATABASE_UNAVAILABLE` as soon
    /// as it is clear that none can be opened.
    pub async fn get(&self) -> Result<PooledConnection> {
        let deadline = Instant::now() + self.shared.config.acquire_timeout;
        let slot = self.shared.slot(deadline).await?;
        let session = self.shared.session(deadline).await?;
        Ok(PooledConnection::new(session, slot, self.shared.config.query_timeout))
    }

    /// How the pool is used now, and what happened since it was made.
    pub fn stats(&self) -> PoolStats {
        self.shared.stats()
    }
}

impl Shared {
    /// Waits for the right to a connection.
    async fn slot(&self, deadline: Instant) -> Result<OwnedSemaphorePermit> {
        let slots = Arc::clone(&self.slots);
        if let Ok(slot) = Arc::clone(&slots).try_acquire_owned() {
            return Ok(slot);
        }
        let waiting = self.statistics.start_waiting();
        match timeout_at(deadline, slots.acquire_owned()).await {
            Ok(slot) => slot.map_err(Error::internal),
            Err(_) => {
                waiting.timed_out();
                Err(pool_timeout(
                    "all connections to the database are in use: nothing was done, try again",
                ))
            }
        }
    }

    /// Takes an idle connection or waits for a new one. Gives up when an attempt fails and no connection is left that
    /// could come back.
    async fn session(&self, deadline: Instant) -> Result<bb8::PooledConnection<'static, SessionOpener>> {
        let mut failures = self.attempts.failures();
        loop {
            let retry_at = deadline.min(Instant::now() + RETRY_AFTER);
            let result = tokio::select! {
                biased;
                result = timeout_at(retry_at, self.sessions.get_owned()) => result,
                () = self.until_hopeless(&mut failures) => return Err(self.unavailable()),
            };
            match result {
                Ok(Ok(session)) => return Ok(session),
                Ok(Err(RunError::User(_) | RunError::TimedOut)) => return Err(self.unavailable()),
                Err(_) if Instant::now() >= deadline => return Err(self.too_late()),
                Err(_) => {}
            }
        }
    }

    async fn until_hopeless(&self, failures: &mut watch::Receiver<u64>) {
        // The sender lives as long as we do.
        while failures.changed().await.is_ok() {
            if self.sessions.state().connections == 0 {
                return;
            }
        }
    }

    /// The error at the deadline. Where others have connections and no attempt failed, the database can be reached, and takes its
    /// time to open one more.
    fn too_late(&self) -> Error {
        if self.sessions.state().connections == 0 || self.attempts.last_failure().is_some() {
            return self.unavailable();
        }
        self.statistics.count_timeout();
        pool_timeout("no connection to the database was opened in time: nothing was done, try again")
    }

    fn unavailable(&self) -> Error {
        self.statistics.count_unavailable();
        Error::Unavailable {
            reason: Reason::DatabaseUnavailable,
            description: "the database can't be reached: nothing was done, try again".to_owned(),
            cause: self.attempts.last_failure().map(Cause::from),
        }
    }

    fn stats(&self) -> PoolStats {
        let state = self.sessions.state();
        let free = u32::try_from(self.slots.available_permits()).unwrap_or(u32::MAX);
        let in_use = self.config.max_open.saturating_sub(free);
        self.statistics
            .snapshot(self.config.max_open, state.connections, state.idle_connections, in_use)
    }
}

fn pool_timeout(description: &str) -> Error {
    Error::Unavailable {
        reason: Reason::PoolTimeout,
        description: description.to_owned(),
        cause: None,
    }
}

/// Often enough for the shortest limit, and no oftener than that.
fn reaper_rate(config: &PoolConfig) -> Duration {
    let (fastest, slowest) = REAPER_RATES;
    let limits = [config.max_lifetime, config.max_idle_time];
    let shortest = limits.into_iter().flatten().min().unwrap_or(slowest);
    (shortest / 4).clamp(fastest, slowest)
}
