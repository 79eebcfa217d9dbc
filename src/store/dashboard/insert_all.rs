//! New dashboards, several with their first revisions in one statement.

use postgres_types::{Json, Type};
use uuid::Uuid;

use super::import::AuthorisedItem;
use super::write::{CREATED_PATHS, Writer, size};
use crate::domain::audit_event::{Change, Version};
use crate::domain::import::ImportItem;
use crate::domain::spec::search_terms::SearchTerms;
use crate::error::{Error, Result};
use crate::store::audit;
use crate::store::json_text::JsonText;
use crate::store::metadata::Metadata;
use crate::store::pool::Transaction;

/// The number that revisions begin with.
pub(super) const FIRST_REVISION: i32 = 1;

// As `insert_dashboard`, with nothing to prune. Rows go in in the order of the arrays. An array of arrays would need them to be of one
// length, so titles and metrics come as JSON.
const INSERT_ALL: &str = "-- insert_dashboards
WITH head AS (
    INSERT INTO dashboard (created_by, updated_by, id, project, name, display_name, description, metadata, spec, spec_sha256,
        spec_size_bytes, spec_value_sha256, panel_titles, metric_names)
    SELECT $2, $2, id, project, name, display_name, description, metadata, spec, spec_sha256, spec_size_bytes,
        spec_value_sha256, ARRAY(SELECT jsonb_array_elements_text(titles)), ARRAY(SELECT jsonb_array_elements_text(metrics))
    FROM unnest($3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
        AS new (id, project, name, display_name, description, metadata, spec, spec_sha256, spec_size_bytes,
            spec_value_sha256, titles, metrics)
    ON CONFLICT DO NOTHING
    RETURNING *
), written AS (
    INSERT INTO dashboard_revision (dashboard_id, revision, display_name, description, metadata, spec, spec_sha256,
        spec_size_bytes, spec_value_sha256, panel_titles, metric_names, change_note, author, created_at)
    SELECT id, revision, display_name, description, metadata, spec, spec_sha256, spec_size_bytes, spec_value_sha256,
        panel_titles, metric_names, $1, updated_by, updated_at FROM head
)
SELECT FROM head";

impl Writer<'_> {
    /// Inserts dashboards whose names are free, in the order of `items`; the uid of each. All of them are of this writer's caller.
    ///
    /// # Errors
    /// [`Error::SerializationFailure`] where somebody else took one of the names meanwhile.
    pub(super) async fn insert_all(self, tx: &Transaction<'_>, items: &[&AuthorisedItem]) -> Result<Vec<Uuid>> {
        if items
            .iter()
            .any(|(access, item)| !access.reaches_all_of(item.name.project()))
        {
            return Err(Error::PermissionDenied);
        }
        let dashboards: Vec<&ImportItem> = items.iter().map(|(_, item)| item).collect();
        let uids: Vec<Uuid> = dashboards.iter().map(|_| Uuid::now_v7()).collect();
        if self.insert_rows(tx, &uids, &dashboards).await? != dashboards.len() {
            return Err(Error::SerializationFailure);
        }
        let created = uids.iter().zip(&dashboards);
        let changes: Vec<Change> = created.map(|(uid, item)| creation(*uid, item)).collect();
        audit::append_all(tx, self.access(), &changes).await?;
        Ok(uids)
    }

    /// How many of the names were free.
    async fn insert_rows(self, tx: &Transaction<'_>, uids: &[Uuid], items: &[&ImportItem]) -> Result<usize> {
        let metadata = items.iter().map(|item| Metadata {
            tags: item.content.tags.clone(),
            labels: item.content.labels.clone(),
        });
        let terms: Vec<SearchTerms> = each(items, |item| item.content.spec.search_terms());
        let sizes = items.iter().map(|item| size(&item.content.spec));
        let rows = tx
            .query(
                INSERT_ALL,
                &[
                    (&self.change_note, Type::TEXT),
                    (&self.author(), Type::TEXT),
                    (&uids, Type::UUID_ARRAY),
                    (&each(items, |item| item.name.project().as_str()), Type::TEXT_ARRAY),
                    (&each(items, |item| item.name.id()), Type::TEXT_ARRAY),
                    (&each(items, |item| item.content.spec.display_name()), Type::TEXT_ARRAY),
                    (&each(items, |item| item.content.spec.description()), Type::TEXT_ARRAY),
                    (&metadata.map(Json).collect::<Vec<_>>(), Type::JSONB_ARRAY),
                    (
                        &each(items, |item| JsonText(item.content.spec.text())),
                        Type::JSON_ARRAY,
                    ),
                    (
                        &each(items, |item| item.content.spec.sha256().as_bytes().to_vec()),
                        Type::BYTEA_ARRAY,
                    ),
                    (&sizes.collect::<Result<Vec<i32>>>()?, Type::INT4_ARRAY),
                    (
                        &each(items, |item| item.content.spec.canonical_digest().as_bytes().to_vec()),
                        Type::BYTEA_ARRAY,
                    ),
                    (&each(&terms, |of_one| Json(&of_one.panel_titles)), Type::JSONB_ARRAY),
                    (&each(&terms, |of_one| Json(&of_one.metric_names)), Type::JSONB_ARRAY),
                ],
            )
            .await?;
        Ok(rows.len())
    }
}

/// One column of an array parameter.
fn each<'a, T, C>(things: &'a [T], column: impl Fn(&'a T) -> C) -> Vec<C> {
    things.iter().map(column).collect()
}

fn creation(uid: Uuid, item: &ImportItem) -> Change {
    Change {
        resource: item.name.to_string(),
        project: Some(item.name.project().clone()),
        uid: Some(uid),
        before: None,
        after: Some(Version {
            revision: FIRST_REVISION,
            sha256: item.content.spec.sha256(),
        }),
        changed_paths: CREATED_PATHS.to_vec(),
        details: Vec::new(),
    }
}
