//! The dashboards that a user looked at last, and what a list of them was asked for.

use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::dashboard::Dashboard;
use crate::domain::page::{Cursor, PageBinding, PageOrder, PageSize, PageToken, PagedQuery};
use crate::domain::user::UserId;
use crate::domain::violation::Violation;

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
    /// When the last one of the page before was looked at, and which it was of those of the same time.
    pub after: Option<(OffsetDateTime, Uuid)>,
}

impl ListRecentDashboards {
    /// Reads the token of this list and goes on from there.
    ///
    /// # Errors
    /// `INVALID_PAGE_TOKEN` on `page_token`.
    pub fn after_token(mut self, token: &str) -> Result<Self, Violation> {
        let cursor = PageToken::decode("page_token", token, &self.binding())?;
        self.after = match cursor {
            Some(Cursor::ViewTime { time, uid }) => Some((time, uid)),
            _ => None,
        };
        Ok(self)
    }

    /// The token of the page that follows `cursor`.
    pub fn token(&self, cursor: Cursor) -> String {
        let binding = self.binding();
        PageToken { cursor, binding }.encode()
    }

    /// The cursor that stands on `recent`.
    pub fn cursor_on(&self, recent: &RecentDashboard) -> Cursor {
        Cursor::ViewTime {
            time: recent.view_time,
            uid: recent.dashboard.uid,
        }
    }

    fn binding(&self) -> PageBinding {
        PageBinding::new(&PagedQuery {
            method: "ListRecentDashboards",
            parent: &self.user.to_string(),
            filter: "",
            order: PageOrder::LastViewedFirst,
            show_deleted: false,
        })
    }
}
