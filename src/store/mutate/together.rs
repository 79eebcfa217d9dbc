//! Several calls of one mutation in one transaction, each with its own request id and its own answer.
//!
//! A transaction with its round trips and its COMMIT costs more than a small change does, so whoever has many of them saves most of
//! it. It is for the ordinary case alone: whatever else there is, whoever asks makes the calls one by one instead.

use futures_util::future::try_join;
use postgres_types::{ToSql, Type};
use scoped_futures::{ScopedBoxFuture, ScopedFutureExt as _};
use tokio_postgres::IsolationLevel;
use uuid::Uuid;

use super::{Answer, Mutation, require_primary};
use crate::error::{Error, Result};
use crate::store::Store;
use crate::store::pool::Transaction;
use crate::store::run_tx::{End, TxError};

// One after the other in the order of the array: two transactions that lock several come upon them in the same order.
const LOCK_REQUESTS: &str = "-- lock_requests
SELECT pg_is_in_recovery() FROM unnest($1) AS key, pg_advisory_xact_lock(key)";

// OFFSET keeps the planner from joining them: planned while the table is small, that would read all answers of the caller each time.
const FIND_ANSWERS: &str = "-- find_answers
SELECT FROM unnest($3) AS wanted, LATERAL (
    SELECT FROM mutation_request
    WHERE caller = $1 AND method = $2 AND request_id = wanted AND created_at > now() - interval '24 hours' OFFSET 0
) AS kept";

// As `keep_answer`: only a row that expired can be in the way.
const KEEP_ANSWERS: &str = "-- keep_answers
INSERT INTO mutation_request (caller, method, request_id, fingerprint, answer)
SELECT $1, $2, kept.* FROM unnest($3, $4, $5) AS kept (request_id, fingerprint, answer)
ON CONFLICT (caller, method, request_id)
DO UPDATE SET fingerprint = EXCLUDED.fingerprint, answer = EXCLUDED.answer, created_at = EXCLUDED.created_at";

impl Store {
    /// Runs `work` once for all of `mutations`, which are of one caller and one method, and keeps an answer for each, in their
    /// order. None where they have to be made one by one: `work` says so, one of them was made before, or the transaction failed.
    ///
    /// # Errors
    /// As for [`Store::mutate`], where the answer to COMMIT was lost and nothing was done, or nobody knows.
    pub(in crate::store) async fn mutate_together<'a, A, W>(
        &self,
        mutations: &[Mutation<'_>],
        work: W,
    ) -> Result<Option<Vec<A>>>
    where
        A: Answer + 'a,
        W: for<'t> Fn(&'t Transaction<'t>) -> ScopedBoxFuture<'a, 't, Result<Option<Vec<A>>>> + Sync,
    {
        let Some(first) = mutations.first() else {
            return Ok(None);
        };
        let shared_work = &work;
        let outcome = self
            .pool
            .run_tx(first.method, IsolationLevel::ReadCommitted, |tx| {
                attempt(tx, first, mutations, shared_work).scope_boxed()
            })
            .await;
        match outcome {
            Ok(answers) => Ok(answers),
            Err(TxError::Failed(error)) => {
                tracing::debug!(method = first.method, %error, "calls failed together, making them one by one");
                Ok(None)
            }
            // All of it happened or nothing did. Where it did, each call finds the answer that was kept for it.
            Err(TxError::CommitLost { cause, .. }) => {
                self.confirm::<A>(first, cause).await?;
                Ok(None)
            }
        }
    }
}

async fn attempt<'a, A, W>(
    tx: &Transaction<'_>,
    first: &Mutation<'_>,
    mutations: &[Mutation<'_>],
    work: &W,
) -> Result<End<Option<Vec<A>>>>
where
    A: Answer + 'a,
    W: for<'t> Fn(&'t Transaction<'t>) -> ScopedBoxFuture<'a, 't, Result<Option<Vec<A>>>> + Sync,
{
    if was_answered(tx, first, mutations).await? {
        return Ok(End::RollBack(None));
    }
    let Some(answers) = work(tx).await? else {
        return Ok(End::RollBack(None));
    };
    if first.validate_only {
        return Ok(End::RollBack(Some(answers)));
    }
    keep_answers(tx, first, mutations, &answers).await?;
    Ok(End::Commit(Some(answers)))
}

/// Waits until no other call works on one of the request ids, then tells whether an earlier one was answered.
async fn was_answered(tx: &Transaction<'_>, first: &Mutation<'_>, mutations: &[Mutation<'_>]) -> Result<bool> {
    let mut keys: Vec<i64> = mutations.iter().map(Mutation::lock_key).collect();
    keys.sort_unstable();
    let request_ids = request_ids(mutations);
    let keys_parameter: [(&(dyn ToSql + Sync), Type); 1] = [(&keys, Type::INT8_ARRAY)];
    let requests: [(&(dyn ToSql + Sync), Type); 3] = [
        (&first.caller(), Type::TEXT),
        (&first.method, Type::TEXT),
        (&request_ids, Type::UUID_ARRAY),
    ];
    // Sent together, run one after the other: the second sees what was committed before the locks were got.
    let lock = tx.query(LOCK_REQUESTS, &keys_parameter);
    let find = tx.query(FIND_ANSWERS, &requests);
    let (locked, found) = try_join(lock, find).await?;
    require_primary(&locked)?;
    Ok(!found.is_empty())
}

async fn keep_answers<A: Answer>(
    tx: &Transaction<'_>,
    first: &Mutation<'_>,
    mutations: &[Mutation<'_>],
    answers: &[A],
) -> Result<()> {
    let to_json = |answer: &A| serde_json::to_value(answer.kept());
    let json: Vec<_> = answers
        .iter()
        .map(to_json)
        .collect::<Result<_, _>>()
        .map_err(Error::internal)?;
    let fingerprints: Vec<&[u8]> = mutations
        .iter()
        .map(|mutation| mutation.fingerprint.as_bytes())
        .collect();
    tx.execute(
        KEEP_ANSWERS,
        &[
            (&first.caller(), Type::TEXT),
            (&first.method, Type::TEXT),
            (&request_ids(mutations), Type::UUID_ARRAY),
            (&fingerprints, Type::BYTEA_ARRAY),
            (&json, Type::JSONB_ARRAY),
        ],
    )
    .await?;
    Ok(())
}

fn request_ids(mutations: &[Mutation<'_>]) -> Vec<Uuid> {
    mutations.iter().map(|mutation| mutation.request_id).collect()
}
