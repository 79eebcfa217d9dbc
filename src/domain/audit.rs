//! The audit log as an auditor sees it: events, the seals over them, and whether both are as they were.
//!
//! `docs/audit-format.md` describes for others what is encoded, hashed and signed here; `tests/conformance/audit_vectors.json` has
//! examples of it. What belongs here: values and their bytes. What does not: keys (whoever verifies brings
//! [`CheckSignature`]), where events are kept, and what an event says of a change while it is made (`audit_event`).

pub mod chain;
mod encoding;
pub mod event;
pub mod folding;
pub mod listing;
mod microsecond;
pub mod month;
pub mod outcome;
pub mod record;
pub mod seal;
pub mod verification;

pub use chain::SealChain;
pub use event::{AuditEvent, DigestedEvent};
pub use listing::{ListAuditEvents, ListAuditSeals, ListedEvent, ListedSeal};
pub use month::Month;
pub use outcome::AuditResult;
pub use record::{AuditItem, Record, Unreadable};
pub use seal::{CheckSignature, Checkpoint, Head, Seal, SealContent, Signature, SignatureCheck, Signed};
pub use verification::{Finding, Report, Verifier};
