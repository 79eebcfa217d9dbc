//! Tests against real servers: one file per operation, `support` starts what they need.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that meets the unexpected stops there and then"
)]

mod dashboards;
mod house;
mod migrate;
mod pool;
mod sslmode;
mod support;
