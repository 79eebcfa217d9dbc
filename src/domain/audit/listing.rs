//! Lists of events and of seals: what is asked for, and what they are made of.

use time::OffsetDateTime;

use super::event::AuditEvent;
use super::month::Month;
use super::seal::Signed;
use crate::domain::digest::Digest;
use crate::domain::filter::AuditFilter;
use crate::domain::name::{AuditParent, AuditSealName};
use crate::domain::order_by::{AuditOrderKey, Direction, OrderBy};
use crate::domain::page::{Cursor, PageBinding, PageOrder, PageSize, PagedQuery};
use crate::domain::violation::Violation;

/// An event with the seal over it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedEvent {
    /// The event.
    pub event: AuditEvent,
    /// The number of its seal; none until it is sealed.
    pub seal: Option<i64>,
}

/// A list of events.
#[derive(Debug, Clone)]
pub struct ListAuditEvents {
    /// Of everything, or of one project.
    pub parent: AuditParent,
    /// The most items.
    pub page_size: PageSize,
    /// Which events.
    pub filter: Option<AuditFilter>,
    /// From which end.
    pub order_by: OrderBy<AuditOrderKey>,
    /// Where the page begins; none for the first.
    pub after: Option<Cursor>,
}

/// Parses the order of events: the newest first, unless the caller says otherwise.
///
/// # Errors
/// `INVALID_ORDER_BY` on `field`.
pub fn parse_order(field: &str, text: &str) -> Result<OrderBy<AuditOrderKey>, Violation> {
    match text.trim() {
        "" => Ok(newest_first()),
        order => OrderBy::parse(field, order),
    }
}

/// The order that lists have when nobody says otherwise, and exports always.
pub const fn newest_first() -> OrderBy<AuditOrderKey> {
    OrderBy {
        key: AuditOrderKey::Time,
        direction: Direction::Descending,
    }
}

impl ListAuditEvents {
    /// The cursor that stands on `listed`.
    pub fn cursor_on(&self, listed: &ListedEvent) -> Cursor {
        Cursor::EventTime {
            time: listed.event.event_time,
            uid: listed.event.id,
        }
    }

    /// What the tokens of its pages belong to.
    pub fn binding(&self) -> PageBinding {
        PageBinding::new(&PagedQuery {
            method: "ListAuditEvents",
            parent: &self.parent.to_string(),
            filter: self.filter.as_ref().map_or("", AuditFilter::text),
            order: PageOrder::AuditEvents(self.order_by),
            show_deleted: false,
        })
    }
}

/// A seal without the digests of its events, which may be megabytes: what is signed is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedSeal {
    /// Its name, with its number.
    pub name: AuditSealName,
    /// Counts how often transaction ids have begun again.
    pub epoch: i32,
    /// The partition.
    pub month: Month,
    /// The first transaction id of the range.
    pub from_xid: u64,
    /// The last transaction id of the range.
    pub to_xid: u64,
    /// Up to which `seq` events of that transaction are in it.
    pub to_seq: i64,
    /// The events of the epoch have a higher `seq`.
    pub after_seq: i64,
    /// The highest `seq` of all events that were sealed so far.
    pub last_seq: i64,
    /// How many events it covers; 0 where it begins an epoch.
    pub event_count: i32,
    /// The root of the seal before; zeros in the first one.
    pub previous_root: Digest,
    /// SHA-256 over the previous root and the digests.
    pub root: Digest,
    /// When it was made, by the clock of the database.
    pub sealed_at: OffsetDateTime,
    /// The signature, and whose.
    pub signed: Signed,
}

/// A list of all seals, newest first.
#[derive(Debug, Clone)]
pub struct ListAuditSeals {
    /// The most items.
    pub page_size: PageSize,
    /// Where the page begins; none for the first.
    pub after: Option<Cursor>,
}

impl ListAuditSeals {
    /// The cursor that stands on `listed`.
    pub fn cursor_on(listed: &ListedSeal) -> Cursor {
        Cursor::Seal(listed.name.number)
    }

    /// What the tokens of its pages belong to.
    pub fn binding() -> PageBinding {
        PageBinding::new(&PagedQuery {
            method: "ListAuditSeals",
            parent: &AuditParent::Platform.to_string(),
            filter: "",
            order: PageOrder::NewestSealFirst,
            show_deleted: false,
        })
    }
}
