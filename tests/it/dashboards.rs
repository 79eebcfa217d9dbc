//! DashboardService: a file for each RPC.

mod create;
