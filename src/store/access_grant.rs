//! The table `access_grant`: who has which role on what.

mod list;
mod write;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use postgres_types::Type;
use tokio_postgres::Row;

use super::Store;
use super::dashboard::{name, unreadable};
use super::pool::Transaction;
use crate::access::{Access, Grant, GrantSource, GrantedOn};
use crate::domain::access_grant::AccessGrant;
use crate::domain::name::{AccessGrantName, GrantParent, ProjectId};
use crate::domain::role::Role;
use crate::domain::subject::Subject;
use crate::error::{Error, Result};

pub(super) use write::details;

// A soft-deleted dashboard is one like any other: who may read it may read that it is deleted.
macro_rules! select_grants {
    () => {
        "SELECT access_grant.role, access_grant.project AS granted_project, dashboard_id, dashboard.project, dashboard.name
FROM access_grant LEFT JOIN dashboard ON dashboard.id = dashboard_id
WHERE subject = ANY ($1)"
    };
}

const FIND_GRANTS: &str = concat!("-- find_grants\n", select_grants!());

const HOLD_GRANTS: &str = concat!("-- hold_grants\n", select_grants!(), " FOR KEY SHARE OF access_grant");

const FIND_PLATFORM_ADMIN: &str = "-- find_platform_admin
SELECT EXISTS (SELECT FROM access_grant WHERE project IS NULL AND dashboard_id IS NULL AND role = 'platform-admin')";

impl Store {
    /// Whether anybody, or a group, was granted `platform-admin`.
    ///
    /// # Errors
    /// The database can't be reached, has another schema, or refuses.
    pub async fn has_platform_admin(&self) -> Result<bool> {
        let rows = self.read(FIND_PLATFORM_ADMIN, &[]).await?;
        Ok(rows.first().map_or(Ok(false), |row| row.try_get(0))?)
    }
}

/// Proves `access` again where it has to be, and holds the grants that it rests on: who revokes one comes before or waits for the end.
///
/// # Errors
/// `PERMISSION_DENIED` when somebody came before.
pub(super) async fn confirm(tx: &Transaction<'_>, access: &Access) -> Result<()> {
    if !access.has_to_be_confirmed() {
        return Ok(());
    }
    let grantees = access.caller().grantees();
    let rows = tx.query(HOLD_GRANTS, &[(&grantees, Type::TEXT_ARRAY)]).await?;
    access.confirm(rows.iter().map(held).collect::<Result<_>>()?)
}

impl GrantSource for Store {
    fn grants_of<'a>(&'a self, subjects: &'a [String]) -> BoxFuture<'a, Result<Vec<Grant>>> {
        async move {
            let rows = self.read(FIND_GRANTS, &[(&subjects, Type::TEXT_ARRAY)]).await?;
            rows.iter().map(held).collect()
        }
        .boxed()
    }
}

/// Reads what a grant means to whoever has it.
fn held(row: &Row) -> Result<Grant> {
    let project: Option<&str> = row.try_get("granted_project")?;
    let on = match (project, row.try_get("dashboard_id")?) {
        (Some(id), _) => GrantedOn::Project(ProjectId::parse("project", id).map_err(unreadable)?),
        (None, Some(uid)) => GrantedOn::Dashboard { uid, name: name(row)? },
        (None, None) => GrantedOn::Platform,
    };
    let role = role(row)?;
    Ok(Grant { on, role })
}

/// Reads a grant on `parent`.
fn from_row(row: &Row, parent: &GrantParent) -> Result<AccessGrant> {
    Ok(AccessGrant {
        name: AccessGrantName {
            parent: parent.clone(),
            uid: row.try_get("id")?,
        },
        resource_uid: row.try_get("dashboard_id")?,
        subject: Subject::from_stored(row.try_get("subject")?),
        role: role(row)?,
        created_by: row.try_get("created_by")?,
        create_time: row.try_get("created_at")?,
    })
}

fn role(row: &Row) -> Result<Role> {
    let text: &str = row.try_get("role")?;
    Role::parse(text).ok_or_else(|| Error::internal(format!("unknown role {text:?} in the database")))
}
