//! What the tests stand on.

pub mod audit;
pub mod cluster;
pub mod mutation;
pub mod network;
pub mod postgres;
pub mod requests;
pub mod scratch;
pub mod server;

pub use server::TestServer;
