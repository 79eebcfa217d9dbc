//! Changes of content: the head and its revision in one statement, the audit event beside them.

use postgres_types::{Json, Type};
use uuid::Uuid;

use super::head::{Head, version, written};
use super::{from_row, head_columns};
use crate::access::Access;
use crate::domain::audit_event::Change;
use crate::domain::dashboard::{Content, Dashboard, DashboardState};
use crate::domain::name::DashboardName;
use crate::domain::spec::DashboardSpec;
use crate::domain::template::TemplateOrigin;
use crate::error::{Error, Result};
use crate::store::json_text::JsonText;
use crate::store::metadata::Metadata;
use crate::store::pool::Transaction;
use crate::store::{Store, audit};

/// Follows a CTE `head` of the row that is written: its revision goes into the history, the oldest go out of it, but those that
/// a share link pins.
/// $1 is the change note, $2 the revision that is repeated, $3 how many revisions are kept.
macro_rules! write_revision {
    () => {
        ", written AS (
    INSERT INTO dashboard_revision (dashboard_id, revision, display_name, description, metadata, spec, spec_sha256,
        spec_size_bytes, spec_value_sha256, panel_titles, metric_names, change_note, author, created_at, restored_from)
    SELECT id, revision, display_name, description, metadata, spec, spec_sha256, spec_size_bytes, spec_value_sha256,
        panel_titles, metric_names, $1, updated_by, updated_at, $2 FROM head
), pruned AS (
    DELETE FROM dashboard_revision AS old USING head
    WHERE old.dashboard_id = head.id AND old.revision <= head.revision - $3
        AND NOT EXISTS (SELECT FROM share_token WHERE dashboard_id = head.id AND pinned_revision = old.revision)
)
SELECT "
    };
}

const INSERT: &str = concat!(
    "-- insert_dashboard
WITH head AS (
    INSERT INTO dashboard (id, project, name, display_name, description, metadata, spec, spec_sha256, spec_size_bytes,
        spec_value_sha256, panel_titles, metric_names, created_by, updated_by, template_name, template_revision,
        template_parameters)
    VALUES ($4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $16, $17, $18, $19)
    ON CONFLICT DO NOTHING
    RETURNING *
)",
    write_revision!(),
    head_columns!(),
    " FROM head"
);

// What is null stays as it is.
const UPDATE: &str = concat!(
    "-- update_dashboard
WITH head AS (
    UPDATE dashboard SET
        display_name = COALESCE($5, display_name), description = COALESCE($6, description), metadata = $7,
        spec = COALESCE($8, spec), spec_sha256 = COALESCE($9, spec_sha256),
        spec_size_bytes = COALESCE($10, spec_size_bytes), spec_value_sha256 = COALESCE($11, spec_value_sha256),
        panel_titles = COALESCE($12, panel_titles), metric_names = COALESCE($13, metric_names),
        state = 'active', deleted_at = NULL, purge_at = NULL,
        revision = revision + 1, generation = generation + 1, updated_by = $14
    WHERE id = $4
    RETURNING *
)",
    write_revision!(),
    head_columns!(),
    " FROM head"
);

const RESTORE: &str = concat!(
    "-- restore_dashboard_revision
WITH head AS (
    UPDATE dashboard SET
        display_name = old.display_name, description = old.description, metadata = old.metadata,
        spec = old.spec, spec_sha256 = old.spec_sha256, spec_size_bytes = old.spec_size_bytes,
        spec_value_sha256 = old.spec_value_sha256, panel_titles = old.panel_titles, metric_names = old.metric_names,
        revision = dashboard.revision + 1, generation = generation + 1, updated_by = $5
    FROM dashboard_revision AS old
    WHERE id = $4 AND dashboard_id = $4 AND old.revision = $2
    RETURNING dashboard.*
)",
    write_revision!(),
    head_columns!(),
    ", spec FROM head"
);

/// The fields that change where there was nothing.
pub(super) const CREATED_PATHS: [&str; 3] = ["spec", "tags", "labels"];

