//! A template under its lock: what every mutation of an existing one begins with.

use postgres_types::Type;

use super::{from_row, template_columns};
use crate::domain::audit_event::{Change, Version};
use crate::domain::etag::EtagCondition;
use crate::domain::name::TemplateName;
use crate::domain::reason::Reason;
use crate::domain::template::Template;
use crate::error::{CurrentVersion, Error, Result};
use crate::store::pool::Transaction;

const LOCK_TEMPLATE: &str = concat!(
    "-- lock_template\nSELECT ",
    template_columns!(),
    ", spec FROM dashboard_template WHERE resource_name = $1 FOR UPDATE"
);

/// Locks the template of this name, if there is one.
pub async fn find(tx: &Transaction<'_>, name: &TemplateName) -> Result<Option<Template>> {
    let resource_name = name.to_string();
    let rows = tx.query(LOCK_TEMPLATE, &[(&resource_name, Type::TEXT)]).await?;
    rows.first().map(from_row).transpose()
}

/// Locks the template of this name for a change by a caller: it exists, belongs to a project, and is the version that the
/// caller has seen.
pub async fn lock(tx: &Transaction<'_>, name: &TemplateName, condition: &EtagCondition) -> Result<Template> {
    let template = find(tx, name).await?.ok_or_else(|| not_found(name))?;
    if name.is_system() {
        return Err(Error::FailedPrecondition {
            reason: Reason::TemplateReadOnly,
            name: name.to_string(),
            description: format!("{name} comes with the service and can't be changed: create one of your own from it"),
        });
    }
    if condition.admits(&template.etag()) {
        return Ok(template);
    }
    Err(Error::EtagMismatch {
        name: name.to_string(),
        current: Some(CurrentVersion {
            revision: template.revision,
            author: template.updated_by,
            time: template.update_time,
        }),
    })
}

/// The error for a template that does not exist.
pub fn not_found(name: &TemplateName) -> Error {
    Error::NotFound {
        reason: Reason::TemplateNotFound,
        name: name.to_string(),
    }
}

/// The change from `before` to `after`, of which at least one is there, for the audit event.
pub fn change(before: Option<&Template>, after: Option<&Template>, changed_paths: Vec<&'static str>) -> Result<Change> {
    let version = |template: &Template| Version {
        revision: template.revision,
        sha256: template.spec_sha256,
    };
    let either = after.or(before);
    let template = either.ok_or_else(|| Error::internal("a change of no template"))?;
    Ok(Change {
        resource: template.name.to_string(),
        project: template.name.project().cloned(),
        uid: Some(template.uid),
        before: before.map(version),
        after: after.map(version),
        changed_paths,
        details: Vec::new(),
    })
}
