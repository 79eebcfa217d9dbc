//! What every mutation has in common: it happens once per request id, or not at all.
//!
//! A mutation takes a lock on its request id, looks for an answer that was given before, does its work, and keeps the
//! answer in the same transaction. So a repeated call gets the first answer, a concurrent duplicate waits for it, and when
//! the answer to COMMIT is lost the outcome can be read back: whoever gets the lock knows that the transaction that held
//! it has ended.

mod together;

use std::time::Duration;

use postgres_types::{Json, ToSql, Type};
use scoped_futures::{ScopedBoxFuture, ScopedFutureExt as _};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_postgres::{IsolationLevel, Row};
use uuid::Uuid;

use super::pool::Transaction;
use super::project::ProjectLock;
use super::run_tx::{End, TxError};
use super::{Store, access_grant, advisory};
use crate::access::Access;
use crate::domain::digest::{Digest, Fingerprint};
use crate::domain::mutation::WriteOptions;
use crate::domain::reason::Reason;
use crate::domain::violation::Violation;
use crate::error::{Cause, Error, Result};

// A standby has locks of its own, and may not know yet what its primary has committed.
const LOCK_REQUEST: &str = "-- lock_request
SELECT pg_is_in_recovery() FROM pg_advisory_xact_lock($1)";

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

/// The wait between two attempts to look.
const LOOK_UP_PAUSE: Duration = Duration::from_millis(100);

/// One call of a mutation.
#[derive(Debug, Clone)]
pub struct Mutation<'a> {
    method: &'static str,
    access: &'a Access,
    request_id: Uuid,
    validate_only: bool,
    fingerprint: Digest,
    project_lock: Option<ProjectLock<'a>>,
}

impl<'a> Mutation<'a> {
    /// Describes a call of the RPC `method`; `fingerprint` digests all that it asks for. From here on it is a change that fails
    /// if it does not succeed, unless it is only checked.
    pub fn new(method: &'static str, access: &'a Access, options: &WriteOptions, fingerprint: Digest) -> Self {
        if !options.validate_only {
            let course = &access.caller().origin().course;
            course.begin_change(access.permission(), access.target());
        }
        Self {
            method,
            access,
            request_id: options.request_id,
            validate_only: options.validate_only,
            fingerprint,
            project_lock: None,
        }
    }

    /// Takes a lock on a project before anything else of it is looked at, the grants of the caller included.
    #[must_use]
    pub fn locking(self, lock: Option<ProjectLock<'a>>) -> Self {
        Self {
            project_lock: lock,
            ..self
        }
    }

    /// Whose request id it is.
    fn caller(&self) -> &str {
        self.access.caller().subject()
    }

    /// The key of the advisory lock on its request id.
    fn lock_key(&self) -> i64 {
        advisory::key(
            Fingerprint::new()
                .part(self.caller())
                .part(self.method)
                .part(self.request_id.as_bytes()),
        )
    }
}

/// What a mutation answers, and the small form of it that is kept for 24 hours.
pub trait Answer: Send + Sync {
    /// What is kept. It is read back by other releases too: new fields have defaults.
    type Kept: Serialize + DeserializeOwned + PartialEq + Send + Sync;

    /// Gives the form to keep.
    fn kept(&self) -> Self::Kept;

    /// Whether it tells of something that was done. One that tells why nothing was is rolled back, and not kept.
    fn is_done(&self) -> bool {
        true
    }
}

impl Answer for () {
    type Kept = ();

    fn kept(&self) {}
}

/// The answer of this call, or what was kept of an earlier one.
#[derive(Debug)]
pub enum Answered<A: Answer> {
    /// This call did the work.
    First(A),
    /// It repeats a call that was answered before.
    Repeated(A::Kept),
}

impl<A: Answer> Answered<A> {
    /// What to answer when COMMIT was lost and `kept` was found. Where they differ, this call did nothing, and a duplicate of
    /// it did the work in the meantime.
    fn confirmed_by(self, kept: A::Kept) -> Self {
        match self {
            Self::First(answer) if answer.kept() == kept => Self::First(answer),
            Self::First(_) | Self::Repeated(_) => Self::Repeated(kept),
        }
    }
}

