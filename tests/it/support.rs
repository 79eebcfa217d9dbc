//! What the tests stand on.

pub mod cluster;
pub mod network;
pub mod postgres;
pub mod requests;
pub mod rows;
pub mod scratch;
pub mod server;

pub use server::TestServer;
