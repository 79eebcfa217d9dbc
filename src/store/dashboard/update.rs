//! UpdateDashboard.

use super::head::{self, Head, require_active, require_version};
use super::write::NewContent;
use scoped_futures::ScopedFutureExt as _;

use crate::access::Access;
use crate::domain::dashboard::{ContentChange, Dashboard, View};
use crate::domain::mutation::UpdateDashboard;
use crate::error::Result;
use crate::store::Store;
use crate::store::metadata::Metadata;
use crate::store::mutate::Mutation;

impl Store {
    /// Changes a dashboard; a change that changes nothing writes nothing.
    ///
    /// # Errors
    /// `DASHBOARD_NOT_FOUND`, `DASHBOARD_DELETED`, `ETAG_MISMATCH`, or too many labels.
    pub async fn update_dashboard(&self, access: &Access, update: UpdateDashboard) -> Result<Dashboard> {
        let mutation = Mutation::new("UpdateDashboard", access, &update.options, update.fingerprint());
        let request = &update;
        let answered = self
            .mutate(mutation, |tx| {
                async move {
                    let head = head::lock(tx, access, &request.name, stored_document(&request.change)).await?;
                    require_active(&head.dashboard)?;
                    require_version(&head.dashboard, &request.etag)?;
                    let new = updated(&head, &request.change)?;
                    if !new.differs_in_text(&head) {
                        return Ok(unchanged(head, &request.change));
                    }
                    let writer = self.writer(access, request.change_note.as_str());
                    writer.update(tx, head, &new).await
                }
                .scope_boxed()
            })
            .await?;
        self.completed(answered).await
    }
}

/// Whether the answer needs the document that is stored: not where the caller sent a new one.
fn stored_document(change: &ContentChange) -> View {
    match change.spec {
        Some(_) => View::Basic,
        None => View::Full,
    }
}

/// The content of `head` after `change`.
fn updated<'a>(head: &Head, change: &'a ContentChange) -> Result<NewContent<'a>> {
    let current = &head.dashboard;
    let labels = change.labels.as_ref().map(|labels| labels.apply(&current.labels));
    Ok(NewContent {
        spec: change.spec.as_ref(),
        metadata: Metadata {
            tags: change.tags.as_ref().unwrap_or(&current.tags).clone(),
            labels: labels.transpose()?.unwrap_or_else(|| current.labels.clone()),
        },
    })
}

/// The answer to a change that changed nothing: a document that was sent is the one that is stored.
fn unchanged(head: Head, change: &ContentChange) -> Dashboard {
    let sent = change.spec.as_ref().map(|spec| spec.text().to_owned());
    let mut dashboard = head.dashboard;
    dashboard.spec = sent.or(dashboard.spec);
    dashboard
}
