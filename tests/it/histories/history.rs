//! What the clients saw: every operation with its attempts, each from invocation to answer.

use std::fmt;
use std::sync::Mutex;

use dashboard_store::domain::digest::Digest;
use dashboard_store::domain::etag::Etag;
use uuid::Uuid;

use crate::support::requests::spec_named;

/// A place in the one order of all invocations and answers: who was answered before another was asked has the smaller one.
pub type Moment = u64;

/// What a client wants done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Create,
    Read,
    Update,
    Apply,
    Delete,
    Undelete,
    /// Makes the first revision the head again.
    Restore,
}

/// Something that a client wants done once, however often it has to ask.
#[derive(Debug, Clone)]
pub struct Operation {
    /// Unique: the operation calls as the user of this name, so what it writes bears it.
    pub id: String,
    /// The last segment of the name of the dashboard.
    pub dashboard: String,
    pub action: Action,
    /// The version that has to be the head; whatever it is where there is none.
    pub condition: Option<Etag>,
    /// The display name of the document that is sent.
    pub content: Option<String>,
    pub request_id: Uuid,
    pub attempts: Vec<Attempt>,
}

/// One call.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    pub invoked: Moment,
    pub answered: Moment,
    pub outcome: Outcome,
}

/// What the client knows after a call.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It is done.
    Done(Seen),
    /// The service says that it did nothing, and why.
    Refused(String),
    /// Nobody said.
    Unknown(String),
}

/// What an answer shows of a dashboard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub etag: Etag,
    pub revision: i32,
    pub is_deleted: bool,
    /// Of the text in the answer.
    pub sha256: String,
    /// Apply found everything as it should be.
    pub is_unchanged: bool,
}

impl Operation {
    /// SHA-256 of the document that is sent.
    pub fn sha256(&self) -> Option<String> {
        let text = self.content.as_deref().map(spec_named)?;
        Some(Digest::of(text.as_bytes()).to_string())
    }

    /// What the attempts that succeeded were answered, with the moments.
    pub fn answers(&self) -> impl Iterator<Item = (&Attempt, &Seen)> {
        self.attempts.iter().filter_map(|attempt| match &attempt.outcome {
            Outcome::Done(seen) => Some((attempt, seen)),
            Outcome::Refused(_) | Outcome::Unknown(_) => None,
        })
    }

    /// When it was asked for first.
    pub fn begun(&self) -> Moment {
        let invocations = self.attempts.iter().map(|attempt| attempt.invoked);
        invocations.min().unwrap_or(Moment::MAX)
    }

    /// Whether some attempt left open what it did.
    pub fn has_unknown(&self) -> bool {
        let is_unknown = |attempt: &Attempt| matches!(attempt.outcome, Outcome::Unknown(_));
        self.attempts.iter().any(is_unknown)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?} {}", self.id, self.action, self.dashboard)?;
        if let Some(etag) = self.condition {
            write!(f, " at generation {}", etag.generation())?;
        }
        for attempt in &self.attempts {
            write!(f, "\n    {}..{} ", attempt.invoked, attempt.answered)?;
            match &attempt.outcome {
                Outcome::Done(seen) => {
                    let unchanged = if seen.is_unchanged { ", unchanged" } else { "" };
                    let (generation, revision) = (seen.etag.generation(), seen.revision);
                    write!(f, "done: generation {generation}, revision {revision}{unchanged}")?;
                }
                Outcome::Refused(reason) => write!(f, "refused: {reason}")?,
                Outcome::Unknown(why) => write!(f, "unknown: {why}")?,
            }
        }
        Ok(())
    }
}

/// Where clients write down what they do.
#[derive(Debug, Default)]
pub struct Recorder {
    journal: Mutex<Journal>,
}

#[derive(Debug, Default)]
struct Journal {
    now: Moment,
    operations: Vec<Operation>,
}

/// Which operation of a recorder.
pub type Position = usize;

impl Recorder {
    /// Begins an operation.
    pub fn begin(&self, operation: Operation) -> Position {
        let mut journal = self.journal.lock().unwrap();
        journal.operations.push(operation);
        journal.operations.len() - 1
    }

    /// Writes down that a call begins.
    pub fn invoke(&self) -> Moment {
        let mut journal = self.journal.lock().unwrap();
        journal.now += 1;
        journal.now
    }

    /// Writes down what the call that began at `invoked` was answered.
    pub fn answer(&self, position: Position, invoked: Moment, outcome: Outcome) {
        let mut journal = self.journal.lock().unwrap();
        journal.now += 1;
        let answered = journal.now;
        journal.operations[position].attempts.push(Attempt {
            invoked,
            answered,
            outcome,
        });
    }

    /// What was written down so far.
    pub fn history(&self) -> Vec<Operation> {
        self.journal.lock().unwrap().operations.clone()
    }
}
