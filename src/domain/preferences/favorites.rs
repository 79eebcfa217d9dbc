//! The favourite dashboards of a user, and what a list of them was asked for.

use crate::domain::dashboard::Dashboard;
use crate::domain::page::{Cursor, PageBinding, PageOrder, PageSize, PageToken, PagedQuery};
use crate::domain::user::UserId;
use crate::domain::violation::Violation;

/// The most favourites of a user, soft-deleted dashboards included.
pub const MAX_FAVORITES: i64 = 500;

/// A favourite dashboard.
#[derive(Debug, Clone, PartialEq)]
pub struct Favorite {
    /// The dashboard, without its document.
    pub dashboard: Dashboard,
    /// Grows with each favourite that is added.
    pub position: i64,
}

/// A list of the favourites of a user, in the order in which they were added.
#[derive(Debug, Clone)]
pub struct ListFavorites {
    /// Whose.
    pub user: UserId,
    /// The most items.
    pub page_size: PageSize,
    /// The position of the last one of the page before.
    pub after: Option<i64>,
}

impl ListFavorites {
    /// Reads the token of this list and goes on from there.
    ///
    /// # Errors
    /// `INVALID_PAGE_TOKEN` on `page_token`.
    pub fn after_token(mut self, token: &str) -> Result<Self, Violation> {
        let cursor = PageToken::decode("page_token", token, &self.binding())?;
        self.after = match cursor {
            Some(Cursor::Favorite(position)) => Some(position),
            _ => None,
        };
        Ok(self)
    }

    /// The token of the page that follows `cursor`.
    pub fn token(&self, cursor: Cursor) -> String {
        let binding = self.binding();
        PageToken { cursor, binding }.encode()
    }

    /// The cursor that stands on `favorite`.
    pub fn cursor_on(&self, favorite: &Favorite) -> Cursor {
        Cursor::Favorite(favorite.position)
    }

    fn binding(&self) -> PageBinding {
        PageBinding::new(&PagedQuery {
            method: "ListFavorites",
            parent: &self.user.to_string(),
            filter: "",
            order: PageOrder::FavoritesAsAdded,
            show_deleted: false,
        })
    }
}
