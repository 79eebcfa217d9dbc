//! What the tests stand on.

pub mod network;
pub mod postgres;
pub mod scratch;
