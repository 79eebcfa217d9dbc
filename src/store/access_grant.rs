//! The table `access_grant`: who has which role on what.

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use postgres_types::Type;
use tokio_postgres::Row;

use super::Store;
use super::dashboard::{name, unreadable};
use crate::access::{Grant, GrantSource, GrantedOn};
use crate::domain::name::ProjectId;
use crate::domain::role::Role;
use crate::error::{Error, Result};

// A dashboard that is soft-deleted is looked at like any other: who may read it may read that it is deleted.
const FIND_GRANTS: &str = "-- find_grants
SELECT access_grant.role, access_grant.project AS granted_project, dashboard_id, dashboard.project, dashboard.name
FROM access_grant LEFT JOIN dashboard ON dashboard.id = dashboard_id
WHERE subject = ANY ($1)";

impl GrantSource for Store {
    fn grants_of<'a>(&'a self, subjects: &'a [String]) -> BoxFuture<'a, Result<Vec<Grant>>> {
        async move {
            let rows = self.read(FIND_GRANTS, &[(&subjects, Type::TEXT_ARRAY)]).await?;
            rows.iter().map(grant).collect()
        }
        .boxed()
    }
}

fn grant(row: &Row) -> Result<Grant> {
    let project: Option<&str> = row.try_get("granted_project")?;
    let on = match (project, row.try_get("dashboard_id")?) {
        (Some(project), _) => GrantedOn::Project(ProjectId::parse("project", project).map_err(unreadable)?),
        (None, Some(uid)) => GrantedOn::Dashboard { uid, name: name(row)? },
        (None, None) => GrantedOn::Platform,
    };
    Ok(Grant {
        on,
        role: role(row.try_get("role")?)?,
    })
}

fn role(text: &str) -> Result<Role> {
    Role::parse(text).ok_or_else(|| Error::internal(format!("unknown role {text:?} in the database")))
}
