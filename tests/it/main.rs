//! Tests against real servers: one file per operation, `support` starts what they need.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that meets the unexpected stops there and then"
)]

mod dashboards;
mod migrate;
mod pool;
mod round_trips;
mod sslmode;
mod support;
