//! DashboardService: a file for each RPC.

mod batch_get;
mod create;
mod diff;
mod get;
mod get_revision;
mod list;
mod list_filter;
mod list_pages;
mod list_revisions;
