//! CreateTemplate, UpdateTemplate, DeleteTemplate.

use postgres_types::{Json, Type};
use scoped_futures::ScopedFutureExt as _;
use uuid::Uuid;

use super::head::{self, change};
use super::{from_row, template_columns};
use crate::access::Access;
use crate::domain::mutation::template::{CreateTemplate, DeleteTemplate, UpdateTemplate};
use crate::domain::name::{ProjectId, TemplateName};
use crate::domain::reason::Reason;
use crate::domain::template::{Category, Summary, Template, TemplateChange, TemplateContent, TemplateDocument};
use crate::error::{Error, Result};
use crate::store::json_text::JsonText;
use crate::store::mutate::Mutation;
use crate::store::pool::Transaction;
use crate::store::{Store, audit};

const INSERT_TEMPLATE: &str = concat!(
    "-- insert_template
INSERT INTO dashboard_template (id, project, name, display_name, description, category, parameters, spec, spec_sha256,
    spec_size_bytes, created_by, updated_by, system_version)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $12)
ON CONFLICT DO NOTHING
RETURNING ",
    template_columns!()
);

// What is null stays as it is.
const UPDATE_TEMPLATE: &str = concat!(
    "-- update_template
UPDATE dashboard_template SET
    display_name = COALESCE($2, display_name), description = COALESCE($3, description),
    category = COALESCE($4, category), parameters = COALESCE($5, parameters), spec = COALESCE($6, spec),
    spec_sha256 = COALESCE($7, spec_sha256), spec_size_bytes = COALESCE($8, spec_size_bytes),
    revision = revision + 1, generation = generation + 1, updated_by = $9,
    system_version = COALESCE($10, system_version)
WHERE id = $1
RETURNING ",
    template_columns!()
);

const DELETE_TEMPLATE: &str = "-- delete_template
DELETE FROM dashboard_template WHERE id = $1";

/// All fields that a caller can write, by their names in the API.
const ALL_FIELDS: [&str; 5] = ["display_name", "description", "category", "parameters", "spec"];

impl Store {
    /// Creates a template.
    ///
    /// # Errors
    /// `TEMPLATE_EXISTS` when the name is taken.
    pub async fn create_template(&self, access: &Access, create: CreateTemplate) -> Result<Template> {
        let mutation = Mutation::new("CreateTemplate", access, &create.options, create.fingerprint());
        let request = &create;
        let answered = self
            .mutate(mutation, |tx| {
                async move {
                    let inserted = insert(tx, access, &request.name, &request.content, None).await?;
                    inserted.ok_or_else(|| exists(&request.name))
                }
                .scope_boxed()
            })
            .await?;
        self.completed_template(answered).await
    }

    /// Changes a template; a change that changes nothing writes nothing.
    ///
    /// # Errors
    /// `TEMPLATE_NOT_FOUND`, `TEMPLATE_READ_ONLY`, `ETAG_MISMATCH`, and what is wrong where new and old parts do not fit
    /// together.
    pub async fn update_template(&self, access: &Access, update: UpdateTemplate) -> Result<Template> {
        let mutation = Mutation::new("UpdateTemplate", access, &update.options, update.fingerprint());
        let request = &update;
        let answered = self
            .mutate(mutation, |tx| {
                async move {
                    let current = head::lock(tx, &request.name, &request.etag).await?;
                    let spec = current.spec.as_deref().unwrap_or_default();
                    request.change.check(&current, spec, &request.limits)?;
                    match request.change.differences(&current) {
                        same if same.is_empty() => Ok(current),
                        _ => write(tx, access, current, &request.change, None).await,
                    }
                }
                .scope_boxed()
            })
            .await?;
        self.completed_template(answered).await
    }

