//! Tests against real servers: one file per operation, `support` starts what they need.

mod pool;
mod sslmode;
mod support;
