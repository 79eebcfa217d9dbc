//! Dashboards by name.

use postgres_types::Type;

use super::{from_row, head::not_found, head_columns};
use crate::access::Access;
use crate::domain::dashboard::{Dashboard, View};
use crate::domain::list::MAX_PAGE_SPEC_BYTES;
use crate::domain::name::DashboardName;
use crate::domain::reason::Reason;
use crate::domain::violation::Violation;
use crate::error::Result;
use crate::store::Store;

const GET_DASHBOARD: &str = concat!(
    "-- get_dashboard\nSELECT ",
    head_columns!(),
    ", CASE WHEN $3 THEN spec END AS spec FROM dashboard WHERE project = $1 AND name = $2"
);

// The documents of a batch that is too large are not even fetched.
const BATCH_GET_DASHBOARDS: &str = concat!(
    "-- batch_get_dashboards\nSELECT ",
    head_columns!(),
    ", total_bytes, CASE WHEN $3 AND total_bytes <= $4 THEN spec END AS spec
FROM (
    SELECT dashboard.*, position, sum(spec_size_bytes) OVER () AS total_bytes
    FROM unnest($1, $2) WITH ORDINALITY AS wanted (wanted_project, wanted_name, position)
    JOIN dashboard ON project = wanted_project AND name = wanted_name
) AS found
ORDER BY position"
);

impl Store {
    /// Reads a dashboard, live or soft-deleted.
    ///
    /// # Errors
    /// `DASHBOARD_NOT_FOUND`.
    pub async fn get_dashboard(&self, _access: &Access, name: &DashboardName, view: View) -> Result<Dashboard> {
        let (project, id, with_spec) = (name.project().as_str(), name.id(), view.with_spec());
        let rows = self
            .read(
                GET_DASHBOARD,
                &[(&project, Type::TEXT), (&id, Type::TEXT), (&with_spec, Type::BOOL)],
            )
            .await?;
        let row = rows.first().ok_or_else(|| not_found(name))?;
        from_row(row)
    }

    /// Reads dashboards, live or soft-deleted, in the order of `names`.
    ///
    /// # Errors
    /// `DASHBOARD_NOT_FOUND` for the first that does not exist; `BATCH_TOO_LARGE` when the documents are more than fit
    /// into an answer.
    pub async fn batch_get_dashboards(
        &self,
        _access: &Access,
        names: &[DashboardName],
        view: View,
    ) -> Result<Vec<Dashboard>> {
        let projects: Vec<&str> = names.iter().map(|name| name.project().as_str()).collect();
        let ids: Vec<&str> = names.iter().map(DashboardName::id).collect();
        let with_spec = view.with_spec();
        let rows = self
            .read(
                BATCH_GET_DASHBOARDS,
                &[
                    (&projects, Type::TEXT_ARRAY),
                    (&ids, Type::TEXT_ARRAY),
                    (&with_spec, Type::BOOL),
                    (&MAX_PAGE_SPEC_BYTES, Type::INT8),
                ],
            )
            .await?;
        let dashboards = rows.iter().map(from_row).collect::<Result<Vec<_>>>()?;
        let missing = names
            .iter()
            .find(|name| !dashboards.iter().any(|found| found.name == **name));
        if let Some(name) = missing {
            return Err(not_found(name));
        }
        if with_spec && dashboards.iter().any(|dashboard| dashboard.spec.is_none()) {
            let description = format!("the documents are more than {MAX_PAGE_SPEC_BYTES} bytes: ask for fewer at once");
            return Err(Violation::new("names", Reason::BatchTooLarge, description).into());
        }
        Ok(dashboards)
    }
}
