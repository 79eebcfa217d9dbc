//! PreferencesService: a file for each RPC, and one for what all of them have in common.

mod add_favorite;
mod get;
mod list_favorites;
mod list_recent;
mod personal;
mod record_view;
mod remove_favorite;
mod schema;
mod update;
mod update_mask;
