//! The table `dashboard_recent`.

use postgres_types::Type;
use tokio_postgres::Row;

use super::dashboards_of_user::{PageOfUser, list_dashboards_of_user};
use crate::access::Access;
use crate::domain::dashboard::View;
use crate::domain::list::Page;
use crate::domain::name::DashboardName;
use crate::domain::page::Cursor;
use crate::domain::preferences::{DashboardOfUser, ListRecentDashboards, RECENTS_KEPT, RecentDashboard};
use crate::error::{Error, Result};
use crate::store::Store;
use crate::store::dashboard::head::require_active;
use crate::store::dashboard::{basic_bytes, from_row, head_columns};
use crate::store::page::page;
use crate::store::pool::Parameter;

// All parts see what was there before the statement: beside the dashboard, $4 - 1 others stay. Rows that another view of the
// same user has locked are not waited for, it may be waiting for ours; the next view removes them.
const RECORD_VIEW: &str = "-- record_dashboard_view
WITH target AS (
    SELECT id FROM dashboard WHERE project = $2 AND name = $3 AND state = 'active' AND ($5::uuid[] IS NULL OR id = ANY ($5))
), viewed AS (
    INSERT INTO dashboard_recent (dashboard_id, subject) SELECT id, $1 FROM target
    ON CONFLICT (dashboard_id, subject)
    DO UPDATE SET viewed_at = GREATEST(dashboard_recent.viewed_at, EXCLUDED.viewed_at)
), oldest_kept AS (
    SELECT target.id AS target_id, viewed_at, dashboard_id FROM dashboard_recent, target
    WHERE subject = $1 AND dashboard_id <> target.id
    ORDER BY viewed_at DESC, dashboard_id DESC OFFSET $4 - 2 LIMIT 1
), too_old AS (
    SELECT old.dashboard_id FROM dashboard_recent AS old, oldest_kept AS kept
    WHERE subject = $1 AND (old.viewed_at, old.dashboard_id) < (kept.viewed_at, kept.dashboard_id)
        AND old.dashboard_id <> target_id
    FOR UPDATE OF old SKIP LOCKED
), pruned AS (
    DELETE FROM dashboard_recent AS old USING too_old WHERE old.dashboard_id = too_old.dashboard_id AND subject = $1
)
SELECT id FROM target";

// In the last order the id of the dashboard goes by that name alone: there the table is out of sight.
const LIST_RECENTS: &str = list_dashboards_of_user!(
    "-- list_recent_dashboards",
    "dashboard_recent",
    "viewed_at",
    "(viewed_at, dashboard_id) < (COALESCE($6, 'infinity'), COALESCE($7, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))",
    "viewed_at DESC, id DESC"
);

impl Store {
    /// Notes that a user looks at a dashboard now, and forgets what it looked at too long ago.
    ///
    /// It is one statement, and not a transaction as other mutations are: made twice, it has the effect of one, so nothing is
    /// kept for its request id, and it is no change that an audit event would tell of.
    ///
    /// # Errors
    /// `DASHBOARD_NOT_FOUND`, `DASHBOARD_DELETED`.
    pub async fn record_dashboard_view(
        &self,
        _access: &Access,
        readable: &Access,
        view: &DashboardOfUser,
    ) -> Result<()> {
        if view.options.validate_only {
            return self.require_live(readable, &view.dashboard).await;
        }
        let (project, id) = (view.dashboard.project().as_str(), view.dashboard.id());
        let mut connection = self.pool.get().await?;
        let recorded = connection
            .query(
                RECORD_VIEW,
                &[
                    (&view.user.subject(), Type::TEXT),
                    (&project, Type::TEXT),
                    (&id, Type::TEXT),
                    (&RECENTS_KEPT, Type::INT8),
                    (&readable.dashboards(), Type::UUID_ARRAY),
                ],
            )
            .await?;
        drop(connection);
        if recorded.is_empty() {
            self.require_live(readable, &view.dashboard).await?;
            // It became live since.
            return Err(Error::SerializationFailure);
        }
        Ok(())
    }

    /// Lists a page of the dashboards that a user looked at.
    ///
    /// # Errors
    /// None of its own.
    pub async fn list_recent_dashboards(
        &self,
        _access: &Access,
        readable: &Access,
        query: &ListRecentDashboards,
    ) -> Result<Page<RecentDashboard>> {
        let (time, uid) = match query.after {
            Some(Cursor::ViewTime { time, uid }) => (Some(time), Some(uid)),
            _ => (None, None),
        };
        let page_of_user = PageOfUser::new(&query.user, readable, query.page_size);
        let cursor: [Parameter<'_>; 2] = [(&time, Type::TIMESTAMPTZ), (&uid, Type::UUID)];
        let parameters = [page_of_user.parameters().as_slice(), &cursor].concat();
        let rows = self.read(LIST_RECENTS, &parameters).await?;
        let items = rows.iter().map(recent).collect::<Result<Vec<_>>>()?;
        page(items, &rows, |last| query.cursor_on(last))
    }

    /// Checks that a dashboard is there and live.
    async fn require_live(&self, readable: &Access, name: &DashboardName) -> Result<()> {
        let dashboard = self.get_dashboard(readable, name, View::Basic).await?;
        require_active(&dashboard)
    }
}

fn recent(row: &Row) -> Result<RecentDashboard> {
    Ok(RecentDashboard {
        dashboard: from_row(row)?,
        view_time: row.try_get("viewed_at")?,
    })
}
