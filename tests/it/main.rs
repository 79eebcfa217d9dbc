//! Tests against a real PostgreSQL.

#![expect(
    clippy::unwrap_used,
    reason = "a test that meets the unexpected stops there and then"
)]

mod migrate;
mod support;
