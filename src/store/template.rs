//! The table `dashboard_template`: one file per kind of statement below, the columns and rows here.

mod answer;
mod filter;
mod head;
pub mod install;
mod instantiate;
mod list;
mod read;
mod write;

use postgres_types::Json;
use tokio_postgres::Row;

use super::dashboard::{digest, unreadable};
use super::json_text::JsonColumn;
use crate::domain::name::TemplateName;
use crate::domain::template::{Category, Template};
use crate::error::{Error, Result};

/// The columns of a template without its document, as [`from_row`] reads them.
macro_rules! template_columns {
    () => {
        "id, resource_name, display_name, description, category, parameters, spec_sha256, spec_size_bytes, revision, \
         generation, usage_count, last_used_at, created_by, updated_by, created_at, updated_at"
    };
}
use template_columns;

/// The column of the document, where a statement selects it.
const SPEC: &str = "spec";

/// Reads a template; its document too, where the row has a column of that name.
fn from_row(row: &Row) -> Result<Template> {
    let has_spec = row.columns().iter().any(|column| column.name() == SPEC);
    let spec: Option<JsonColumn> = if has_spec { row.try_get(SPEC)? } else { None };
    let Json(parameters) = row.try_get("parameters")?;
    let name = TemplateName::parse("resource_name", row.try_get("resource_name")?);
    Ok(Template {
        uid: row.try_get("id")?,
        name: name.map_err(unreadable)?,
        display_name: row.try_get("display_name")?,
        description: row.try_get("description")?,
        category: category(row.try_get("category")?)?,
        parameters,
        spec: spec.map(|column| column.0),
        spec_sha256: digest(row, "spec_sha256")?,
        spec_size_bytes: row.try_get("spec_size_bytes")?,
        revision: row.try_get("revision")?,
        generation: row.try_get("generation")?,
        usage_count: row.try_get("usage_count")?,
        last_use_time: row.try_get("last_used_at")?,
        created_by: row.try_get("created_by")?,
        updated_by: row.try_get("updated_by")?,
        create_time: row.try_get("created_at")?,
        update_time: row.try_get("updated_at")?,
    })
}

fn category(text: &str) -> Result<Category> {
    Category::parse(text).ok_or_else(|| Error::internal(format!("unknown category {text:?} in the database")))
}
