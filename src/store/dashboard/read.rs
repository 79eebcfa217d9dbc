//! Dashboards by name.

use postgres_types::Type;

use super::{basic_bytes, from_row, head::missing, head_columns, name};
use crate::access::Access;
use crate::domain::dashboard::{Dashboard, View};
use crate::domain::list::MAX_PAGE_BYTES;
use crate::domain::name::DashboardName;
use crate::domain::reason::Reason;
use crate::domain::violation::Violation;
use crate::error::{Error, Result};
use crate::store::Store;
use crate::store::pool::Parameter;

const GET_DASHBOARD: &str = concat!(
    "-- get_dashboard\nSELECT ",
    head_columns!(),
    ", CASE WHEN $3 THEN spec END AS spec FROM dashboard WHERE project = $1 AND name = $2
    AND ($4::uuid[] IS NULL OR id = ANY ($4))"
);

// What does not fit into an answer is not even fetched.
const BATCH_GET_DASHBOARDS: &str = concat!(
    "-- batch_get_dashboards\nSELECT ",
    head_columns!(),
    ", CASE WHEN $3 THEN spec END AS spec
FROM (
    SELECT dashboard.*, position, sum(",
    basic_bytes!(),
    " + CASE WHEN $3 THEN spec_size_bytes ELSE 0 END) OVER () AS total_bytes
    FROM unnest($1, $2) WITH ORDINALITY AS wanted (wanted_project, wanted_name, position)
    JOIN dashboard ON project = wanted_project AND name = wanted_name
    WHERE $5::text[] IS NULL OR project = ANY ($5) OR id = ANY ($6)
) AS found
WHERE total_bytes <= $4
ORDER BY position"
);

// Tells, when there was nothing to give, what is missing.
const FIND_NAMES: &str = "-- find_dashboard_names
SELECT project, name FROM unnest($1, $2) AS wanted (wanted_project, wanted_name)
JOIN dashboard ON project = wanted_project AND name = wanted_name
WHERE $3::text[] IS NULL OR project = ANY ($3) OR id = ANY ($4)";

impl Store {
    /// Reads a dashboard, live or soft-deleted.
    ///
    /// # Errors
    /// `DASHBOARD_NOT_FOUND`.
    pub async fn get_dashboard(&self, access: &Access, name: &DashboardName, view: View) -> Result<Dashboard> {
        let (project, id, with_spec) = (name.project().as_str(), name.id(), view.with_spec());
        let rows = self
            .read(
                GET_DASHBOARD,
                &[
                    (&project, Type::TEXT),
                    (&id, Type::TEXT),
                    (&with_spec, Type::BOOL),
                    (&access.dashboards(), Type::UUID_ARRAY),
                ],
            )
            .await?;
        let row = rows.first().ok_or_else(|| missing(access, name))?;
        from_row(row)
    }

    /// Reads dashboards, live or soft-deleted, in the order of `names`.
    ///
    /// # Errors
    /// `DASHBOARD_NOT_FOUND` for the first that does not exist; `BATCH_TOO_LARGE` when they do not fit into an answer.
    pub async fn batch_get_dashboards(
        &self,
        access: &Access,
        names: &[DashboardName],
        view: View,
    ) -> Result<Vec<Dashboard>> {
        let projects: Vec<&str> = names.iter().map(|name| name.project().as_str()).collect();
        let ids: Vec<&str> = names.iter().map(DashboardName::id).collect();
        let wanted = [(&projects as _, Type::TEXT_ARRAY), (&ids as _, Type::TEXT_ARRAY)];
        let (own_projects, own_dashboards) = (access.projects(), access.dashboards());
        let reach = [
            (&own_projects as _, Type::TEXT_ARRAY),
            (&own_dashboards as _, Type::UUID_ARRAY),
        ];
        let with_spec = view.with_spec();
        let form = [(&with_spec as _, Type::BOOL), (&MAX_PAGE_BYTES as _, Type::INT8)];
        let parameters: Vec<Parameter<'_>> = [&wanted, &form, &reach].into_iter().flatten().cloned().collect();
        let rows = self.read(BATCH_GET_DASHBOARDS, &parameters).await?;
        if rows.len() == names.len() {
            return rows.iter().map(from_row).collect();
        }
        let found = self.read(FIND_NAMES, &[wanted, reach].concat()).await?;
        let found_names = found.iter().map(name).collect::<Result<Vec<_>>>()?;
        let absent = names.iter().find(|wanted_name| !found_names.contains(wanted_name));
        Err(absent.map_or_else(batch_too_large, |name| missing(access, name)))
    }
}

fn batch_too_large() -> Error {
    let description = format!("the dashboards are more than {MAX_PAGE_BYTES} bytes: ask for fewer at once");
    Violation::new("names", Reason::BatchTooLarge, description).into()
}
