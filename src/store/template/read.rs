//! Templates by name.

use postgres_types::Type;

use super::head::not_found;
use super::{from_row, template_columns};
use crate::access::Access;
use crate::domain::dashboard::View;
use crate::domain::name::TemplateName;
use crate::domain::template::Template;
use crate::error::Result;
use crate::store::Store;
use crate::store::pool::Transaction;

const GET_TEMPLATE: &str = concat!(
    "-- get_template\nSELECT ",
    template_columns!(),
    ", CASE WHEN $2 THEN spec END AS spec FROM dashboard_template WHERE resource_name = $1"
);

impl Store {
    /// Reads a template.
    ///
    /// # Errors
    /// `TEMPLATE_NOT_FOUND`.
    pub async fn get_template(&self, _access: &Access, name: &TemplateName, view: View) -> Result<Template> {
        let (resource_name, with_spec) = (name.to_string(), view.with_spec());
        let rows = self
            .read(GET_TEMPLATE, &[(&resource_name, Type::TEXT), (&with_spec, Type::BOOL)])
            .await?;
        let row = rows.first().ok_or_else(|| not_found(name))?;
        from_row(row)
    }
}

/// Reads a template with its document in a transaction, without a lock: it may change or go as soon as it is read.
pub async fn read(tx: &Transaction<'_>, name: &TemplateName) -> Result<Template> {
    let resource_name = name.to_string();
    let rows = tx
        .query(GET_TEMPLATE, &[(&resource_name, Type::TEXT), (&true, Type::BOOL)])
        .await?;
    let row = rows.first().ok_or_else(|| not_found(name))?;
    from_row(row)
}
