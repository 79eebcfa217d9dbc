//! GrantAccess, RevokeAccess.

use postgres_types::Type;
use scoped_futures::ScopedFutureExt as _;
use tokio_postgres::Row;
use uuid::Uuid;

use super::from_row;
use crate::access::Access;
use crate::domain::access_grant::{AccessGrant, GrantAccess, RevokeAccess};
use crate::domain::audit_event::Change;
use crate::domain::dashboard::View;
use crate::domain::name::{AccessGrantName, GrantParent, ProjectId};
use crate::domain::reason::Reason;
use crate::domain::role::Role;
use crate::error::{Error, Result};
use crate::store::dashboard::{head, name, unreadable};
use crate::store::mutate::{Answer, Answered, Mutation};
use crate::store::pool::Transaction;
use crate::store::project::ProjectLock;
use crate::store::{Store, audit};

const INSERT_GRANT: &str = "-- insert_access_grant
INSERT INTO access_grant (id, project, dashboard_id, subject, role, created_by) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT DO NOTHING
RETURNING id, dashboard_id, subject, role, created_by, created_at";

const FIND_GRANT_OF_SUBJECT: &str = "-- find_grant_of_subject
SELECT id FROM access_grant
WHERE subject = $1 AND role = $2 AND project IS NOT DISTINCT FROM $3 AND dashboard_id IS NOT DISTINCT FROM $4";

const FIND_GRANT: &str = "-- find_access_grant
SELECT access_grant.id, access_grant.project AS granted_project, dashboard_id, subject, role, access_grant.created_by,
    access_grant.created_at, dashboard.project, dashboard.name
FROM access_grant LEFT JOIN dashboard ON dashboard.id = dashboard_id
WHERE access_grant.id = $1";

// Two revocations wait for each other here, and the second one sees what the first has left.
const LOCK_PLATFORM_ADMINS: &str = "-- lock_platform_admins
SELECT id FROM access_grant WHERE project IS NULL AND dashboard_id IS NULL AND role = 'platform-admin' ORDER BY id FOR UPDATE";

const DELETE_GRANT: &str = "-- delete_access_grant
DELETE FROM access_grant WHERE id = $1";

impl Store {
    /// Grants a role.
    ///
    /// # Errors
    /// `DASHBOARD_NOT_FOUND`, `DASHBOARD_DELETED`, `ACCESS_GRANT_EXISTS`.
    pub async fn grant_access(&self, access: &Access, grant: GrantAccess) -> Result<AccessGrant> {
        let request = &grant;
        let project_lock = match &request.parent {
            GrantParent::Project(project) => Some(ProjectLock::Shared(project)),
            // A purge waits for the dashboard, which is locked, and its grants go with it.
            GrantParent::Dashboard(_) | GrantParent::Platform => None,
        };
        let mutation = Mutation::new("GrantAccess", access, &grant.options, grant.fingerprint()).locking(project_lock);
        let answered = self
            .mutate(mutation, |tx| insert(tx, access, request).scope_boxed())
            .await?;
        match answered {
            Answered::First(granted) | Answered::Repeated(granted) => Ok(granted),
        }
    }

    /// Takes a role away; a grant that is not there is left alone.
    ///
    /// # Errors
    /// `LAST_PLATFORM_ADMIN`.
    pub async fn revoke_access(&self, access: &Access, revoke: RevokeAccess) -> Result<()> {
        let mutation = Mutation::new("RevokeAccess", access, &revoke.options, revoke.fingerprint());
        let request = &revoke;
        self.mutate(mutation, |tx| {
            async move {
                let Some(grant) = find(tx, &request.name).await? else {
                    return Ok(());
                };
                if grant.role == Role::PlatformAdmin && !request.may_be_last_admin {
                    require_other_admin(tx, &grant).await?;
                }
                match tx.execute(DELETE_GRANT, &[(&grant.name.uid, Type::UUID)]).await? {
                    // Somebody else revoked it since.
                    0 => Ok(()),
                    _ => audit::append(tx, access, &change(&grant)).await,
                }
            }
            .scope_boxed()
        })
        .await?;
        Ok(())
    }
}

impl Answer for AccessGrant {
    type Kept = Self;

    fn kept(&self) -> Self {
        self.clone()
    }
}

