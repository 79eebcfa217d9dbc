//! From PostgreSQL's errors to [`Error`]: the only file that reads SQLSTATE and names of constraints.

use std::time::Duration;

use tokio_postgres::error::{DbError, SqlState};

use super::pool::QueryError;
use crate::domain::reason::Reason;
use crate::error::Error;

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            Some(refusal) => {
                let kind = Kind::of(refusal);
                kind.into_error(error)
            }
            None if is_connection_failure(&error) => Kind::Unreachable.into_error(error),
            None => Self::internal(error),
        }
    }
}

impl From<QueryError> for Error {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::Database(cause) => cause.into(),
            QueryError::TimedOut(_) => Self::DeadlineExceeded,
        }
    }
}

/// When to come back after others held a lock for longer than the database lets us wait.
const RETRY_LOCKED: Duration = Duration::from_secs(1);

/// What a refusal of PostgreSQL means to a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Collision,
    QueryCanceled,
    Locked,
    Unreachable,
    NoRoom,
    ReadOnly,
    WrongSchema,
    NameTaken,
    NameTakenInOtherCase,
    Bug,
}

impl Kind {
    fn of(refusal: &DbError) -> Self {
        let state = refusal.code();
        match *state {
            SqlState::T_R_SERIALIZATION_FAILURE | SqlState::T_R_DEADLOCK_DETECTED => Self::Collision,
            // Forgotten by now: the transaction is run again.
            _ if is_stale(refusal) => Self::Collision,
            SqlState::QUERY_CANCELED => Self::QueryCanceled,
            SqlState::LOCK_NOT_AVAILABLE => Self::Locked,
            SqlState::READ_ONLY_SQL_TRANSACTION => Self::ReadOnly,
            SqlState::UNDEFINED_TABLE | SqlState::UNDEFINED_COLUMN | SqlState::UNDEFINED_FUNCTION => Self::WrongSchema,
            // "no partition of relation found for row" is a check violation without a constraint.
            SqlState::CHECK_VIOLATION if refusal.constraint().is_none() => Self::WrongSchema,
            // What a row refers to was looked up before: somebody removed it in between.
            SqlState::FOREIGN_KEY_VIOLATION => Self::Collision,
            SqlState::UNIQUE_VIOLATION => Self::of_unique(refusal.constraint()),
            SqlState::ADMIN_SHUTDOWN
            | SqlState::CRASH_SHUTDOWN
            | SqlState::CANNOT_CONNECT_NOW
            | SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT
            | SqlState::IDLE_SESSION_TIMEOUT
            | SqlState::PROTOCOL_VIOLATION => Self::Unreachable,
            // transaction_timeout of PostgreSQL 17, which the driver has no name for.
            _ if state.code() == "25P04" => Self::QueryCanceled,
            SqlState::DISK_FULL | SqlState::OUT_OF_MEMORY => Self::NoRoom,
            // Class 53: out of connections, or of whatever else. Class 08: connection exceptions, as poolers send them.
            _ if state.code().starts_with("53") || state.code().starts_with("08") => Self::Unreachable,
            _ => Self::Bug,
        }
    }

    fn of_unique(constraint: Option<&str>) -> Self {
        match constraint {
            Some("idx_dashboard_project_name") => Self::NameTaken,
            Some("idx_dashboard_project_name_case") => Self::NameTakenInOtherCase,
            _ => Self::Bug,
        }
    }

    fn into_error(self, cause: tokio_postgres::Error) -> Error {
        match self {
            Self::Collision => Error::SerializationFailure,
            Self::QueryCanceled => Error::DeadlineExceeded,
            Self::Locked => Error::Exhausted {
                reason: Reason::Overloaded,
                description: "too many callers change this at once: nothing was done, try again".into(),
                retry_after: Some(RETRY_LOCKED),
            },
            Self::Unreachable => unavailable(
                Reason::DatabaseUnavailable,
                "the database can't be reached: nothing was done, try again",
                cause,
            ),
            Self::NoRoom => unavailable(
                Reason::DatabaseUnavailable,
                "the database has no room left, on disk or in memory: nothing was done, try again",
                cause,
            ),
            Self::ReadOnly => unavailable(
                Reason::DatabaseReadOnly,
                "the database takes no writes now: nothing was done, try again",
                cause,
            ),
            Self::WrongSchema => unavailable(
                Reason::SchemaNotReady,
                "the schema of the database is not the one that this server needs: nothing was done",
                cause,
            ),
            Self::NameTaken => taken(Reason::DashboardExists, "a dashboard of this name exists"),
            Self::NameTakenInOtherCase => taken(
                Reason::DashboardExistsInOtherCase,
                "a dashboard exists whose name differs in case alone",
            ),
            Self::Bug => Error::internal(cause),
        }
    }
}

fn unavailable(reason: Reason, description: &str, cause: tokio_postgres::Error) -> Error {
    Error::Unavailable {
        reason,
        description: description.into(),
        cause: Some(cause.into()),
    }
}

/// The database knows the name that is in the way only as a part of a text for people.
fn taken(reason: Reason, description: &str) -> Error {
    Error::AlreadyExists {
        reason,
        name: String::new(),
        description: description.into(),
    }
}

/// Whether the database refused because of the rights of the role. No caller can do anything about it, an operator can.
pub(super) fn lacks_privilege(error: &Error) -> bool {
    let Error::Internal(cause) = error else {
        return false;
    };
    let refusal = cause
        .downcast_ref::<tokio_postgres::Error>()
        .and_then(tokio_postgres::Error::as_db_error);
    refusal.is_some_and(|refused| *refused.code() == SqlState::INSUFFICIENT_PRIVILEGE)
}

/// Whether an error in answer to COMMIT says that the transaction was rolled back. After any other, such as a connection that
/// breaks or a pooler that loses its server, it may have been committed.
pub(super) fn says_rolled_back(error: &tokio_postgres::Error) -> bool {
    let Some(refusal) = error.as_db_error() else {
        return false;
    };
    let state = refusal.code();
    // Classes 23 (integrity constraints), 25 (state of the transaction) and 40 (rollback), which has one exception.
    let is_rollback = ["23", "25", "40"].iter().any(|class| state.code().starts_with(class));
    let is_open = *state == SqlState::T_R_STATEMENT_COMPLETION_UNKNOWN;
    (is_rollback && !is_open) || *state == SqlState::QUERY_CANCELED
}

/// Whether an error says that a prepared statement can't be used any more.
pub(super) fn says_stale(error: &tokio_postgres::Error) -> bool {
    error.as_db_error().is_some_and(is_stale)
}

/// The schema has changed below a prepared statement, or the session does not know it: a pooler took another one.
fn is_stale(refusal: &DbError) -> bool {
    let state = refusal.code();
    let result_changed =
        *state == SqlState::FEATURE_NOT_SUPPORTED && refusal.routine() == Some("RevalidateCachedQuery");
    result_changed || *state == SqlState::INVALID_SQL_STATEMENT_NAME
}

/// Whether the connection is gone, as opposed to a value that does not fit its type.
fn is_connection_failure(error: &tokio_postgres::Error) -> bool {
    let is_io = |cause: &(dyn std::error::Error + 'static)| cause.is::<std::io::Error>();
    error.is_closed() || std::error::Error::source(error).is_some_and(is_io)
}