impl Store {
    /// Runs `work` once per request id.
    ///
    /// # Errors
    /// What `work` fails with, nothing done; `REQUEST_ID_REUSED` for other content under the same id;
    /// `COMMIT_OUTCOME_UNKNOWN` when the answer to COMMIT was lost and the outcome could not be read back.
    pub(super) async fn mutate<'a, A, W>(&self, mutation: Mutation<'_>, work: W) -> Result<Answered<A>>
    where
        A: Answer + 'a,
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
            Err(TxError::CommitLost { cause, value }) => {
                let kept = self.confirm::<A>(&mutation, cause).await?;
                Ok(value.confirmed_by(kept))
            }
        }
    }

    /// Reads back that a mutation whose COMMIT was lost has happened, and what was answered.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when it has not, `COMMIT_OUTCOME_UNKNOWN` when that could not be learned.
    async fn confirm<A: Answer>(&self, mutation: &Mutation<'_>, cause: Cause) -> Result<A::Kept> {
        let request_id = mutation.request_id;
        tracing::warn!(method = mutation.method, %request_id, %cause, "the answer to commit was lost");
        match tokio::time::timeout(LOOK_UP_TIMEOUT, self.look_up::<A>(mutation)).await {
            Ok(Ok(Some(kept))) => Ok(kept),
            Ok(Ok(None)) => Err(Error::Unavailable {
                reason: Reason::DatabaseUnavailable,
                description: "the connection to the database was lost: nothing was done, try again".into(),
                cause: Some(cause),
            }),
            Ok(Err(_)) | Err(_) => Err(Error::CommitOutcomeUnknown { request_id }),
        }
    }

    /// The answer of a mutation, if one was kept; asked for again for as long as the database is away.
    async fn look_up<A: Answer>(&self, mutation: &Mutation<'_>) -> Result<Option<A::Kept>> {
        loop {
            let asked = self.pool.run_tx("look_up", IsolationLevel::ReadCommitted, |tx| {
                async move {
                    let found = find_answer::<A::Kept>(tx, mutation).await?;
                    Ok(End::RollBack(found))
                }
                .scope_boxed()
            });
            match asked.await {
                Ok(found) => return Ok(found),
                Err(TxError::Failed(Error::Unavailable { .. })) => tokio::time::sleep(LOOK_UP_PAUSE).await,
                Err(TxError::Failed(error)) => return Err(error),
                // It has no COMMIT.
                Err(TxError::CommitLost { cause, .. }) => return Err(Error::internal(cause)),
            }
        }
    }
}

async fn attempt<'a, A, W>(tx: &Transaction<'_>, mutation: &Mutation<'_>, work: &W) -> Result<End<Answered<A>>>
where
    A: Answer + 'a,
    W: for<'t> Fn(&'t Transaction<'t>) -> ScopedBoxFuture<'a, 't, Result<A>> + Sync,
{
    if let Some(kept) = find_answer(tx, mutation).await? {
        return Ok(End::RollBack(Answered::Repeated(kept)));
    }
    if let Some(lock) = &mutation.project_lock {
        lock.take(tx).await?;
    }
    access_grant::confirm(tx, mutation.access).await?;
    let answer = work(tx).await?;
    if mutation.validate_only || !answer.is_done() {
        return Ok(End::RollBack(Answered::First(answer)));
    }
    keep_answer(tx, mutation, &answer.kept()).await?;
    Ok(End::Commit(Answered::First(answer)))
}

/// Waits until no other call works on the request id, then looks for the answer of an earlier one.
async fn find_answer<K: DeserializeOwned>(tx: &Transaction<'_>, mutation: &Mutation<'_>) -> Result<Option<K>> {
    let key = mutation.lock_key();
    let key_parameter: [(&(dyn ToSql + Sync), Type); 1] = [(&key, Type::INT8)];
    let request: [(&(dyn ToSql + Sync), Type); 3] = [
        (&mutation.caller(), Type::TEXT),
        (&mutation.method, Type::TEXT),
        (&mutation.request_id, Type::UUID),
    ];
    // Sent together, run one after the other: the second sees what was committed before the lock was got.
    let lock = tx.query(LOCK_REQUEST, &key_parameter);
    let find = tx.query(FIND_ANSWER, &request);
    let (locked, found) = futures_util::future::try_join(lock, find).await?;
    require_primary(&locked)?;
    let Some(row) = found.first() else {
        return Ok(None);
    };
    let fingerprint: &[u8] = row.try_get(0)?;
    if fingerprint != mutation.fingerprint.as_bytes() {
        let description = "was used before with other content: take a new one for a new call";
        return Err(Violation::new("request_id", Reason::RequestIdReused, description).into());
    }
    let Json(kept) = row.try_get(1)?;
    Ok(Some(kept))
}

/// Checks that whoever gave the locks writes: a standby would refuse the first statement that does.
fn require_primary(locked: &[Row]) -> Result<()> {
    match locked.first().map_or(Ok(false), |row| row.try_get(0))? {
        false => Ok(()),
        true => Err(Error::Unavailable {
            reason: Reason::DatabaseReadOnly,
            description: "the database takes no writes now: nothing was done, try again".into(),
            cause: None,
        }),
    }
}

async fn keep_answer<K: Serialize + Sync>(tx: &Transaction<'_>, mutation: &Mutation<'_>, kept: &K) -> Result<()> {
    let fingerprint = mutation.fingerprint.as_bytes();
    let json = serde_json::to_value(kept).map_err(Error::internal)?;
    tx.execute(
        KEEP_ANSWER,
        &[
            (&mutation.caller(), Type::TEXT),
            (&mutation.method, Type::TEXT),
            (&mutation.request_id, Type::UUID),
            (&fingerprint, Type::BYTEA),
            (&json, Type::JSONB),
        ],
    )
    .await?;
    Ok(())
}
