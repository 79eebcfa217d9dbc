//! The templates that come with this release.

use super::{Batch, Run};
use crate::access::{Permission, Scope};
use crate::domain::template::SystemTemplate;
use crate::error::Result;
use crate::store::pool::Transaction;
use crate::store::template::install::install_newer;

/// What stands in audit events in place of an RPC: there is none.
const METHOD: &str = "InstallSystemTemplate";

/// Installs those that are not there in this version or a later one, all in one batch: there are few.
pub(super) async fn install(tx: &Transaction<'_>, run: Run) -> Result<Batch> {
    let access = run.access(METHOD, Permission::TemplatesInstall, Scope::Platform);
    let mut installed = 0;
    for template in &SystemTemplate::all()? {
        installed += u64::from(install_newer(tx, &access, template).await?);
    }
    Ok(Batch {
        rows: installed,
        next: None,
    })
}
