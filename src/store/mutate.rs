//! What every mutation has in common: it happens once per request id, or not at all.
//!
//! A mutation takes a lock on its request id, looks for an answer that was given before, does its work, and keeps the
//! answer in the same transaction. So a repeated call gets the first answer, a concurrent duplicate waits for it, and when
//! the connection is lost during COMMIT the outcome can be read back: whoever gets the lock knows that the transaction
//! that held it has ended.

use std::time::Duration;

use postgres_types::{Json, Type};
use scoped_futures::{ScopedBoxFuture, ScopedFutureExt as _};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_postgres::{IsolationLevel, Transaction};
use uuid::Uuid;

use super::Store;
use super::run_tx::{End, TxError};
use crate::access::Access;
use crate::domain::digest::{Digest, Fingerprint};
use crate::domain::mutation::WriteOptions;
use crate::domain::reason::Reason;
use crate::domain::violation::Violation;
use crate::error::{Cause, Error, Result};

const LOCK_REQUEST: &str = "-- lock_request
SELECT pg_advisory_xact_lock($1)";

const FIND_ANSWER: &str = "-- find_answer
SELECT fingerprint, answer FROM mutation_request
WHERE caller = $1 AND method = $2 AND request_id = $3 AND created_at > now() - interval '24 hours'";

// Only a row that expired can be in the way: the request is locked, and no answer was found.
const KEEP_ANSWER: &str = "-- keep_answer
INSERT INTO mutation_request (caller, method, request_id, fingerprint, answer) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (caller, method, request_id)
DO UPDATE SET fingerprint = EXCLUDED.fingerprint, answer = EXCLUDED.answer, created_at = EXCLUDED.created_at";

/// How long the outcome of a lost COMMIT is looked for.
const LOOK_UP_TIMEOUT: Duration = Duration::from_secs(5);

/// One call of a mutation.
#[derive(Debug, Clone)]
pub struct Mutation {
    method: &'static str,
    caller: String,
    request_id: Uuid,
    validate_only: bool,
    fingerprint: Digest,
}

impl Mutation {
    /// Describes a call of the RPC `method`; `fingerprint` digests all that it asks for.
    pub fn new(method: &'static str, access: &Access, options: &WriteOptions, fingerprint: Digest) -> Self {
        Self {
            method,
            caller: access.caller().subject().to_owned(),
            request_id: options.request_id,
            validate_only: options.validate_only,
            fingerprint,
        }
    }

    /// The key of the advisory lock; two requests that share one by chance wait for each other, and that is all.
    fn lock_key(&self) -> i64 {
        let digest = Fingerprint::new()
            .part(&self.caller)
            .part(self.method)
            .part(self.request_id.as_bytes())
            .finish();
        digest
            .as_bytes()
            .first_chunk()
            .map_or(0, |key| i64::from_be_bytes(*key))
    }
}

/// An answer, and whether it was given before.
#[derive(Debug)]
pub struct Answered<A> {
    /// The answer.
    pub answer: A,
    /// Whether this call repeats one that was answered before.
    pub repeated: bool,
}

impl Store {
    /// Runs `work` once per request id.
    ///
    /// # Errors
    /// What `work` fails with, nothing done; `REQUEST_ID_REUSED` for other content under the same id;
    /// `COMMIT_OUTCOME_UNKNOWN` when the connection was lost during COMMIT and the outcome could not be read back.
    pub(super) async fn mutate<'a, A, W>(&self, mutation: Mutation, work: W) -> Result<Answered<A>>
    where
        A: Serialize + DeserializeOwned + Send + Sync + 'a,
        W: for<'t> Fn(&'t Transaction<'t>) -> ScopedBoxFuture<'a, 't, Result<A>> + Sync,
    {
        let (call, shared_work) = (&mutation, &work);
        let outcome = self
            .pool
            .run_tx(mutation.method, IsolationLevel::ReadCommitted, |tx| {
                attempt(tx, call, shared_work).scope_boxed()
            })
            .await;
        match outcome {
            Ok(answered) => Ok(answered),
            Err(TxError::Failed(error)) => Err(error),
            Err(TxError::CommitLost(cause)) => self.look_up(&mutation, cause).await,
        }
    }

