//! The one error that crosses modules: small, closed, and free of SQL, driver text and status codes.
//!
//! `store::classify` makes it from PostgreSQL's errors, `grpc::status` turns it into a `tonic::Status`.

use std::fmt::{self, Write as _};
use std::time::Duration;

use time::OffsetDateTime;

use crate::domain::reason::Reason;
use crate::domain::violation::{Violation, Violations};

/// What can go wrong with a call.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request is wrong, in one or more fields.
    #[error("{}", FirstOf(.0))]
    Invalid(Vec<Violation>),
    /// Something that the request names does not exist.
    #[error("{name} does not exist")]
    NotFound {
        /// Which kind of thing.
        reason: Reason,
        /// Its resource name.
        name: String,
    },
    /// The name is taken; the reason says by what.
    #[error("{description}")]
    AlreadyExists {
        /// By a live, a deleted or an otherwise spelled one.
        reason: Reason,
        /// The resource name that is in the way.
        name: String,
        /// What to do.
        description: String,
    },
    /// The etag is stale.
    #[error("{name} was changed since: read it again and repeat the change")]
    EtagMismatch {
        /// The resource name.
        name: String,
        /// The state that the caller has not seen; none for preferences that were never written.
        current: Option<CurrentVersion>,
    },
    /// The resource is in a state that forbids the call.
    #[error("{description}")]
    FailedPrecondition {
        /// Which state.
        reason: Reason,
        /// The resource name.
        name: String,
        /// What to do.
        description: String,
    },
    /// The revision existed and was pruned.
    #[error("{name} was pruned: only the newest revisions are kept")]
    RevisionPruned {
        /// The resource name of the revision.
        name: String,
    },
    /// Concurrent transactions stood in each other's way, also after retries; nothing was done.
    #[error("the call collided with others: try again")]
    SerializationFailure,
    /// No or bad credentials.
    #[error("{0}")]
    Unauthenticated(String),
    /// The caller may not do this, or it might not exist.
    #[error("not allowed, or it might not exist")]
    PermissionDenied,
    /// A share link can't be used; nothing tells why, nor whether there is one.
    #[error("this share link can't be used: ask whoever shared the dashboard for another one")]
    ShareNotUsable,
    /// More is asked than the server takes; nothing was done.
    #[error("{description}")]
    Exhausted {
        /// Which limit.
        reason: Reason,
        /// What to do.
        description: String,
        /// When to try again, if that helps.
        retry_after: Option<Duration>,
    },
    /// Items of an atomic import were refused; nothing was stored.
    #[error("{refused} of {items} items were refused: nothing was stored")]
    ImportRefused {
        /// How many.
        refused: usize,
        /// Out of how many.
        items: usize,
    },
    /// A stream lasted, or stood still, for longer than it may.
    #[error("{description}")]
    StreamTimedOut {
        /// Which of the two.
        reason: Reason,
        /// What to do.
        description: String,
    },
    /// The deadline passed.
    #[error("the deadline passed before the answer was ready")]
    DeadlineExceeded,
    /// The server can't do anything now; nothing was done.
    #[error("{description}")]
    Unavailable {
        /// What is missing.
        reason: Reason,
        /// In words.
        description: String,
        /// The cause, for the log alone.
        #[source]
        cause: Option<Cause>,
    },
    /// The connection was lost during COMMIT and the outcome could not be read back.
    #[error("the outcome is unknown: repeat the call with the same request_id to learn it")]
    CommitOutcomeUnknown {
        /// The request id to repeat the call with, also where the server made it up.
        request_id: uuid::Uuid,
    },
    /// There is no such method.
    #[error("this server has no such method")]
    Unimplemented,
    /// A bug of ours.
    #[error("internal error: tell the operators the x-request-id of this answer")]
    Internal(#[source] Cause),
}

/// An error of a library, kept for the log.
pub type Cause = Box<dyn std::error::Error + Send + Sync + 'static>;

/// The result of everything that can fail with an [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The version that stands in the way of a stale etag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurrentVersion {
    /// The current revision.
    pub revision: i32,
    /// Who wrote it.
    pub author: String,
    /// When.
    pub time: OffsetDateTime,
}

impl Error {
    /// Wraps an error that only a bug of ours can cause.
    pub fn internal(cause: impl Into<Cause>) -> Self {
        Self::Internal(cause.into())
    }

    /// What operators are told where there is no answer with an id: what led to the error, or else what it says itself.
    pub fn for_operators(&self) -> String {
        match self.causes() {
            causes if causes.is_empty() => self.to_string(),
            causes => causes,
        }
    }

    /// The chain of causes in one line, for logs and operators: it may hold what a library says, which callers never see.
    pub fn causes(&self) -> String {
        causes(self)
    }
}

/// What led to an error, down to the cause of all causes, in one line; empty where nothing did.
pub fn causes(error: &dyn std::error::Error) -> String {
    let mut chain = String::new();
    let mut cause = error.source();
    while let Some(source) = cause {
        let separator = if chain.is_empty() { "" } else { ": " };
        // Writing to a String does not fail.
        let _ = write!(chain, "{separator}{source}");
        cause = source.source();
    }
    chain
}

/// The message of an error and what led to it, in one line.
pub fn with_causes(error: &dyn std::error::Error) -> String {
    match causes(error) {
        chain if chain.is_empty() => error.to_string(),
        chain => format!("{error}: {chain}"),
    }
}

impl From<Violation> for Error {
    fn from(violation: Violation) -> Self {
        Self::Invalid(vec![violation])
    }
}

impl From<Violations> for Error {
    fn from(violations: Violations) -> Self {
        Self::Invalid(violations.into())
    }
}

/// Shows the first violation, and how many more there are.
struct FirstOf<'a>(&'a [Violation]);

impl fmt::Display for FirstOf<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(first) = self.0.first() else {
            return f.write_str("invalid request");
        };
        write!(f, "{}: {}", first.field, first.description)?;
        match self.0.len() {
            1 => Ok(()),
            many => write!(f, " (and {} more)", many - 1),
        }
    }
}
