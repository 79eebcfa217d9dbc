//! A connection in the hands of a request.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row};

use super::session::SessionOpener;
use super::statements::Statements;
use super::statistics::CloseReason;
use crate::store::classify::says_stale;

/// A value for a statement, and its PostgreSQL type, which saves the round trip that would ask for it.
pub type Parameter<'a> = (&'a (dyn ToSql + Sync), Type);

/// Why a statement failed.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The database refused, or the connection was lost.
    #[error(transparent)]
    Database(#[from] tokio_postgres::Error),
    /// It ran longer than a statement may; it is cancelled when the connection is dropped.
    #[error("a statement did not end within {0:?}")]
    TimedOut(Duration),
}

/// A connection that is lent; dropping it gives it back.
pub struct PooledConnection {
    session: bb8::PooledConnection<'static, SessionOpener>,
    /// The right to the connection; none when it went to the task that cancels.
    slot: Option<OwnedSemaphorePermit>,
    /// Whether a statement may be under way.
    is_busy: bool,
    query_timeout: Duration,
}

impl fmt::Debug for PooledConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PooledConnection")
            .field("is_busy", &self.is_busy)
            .finish_non_exhaustive()
    }
}

impl PooledConnection {
    pub(super) fn new(
        session: bb8::PooledConnection<'static, SessionOpener>,
        slot: OwnedSemaphorePermit,
        query_timeout: Duration,
    ) -> Self {
        Self {
            session,
            slot: Some(slot),
            is_busy: false,
            query_timeout,
        }
    }

    /// Runs a statement and gives all of its rows; it is prepared for the next time where that may be.
    ///
    /// # Errors
    /// When the database refuses, the connection is lost, or the statement takes too long.
    pub async fn query(&mut self, sql: &'static str, parameters: &[Parameter<'_>]) -> Result<Vec<Row>, QueryError> {
        let rows = self.run(async |lease| lease.statements.query(lease, sql, parameters).await);
        match rows.await {
            // What was prepared is forgotten now.
            Err(QueryError::Database(error)) if says_stale(&error) => {
                self.run(async |lease| lease.statements.query(lease, sql, parameters).await)
                    .await
            }
            result => result,
        }
    }

    /// Runs a statement that was put together for this call, and gives all of its rows. It is never prepared.
    ///
    /// # Errors
    /// As [`Self::query`].
    pub async fn query_once(&mut self, sql: &str, parameters: &[Parameter<'_>]) -> Result<Vec<Row>, QueryError> {
        self.run(async |lease| lease.query_typed(sql, parameters).await).await
    }

    /// The driver's client, for transactions and all else that takes several steps.
    ///
    /// The connection counts as busy until [`Lease::settle`]: if it is dropped before, whatever runs is cancelled.
    pub fn lease(&mut self) -> Lease<'_> {
        self.is_busy = true;
        let session = &mut *self.session;
        Lease {
            client: &mut session.client,
            statements: &session.statements,
            is_busy: &mut self.is_busy,
        }
    }

    /// The limit for one statement. The methods here keep it; whoever takes a [`Lease`] keeps it himself.
    pub fn query_timeout(&self) -> Duration {
        self.query_timeout
    }

    /// Closes the connection when it is dropped, for what must not meet another request: a server that takes no writes any
    /// more, a session whose state is unknown.
    pub fn discard(&mut self) {
        self.session.closing = Some(CloseReason::Broken);
    }

    async fn run<T>(
        &mut self,
        statement: impl AsyncFnOnce(&Lease<'_>) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T, QueryError> {
        let limit = self.query_timeout;
        let lease = self.lease();
        let Ok(result) = timeout(limit, statement(&lease)).await else {
            return Err(QueryError::TimedOut(limit));
        };
        lease.settle();
        Ok(result?)
    }
}

impl Drop for PooledConnection {
    fn drop(&mut self) {
        if !self.is_busy {
            return;
        }
        let (Some(abandoned), Ok(runtime)) = (self.session.abandon(), Handle::try_current()) else {
            return;
        };
        // Until the statement has ended its connection is open, so its place stays taken.
        let slot = self.slot.take();
        runtime.spawn(async move {
            abandoned.cancel().await;
            drop(slot);
        });
    }
}

/// The driver's client while its connection counts as busy.
#[must_use = "a connection is closed unless its lease is settled"]
pub struct Lease<'a> {
    pub(super) client: &'a mut Client,
    pub(super) statements: &'a Statements,
    is_busy: &'a mut bool,
}

impl Lease<'_> {
    /// Says that nothing is under way any more: every statement was awaited, every transaction committed or rolled back.
    pub fn settle(self) {
        *self.is_busy = false;
    }
}

impl Deref for Lease<'_> {
    type Target = Client;

    fn deref(&self) -> &Client {
        self.client
    }
}

impl DerefMut for Lease<'_> {
    fn deref_mut(&mut self) -> &mut Client {
        self.client
    }
}

impl fmt::Debug for Lease<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").finish_non_exhaustive()
    }
}