/// The content that a head gets.
#[derive(Debug)]
pub struct NewContent<'a> {
    /// The new document; none where the old one stays.
    pub spec: Option<&'a DashboardSpec>,
    /// The new tags and labels.
    pub metadata: Metadata,
}

impl<'a> From<&'a Content> for NewContent<'a> {
    fn from(content: &'a Content) -> Self {
        Self {
            spec: Some(&content.spec),
            metadata: Metadata {
                tags: content.tags.clone(),
                labels: content.labels.clone(),
            },
        }
    }
}

impl NewContent<'_> {
    /// Whether a reader would see another text, other tags or other labels.
    pub fn differs_in_text(&self, head: &Head) -> bool {
        let other_text = |spec: &DashboardSpec| spec.sha256() != head.dashboard.spec_sha256;
        self.spec.is_some_and(other_text) || self.metadata_differs(&head.dashboard)
    }

    /// Whether the JSON value of the document, the tags or the labels differ.
    pub fn differs_in_value(&self, head: &Head) -> bool {
        let other_value = |spec: &DashboardSpec| spec.canonical_digest() != head.value_sha256;
        self.spec.is_some_and(other_value) || self.metadata_differs(&head.dashboard)
    }

    fn metadata_differs(&self, head: &Dashboard) -> bool {
        self.metadata.tags != head.tags || self.metadata.labels != head.labels
    }
}

/// What the statements of one change have in common.
#[derive(Debug, Clone, Copy)]
pub struct Writer<'a> {
    access: &'a Access,
    pub(super) change_note: &'a str,
    revisions_kept: i32,
}

impl Store {
    /// Prepares to write a change of content.
    pub fn writer<'a>(&self, access: &'a Access, change_note: &'a str) -> Writer<'a> {
        Writer {
            access,
            change_note,
            revisions_kept: self.retention.revisions_kept,
        }
    }
}

impl<'a> Writer<'a> {
    /// Inserts a dashboard, which may come from a template; none when its name is taken. It takes a proof for the project: one
    /// for dashboards that there are reaches no new one.
    pub async fn insert(
        self,
        tx: &Transaction<'_>,
        name: &DashboardName,
        content: &Content,
        origin: Option<&TemplateOrigin>,
    ) -> Result<Option<Dashboard>> {
        if !self.access.reaches_all_of(name.project()) {
            return Err(Error::PermissionDenied);
        }
        let new = NewContent::from(content);
        let spec = &content.spec;
        let terms = spec.search_terms();
        let author = self.author();
        let template = origin.map(|origin| origin.template.to_string());
        let template_revision = origin.map(|origin| origin.template_revision);
        let template_parameters = origin.map(|origin| Json(&origin.parameters));
        let rows = tx
            .query(
                INSERT,
                &[
                    (&self.change_note, Type::TEXT),
                    (&None::<i32>, Type::INT4),
                    (&self.revisions_kept, Type::INT4),
                    (&Uuid::now_v7(), Type::UUID),
                    (&name.project().as_str(), Type::TEXT),
                    (&name.id(), Type::TEXT),
                    (&spec.display_name(), Type::TEXT),
                    (&spec.description(), Type::TEXT),
                    (&new.metadata.json(), Type::JSONB),
                    (&JsonText(spec.text()), Type::JSON),
                    (&spec.sha256().as_bytes(), Type::BYTEA),
                    (&size(spec)?, Type::INT4),
                    (&spec.canonical_digest().as_bytes(), Type::BYTEA),
                    (&terms.panel_titles, Type::TEXT_ARRAY),
                    (&terms.metric_names, Type::TEXT_ARRAY),
                    (&author, Type::TEXT),
                    (&template, Type::TEXT),
                    (&template_revision, Type::INT4),
                    (&template_parameters, Type::JSON),
                ],
            )
            .await?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        let mut dashboard = from_row(row)?;
        self.append_event(tx, None, &dashboard).await?;
        dashboard.spec = Some(spec.text().to_owned());
        Ok(Some(dashboard))
    }

