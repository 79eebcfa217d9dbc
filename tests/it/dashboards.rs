//! DashboardService: a file for each RPC.

mod apply;
mod create;
mod delete;
mod purge;
mod races;
mod request_id;
mod restore;
mod spec_intake;
mod spec_wire;
mod undelete;
mod update;
mod update_mask;
