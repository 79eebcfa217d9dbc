//! The wire: handlers, and conversions between messages and domain values.
//!
//! What belongs here: one file per service (handlers are name → authorise → parse → call → present), [`routes()`] that puts
//! the services together, `convert/` with one file per topic, and [`status`], the only file that names a status code.
//! What does not: rules about values, SQL.

mod answers;
mod audit;
mod call;
mod convert;
mod dashboards;
mod preferences;
pub mod proto;
mod routes;
mod sharing;
pub mod status;
pub mod structured;
mod templates;

pub use answers::StreamLimits;
pub use audit::AuditLog;
pub use dashboards::Dashboards;
pub use preferences::Preferences;
pub use routes::{DESCRIPTOR_SETS, Handlers, MAX_MESSAGE_BYTES, routes};
pub use sharing::{ShareRules, Sharing};
pub use templates::Templates;

/// The full name of the service for dashboards.
pub const DASHBOARD_SERVICE: &str = proto::dashboard_service_server::SERVICE_NAME;
