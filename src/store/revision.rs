//! The table `dashboard_revision`: the history of dashboards.

use postgres_types::{Json, Type};
use scoped_futures::ScopedFutureExt as _;
use tokio_postgres::Row;

use super::Store;
use super::dashboard::answer::{Document, KeptDashboard};
use super::dashboard::{digest, head};
use super::json_text::JsonColumn;
use super::metadata::Metadata;
use super::mutate::{Answered, Mutation};
use super::page::page;
use super::pool::Transaction;
use crate::access::Access;
use crate::domain::dashboard::{Dashboard, View};
use crate::domain::list::{ListDashboardRevisions, MAX_PAGE_BYTES, Page};
use crate::domain::mutation::RestoreDashboardRevision;
use crate::domain::name::{DashboardName, RevisionName};
use crate::domain::page::Cursor;
use crate::domain::reason::Reason;
use crate::domain::revision::{DashboardRevision, RevisionRange};
use crate::error::{Error, Result};

/// The columns of a revision without its document, as [`from_row`] reads them.
macro_rules! revision_columns {
    () => {
        "r.revision, r.metadata, r.spec_sha256, r.spec_size_bytes, r.change_note, r.author, r.created_at, r.restored_from"
    };
}

// The head tells a revision that was pruned from one that never was.
const GET_REVISION: &str = concat!(
    "-- get_dashboard_revision\nSELECT d.revision AS head_revision, ",
    revision_columns!(),
    ", r.spec
FROM dashboard AS d LEFT JOIN dashboard_revision AS r ON r.dashboard_id = d.id AND r.revision = $3
WHERE d.project = $1 AND d.name = $2 AND ($4::uuid[] IS NULL OR d.id = ANY ($4))"
);

// One row of the head alone tells an empty page from a dashboard that does not exist. Of the candidates, which are one more
// than a page takes, those come back that fit into an answer; the first one always fits.
const LIST_REVISIONS: &str = concat!(
    "-- list_dashboard_revisions\nSELECT ",
    revision_columns!(),
    ", COALESCE(r.candidates, 0) AS candidates, CASE WHEN $6 THEN r.spec END AS spec
FROM dashboard AS d LEFT JOIN LATERAL (
    SELECT *, count(*) OVER () AS candidates, row_number() OVER page AS position,
        sum(octet_length(change_note) + octet_length(metadata::text) + 512 + CASE WHEN $6 THEN spec_size_bytes ELSE 0 END)
            OVER page AS bytes
    FROM (
        SELECT * FROM dashboard_revision
        WHERE dashboard_id = d.id AND revision < $3 ORDER BY revision DESC LIMIT $4 + 1
    ) AS candidate
    WINDOW page AS (ORDER BY revision DESC ROWS UNBOUNDED PRECEDING)
) AS r ON r.position = 1 OR (r.bytes <= $5 AND r.position <= $4)
WHERE d.project = $1 AND d.name = $2 AND ($7::uuid[] IS NULL OR d.id = ANY ($7))
ORDER BY r.revision DESC"
);

const DIFF_REVISIONS: &str = "-- diff_dashboard_revisions
SELECT d.revision AS head_revision, old.spec AS from_spec, new.spec AS to_spec
FROM dashboard AS d
LEFT JOIN dashboard_revision AS old ON old.dashboard_id = d.id AND old.revision = $3
LEFT JOIN dashboard_revision AS new ON new.dashboard_id = d.id AND new.revision = COALESCE($4, d.revision)
WHERE d.project = $1 AND d.name = $2 AND ($5::uuid[] IS NULL OR d.id = ANY ($5))";

const REVISION_EXISTS: &str = "-- revision_exists
SELECT FROM dashboard_revision WHERE dashboard_id = $1 AND revision = $2";

const GET_DOCUMENT: &str = "-- get_document
SELECT spec, display_name, description FROM dashboard_revision WHERE dashboard_id = $1 AND revision = $2";

impl Store {
    /// Reads one revision.
    ///
    /// # Errors
    /// `DASHBOARD_NOT_FOUND`, `REVISION_NOT_FOUND`, `REVISION_PRUNED`.
    pub async fn get_dashboard_revision(&self, access: &Access, name: &RevisionName) -> Result<DashboardRevision> {
        let (project, id) = (name.dashboard.project().as_str(), name.dashboard.id());
        let rows = self
            .read(
                GET_REVISION,
                &[
                    (&project, Type::TEXT),
                    (&id, Type::TEXT),
                    (&name.revision, Type::INT4),
                    (&access.dashboards(), Type::UUID_ARRAY),
                ],
            )
            .await?;
        let row = rows.first().ok_or_else(|| head::missing(access, &name.dashboard))?;
        if row.try_get::<_, Option<i32>>("revision")?.is_none() {
            return Err(missing(name, row.try_get("head_revision")?));
        }
        from_row(row, &name.dashboard)
    }

    /// Lists a page of revisions, newest first.
    ///
    /// # Errors
    /// `DASHBOARD_NOT_FOUND`.
    pub async fn list_dashboard_revisions(
        &self,
        access: &Access,
        query: &ListDashboardRevisions,
    ) -> Result<Page<DashboardRevision>> {
        let (project, id) = (query.dashboard.project().as_str(), query.dashboard.id());
        let below = match query.after {
            Some(Cursor::Revision(number)) => number,
            _ => i32::MAX,
        };
        let size = i64::from(query.page_size.get());
        let rows = self
            .read(
                LIST_REVISIONS,
                &[
                    (&project, Type::TEXT),
                    (&id, Type::TEXT),
                    (&below, Type::INT4),
                    (&size, Type::INT8),
                    (&MAX_PAGE_BYTES, Type::INT8),
                    (&query.view.with_spec(), Type::BOOL),
                    (&access.dashboards(), Type::UUID_ARRAY),
                ],
            )
            .await?;
        let first = rows.first().ok_or_else(|| head::missing(access, &query.dashboard))?;
        let items = match first.try_get("revision")? {
            Some::<i32>(_) => rows
                .iter()
                .map(|row| from_row(row, &query.dashboard))
                .collect::<Result<_>>()?,
            None => Vec::new(),
        };
        page(items, &rows, |last| query.cursor_on(last))
    }

