//! Values that can't be wrong.
//!
//! What belongs here: the nouns of the API (names, specs, etags, page tokens, filters) with constructors that check every
//! rule. What does not: wire types, SQL, I/O of any kind. Everything is pure, so property tests and fuzzing live here.

pub mod audit;
pub mod audit_event;
pub mod dashboard;
pub mod diff;
pub mod digest;
pub mod etag;
pub mod filter;
pub mod import;
pub mod labels;
pub mod list;
pub mod mutation;
pub mod name;
pub mod order_by;
pub mod page;
pub mod preferences;
pub mod reason;
pub mod resource;
pub mod revision;
pub mod role;
pub mod search;
pub mod spec;
pub mod subject;
pub mod tags;
pub mod template;
pub mod timezone;
pub mod user;
pub mod violation;