    /// Reads back whether a mutation whose COMMIT was lost has happened.
    async fn look_up<A>(&self, mutation: &Mutation, cause: Cause) -> Result<Answered<A>>
    where
        A: DeserializeOwned + Send,
    {
        tracing::warn!(method = mutation.method, request_id = %mutation.request_id, %cause, "connection lost during commit");
        let read_back = self.pool.run_tx("look_up", IsolationLevel::ReadCommitted, |tx| {
            async move { find_answer(tx, mutation).await.map(End::RollBack) }.scope_boxed()
        });
        match tokio::time::timeout(LOOK_UP_TIMEOUT, read_back).await {
            Ok(Ok(Some(answer))) => Ok(Answered { answer, repeated: true }),
            Ok(Ok(None)) => Err(Error::Unavailable {
                reason: Reason::DatabaseUnavailable,
                description: "the connection to the database was lost: nothing was done, try again".into(),
                cause: Some(cause),
            }),
            Ok(Err(_)) | Err(_) => Err(Error::CommitOutcomeUnknown {
                request_id: mutation.request_id,
            }),
        }
    }
}

async fn attempt<'a, A, W>(tx: &Transaction<'_>, mutation: &Mutation, work: &W) -> Result<End<Answered<A>>>
where
    A: Serialize + DeserializeOwned + Send + Sync + 'a,
    W: for<'t> Fn(&'t Transaction<'t>) -> ScopedBoxFuture<'a, 't, Result<A>> + Sync,
{
    if mutation.validate_only {
        let answer = work(tx).await?;
        return Ok(End::RollBack(Answered {
            answer,
            repeated: false,
        }));
    }
    if let Some(answer) = find_answer(tx, mutation).await? {
        return Ok(End::RollBack(Answered { answer, repeated: true }));
    }
    let answer = work(tx).await?;
    keep_answer(tx, mutation, &answer).await?;
    Ok(End::Commit(Answered {
        answer,
        repeated: false,
    }))
}

/// Waits until no other call works on the request id, then looks for the answer of an earlier one.
async fn find_answer<A: DeserializeOwned>(tx: &Transaction<'_>, mutation: &Mutation) -> Result<Option<A>> {
    let key = mutation.lock_key();
    // Sent together, run one after the other: the second sees what was committed before the lock was got.
    let lock_params: [(&(dyn postgres_types::ToSql + Sync), Type); 1] = [(&key, Type::INT8)];
    let lock = tx.query_typed(LOCK_REQUEST, &lock_params);
    let find_params: [(&(dyn postgres_types::ToSql + Sync), Type); 3] = [
        (&mutation.caller, Type::TEXT),
        (&mutation.method, Type::TEXT),
        (&mutation.request_id, Type::UUID),
    ];
    let find = tx.query_typed(FIND_ANSWER, &find_params);
    let (_, rows) = futures_util::future::try_join(lock, find).await?;
    let Some(row) = rows.first() else {
        return Ok(None);
    };
    let fingerprint: &[u8] = row.try_get(0)?;
    if fingerprint != mutation.fingerprint.as_bytes() {
        let description = "was used before with other content: take a new one for a new call";
        return Err(Violation::new("request_id", Reason::RequestIdReused, description).into());
    }
    let Json(answer) = row.try_get(1)?;
    Ok(Some(answer))
}

async fn keep_answer<A: Serialize + Send + Sync>(tx: &Transaction<'_>, mutation: &Mutation, answer: &A) -> Result<()> {
    let fingerprint = mutation.fingerprint.as_bytes();
    let json = serde_json::to_value(answer).map_err(Error::internal)?;
    tx.execute_typed(
        KEEP_ANSWER,
        &[
            (&mutation.caller, Type::TEXT),
            (&mutation.method, Type::TEXT),
            (&mutation.request_id, Type::UUID),
            (&fingerprint, Type::BYTEA),
            (&json, Type::JSONB),
        ],
    )
    .await?;
    Ok(())
}
