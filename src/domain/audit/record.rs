//! The lines of an export.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use super::event::AuditEvent;
use super::seal::{Checkpoint, Seal, Signed};

/// The version of the format of exports.
pub const FORMAT: u32 = 1;

/// What is met on a walk through the log: each seal, then the events in its range; at the end the events without a seal. `E` is what
/// is wanted of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditItem<E = Box<AuditEvent>> {
    /// A seal.
    Seal(Box<Seal>),
    /// An event in the range of the last seal, or one that is in nobody's.
    Event(E),
    /// An event that is too new to be sealed.
    Unsealed(E),
    /// A seal or an event that can't be read, in its place.
    Unreadable(Unreadable),
}

impl<E> AuditItem<E> {
    /// Whether it is a seal, and no event.
    pub fn is_seal(&self) -> bool {
        matches!(self, Self::Seal(_) | Self::Unreadable(Unreadable::Seal { .. }))
    }
}

/// A row that holds what no seal and no event of ours does: somebody else has written it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// A seal.
    #[error("seal {number} can't be read: {problem}")]
    Seal {
        /// Its number.
        number: i64,
        /// What is wrong.
        problem: String,
    },
    /// An event.
    #[error("event {id} can't be read: {problem}")]
    Event {
        /// Its id.
        id: Uuid,
        /// What is wrong.
        problem: String,
    },
}

/// A line of an export, a JSON object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Record {
    /// The first line.
    Header {
        /// The version of the format.
        format: u32,
        /// When the export was made.
        #[serde(with = "time::serde::rfc3339")]
        exported_at: OffsetDateTime,
    },
    /// That earlier events are no longer kept, and where verification begins therefore.
    Checkpoint {
        /// What it says.
        #[serde(flatten)]
        checkpoint: Checkpoint,
        /// Who vouches for it.
        #[serde(flatten)]
        signed: Signed,
    },
    /// A seal; the events in its range follow.
    Seal(Box<Seal>),
    /// An event in the range of the last seal.
    Event(Box<AuditEvent>),
    /// An event that was too new to be sealed.
    Unsealed(Box<AuditEvent>),
    /// The last line: without it, the file is not whole.
    End {
        /// The lines with an event, sealed or not.
        events: u64,
        /// The lines with a seal.
        seals: u64,
    },
}

impl TryFrom<AuditItem> for Record {
    type Error = Unreadable;

    fn try_from(item: AuditItem) -> Result<Self, Unreadable> {
        match item {
            AuditItem::Seal(seal) => Ok(Self::Seal(seal)),
            AuditItem::Event(event) => Ok(Self::Event(event)),
            AuditItem::Unsealed(event) => Ok(Self::Unsealed(event)),
            AuditItem::Unreadable(row) => Err(row),
        }
    }
}
