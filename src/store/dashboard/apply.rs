//! ApplyDashboard.

use super::create::taken_by;
use super::head::{self, Head, missing, require_version};
use super::lifecycle::revive;
use super::write::{NewContent, Writer};
use scoped_futures::ScopedFutureExt as _;

use crate::access::Access;
use crate::domain::dashboard::{Dashboard, DashboardState, View};
use crate::domain::mutation::{ApplyDashboard, ApplyOutcome};
use crate::error::{Error, Result};
use crate::store::Store;
use crate::store::mutate::{Answered, Mutation};
use crate::store::pool::Transaction;

impl Store {
    /// Makes a dashboard be as given, and tells what that took. Where the JSON value of the document, the tags and the
    /// labels are equal already, the stored text stays.
    ///
    /// # Errors
    /// `DASHBOARD_NOT_FOUND` and `ETAG_MISMATCH` when a version was asked for; `DASHBOARD_EXISTS_IN_OTHER_CASE`.
    pub async fn apply_dashboard(&self, access: &Access, apply: ApplyDashboard) -> Result<(Dashboard, ApplyOutcome)> {
        let mutation = Mutation::new("ApplyDashboard", access, &apply.options, apply.fingerprint());
        let request = &apply;
        let answered = self
            .mutate(mutation, |tx| {
                async move {
                    let writer = self.writer(access, request.change_note.as_str());
                    match head::lock_any_case(tx, access, &request.name, View::Full).await? {
                        Some(head) => apply_to(tx, writer, head, request).await,
                        None => apply_to_nothing(tx, writer, request).await,
                    }
                }
                .scope_boxed()
            })
            .await?;
        match answered {
            Answered::First(answer) => Ok(answer),
            Answered::Repeated((kept, outcome)) => Ok((self.restored(kept).await?, outcome)),
        }
    }
}

async fn apply_to(
    tx: &Transaction<'_>,
    writer: Writer<'_>,
    head: Head,
    apply: &ApplyDashboard,
) -> Result<(Dashboard, ApplyOutcome)> {
    let found = &head.dashboard;
    if found.name != apply.name {
        return Err(taken_by(&apply.name, found.name.id(), found.state));
    }
    if let Some(etag) = &apply.etag {
        require_version(found, etag)?;
    }
    make_equal(tx, writer, head, &NewContent::from(&apply.content)).await
}

/// Gives a head the content `new` where it has another, and undeletes it.
pub(super) async fn make_equal(
    tx: &Transaction<'_>,
    writer: Writer<'_>,
    head: Head,
    new: &NewContent<'_>,
) -> Result<(Dashboard, ApplyOutcome)> {
    let differs = new.differs_in_value(&head);
    match (head.dashboard.state, differs) {
        (DashboardState::Active, false) => Ok((head.dashboard, ApplyOutcome::Unchanged)),
        (DashboardState::Active, true) => Ok((writer.update(tx, head, new).await?, ApplyOutcome::Updated)),
        (DashboardState::Deleted, true) => Ok((writer.update(tx, head, new).await?, ApplyOutcome::Restored)),
        (DashboardState::Deleted, false) => Ok((
            revive(tx, writer.access(), head.dashboard).await?,
            ApplyOutcome::Restored,
        )),
    }
}

async fn apply_to_nothing(
    tx: &Transaction<'_>,
    writer: Writer<'_>,
    apply: &ApplyDashboard,
) -> Result<(Dashboard, ApplyOutcome)> {
    if apply.etag.is_some() {
        return Err(missing(writer.access(), &apply.name));
    }
    match writer.insert(tx, &apply.name, &apply.content, None).await? {
        Some(dashboard) => Ok((dashboard, ApplyOutcome::Created)),
        // Somebody else created it meanwhile: the next try finds it.
        None => Err(Error::SerializationFailure),
    }
}
