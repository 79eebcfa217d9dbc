//! What verification finds.

use std::fmt;

use uuid::Uuid;

use crate::domain::audit::seal::Head;
use crate::domain::digest::Digest;

/// The first thing that is not as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// The checkpoint of the retention is not signed by its key.
    CheckpointEdited,
    /// A seal is not there, though a later one is.
    SealRemoved {
        /// Its number.
        number: i64,
    },
    /// A seal is not as it was signed, or does not follow from the one before.
    SealEdited {
        /// Its number.
        number: i64,
    },
    /// A seal or the checkpoint is signed by a key that is not among those that were given.
    UnknownKey {
        /// The number of the seal; none for the checkpoint.
        seal: Option<i64>,
        /// The id of the key.
        key_id: String,
    },
    /// An event is not as it was sealed.
    EventEdited {
        /// The event.
        id: Uuid,
        /// Its seal.
        seal: i64,
    },
    /// An event was sealed and is not there.
    EventRemoved {
        /// Its seal.
        seal: i64,
        /// Its place among the events of the seal, from 1.
        position: usize,
        /// The event before it in the seal.
        after: Option<Uuid>,
    },
    /// An event is there that was not sealed, though events around it were.
    EventInserted {
        /// The event.
        id: Uuid,
        /// The last seal before it.
        seal: Option<i64>,
    },
    /// An event is not in the place where it was sealed.
    EventReordered {
        /// The event.
        id: Uuid,
        /// Its seal.
        seal: i64,
    },
    /// The seal that was expected is not there: the newest were cut off.
    HeadRemoved {
        /// What was expected.
        expected: Head,
    },
    /// The seal with the expected number is another one: the log was cut off behind an earlier one, and went on.
    HeadReplaced {
        /// What was expected.
        expected: Head,
        /// The root of the one that is there.
        found: Digest,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CheckpointEdited => f.write_str("the checkpoint of the retention was edited"),
            Self::SealRemoved { number } => write!(f, "seal {number} was removed"),
            Self::SealEdited { number } => write!(f, "seal {number} was edited"),
            Self::UnknownKey { seal, key_id } => {
                match seal {
                    Some(number) => write!(f, "seal {number}")?,
                    None => f.write_str("the checkpoint of the retention")?,
                }
                write!(
                    f,
                    " is signed by the key {key_id}, which is not among the public keys that were given: add it to \
                     AUDIT_PUBLIC_KEYS_FILE if it is one of yours"
                )
            }
            Self::EventEdited { id, seal } => write!(f, "event {id} of seal {seal} was edited"),
            Self::EventRemoved { seal, position, after } => {
                write!(f, "event number {position} of seal {seal} was removed")?;
                match after {
                    Some(id) => write!(f, "; it stood after event {id}"),
                    None => Ok(()),
                }
            }
            Self::EventInserted { id, seal: Some(seal) } => {
                write!(f, "event {id} was inserted among those of seal {seal} or behind them")
            }
            Self::EventInserted { id, seal: None } => write!(f, "event {id} was inserted before the first seal"),
            Self::EventReordered { id, seal } => {
                write!(f, "event {id} of seal {seal} was moved to another place")
            }
            Self::HeadRemoved { expected } => write!(f, "seal {expected} was removed, with all that followed it"),
            Self::HeadReplaced { expected, found } => write!(
                f,
                "seal {expected} was replaced by one with the root {found}: what followed the seal before it was cut off"
            ),
        }
    }
}
