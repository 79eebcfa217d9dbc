//! The table `dashboard`: one file per kind of statement below, the columns and rows here.

pub mod answer;
mod apply;
pub mod create;
mod export;
mod filter;
pub mod head;
mod import;
mod insert_all;
pub(super) mod lifecycle;
mod list;
mod read;
mod search;
mod update;
mod write;

pub use export::DashboardExport;
pub use import::AuthorisedItem;
use postgres_types::{Json, Type};
use tokio_postgres::Row;
use uuid::Uuid;

use super::json_text::JsonColumn;
use super::metadata::Metadata;
use super::statement::Statement;
use crate::access::{Access, Reach, Scope};
use crate::domain::dashboard::{Dashboard, DashboardState, View};
use crate::domain::digest::Digest;
use crate::domain::name::{DashboardName, ProjectId, TemplateName};
use crate::domain::template::TemplateOrigin;
use crate::domain::violation::Violation;
use crate::error::{Error, Result};

/// The columns of a head without its document, as [`from_row`] reads them.
macro_rules! head_columns {
    () => {
        "id, project, name, display_name, description, metadata, spec_sha256, spec_size_bytes, state, revision, \
         generation, created_by, updated_by, created_at, updated_at, deleted_at, purge_at, template_name, \
         template_revision, template_parameters"
    };
}
pub(super) use head_columns;

/// How many bytes a head takes in an answer, about: names and metadata are as long as their writer wanted.
macro_rules! basic_bytes {
    () => {
        "octet_length(display_name) + octet_length(description) + octet_length(metadata::text) \
         + COALESCE(octet_length(template_parameters::text), 0) + 512"
    };
}
pub(super) use basic_bytes;

/// The same with its document, where the view has it.
fn answer_bytes(view: View) -> &'static str {
    match view {
        View::Basic => basic_bytes!(),
        View::Full => concat!(basic_bytes!(), " + spec_size_bytes"),
    }
}

/// Leaves of the rows of `dashboard` those that are in the scope, as far as the proof reaches.
pub(super) fn push_scope(sql: &mut Statement, access: &Access) {
    match access.scope() {
        Scope::Project(project) => {
            sql.push(" AND project = ")
                .bind(project.as_str().to_owned(), Type::TEXT);
        }
        Scope::AllProjects => {}
        // Nobody lists the dashboards of such a scope: it holds none, or one that is read by its name.
        Scope::Dashboard(_) | Scope::User(_) | Scope::Platform => {
            sql.push(" AND false");
        }
    }
    if let Reach::Parts { projects, dashboards } = access.reach() {
        push_parts(sql, projects, dashboards);
    }
}

/// One condition for each kind that there is: with `project = ` the index of a project's order can be followed.
fn push_parts(sql: &mut Statement, projects: &[ProjectId], dashboards: &[Uuid]) {
    let ids: Vec<String> = projects.iter().map(|project| project.as_str().to_owned()).collect();
    match (ids.as_slice(), dashboards) {
        ([], []) => sql.push(" AND false"),
        ([], uids) => sql
            .push(" AND id = ANY (")
            .bind(uids.to_vec(), Type::UUID_ARRAY)
            .push(")"),
        ([project], []) => sql.push(" AND project = ").bind(project.clone(), Type::TEXT),
        (_, []) => sql.push(" AND project = ANY (").bind(ids, Type::TEXT_ARRAY).push(")"),
        (_, uids) => sql
            .push(" AND (project = ANY (")
            .bind(ids, Type::TEXT_ARRAY)
            .push(") OR id = ANY (")
            .bind(uids.to_vec(), Type::UUID_ARRAY)
            .push("))"),
    };
}

/// The column of the document, where a statement selects it.
const SPEC: &str = "spec";

/// Reads a head; its document too, where the row has a column of that name.
pub(super) fn from_row(row: &Row) -> Result<Dashboard> {
    let Json(Metadata { tags, labels }) = row.try_get("metadata")?;
    let has_spec = row.columns().iter().any(|column| column.name() == SPEC);
    let spec: Option<JsonColumn> = if has_spec { row.try_get(SPEC)? } else { None };
    Ok(Dashboard {
        uid: row.try_get("id")?,
        name: name(row)?,
        display_name: row.try_get("display_name")?,
        description: row.try_get("description")?,
        tags,
        labels,
        spec: spec.map(|column| column.0),
        spec_sha256: digest(row, "spec_sha256")?,
        spec_size_bytes: row.try_get("spec_size_bytes")?,
        state: state(row.try_get("state")?)?,
        template_origin: template_origin(row)?,
        revision: row.try_get("revision")?,
        generation: row.try_get("generation")?,
        created_by: row.try_get("created_by")?,
        updated_by: row.try_get("updated_by")?,
        create_time: row.try_get("created_at")?,
        update_time: row.try_get("updated_at")?,
        delete_time: row.try_get("deleted_at")?,
        purge_time: row.try_get("purge_at")?,
    })
}

fn template_origin(row: &Row) -> Result<Option<TemplateOrigin>> {
    let Some(name) = row.try_get::<_, Option<&str>>("template_name")? else {
        return Ok(None);
    };
    let Json(parameters) = row.try_get("template_parameters")?;
    Ok(Some(TemplateOrigin {
        template: TemplateName::parse("template_name", name).map_err(unreadable)?,
        template_revision: row.try_get("template_revision")?,
        parameters,
    }))
}

/// Reads the name of a dashboard from its two columns.
pub fn name(row: &Row) -> Result<DashboardName> {
    let project = ProjectId::parse("project", row.try_get("project")?).map_err(unreadable)?;
    DashboardName::new(project, "name", row.try_get("name")?).map_err(unreadable)
}

/// Reads a column that holds a SHA-256.
pub fn digest(row: &Row, column: &str) -> Result<Digest> {
    let bytes: &[u8] = row.try_get(column)?;
    let sized = <[u8; 32]>::try_from(bytes).map_err(Error::internal)?;
    Ok(sized.into())
}

fn state(text: &str) -> Result<DashboardState> {
    match text {
        "active" => Ok(DashboardState::Active),
        "deleted" => Ok(DashboardState::Deleted),
        other => Err(Error::internal(format!("unknown state {other:?} in the database"))),
    }
}

/// The database's checks let no such name in.
pub fn unreadable(violation: Violation) -> Error {
    Error::internal(format!(
        "{} in the database: {}",
        violation.field, violation.description
    ))
}
