//! Tests against real servers: one file per operation, `support` starts what they need.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that can't go on fails")]

mod pool;
mod sslmode;
mod support;
