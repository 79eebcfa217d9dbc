//! Transactions: begun, retried, committed or rolled back in one place.

use std::time::Duration;

use scoped_futures::ScopedBoxFuture;
use tokio::time::timeout;
use tokio_postgres::{Client, IsolationLevel, Transaction};

use super::classify::leaves_outcome_open;
use super::pool::Pool;
use crate::error::{Cause, Error, Result};

/// How often a transaction is tried when it collides with others.
const MAX_ATTEMPTS: u32 = 5;

/// The longest wait before the second try; each further one doubles it.
const BACKOFF: Duration = Duration::from_millis(10);

/// How a transaction that succeeded ends.
#[derive(Debug)]
pub enum End<T> {
    /// Keep what it did.
    Commit(T),
    /// Forget what it did, and answer all the same.
    RollBack(T),
}

/// Why a transaction gave no result.
#[derive(Debug)]
pub enum TxError {
    /// Nothing was done.
    Failed(Error),
    /// The connection was lost during COMMIT: it may have been done.
    CommitLost(Cause),
}

impl From<Error> for TxError {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl Pool {
    /// Runs `work` in a transaction and commits or rolls back by itself. Serialisation failures and deadlocks (SQLSTATE
    /// 40001 and 40P01) run it again, so it does nothing but through the transaction.
    ///
    /// # Errors
    /// What `work` failed with, after a rollback; or that the outcome of COMMIT is unknown.
    pub async fn run_tx<'a, T, W>(&self, name: &'static str, isolation: IsolationLevel, work: W) -> Result<T, TxError>
    where
        T: Send + 'a,
        W: for<'t> Fn(&'t Transaction<'t>) -> ScopedBoxFuture<'a, 't, Result<End<T>>> + Sync,
    {
        let mut attempt = 1;
        loop {
            match self.try_tx(isolation, &work).await {
                Err(TxError::Failed(Error::SerializationFailure)) if attempt < MAX_ATTEMPTS => {
                    tracing::debug!(transaction = name, attempt, "transaction collided, trying again");
                    tokio::time::sleep(backoff(attempt)).await;
                    attempt += 1;
                }
                outcome => return outcome,
            }
        }
    }

    async fn try_tx<'a, T, W>(&self, isolation: IsolationLevel, work: &W) -> Result<T, TxError>
    where
        T: Send + 'a,
        W: for<'t> Fn(&'t Transaction<'t>) -> ScopedBoxFuture<'a, 't, Result<End<T>>> + Sync,
    {
        let mut connection = self.get().await?;
        let limit = connection.query_timeout();
        let mut lease = connection.lease();
        let outcome = match timeout(limit, run(&mut lease, isolation, work)).await {
            Ok(outcome) => outcome,
            // Dropping the connection cancels what still runs.
            Err(_) => return Err(Error::DeadlineExceeded.into()),
        };
        lease.settle();
        if let Err(TxError::Failed(Error::Unavailable { .. }) | TxError::CommitLost(_)) = &outcome {
            // A server that is going away, or takes no writes any more, gets no further request.
            connection.discard();
        }
        outcome
    }
}

async fn run<'a, T, W>(client: &mut Client, isolation: IsolationLevel, work: &W) -> Result<T, TxError>
where
    T: Send + 'a,
    W: for<'t> Fn(&'t Transaction<'t>) -> ScopedBoxFuture<'a, 't, Result<End<T>>> + Sync,
{
    let tx = client
        .build_transaction()
        .isolation_level(isolation)
        .start()
        .await
        .map_err(Error::from)?;
    match work(&tx).await {
        Ok(End::Commit(value)) => match tx.commit().await {
            Ok(()) => Ok(value),
            Err(error) if leaves_outcome_open(&error) => Err(TxError::CommitLost(error.into())),
            Err(error) => Err(TxError::Failed(error.into())),
        },
        Ok(End::RollBack(value)) => {
            // Nothing to lose: when this fails, the connection is gone and the transaction with it.
            let _ = tx.rollback().await;
            Ok(value)
        }
        Err(error) => {
            let _ = tx.rollback().await;
            Err(TxError::Failed(error))
        }
    }
}

/// A random wait, so that those that collided do not meet again.
fn backoff(attempt: u32) -> Duration {
    BACKOFF.mul_f64(f64::from(2_u32.pow(attempt - 1)) * rand::random::<f64>())
}
