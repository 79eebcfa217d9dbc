//! One connection of the pool, and the rules by which it is trusted or closed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use bb8::{ErrorSink, ManageConnection};
use tokio::time::{Instant, timeout};
use tokio_postgres::Client;
use tracing::{info, warn};

use super::attempts::Attempts;
use super::statements::Statements;
use super::statistics::{CloseReason, Statistics};
use crate::config::{PoolConfig, StatementMode};
use crate::store::connect::{Canceller, ConnectError, Connector, is_direct};

/// A connection that was not used for this long is checked before it is lent. Checking each time would double the round
/// trips of a read.
const CHECK_AFTER: Duration = Duration::from_secs(30);
/// How long the check may take.
const CHECK_LIMIT: Duration = Duration::from_secs(2);
/// A connection is replaced up to this part of its lifetime early, so that those opened together don't all go at once.
const LIFETIME_JITTER: f64 = 0.1;

/// An open connection.
pub(super) struct Session {
    // Dropped first, so that what is prepared goes without a word when its connection does.
    pub(super) client: Client,
    pub(super) statements: Statements,
    canceller: Canceller,
    /// Why it is to be closed when it comes back.
    pub(super) closing: Option<CloseReason>,
    last_used: Instant,
    expires_at: Option<Instant>,
    statistics: Arc<Statistics>,
    doubts: Arc<Doubts>,
}

impl Session {
    /// Gives what stops an abandoned statement, for use after the session is gone; nothing where the connection is lost.
    pub(super) fn abandon(&mut self) -> Option<Abandoned> {
        self.closing = Some(CloseReason::Cancelled);
        (!self.client.is_closed()).then(|| Abandoned {
            canceller: self.canceller.clone(),
            doubts: Arc::clone(&self.doubts),
        })
    }
}

/// A connection whose statement nobody waits for.
pub(super) struct Abandoned {
    canceller: Canceller,
    doubts: Arc<Doubts>,
}

impl Abandoned {
    /// Cancels the statement. Where the server can't be asked, the connection ends when the statement does, or when the
    /// kernel gives up on it.
    pub(super) async fn cancel(self) {
        if let Err(error) = self.canceller.cancel().await {
            warn!(error = %error, "an abandoned statement could not be cancelled");
            self.doubts.suspect();
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let is_expired = self.expires_at.is_some_and(|at| at <= Instant::now());
        // Where nobody gave a reason it was bb8's reaper, which knows two.
        let reason = self.closing.unwrap_or(match is_expired {
            true => CloseReason::MaxLifetime,
            false => CloseReason::MaxIdleTime,
        });
        self.statistics.count_closed(reason);
    }
}

/// Why a connection can't be lent.
#[derive(Debug, thiserror::Error)]
pub(super) enum SessionError {
    /// It could not be opened.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// It was lost while it was idle, or does not answer any more.
    #[error("a connection of the pool was lost")]
    Lost,
}

/// Logs what bb8 can't return to anybody.
#[derive(Debug, Clone, Copy)]
pub(super) struct SessionErrorSink;

impl ErrorSink<SessionError> for SessionErrorSink {
    fn sink(&self, error: SessionError) {
        match error {
            // Logged with its attempt, at most once for each pause.
            SessionError::Connect(_) => {}
            SessionError::Lost => info!("an idle connection to the database was lost and is replaced"),
        }
    }

    fn boxed_clone(&self) -> Box<dyn ErrorSink<SessionError>> {
        Box::new(*self)
    }
}

/// Opens connections for bb8, and tells it which to keep.
pub(super) struct SessionOpener {
    connector: Connector,
    attempts: Arc<Attempts>,
    statistics: Arc<Statistics>,
    max_lifetime: Option<Duration>,
    statement_mode: StatementMode,
    doubts: Arc<Doubts>,
}

impl SessionOpener {
    pub(super) fn new(
        connector: Connector,
        attempts: Arc<Attempts>,
        statistics: Arc<Statistics>,
        config: &PoolConfig,
    ) -> Self {
        Self {
            connector,
            attempts,
            statistics,
            max_lifetime: config.max_lifetime,
            statement_mode: config.statement_mode,
            doubts: Arc::default(),
        }
    }

    /// Whether statements of this connection outlive their transaction.
    async fn may_prepare(&self, client: &Client) -> bool {
        match self.statement_mode {
            StatementMode::Named => true,
            StatementMode::Unnamed => false,
            StatementMode::Auto => matches!(timeout(CHECK_LIMIT, is_direct(client)).await, Ok(Ok(true))),
        }
    }

