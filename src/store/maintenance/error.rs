//! What keeps a task of maintenance from running.

use crate::error::{Error, with_causes};
use crate::store::classify::lacks_privilege;

/// Why a task did not run to its end, for operators and no callers. The batches before the failure stay done.
#[derive(Debug, thiserror::Error)]
pub enum MaintenanceError {
    /// The role may not do this.
    #[error(
        "the role of this connection lacks the right ({}): run `dashboard-store maintain` as the owner of the tables, and set \
         MAINTENANCE=false for a service that has another role", .0.causes()
    )]
    NotAllowed(Error),
    /// The database can't be reached, or is not ready; it will be tried again.
    #[error("{}", with_causes(.0))]
    Unavailable(Error),
    /// Anything else.
    #[error("{}", .0.for_operators())]
    Failed(Error),
}

impl From<Error> for MaintenanceError {
    fn from(error: Error) -> Self {
        match error {
            denied if lacks_privilege(&denied) => Self::NotAllowed(denied),
            Error::Unavailable { .. } => Self::Unavailable(error),
            other => Self::Failed(other),
        }
    }
}
