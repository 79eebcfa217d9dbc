//! A transaction on a connection that is lent.

use std::fmt;

use tokio_postgres::{Error, IsolationLevel, Row};

use super::Parameter;
use super::connection::Lease;
use super::statements::Statements;

/// A transaction; dropping it rolls it back.
pub struct Transaction<'a> {
    inner: tokio_postgres::Transaction<'a>,
    statements: &'a Statements,
}

impl Lease<'_> {
    /// Begins a transaction.
    ///
    /// # Errors
    /// When the database refuses, or the connection is lost.
    pub async fn begin(&mut self, isolation: IsolationLevel) -> Result<Transaction<'_>, Error> {
        let inner = self
            .client
            .build_transaction()
            .isolation_level(isolation)
            .start()
            .await?;
        Ok(Transaction {
            inner,
            statements: self.statements,
        })
    }
}

impl Transaction<'_> {
    /// Runs a statement and gives all of its rows. Calls that are polled together are sent together, and run in the order of
    /// their first poll.
    ///
    /// # Errors
    /// When the database refuses, or the connection is lost.
    pub async fn query(&self, sql: &'static str, parameters: &[Parameter<'_>]) -> Result<Vec<Row>, Error> {
        self.statements.query(self.inner.client(), sql, parameters).await
    }

    /// Runs a statement and gives the number of rows that it changed.
    ///
    /// # Errors
    /// As [`Self::query`].
    pub async fn execute(&self, sql: &'static str, parameters: &[Parameter<'_>]) -> Result<u64, Error> {
        self.statements.execute(self.inner.client(), sql, parameters).await
    }

    /// Commits.
    ///
    /// # Errors
    /// When it was rolled back instead, or the answer was lost.
    pub async fn commit(self) -> Result<(), Error> {
        self.inner.commit().await
    }

    /// Rolls back.
    ///
    /// # Errors
    /// When the connection is lost, which rolls back too.
    pub async fn rollback(self) -> Result<(), Error> {
        self.inner.rollback().await
    }
}

impl fmt::Debug for Transaction<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction").finish_non_exhaustive()
    }
}
