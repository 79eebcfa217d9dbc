//! What the tests stand on.

pub mod access;
pub mod audit;
pub mod authority;
pub mod blocking;
pub mod channel;
pub mod cluster;
pub mod http;
pub mod jwks_server;
pub mod mutation;
pub mod network;
pub mod postgres;
pub mod preferences;
pub mod process;
pub mod raw;
pub mod recording;
pub mod requests;
pub mod rows;
pub mod server;
pub mod sharing;
pub mod templates;
pub mod tls_server;
pub mod tokens;
pub mod transfer;
pub mod waiting;

pub use server::TestServer;