async fn insert(tx: &Transaction<'_>, access: &Access, request: &GrantAccess) -> Result<AccessGrant> {
    let (project, dashboard_uid) = match &request.parent {
        GrantParent::Platform => (None, None),
        GrantParent::Project(project) => (Some(project.as_str()), None),
        GrantParent::Dashboard(name) => {
            let head = head::lock(tx, access, name, View::Basic).await?.dashboard;
            head::require_active(&head)?;
            (None, Some(head.uid))
        }
    };
    let (subject, role) = (request.subject.as_str(), request.role.as_str());
    let rows = tx
        .query(
            INSERT_GRANT,
            &[
                (&Uuid::now_v7(), Type::UUID),
                (&project, Type::TEXT),
                (&dashboard_uid, Type::UUID),
                (&subject, Type::TEXT),
                (&role, Type::TEXT),
                (&access.caller().subject(), Type::TEXT),
            ],
        )
        .await?;
    if let Some(row) = rows.first() {
        let granted = from_row(row, &request.parent)?;
        audit::append(tx, access, &change(&granted)).await?;
        return Ok(granted);
    }
    let holders = tx
        .query(
            FIND_GRANT_OF_SUBJECT,
            &[
                (&subject, Type::TEXT),
                (&role, Type::TEXT),
                (&project, Type::TEXT),
                (&dashboard_uid, Type::UUID),
            ],
        )
        .await?;
    // Revoked between the two statements, it can be granted when the transaction is tried again.
    let holder = holders.first().ok_or(Error::SerializationFailure)?;
    Err(exists(request, holder.try_get("id")?))
}

fn exists(request: &GrantAccess, uid: Uuid) -> Error {
    let GrantAccess {
        parent, subject, role, ..
    } = request;
    let name = AccessGrantName {
        parent: parent.clone(),
        uid,
    };
    Error::AlreadyExists {
        reason: Reason::AccessGrantExists,
        description: format!("{subject} is {role} on {parent} by {name}"),
        name: name.to_string(),
    }
}

/// The grant of this name: with its id, and on that resource.
async fn find(tx: &Transaction<'_>, wanted: &AccessGrantName) -> Result<Option<AccessGrant>> {
    let rows = tx.query(FIND_GRANT, &[(&wanted.uid, Type::UUID)]).await?;
    let Some(row) = rows.first() else {
        return Ok(None);
    };
    let grant = from_row(row, &parent(row)?)?;
    Ok(Some(grant).filter(|grant| grant.name == *wanted))
}

fn parent(row: &Row) -> Result<GrantParent> {
    let project: Option<&str> = row.try_get("granted_project")?;
    let dashboard_uid: Option<Uuid> = row.try_get("dashboard_id")?;
    match (project, dashboard_uid) {
        (Some(id), _) => {
            let project = ProjectId::parse("project", id).map_err(unreadable)?;
            Ok(GrantParent::Project(project))
        }
        (None, Some(_)) => Ok(GrantParent::Dashboard(name(row)?)),
        (None, None) => Ok(GrantParent::Platform),
    }
}

/// Checks that somebody else is left who can grant roles on the platform.
async fn require_other_admin(tx: &Transaction<'_>, grant: &AccessGrant) -> Result<()> {
    for admin in &tx.query(LOCK_PLATFORM_ADMINS, &[]).await? {
        if admin.try_get::<_, Uuid>("id")? != grant.name.uid {
            return Ok(());
        }
    }
    Err(Error::FailedPrecondition {
        reason: Reason::LastPlatformAdmin,
        name: grant.name.to_string(),
        description: "nobody else is platform-admin: grant that to somebody first, or set BOOTSTRAP_ADMINS".into(),
    })
}

/// What the audit event tells of a grant that was made or revoked; later, nobody can look it up.
fn change(grant: &AccessGrant) -> Change {
    Change {
        resource: grant.name.to_string(),
        project: grant.name.parent.project().cloned(),
        uid: Some(grant.name.uid),
        before: None,
        after: None,
        changed_paths: vec!["subject", "role"],
        details: details(grant.subject.as_str(), grant.role.as_str()),
    }
}

/// Whose role.
pub(in crate::store) fn details(subject: &str, role: &str) -> Vec<(&'static str, String)> {
    vec![("subject", subject.to_owned()), ("role", role.to_owned())]
}
