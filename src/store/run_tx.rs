//! Transactions: begun, retried, committed or rolled back in one place.

use std::time::Duration;

use scoped_futures::ScopedBoxFuture;
use tokio::time::timeout;
use tokio_postgres::IsolationLevel;

use super::classify::says_rolled_back;
use super::pool::{Lease, Pool, Transaction};
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

/// Why a transaction is not known to have been committed.
///
/// There is a third way to not know: whoever awaits it can drop the future during COMMIT.
#[derive(Debug)]
pub enum TxError<T> {
    /// It was not: nothing was done.
    Failed(Error),
    /// The answer to COMMIT was lost: it may have been.
    CommitLost {
        /// How the answer was lost.
        cause: Cause,
        /// What the transaction would have answered.
        value: T,
    },
}

impl<T, E: Into<Error>> From<E> for TxError<T> {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl Pool {
    /// Runs `work` in a transaction and commits or rolls back by itself. Serialisation failures and deadlocks (SQLSTATE
    /// 40001 and 40P01) run it again, so it does nothing but through the transaction.
    ///
    /// # Errors
    /// What `work` failed with, after a rollback; or that the outcome of COMMIT is unknown.
    pub async fn run_tx<'a, T, W>(
        &self,
        name: &'static str,
        isolation: IsolationLevel,
        work: W,
    ) -> Result<T, TxError<T>>
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

    async fn try_tx<'a, T, W>(&self, isolation: IsolationLevel, work: &W) -> Result<T, TxError<T>>
    where
        T: Send + 'a,
        W: for<'t> Fn(&'t Transaction<'t>) -> ScopedBoxFuture<'a, 't, Result<End<T>>> + Sync,
    {
        let mut connection = self.get().await?;
        let limit = connection.query_timeout();
        let mut lease = connection.lease();
        let outcome = run(&mut lease, isolation, limit, work).await;
        match &outcome {
            // What still runs is cancelled when the connection is dropped unsettled.
            Err(TxError::Failed(Error::DeadlineExceeded)) => return outcome,
            // A server that is going away, or takes no writes any more, gets no further request.
            Err(TxError::CommitLost { .. } | TxError::Failed(Error::Unavailable { .. })) => {
                lease.settle();
                connection.discard();
            }
            Ok(_) | Err(TxError::Failed(_)) => lease.settle(),
        }
        outcome
    }
}

/// Begins, works and ends; each of the last two has `limit`.
async fn run<'a, T, W>(
    lease: &mut Lease<'_>,
    isolation: IsolationLevel,
    limit: Duration,
    work: &W,
) -> Result<T, TxError<T>>
where
    T: Send + 'a,
    W: for<'t> Fn(&'t Transaction<'t>) -> ScopedBoxFuture<'a, 't, Result<End<T>>> + Sync,
{
    let tx = lease.begin(isolation).await?;
    match timeout(limit, work(&tx)).await {
        Ok(Ok(End::Commit(value))) => commit(tx, limit, value).await,
        Ok(Ok(End::RollBack(value))) => {
            // Nothing to lose: when this fails, the connection is gone and the transaction with it.
            let _ = tx.rollback().await;
            Ok(value)
        }
        Ok(Err(error)) => {
            let _ = tx.rollback().await;
            Err(error.into())
        }
        Err(_) => Err(Error::DeadlineExceeded.into()),
    }
}

async fn commit<T>(tx: Transaction<'_>, limit: Duration, value: T) -> Result<T, TxError<T>> {
    match timeout(limit, tx.commit()).await {
        Ok(Ok(())) => Ok(value),
        Ok(Err(error)) if says_rolled_back(&error) => Err(error.into()),
        Ok(Err(error)) => Err(TxError::CommitLost {
            cause: error.into(),
            value,
        }),
        Err(elapsed) => Err(TxError::CommitLost {
            cause: elapsed.into(),
            value,
        }),
    }
}

/// A random wait, so that those that collided do not meet again.
fn backoff(attempt: u32) -> Duration {
    BACKOFF.mul_f64(f64::from(2_u32.pow(attempt - 1)) * rand::random::<f64>())
}
