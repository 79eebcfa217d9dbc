//! The templates that come with the service.

use scoped_futures::ScopedFutureExt as _;

use super::head;
use super::write::{insert, write};
use crate::access::Access;
use crate::domain::mutation::WriteOptions;
use crate::domain::mutation::template::{Installation, SystemTemplate};
use crate::domain::template::TemplateChange;
use crate::error::{Error, Result};
use crate::store::Store;
use crate::store::mutate::{Answered, Mutation};
use crate::store::pool::Transaction;

impl Store {
    /// Makes a system template be as this release has it, and tells what that took: a new one, a new revision with an audit
    /// event, or nothing. To install it again is harmless, also at the same time.
    ///
    /// # Errors
    /// None of its own.
    pub async fn install_system_template(&self, access: &Access, template: &SystemTemplate) -> Result<Installation> {
        // A request id of its own, as every call: with it a lost COMMIT is looked up.
        let options = WriteOptions::parse("", false)?;
        let mutation = Mutation::new("InstallSystemTemplate", access, &options, template.fingerprint());
        let answered = self
            .mutate(mutation, |tx| install(tx, access, template).scope_boxed())
            .await?;
        match answered {
            Answered::First(installation) | Answered::Repeated(installation) => Ok(installation),
        }
    }
}

async fn install(tx: &Transaction<'_>, access: &Access, template: &SystemTemplate) -> Result<Installation> {
    if !template.name.is_system() {
        return Err(Error::internal(format!("{} is no system template", template.name)));
    }
    let Some(current) = head::find(tx, &template.name).await? else {
        return match insert(tx, access, &template.name, &template.content).await? {
            Some(_) => Ok(Installation::Created),
            // Another server installed it meanwhile: the next try finds it.
            None => Err(Error::SerializationFailure),
        };
    };
    let change = TemplateChange::from(template.content.clone());
    if change.differences(&current).is_empty() {
        return Ok(Installation::Unchanged);
    }
    write(tx, access, current, &change).await?;
    Ok(Installation::Updated)
}
