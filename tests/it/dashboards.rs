//! DashboardService: a file for each RPC.

mod apply;
mod batch_get;
mod create;
mod delete;
mod diff;
mod export;
mod get;
mod get_revision;
mod import;
mod import_batches;
mod import_limits;
mod import_shutdown;
mod list;
mod list_filter;
mod list_pages;
mod list_revisions;
mod purge;
mod races;
mod request_id;
mod restore;
mod search;
mod spec_intake;
mod spec_wire;
mod undelete;
mod update;
mod update_mask;
