//! The head under its lock: what every mutation of an existing dashboard begins with.

use postgres_types::Type;
use tokio_postgres::Row;

use super::{digest, from_row, head_columns};
use crate::access::Access;
use crate::domain::audit_event::Version;
use crate::domain::dashboard::{Dashboard, DashboardState, View};
use crate::domain::digest::Digest;
use crate::domain::etag::EtagCondition;
use crate::domain::name::DashboardName;
use crate::domain::reason::Reason;
use crate::error::{CurrentVersion, Error, Result};
use crate::store::pool::Transaction;

// One project has no two names that differ in case alone, so this finds one row at the most.
const LOCK_HEAD: &str = concat!(
    "-- lock_dashboard_head\nSELECT ",
    head_columns!(),
    ", spec_value_sha256, CASE WHEN $3 THEN spec END AS spec
FROM dashboard WHERE project = $1 AND lower(name) = lower($2 COLLATE \"C\")
    AND ($4::uuid[] IS NULL OR id = ANY ($4)) FOR UPDATE"
);

// As `lock_dashboard_head`, for several names and without their locks.
const FIND_HEADS: &str = concat!(
    "-- find_dashboard_heads\nSELECT position, ",
    head_columns!(),
    ", spec_value_sha256
FROM unnest($1, $2) WITH ORDINALITY AS wanted (wanted_project, wanted_name, position)
JOIN dashboard ON project = wanted_project AND lower(name) = lower(wanted_name COLLATE \"C\")"
);

/// A head as it was found; most statements that find one lock it.
#[derive(Debug)]
pub struct Head {
    /// What the API shows.
    pub dashboard: Dashboard,
    /// SHA-256 of the canonical JSON value of the document.
    pub value_sha256: Digest,
}

/// Locks the dashboard of this name, or of one that differs in case alone, if the proof reaches it.
pub async fn lock_any_case(
    tx: &Transaction<'_>,
    access: &Access,
    name: &DashboardName,
    view: View,
) -> Result<Option<Head>> {
    let (project, id, with_spec) = (name.project().as_str(), name.id(), view.with_spec());
    let rows = tx
        .query(
            LOCK_HEAD,
            &[
                (&project, Type::TEXT),
                (&id, Type::TEXT),
                (&with_spec, Type::BOOL),
                (&access.dashboards(), Type::UUID_ARRAY),
            ],
        )
        .await?;
    rows.first().map(head).transpose()
}

/// Finds the dashboards of these names, or of those that differ in case alone, in the order of `names`. None of them is locked, so
/// they are what they were a moment ago.
pub async fn find_any_case(tx: &Transaction<'_>, names: &[&DashboardName]) -> Result<Vec<Option<Head>>> {
    let projects: Vec<&str> = names.iter().map(|name| name.project().as_str()).collect();
    let ids: Vec<&str> = names.iter().map(|name| name.id()).collect();
    let rows = tx
        .query(FIND_HEADS, &[(&projects, Type::TEXT_ARRAY), (&ids, Type::TEXT_ARRAY)])
        .await?;
    let mut heads: Vec<Option<Head>> = names.iter().map(|_| None).collect();
    for row in &rows {
        let position: i64 = row.try_get("position")?;
        let place = usize::try_from(position - 1)
            .ok()
            .and_then(|index| heads.get_mut(index));
        *place.ok_or_else(|| Error::internal("a name was found that nobody asked for"))? = Some(head(row)?);
    }
    Ok(heads)
}

fn head(row: &Row) -> Result<Head> {
    Ok(Head {
        dashboard: from_row(row)?,
        value_sha256: digest(row, "spec_value_sha256")?,
    })
}

/// Locks the dashboard `name`.
pub async fn lock(tx: &Transaction<'_>, access: &Access, name: &DashboardName, view: View) -> Result<Head> {
    lock_any_case(tx, access, name, view)
        .await?
        .filter(|head| head.dashboard.name == *name)
        .ok_or_else(|| missing(access, name))
}

/// Reads the row that changing a locked head gave back; locked, it is there.
pub fn written(rows: &[Row]) -> Result<Dashboard> {
    let row = rows.first().ok_or_else(|| Error::internal("a locked row is gone"))?;
    from_row(row)
}

/// The error for a dashboard that does not exist, or that the proof does not reach: the two look the same to a caller who may
/// not know which dashboards the project has.
pub fn missing(access: &Access, name: &DashboardName) -> Error {
    if !access.reaches_all_of(name.project()) {
        return Error::PermissionDenied;
    }
    Error::NotFound {
        reason: Reason::DashboardNotFound,
        name: name.to_string(),
    }
}

/// Checks that the head is live.
pub fn require_active(head: &Dashboard) -> Result<()> {
    match head.state {
        DashboardState::Active => Ok(()),
        DashboardState::Deleted => Err(Error::FailedPrecondition {
            reason: Reason::DashboardDeleted,
            name: head.name.to_string(),
            description: format!("{} is deleted: undelete it first", head.name),
        }),
    }
}

/// Checks that the head is soft-deleted.
pub fn require_deleted(head: &Dashboard) -> Result<()> {
    match head.state {
        DashboardState::Deleted => Ok(()),
        DashboardState::Active => Err(Error::FailedPrecondition {
            reason: Reason::DashboardNotDeleted,
            name: head.name.to_string(),
            description: format!("{} is not deleted: delete it first", head.name),
        }),
    }
}

/// Checks that the head is the version that the caller has seen.
pub fn require_version(head: &Dashboard, condition: &EtagCondition) -> Result<()> {
    if condition.admits(&head.etag()) {
        return Ok(());
    }
    Err(Error::EtagMismatch {
        name: head.name.to_string(),
        current: Some(CurrentVersion {
            revision: head.revision,
            author: head.updated_by.clone(),
            time: head.update_time,
        }),
    })
}

/// The version of a head, for the audit event.
pub fn version(head: &Dashboard) -> Version {
    Version {
        revision: head.revision,
        sha256: head.spec_sha256,
    }
}
