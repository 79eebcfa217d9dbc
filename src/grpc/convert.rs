//! Conversions between messages and domain values: one file per topic, no I/O.

pub mod access_grant;
pub mod audit;
pub mod dashboard;
pub mod export;
pub mod import;
mod mask;
pub mod mutation;
pub mod preferences;
pub mod read;
pub mod search;
pub mod share_link;
pub mod spec;
pub mod template;
pub mod time;
pub mod update;
