//! What the tests start: a PostgreSQL server of their own.

pub mod network;
pub mod postgres;
