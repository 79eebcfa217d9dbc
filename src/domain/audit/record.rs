//! The lines of an export.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::event::AuditEvent;
use super::seal::{Checkpoint, Seal, Signed};

/// The version of the format of exports.
pub const FORMAT: u32 = 1;

/// What is met on a walk through the log: each seal, then the events in its range; at the end the events without a seal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditItem {
    /// A seal.
    Seal(Box<Seal>),
    /// An event in the range of the last seal, or one that is in nobody's.
    Event(Box<AuditEvent>),
    /// An event that is too new to be sealed.
    Unsealed(Box<AuditEvent>),
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

impl From<AuditItem> for Record {
    fn from(item: AuditItem) -> Self {
        match item {
            AuditItem::Seal(seal) => Self::Seal(seal),
            AuditItem::Event(event) => Self::Event(event),
            AuditItem::Unsealed(event) => Self::Unsealed(event),
        }
    }
}
