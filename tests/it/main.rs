//! Tests against real servers: one file per operation, `support` starts what they need.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that meets the unexpected stops there and then"
)]

mod access;
mod audit;
mod audit_service;
mod authentication;
mod binary;
mod canary;
mod command;
mod commit_lost;
mod dashboards;
mod histories;
mod hostile;
mod house;
mod intake;
mod maintenance;
mod migrate;
mod outage;
mod plans;
mod pool;
mod preferences;
mod reflection;
mod refusals;
mod round_trips;
mod schema;
mod sharing;
mod sidecar;
mod sslmode;
mod support;
mod system_templates;
mod templates;
mod wire;