    /// Reads the documents of two revisions.
    ///
    /// # Errors
    /// As for [`Store::get_dashboard_revision`].
    pub async fn diff_dashboard_revisions(
        &self,
        access: &Access,
        name: &DashboardName,
        range: RevisionRange,
    ) -> Result<(String, String)> {
        let (project, id) = (name.project().as_str(), name.id());
        let rows = self
            .read(
                DIFF_REVISIONS,
                &[
                    (&project, Type::TEXT),
                    (&id, Type::TEXT),
                    (&range.from, Type::INT4),
                    (&range.to, Type::INT4),
                    (&access.dashboards(), Type::UUID_ARRAY),
                ],
            )
            .await?;
        let row = rows.first().ok_or_else(|| head::missing(access, name))?;
        let head_revision: i32 = row.try_get("head_revision")?;
        let spec_of = |column: &str, revision: i32| -> Result<String> {
            let spec: Option<JsonColumn> = row.try_get(column)?;
            let revision_name = RevisionName {
                dashboard: name.clone(),
                revision,
            };
            spec.map(|text| text.0)
                .ok_or_else(|| missing(&revision_name, head_revision))
        };
        let from = spec_of("from_spec", range.from)?;
        let to = spec_of("to_spec", range.to.unwrap_or(head_revision))?;
        Ok((from, to))
    }

    /// Makes the content of an old revision the head again, as a new revision.
    ///
    /// # Errors
    /// `DASHBOARD_NOT_FOUND`, `DASHBOARD_DELETED`, `ETAG_MISMATCH`, `REVISION_NOT_FOUND`, `REVISION_PRUNED`.
    pub async fn restore_dashboard_revision(
        &self,
        access: &Access,
        restore: RestoreDashboardRevision,
    ) -> Result<Dashboard> {
        let mutation = Mutation::new(
            "RestoreDashboardRevision",
            access,
            &restore.options,
            restore.fingerprint(),
        );
        let request = &restore;
        let answered = self
            .mutate(mutation, |tx| {
                async move {
                    let head = head::lock(tx, access, &request.revision.dashboard, View::Basic).await?;
                    head::require_active(&head.dashboard)?;
                    head::require_version(&head.dashboard, &request.etag)?;
                    require_revision(tx, &head.dashboard, request.revision.revision).await?;
                    let writer = self.writer(access, request.change_note.as_str());
                    writer.restore(tx, &head, request.revision.revision).await
                }
                .scope_boxed()
            })
            .await?;
        self.completed(answered).await
    }

    /// The answer of this call, or of the one that it repeats.
    pub(super) async fn completed(&self, answered: Answered<Dashboard>) -> Result<Dashboard> {
        match answered {
            Answered::First(dashboard) => Ok(dashboard),
            Answered::Repeated(kept) => self.restored(kept).await,
        }
    }

    /// An answer that was given before, with the document that it refers to, unless that was pruned since.
    pub(super) async fn restored(&self, kept: KeptDashboard) -> Result<Dashboard> {
        let rows = self
            .read(GET_DOCUMENT, &[(&kept.uid, Type::UUID), (&kept.revision, Type::INT4)])
            .await?;
        let document = rows.first().map(document).transpose()?;
        Ok(kept.restored(document))
    }
}

fn document(row: &Row) -> Result<Document> {
    let JsonColumn(spec) = row.try_get("spec")?;
    Ok(Document {
        spec,
        display_name: row.try_get("display_name")?,
        description: row.try_get("description")?,
    })
}

/// Checks that the history of `head` has this revision.
pub(super) async fn require_revision(tx: &Transaction<'_>, head: &Dashboard, revision: i32) -> Result<()> {
    let found = tx
        .query(REVISION_EXISTS, &[(&head.uid, Type::UUID), (&revision, Type::INT4)])
        .await?;
    if !found.is_empty() {
        return Ok(());
    }
    let name = RevisionName {
        dashboard: head.name.clone(),
        revision,
    };
    Err(missing(&name, head.revision))
}

/// The error for a revision that is not there: it was pruned, or it never was.
fn missing(name: &RevisionName, head_revision: i32) -> Error {
    if name.revision < head_revision {
        return Error::RevisionPruned { name: name.to_string() };
    }
    Error::NotFound {
        reason: Reason::RevisionNotFound,
        name: name.to_string(),
    }
}

fn from_row(row: &Row, dashboard: &DashboardName) -> Result<DashboardRevision> {
    let Json(Metadata { tags, labels }) = row.try_get("metadata")?;
    let spec: Option<JsonColumn> = row.try_get("spec")?;
    Ok(DashboardRevision {
        name: RevisionName {
            dashboard: dashboard.clone(),
            revision: row.try_get("revision")?,
        },
        spec: spec.map(|column| column.0),
        tags,
        labels,
        spec_sha256: digest(row, "spec_sha256")?,
        spec_size_bytes: row.try_get("spec_size_bytes")?,
        change_note: row.try_get("change_note")?,
        author: row.try_get("author")?,
        create_time: row.try_get("created_at")?,
        restored_from: row.try_get("restored_from")?,
    })
}
