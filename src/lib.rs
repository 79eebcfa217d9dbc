//! Dashboard Store: Perses dashboards, with history, in PostgreSQL behind gRPC.
//!
//! A request takes three hops, and errors come back the same way:
//! layers ([`server`]) → handler ([`grpc`]) → store method with its SQL ([`store`]).
//! `docs/architecture.md` draws the same map for people.

pub mod access;
pub mod audit_trail;
pub mod authentication;
pub mod client;
pub mod command;
pub mod config;
pub mod domain;
pub mod error;
pub mod grpc;
pub mod health;
mod replaced_file;
pub mod server;
pub mod sidecar;
pub mod signing;
pub mod store;
pub mod telemetry;