    /// Gives a head new content; a soft-deleted one lives again.
    pub async fn update(self, tx: &Transaction<'_>, head: Head, new: &NewContent<'_>) -> Result<Dashboard> {
        let text = new.spec.map(|spec| JsonText(spec.text()));
        let sha256 = new.spec.map(DashboardSpec::sha256);
        let canonical = new.spec.map(DashboardSpec::canonical_digest);
        let terms = new.spec.map(DashboardSpec::search_terms);
        let rows = tx
            .query(
                UPDATE,
                &[
                    (&self.change_note, Type::TEXT),
                    (&None::<i32>, Type::INT4),
                    (&self.revisions_kept, Type::INT4),
                    (&head.dashboard.uid, Type::UUID),
                    (&new.spec.map(DashboardSpec::display_name), Type::TEXT),
                    (&new.spec.map(DashboardSpec::description), Type::TEXT),
                    (&new.metadata.json(), Type::JSONB),
                    (&text, Type::JSON),
                    (&sha256.as_ref().map(|digest| digest.as_bytes()), Type::BYTEA),
                    (&new.spec.map(size).transpose()?, Type::INT4),
                    (&canonical.as_ref().map(|digest| digest.as_bytes()), Type::BYTEA),
                    (&terms.as_ref().map(|terms| &terms.panel_titles), Type::TEXT_ARRAY),
                    (&terms.as_ref().map(|terms| &terms.metric_names), Type::TEXT_ARRAY),
                    (&self.author(), Type::TEXT),
                ],
            )
            .await?;
        let mut dashboard = written(&rows)?;
        self.append_event(tx, Some(&head.dashboard), &dashboard).await?;
        dashboard.spec = new.spec.map(|spec| spec.text().to_owned()).or(head.dashboard.spec);
        Ok(dashboard)
    }

    /// Makes the content of `revision`, which exists, the head's.
    pub async fn restore(self, tx: &Transaction<'_>, head: &Head, revision: i32) -> Result<Dashboard> {
        let rows = tx
            .query(
                RESTORE,
                &[
                    (&self.change_note, Type::TEXT),
                    (&revision, Type::INT4),
                    (&self.revisions_kept, Type::INT4),
                    (&head.dashboard.uid, Type::UUID),
                    (&self.author(), Type::TEXT),
                ],
            )
            .await?;
        let dashboard = written(&rows)?;
        self.append_event(tx, Some(&head.dashboard), &dashboard).await?;
        Ok(dashboard)
    }

    /// On whose behalf.
    pub fn access(&self) -> &'a Access {
        self.access
    }

    /// The subject of who writes.
    pub(super) fn author(&self) -> &str {
        self.access.caller().subject()
    }

    async fn append_event(self, tx: &Transaction<'_>, before: Option<&Dashboard>, after: &Dashboard) -> Result<()> {
        let change = Change {
            resource: after.name.to_string(),
            project: Some(after.name.project().clone()),
            uid: Some(after.uid),
            before: before.map(version),
            after: Some(version(after)),
            changed_paths: changed_paths(before, after),
            details: Vec::new(),
        };
        audit::append(tx, self.access, &change).await
    }
}

/// Documents are far smaller than 2 GiB.
pub(super) fn size(spec: &DashboardSpec) -> Result<i32> {
    i32::try_from(spec.size_bytes()).map_err(Error::internal)
}

/// The fields that a caller can write, of those that differ.
fn changed_paths(before: Option<&Dashboard>, after: &Dashboard) -> Vec<&'static str> {
    let Some(before) = before else {
        return CREATED_PATHS.to_vec();
    };
    [
        ("spec", before.spec_sha256 != after.spec_sha256),
        ("tags", before.tags != after.tags),
        ("labels", before.labels != after.labels),
        ("state", before.state == DashboardState::Deleted),
    ]
    .into_iter()
    .filter_map(|(path, changed)| changed.then_some(path))
    .collect()
}