    async fn check(&self, session: &mut Session) -> Result<(), SessionError> {
        if session.client.is_closed() {
            return Err(SessionError::Lost);
        }
        match self.doubts.about(session.last_used) {
            Trust::Full if session.last_used.elapsed() < CHECK_AFTER => return Ok(()),
            Trust::Full | Trust::Checked => {}
            Trust::None => return Err(SessionError::Lost),
        }
        match timeout(CHECK_LIMIT, session.client.check_connection()).await {
            Ok(Ok(())) => {
                session.last_used = Instant::now();
                Ok(())
            }
            Ok(Err(_)) => Err(SessionError::Lost),
            Err(_) => {
                self.doubts.condemn();
                Err(SessionError::Lost)
            }
        }
    }
}

impl ManageConnection for SessionOpener {
    type Connection = Session;
    type Error = SessionError;

    async fn connect(&self) -> Result<Session, SessionError> {
        let connected = self.attempts.attempt(self.connector.connect()).await?;
        self.statistics.count_created();
        let statements = Statements::new(self.may_prepare(&connected.client).await);
        let now = Instant::now();
        let early = rand::random_range(0.0..=LIFETIME_JITTER);
        Ok(Session {
            client: connected.client,
            statements,
            canceller: connected.canceller,
            closing: None,
            last_used: now,
            expires_at: self.max_lifetime.map(|lifetime| now + lifetime.mul_f64(1.0 - early)),
            statistics: Arc::clone(&self.statistics),
            doubts: Arc::clone(&self.doubts),
        })
    }

    async fn is_valid(&self, session: &mut Session) -> Result<(), SessionError> {
        let result = self.check(session).await;
        if result.is_err() {
            session.closing = Some(CloseReason::Broken);
        }
        result
    }

    /// bb8 asks this once for each connection that comes back.
    fn has_broken(&self, session: &mut Session) -> bool {
        let now = Instant::now();
        session.last_used = now;
        if session.closing.is_none() && session.client.is_closed() {
            session.closing = Some(CloseReason::Broken);
        }
        if session.closing.is_none() && session.expires_at.is_some_and(|at| at <= now) {
            session.closing = Some(CloseReason::MaxLifetime);
        }
        if session.closing == Some(CloseReason::Broken) {
            self.doubts.suspect();
        }
        session.closing.is_some()
    }
}

/// How far a connection is trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trust {
    /// It can be lent.
    Full,
    /// After a check.
    Checked,
    /// Not at all.
    None,
}

/// What the fate of one connection says about those that were not used since: after a failover behind a silent network
/// they are all dead, and nobody tells.
#[derive(Debug)]
struct Doubts {
    start: Instant,
    /// Connections last used before this are checked, in microseconds since the start.
    suspected_before: AtomicU64,
    /// Connections last used before this are closed unchecked: checking each would take seconds.
    condemned_before: AtomicU64,
}

impl Default for Doubts {
    fn default() -> Self {
        Self {
            start: Instant::now(),
            suspected_before: AtomicU64::new(0),
            condemned_before: AtomicU64::new(0),
        }
    }
}

impl Doubts {
    fn suspect(&self) {
        self.suspected_before
            .fetch_max(self.since_start(Instant::now()), Relaxed);
    }

    fn condemn(&self) {
        self.condemned_before
            .fetch_max(self.since_start(Instant::now()), Relaxed);
    }

    fn about(&self, last_used: Instant) -> Trust {
        let last_used = self.since_start(last_used);
        if last_used < self.condemned_before.load(Relaxed) {
            return Trust::None;
        }
        if last_used < self.suspected_before.load(Relaxed) {
            return Trust::Checked;
        }
        Trust::Full
    }

    fn since_start(&self, instant: Instant) -> u64 {
        let elapsed = instant.saturating_duration_since(self.start);
        u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn doubts_concern_what_was_not_used_since() {
        let doubts = Doubts::default();
        let before = Instant::now();
        assert_eq!(doubts.about(before), Trust::Full);
        tokio::time::advance(Duration::from_secs(1)).await;
        doubts.suspect();
        assert_eq!(doubts.about(before), Trust::Checked);
        assert_eq!(doubts.about(Instant::now()), Trust::Full);
        tokio::time::advance(Duration::from_secs(1)).await;
        doubts.condemn();
        assert_eq!(doubts.about(before), Trust::None);
        assert_eq!(doubts.about(Instant::now()), Trust::Full);
    }
}
