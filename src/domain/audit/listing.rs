//! Lists of events: what is asked for, and what they are made of.

use super::event::AuditEvent;
use crate::domain::filter::AuditFilter;
use crate::domain::name::AuditParent;
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
