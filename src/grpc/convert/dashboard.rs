//! Dashboards and revisions, presented.

use std::collections::HashMap;

use crate::domain::dashboard::{Dashboard, DashboardState};
use crate::domain::labels::Labels;
use crate::domain::revision::DashboardRevision;
use crate::grpc::proto;

use super::spec::{SpecFormat, SpecPresenter};
use super::time::timestamp;

/// Presents the dashboards of one answer.
pub fn present_dashboards(dashboards: Vec<Dashboard>, format: SpecFormat) -> Vec<proto::Dashboard> {
    let texts = dashboards.iter().filter_map(|dashboard| dashboard.spec.as_ref());
    let mut specs = SpecPresenter::new(format, texts);
    let presented = dashboards.into_iter().map(|each| dashboard_message(each, &mut specs));
    presented.collect()
}

/// Presents the only dashboard of an answer.
pub fn present_dashboard(dashboard: Dashboard, format: SpecFormat) -> proto::Dashboard {
    let mut specs = SpecPresenter::new(format, dashboard.spec.iter());
    dashboard_message(dashboard, &mut specs)
}

/// Presents a dashboard that a mutation left; its document comes as JSON text.
pub fn present_written(dashboard: Dashboard) -> proto::Dashboard {
    present_dashboard(dashboard, SpecFormat::Json)
}

fn dashboard_message(dashboard: Dashboard, specs: &mut SpecPresenter) -> proto::Dashboard {
    let etag = dashboard.etag().to_string();
    let state = match dashboard.state {
        DashboardState::Active => proto::DashboardState::Active,
        DashboardState::Deleted => proto::DashboardState::Deleted,
    };
    proto::Dashboard {
        name: dashboard.name.to_string(),
        uid: dashboard.uid.to_string(),
        display_name: dashboard.display_name,
        description: dashboard.description,
        tags: dashboard.tags.as_slice().to_vec(),
        labels: present_labels(&dashboard.labels),
        spec: dashboard.spec.map(|text| specs.present(text)),
        spec_sha256: dashboard.spec_sha256.to_string(),
        spec_size_bytes: dashboard.spec_size_bytes,
        state: state.into(),
        revision: dashboard.revision,
        created_by: dashboard.created_by,
        updated_by: dashboard.updated_by,
        create_time: Some(timestamp(dashboard.create_time)),
        update_time: Some(timestamp(dashboard.update_time)),
        delete_time: dashboard.delete_time.map(timestamp),
        purge_time: dashboard.purge_time.map(timestamp),
        etag,
    }
}

/// Presents the revisions of one answer.
pub fn present_revisions(revisions: Vec<DashboardRevision>, format: SpecFormat) -> Vec<proto::DashboardRevision> {
    let texts = revisions.iter().filter_map(|revision| revision.spec.as_ref());
    let mut specs = SpecPresenter::new(format, texts);
    let presented = revisions.into_iter().map(|each| revision_message(each, &mut specs));
    presented.collect()
}

/// Presents the only revision of an answer.
pub fn present_revision(revision: DashboardRevision, format: SpecFormat) -> proto::DashboardRevision {
    let mut specs = SpecPresenter::new(format, revision.spec.iter());
    revision_message(revision, &mut specs)
}

fn revision_message(revision: DashboardRevision, specs: &mut SpecPresenter) -> proto::DashboardRevision {
    proto::DashboardRevision {
        revision: revision.name.revision,
        name: revision.name.to_string(),
        spec: revision.spec.map(|text| specs.present(text)),
        tags: revision.tags.as_slice().to_vec(),
        labels: present_labels(&revision.labels),
        spec_sha256: revision.spec_sha256.to_string(),
        spec_size_bytes: revision.spec_size_bytes,
        change_note: revision.change_note,
        author: revision.author,
        create_time: Some(timestamp(revision.create_time)),
        restored_from: revision.restored_from.unwrap_or_default(),
    }
}

fn present_labels(labels: &Labels) -> HashMap<String, String> {
    labels.as_map().clone().into_iter().collect()
}
