//! Lists of the grants on one resource, page by page.

use postgres_types::Type;
use uuid::Uuid;

use super::from_row;
use crate::access::Access;
use crate::domain::access_grant::{AccessGrant, ListAccessGrants};
use crate::domain::list::Page;
use crate::domain::name::GrantParent;
use crate::domain::order_by::Direction;
use crate::domain::page::Cursor;
use crate::error::Result;
use crate::store::Store;
use crate::store::dashboard::head::missing;
use crate::store::page::{page, push_behind};
use crate::store::statement::Statement;

/// The columns of the order; on one resource they are unique.
const ORDER: [&str; 2] = ["subject", "role"];

impl Store {
    /// Lists a page of grants.
    ///
    /// # Errors
    /// `DASHBOARD_NOT_FOUND`.
    pub async fn list_access_grants(&self, access: &Access, query: &ListAccessGrants) -> Result<Page<AccessGrant>> {
        let rows = self.read_with(&list_access_grants(query)).await?;
        let first = match (rows.first(), &query.parent) {
            (None, GrantParent::Dashboard(name)) => return Err(missing(access, name)),
            (first, _) => first.map(|row| row.try_get::<_, Option<Uuid>>("id")).transpose()?,
        };
        // A row without a grant tells that the dashboard is there.
        let found = if first.flatten().is_some() {
            rows.as_slice()
        } else {
            &[]
        };
        let grants = found.iter().map(|row| from_row(row, &query.parent));
        let items = grants.collect::<Result<Vec<_>>>()?;
        page(items, found, ListAccessGrants::cursor_on)
    }
}

/// One row for each grant; for a dashboard that is there and has none, a row without one.
fn list_access_grants(query: &ListAccessGrants) -> Statement {
    let size = i64::from(query.page_size.get());
    let mut sql = Statement::new("-- list_access_grants\nSELECT ");
    sql.push("id, granted_on AS dashboard_id, subject, role, created_by, created_at, candidates FROM ");
    match &query.parent {
        GrantParent::Dashboard(name) => sql
            .push("(SELECT id AS granted_on FROM dashboard WHERE project = ")
            .bind(name.project().as_str().to_owned(), Type::TEXT)
            .push(" AND name = ")
            .bind(name.id().to_owned(), Type::TEXT)
            .push(")"),
        GrantParent::Platform | GrantParent::Project(_) => sql.push("(SELECT NULL::uuid AS granted_on)"),
    };
    sql.push(" AS resource LEFT JOIN LATERAL (SELECT *, count(*) OVER () AS candidates FROM (");
    sql.push("SELECT id, subject, role, created_by, created_at FROM access_grant WHERE ");
    match &query.parent {
        GrantParent::Platform => sql.push("project IS NULL AND dashboard_id IS NULL"),
        GrantParent::Project(project) => sql.push("project = ").bind(project.as_str().to_owned(), Type::TEXT),
        GrantParent::Dashboard(_) => sql.push("dashboard_id = granted_on"),
    };
    if let Some(Cursor::Grant { subject, role }) = &query.after {
        push_behind(&mut sql, &ORDER, Direction::Ascending);
        sql.bind(subject.as_str().to_owned(), Type::TEXT)
            .push(", ")
            .bind(role.as_str(), Type::TEXT)
            .push(")");
    }
    sql.push(" ORDER BY subject, role LIMIT ")
        .bind(size + 1, Type::INT8)
        .push(") AS candidate ORDER BY subject, role LIMIT ")
        .bind(size, Type::INT8)
        .push(") AS page ON true ORDER BY subject, role");
    sql
}