    /// Deletes a template for good; the dashboards that came from it stay, and say so.
    ///
    /// # Errors
    /// `TEMPLATE_NOT_FOUND`, `TEMPLATE_READ_ONLY`, `ETAG_MISMATCH`.
    pub async fn delete_template(&self, access: &Access, delete: DeleteTemplate) -> Result<()> {
        let mutation = Mutation::new("DeleteTemplate", access, &delete.options, delete.fingerprint());
        let request = &delete;
        self.mutate(mutation, |tx| {
            async move {
                let current = head::lock(tx, &request.name, &request.etag).await?;
                tx.execute(DELETE_TEMPLATE, &[(&current.uid, Type::UUID)]).await?;
                let deletion = change(Some(&current), None, ALL_FIELDS.into())?;
                audit::append(tx, access, &deletion).await
            }
            .scope_boxed()
        })
        .await?;
        Ok(())
    }
}

/// Inserts a template with its audit event; none when its name is taken. A system template has a version.
pub async fn insert(
    tx: &Transaction<'_>,
    access: &Access,
    name: &TemplateName,
    content: &TemplateContent,
    system_version: Option<i32>,
) -> Result<Option<Template>> {
    let document = &content.document;
    let rows = tx
        .query(
            INSERT_TEMPLATE,
            &[
                (&Uuid::now_v7(), Type::UUID),
                (&name.project().map(ProjectId::as_str), Type::TEXT),
                (&name.id(), Type::TEXT),
                (&content.display_name.as_str(), Type::TEXT),
                (&content.description.as_str(), Type::TEXT),
                (&content.category.as_str(), Type::TEXT),
                (&Json(&content.parameters), Type::JSON),
                (&JsonText(document.text()), Type::JSON),
                (&document.sha256().as_bytes(), Type::BYTEA),
                (&size(document)?, Type::INT4),
                (&access.caller().subject(), Type::TEXT),
                (&system_version, Type::INT4),
            ],
        )
        .await?;
    let Some(row) = rows.first() else {
        return Ok(None);
    };
    let mut template = from_row(row)?;
    audit::append(tx, access, &change(None, Some(&template), ALL_FIELDS.into())?).await?;
    template.spec = Some(document.text().to_owned());
    Ok(Some(template))
}

/// Writes a new revision of a template that was locked, with its audit event. One of a system template has a new version.
pub async fn write(
    tx: &Transaction<'_>,
    access: &Access,
    current: Template,
    new: &TemplateChange,
    system_version: Option<i32>,
) -> Result<Template> {
    let document = new.document.as_ref();
    let sha256 = document.map(TemplateDocument::sha256);
    let rows = tx
        .query(
            UPDATE_TEMPLATE,
            &[
                (&current.uid, Type::UUID),
                (&new.display_name.as_ref().map(Summary::as_str), Type::TEXT),
                (&new.description.as_ref().map(Summary::as_str), Type::TEXT),
                (&new.category.map(Category::as_str), Type::TEXT),
                (&new.parameters.as_ref().map(Json), Type::JSON),
                (&document.map(|document| JsonText(document.text())), Type::JSON),
                (&sha256.as_ref().map(|digest| digest.as_bytes()), Type::BYTEA),
                (&document.map(size).transpose()?, Type::INT4),
                (&access.caller().subject(), Type::TEXT),
                (&system_version, Type::INT4),
            ],
        )
        .await?;
    let row = rows.first().ok_or_else(|| Error::internal("a locked row is gone"))?;
    let mut template = from_row(row)?;
    let changed_paths = new.differences(&current);
    audit::append(tx, access, &change(Some(&current), Some(&template), changed_paths)?).await?;
    template.spec = document.map(|document| document.text().to_owned()).or(current.spec);
    Ok(template)
}

/// Documents are far smaller than 2 GiB.
fn size(document: &TemplateDocument) -> Result<i32> {
    i32::try_from(document.text().len()).map_err(Error::internal)
}

fn exists(name: &TemplateName) -> Error {
    Error::AlreadyExists {
        reason: Reason::TemplateExists,
        name: name.to_string(),
        description: format!("{name} exists"),
    }
}
