//! Projects, which have no table: what is in one, all of it.

use postgres_types::Type;
use scoped_futures::ScopedFutureExt as _;
use tokio_postgres::Row;
use uuid::Uuid;

use super::access_grant::details;
use super::dashboard::{digest, name, unreadable};
use super::mutate::{Answer, Answered, Mutation};
use super::pool::Transaction;
use super::{Store, advisory, audit};
use crate::access::Access;
use crate::domain::audit_event::{Change, Version};
use crate::domain::digest::Fingerprint;
use crate::domain::mutation::{ProjectPurged, PurgeProject};
use crate::domain::name::{AccessGrantName, GrantParent, ProjectId, TemplateName};
use crate::error::{Error, Result};

// In the order of their names, in which imports lock them, too. What refers to a dashboard goes with it.
const PURGE_DASHBOARDS: &str = "-- purge_dashboards_of_project
WITH doomed AS (SELECT id FROM dashboard WHERE project = $1 ORDER BY name FOR UPDATE)
DELETE FROM dashboard USING doomed WHERE dashboard.id = doomed.id
RETURNING dashboard.id, project, name, revision, spec_sha256";

const PURGE_TEMPLATES: &str = "-- purge_templates_of_project
DELETE FROM dashboard_template WHERE project = $1 RETURNING id, resource_name, revision, spec_sha256";

const PURGE_GRANTS: &str = "-- purge_grants_of_project
DELETE FROM access_grant WHERE project = $1 RETURNING id, subject, role";

// Behind all events of this life: whoever is admin of the next one does not read them. Of two at once the one that began first may
// write last.
const RECORD_PURGE: &str = "-- record_project_purge
INSERT INTO project_purge (project, purged_at) VALUES ($1, clock_timestamp())
ON CONFLICT (project) DO UPDATE SET purged_at = GREATEST(project_purge.purged_at, EXCLUDED.purged_at)";

const SHARE_PROJECT: &str = "-- share_project
SELECT FROM pg_advisory_xact_lock_shared($1)";

const CLAIM_PROJECT: &str = "-- claim_project
SELECT FROM pg_advisory_xact_lock($1)";

/// A lock on a project until the transaction ends. Grants on a project have no row that a purge of it could wait for while they
/// are made: the next project of that name would inherit one.
#[derive(Debug, Clone, Copy)]
pub(super) enum ProjectLock<'a> {
    /// Beside others of its kind, and not beside a purge.
    Shared(&'a ProjectId),
    /// Beside no other.
    Exclusive(&'a ProjectId),
}

impl ProjectLock<'_> {
    /// Waits until it is had.
    ///
    /// # Errors
    /// None of its own.
    pub(super) async fn take(&self, tx: &Transaction<'_>) -> Result<()> {
        let (sql, project) = match self {
            Self::Shared(project) => (SHARE_PROJECT, project),
            Self::Exclusive(project) => (CLAIM_PROJECT, project),
        };
        let key = advisory::key(Fingerprint::new().part("project").part(project.as_str()));
        tx.query(sql, &[(&key, Type::INT8)]).await?;
        Ok(())
    }
}

impl Store {
    /// Removes all that is in a project for good, with an audit event for each dashboard, template and grant on the project, and
    /// one for the project. From then on only those who read the whole audit log read its events.
    ///
    /// # Errors
    /// None of its own.
    pub async fn purge_project(&self, access: &Access, purge: PurgeProject) -> Result<ProjectPurged> {
        let project = &purge.project;
        let mutation = Mutation::new("PurgeProject", access, &purge.options, purge.fingerprint())
            .locking(Some(ProjectLock::Exclusive(project)));
        let answered = self
            .mutate(mutation, |tx| empty(tx, access, project).scope_boxed())
            .await?;
        match answered {
            Answered::First(purged) | Answered::Repeated(purged) => Ok(purged),
        }
    }
}

impl Answer for ProjectPurged {
    type Kept = Self;

    fn kept(&self) -> Self {
        *self
    }
}

async fn empty(tx: &Transaction<'_>, access: &Access, project: &ProjectId) -> Result<ProjectPurged> {
    let of_project = [(&project.as_str() as _, Type::TEXT)];
    let dashboards = tx.query(PURGE_DASHBOARDS, &of_project).await?;
    let templates = tx.query(PURGE_TEMPLATES, &of_project).await?;
    let grants = tx.query(PURGE_GRANTS, &of_project).await?;
    let purged = ProjectPurged {
        dashboards: count(&dashboards)?,
        templates: count(&templates)?,
        grants: count(&grants)?,
    };
    let mut changes = Vec::with_capacity(dashboards.len() + templates.len() + grants.len() + 1);
    for row in &dashboards {
        changes.push(dashboard_purged(row)?);
    }
    for row in &templates {
        changes.push(template_purged(row)?);
    }
    for row in &grants {
        changes.push(grant_revoked(row, project)?);
    }
    changes.push(project_purged(project, purged));
    audit::append_all(tx, access, &changes).await?;
    tx.execute(RECORD_PURGE, &of_project).await?;
    Ok(purged)
}

fn count(rows: &[Row]) -> Result<i32> {
    i32::try_from(rows.len()).map_err(Error::internal)
}

fn dashboard_purged(row: &Row) -> Result<Change> {
    let dashboard = name(row)?;
    Ok(Change {
        resource: dashboard.to_string(),
        project: Some(dashboard.project().clone()),
        uid: Some(row.try_get("id")?),
        before: Some(version(row)?),
        after: None,
        changed_paths: vec!["state"],
        details: Vec::new(),
    })
}

fn template_purged(row: &Row) -> Result<Change> {
    let template = TemplateName::parse("resource_name", row.try_get("resource_name")?).map_err(unreadable)?;
    Ok(Change {
        resource: template.to_string(),
        project: template.project().cloned(),
        uid: Some(row.try_get("id")?),
        before: Some(version(row)?),
        after: None,
        changed_paths: vec!["display_name", "description", "category", "parameters", "spec"],
        details: Vec::new(),
    })
}

fn grant_revoked(row: &Row, project: &ProjectId) -> Result<Change> {
    let uid: Uuid = row.try_get("id")?;
    let grant = AccessGrantName {
        parent: GrantParent::Project(project.clone()),
        uid,
    };
    Ok(Change {
        resource: grant.to_string(),
        project: Some(project.clone()),
        uid: Some(uid),
        before: None,
        after: None,
        changed_paths: vec!["subject", "role"],
        details: details(row.try_get("subject")?, row.try_get("role")?),
    })
}

fn project_purged(project: &ProjectId, purged: ProjectPurged) -> Change {
    Change {
        resource: project.to_string(),
        project: Some(project.clone()),
        uid: None,
        before: None,
        after: None,
        changed_paths: Vec::new(),
        details: vec![
            ("dashboards", purged.dashboards.to_string()),
            ("templates", purged.templates.to_string()),
            ("grants", purged.grants.to_string()),
        ],
    }
}

fn version(row: &Row) -> Result<Version> {
    Ok(Version {
        revision: row.try_get("revision")?,
        sha256: digest(row, "spec_sha256")?,
    })
}
