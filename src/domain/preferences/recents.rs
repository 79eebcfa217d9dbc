//! The dashboards that a user looked at last, and what a list of them was asked for.

use time::OffsetDateTime;

use crate::domain::dashboard::Dashboard;
use crate::domain::page::{Cursor, PageBinding, PageOrder, PageSize, PagedQuery};
use crate::domain::user::UserId;

/// How many of them are kept for a user, soft-deleted dashboards included.
pub const RECENTS_KEPT: i64 = 100;

/// A dashboard that a user looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct RecentDashboard {
    /// The dashboard, without its document.
    pub dashboard: Dashboard,
    /// When, the last time.
    pub view_time: OffsetDateTime,
}

/// A list of the dashboards that a user looked at, the last one first.
#[derive(Debug, Clone)]
pub struct ListRecentDashboards {
    /// Who.
    pub user: UserId,
    /// The most items.
    pub page_size: PageSize,
    /// Where the page begins; none for the first.
    pub after: Option<Cursor>,
}

impl ListRecentDashboards {
    /// The cursor that stands on `recent`.
    pub fn cursor_on(&self, recent: &RecentDashboard) -> Cursor {
        Cursor::ViewTime {
            time: recent.view_time,
            uid: recent.dashboard.uid,
        }
    }

    /// What the tokens of its pages belong to.
    pub fn binding(&self) -> PageBinding {
        PageBinding::new(&PagedQuery {
            method: "ListRecentDashboards",
            parent: &self.user.to_string(),
            filter: "",
            order: PageOrder::LastViewedFirst,
            show_deleted: false,
        })
    }
}
