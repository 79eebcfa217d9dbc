//! What the tests stand on.

pub mod access;
pub mod audit;
pub mod blocking;
pub mod cluster;
pub mod http;
pub mod mutation;
pub mod network;
pub mod postgres;
pub mod preferences;
pub mod process;
pub mod raw;
pub mod requests;
pub mod rows;
pub mod server;
pub mod templates;
pub mod transfer;

pub use server::TestServer;
