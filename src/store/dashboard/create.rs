//! CreateDashboard.

use postgres_types::Type;
use scoped_futures::ScopedFutureExt as _;

use super::state;
use crate::access::Access;
use crate::domain::dashboard::{Dashboard, DashboardState};
use crate::domain::mutation::CreateDashboard;
use crate::domain::name::DashboardName;
use crate::domain::reason::Reason;
use crate::error::{Error, Result};
use crate::store::Store;
use crate::store::mutate::Mutation;
use crate::store::pool::Transaction;

const FIND_HOLDER: &str = "-- find_name_holder
SELECT name, state FROM dashboard WHERE project = $1 AND lower(name) = lower($2 COLLATE \"C\")";

impl Store {
    /// Creates a dashboard.
    ///
    /// # Errors
    /// `DASHBOARD_EXISTS`, `DASHBOARD_SOFT_DELETED` or `DASHBOARD_EXISTS_IN_OTHER_CASE` when the name is taken.
    pub async fn create_dashboard(&self, access: &Access, create: CreateDashboard) -> Result<Dashboard> {
        let mutation = Mutation::new("CreateDashboard", access, &create.options, create.fingerprint());
        let request = &create;
        let answered = self
            .mutate(mutation, |tx| {
                async move {
                    let writer = self.writer(access, request.change_note.as_str());
                    match writer.insert(tx, &request.name, &request.content, None).await? {
                        Some(dashboard) => Ok(dashboard),
                        None => Err(name_taken(tx, &request.name).await?),
                    }
                }
                .scope_boxed()
            })
            .await?;
        self.completed(answered).await
    }
}

/// The error for a name that something holds already; the reason says what.
pub async fn name_taken(tx: &Transaction<'_>, name: &DashboardName) -> Result<Error> {
    let (project, id) = (name.project().as_str(), name.id());
    let rows = tx
        .query(FIND_HOLDER, &[(&project, Type::TEXT), (&id, Type::TEXT)])
        .await?;
    let Some(row) = rows.first() else {
        // It went between the two statements: the name is free when the transaction is tried again.
        return Ok(Error::SerializationFailure);
    };
    let holder: &str = row.try_get("name")?;
    let holder_state = state(row.try_get("state")?)?;
    Ok(taken_by(name, holder, holder_state))
}

/// The error for a name that `holder` holds.
pub fn taken_by(name: &DashboardName, holder: &str, holder_state: DashboardState) -> Error {
    let holder_name = format!("{}/dashboards/{holder}", name.project());
    let (reason, description) = if holder != name.id() {
        (
            Reason::DashboardExistsInOtherCase,
            format!("{holder_name} exists, whose name differs in case alone: Perses could not tell them apart"),
        )
    } else if holder_state == DashboardState::Deleted {
        (
            Reason::DashboardSoftDeleted,
            format!("{holder_name} is soft-deleted: undelete it, or purge it first"),
        )
    } else {
        (Reason::DashboardExists, format!("{holder_name} exists"))
    };
    Error::AlreadyExists {
        reason,
        name: holder_name,
        description,
    }
}
