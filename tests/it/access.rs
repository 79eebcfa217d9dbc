//! Who may do what.

mod build_script;
mod first_admin;
mod grant_access;
mod known_mistakes;
mod lasting_rights;
mod list_access_grants;
pub mod matrix;
mod oracles;
mod purge_project;
mod readable;
mod revoke_access;
mod schema;
