//! DeleteDashboard, UndeleteDashboard, PurgeDashboard.

use postgres_types::Type;
use scoped_futures::ScopedFutureExt as _;

use super::head::{self, require_active, require_deleted, require_version, version, written};
use super::head_columns;
use crate::access::Access;
use crate::domain::audit_event::Change;
use crate::domain::dashboard::{Dashboard, View};
use crate::domain::mutation::DashboardTarget;
use crate::error::Result;
use crate::store::mutate::Mutation;
use crate::store::pool::Transaction;
use crate::store::{Store, audit};

const DELETE_DASHBOARD: &str = concat!(
    "-- delete_dashboard
UPDATE dashboard SET state = 'deleted', deleted_at = statement_timestamp(), purge_at = statement_timestamp() + make_interval(secs => $3),
    generation = generation + 1, updated_by = $2
WHERE id = $1
RETURNING ",
    head_columns!()
);

const UNDELETE_DASHBOARD: &str = concat!(
    "-- undelete_dashboard
UPDATE dashboard SET state = 'active', deleted_at = NULL, purge_at = NULL, generation = generation + 1, updated_by = $2
WHERE id = $1
RETURNING ",
    head_columns!()
);

const PURGE_DASHBOARD: &str = "-- purge_dashboard
DELETE FROM dashboard WHERE id = $1";

impl Store {
    /// Soft-deletes a dashboard.
    ///
    /// # Errors
    /// `DASHBOARD_NOT_FOUND`, `DASHBOARD_DELETED`, `ETAG_MISMATCH`.
    pub async fn delete_dashboard(&self, access: &Access, target: DashboardTarget) -> Result<Dashboard> {
        let mutation = Mutation::new("DeleteDashboard", access, &target.options, target.fingerprint());
        let request = &target;
        let answered = self
            .mutate(mutation, |tx| {
                async move {
                    let head = head::lock(tx, access, &request.name, View::Full).await?.dashboard;
                    require_active(&head)?;
                    require_version(&head, &request.etag)?;
                    self.bury(tx, access, head).await
                }
                .scope_boxed()
            })
            .await?;
        self.completed(answered).await
    }

    /// Brings a soft-deleted dashboard back.
    ///
    /// # Errors
    /// `DASHBOARD_NOT_FOUND`, `DASHBOARD_NOT_DELETED`, `ETAG_MISMATCH`.
    pub async fn undelete_dashboard(&self, access: &Access, target: DashboardTarget) -> Result<Dashboard> {
        let mutation = Mutation::new("UndeleteDashboard", access, &target.options, target.fingerprint());
        let request = &target;
        let answered = self
            .mutate(mutation, |tx| {
                async move {
                    let head = head::lock(tx, access, &request.name, View::Full).await?.dashboard;
                    require_deleted(&head)?;
                    require_version(&head, &request.etag)?;
                    revive(tx, access, head).await
                }
                .scope_boxed()
            })
            .await?;
        self.completed(answered).await
    }

    /// Removes a soft-deleted dashboard and its history for good.
    ///
    /// # Errors
    /// `DASHBOARD_NOT_FOUND`, `DASHBOARD_NOT_DELETED`, `ETAG_MISMATCH`.
    pub async fn purge_dashboard(&self, access: &Access, target: DashboardTarget) -> Result<()> {
        let mutation = Mutation::new("PurgeDashboard", access, &target.options, target.fingerprint());
        let request = &target;
        self.mutate(mutation, |tx| {
            async move {
                let head = head::lock(tx, access, &request.name, View::Basic).await?.dashboard;
                require_deleted(&head)?;
                require_version(&head, &request.etag)?;
                tx.execute(PURGE_DASHBOARD, &[(&head.uid, Type::UUID)]).await?;
                append_event(tx, access, &head, None).await
            }
            .scope_boxed()
        })
        .await?;
        Ok(())
    }

    /// Soft-deletes a head that was locked.
    async fn bury(&self, tx: &Transaction<'_>, access: &Access, head: Dashboard) -> Result<Dashboard> {
        let author = access.caller().subject();
        let retention = self.retention.deleted_dashboards.as_secs_f64();
        let rows = tx
            .query(
                DELETE_DASHBOARD,
                &[
                    (&head.uid, Type::UUID),
                    (&author, Type::TEXT),
                    (&retention, Type::FLOAT8),
                ],
            )
            .await?;
        let mut dashboard = written(&rows)?;
        append_event(tx, access, &head, Some(&dashboard)).await?;
        dashboard.spec = head.spec;
        Ok(dashboard)
    }
}

/// Undeletes a head that was locked; its content stays.
pub async fn revive(tx: &Transaction<'_>, access: &Access, head: Dashboard) -> Result<Dashboard> {
    let author = access.caller().subject();
    let rows = tx
        .query(UNDELETE_DASHBOARD, &[(&head.uid, Type::UUID), (&author, Type::TEXT)])
        .await?;
    let mut dashboard = written(&rows)?;
    append_event(tx, access, &head, Some(&dashboard)).await?;
    dashboard.spec = head.spec;
    Ok(dashboard)
}

async fn append_event(
    tx: &Transaction<'_>,
    access: &Access,
    before: &Dashboard,
    after: Option<&Dashboard>,
) -> Result<()> {
    audit::append(tx, access, &change_of_state(before, after)).await
}

/// What an audit event tells of a dashboard that was deleted, brought back, or purged: then there is none after it.
pub(in crate::store) fn change_of_state(before: &Dashboard, after: Option<&Dashboard>) -> Change {
    Change {
        resource: before.name.to_string(),
        project: Some(before.name.project().clone()),
        uid: Some(before.uid),
        before: Some(version(before)),
        after: after.map(version),
        changed_paths: vec!["state"],
        details: Vec::new(),
    }
}
