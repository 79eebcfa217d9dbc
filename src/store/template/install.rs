//! The templates that come with the service.

use postgres_types::Type;

use super::head;
use super::write::{insert, write};
use crate::access::Access;
use crate::domain::template::{SystemTemplate, TemplateChange};
use crate::error::{Error, Result};
use crate::store::pool::Transaction;

const FIND_VERSION: &str = "-- find_system_template_version
SELECT system_version FROM dashboard_template WHERE resource_name = $1";

/// Installs a system template, with its audit event, unless it is there in this version or a later one; gives whether it did.
///
/// The version alone decides. So when servers of two releases run beside each other, the newer one is not undone, and the
/// older one has nothing to do.
pub async fn install_newer(tx: &Transaction<'_>, access: &Access, template: &SystemTemplate) -> Result<bool> {
    let SystemTemplate { name, version, content } = template;
    match installed_version(tx, template).await? {
        None => {
            let inserted = insert(tx, access, name, content, Some(*version)).await?;
            Ok(inserted.is_some())
        }
        Some(installed) if installed >= *version => Ok(false),
        Some(_) => {
            let current = head::find(tx, name).await?;
            let outdated =
                current.ok_or_else(|| Error::internal(format!("{name} is gone, and nobody can delete it")))?;
            let change = TemplateChange::from(content.clone());
            write(tx, access, outdated, &change, Some(*version)).await?;
            Ok(true)
        }
    }
}

async fn installed_version(tx: &Transaction<'_>, template: &SystemTemplate) -> Result<Option<i32>> {
    let resource_name = template.name.to_string();
    let rows = tx.query(FIND_VERSION, &[(&resource_name, Type::TEXT)]).await?;
    Ok(rows.first().map(|row| row.try_get(0)).transpose()?)
}
