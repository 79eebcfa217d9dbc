//! Share links: one file per RPC, and what has to hold across them.

mod addresses;
mod create;
mod get;
mod known_mistakes;
mod list;
mod pinned;
mod races;
mod resolve;
mod revoke;
mod schema;
mod secrets;
mod update;
