//! The favourite dashboards of a user, and what a list of them was asked for.

use crate::domain::dashboard::Dashboard;
use crate::domain::page::{Cursor, PageBinding, PageOrder, PageSize, PagedQuery};
use crate::domain::user::UserId;

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
    /// Where the page begins; none for the first.
    pub after: Option<Cursor>,
}

impl ListFavorites {
    /// The cursor that stands on `favorite`.
    pub fn cursor_on(&self, favorite: &Favorite) -> Cursor {
        Cursor::Favorite(favorite.position)
    }

    /// What the tokens of its pages belong to.
    pub fn binding(&self) -> PageBinding {
        PageBinding::new(&PagedQuery {
            method: "ListFavorites",
            parent: &self.user.to_string(),
            filter: "",
            order: PageOrder::FavoritesAsAdded,
            show_deleted: false,
        })
    }
}
