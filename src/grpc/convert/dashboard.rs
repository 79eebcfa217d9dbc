//! Dashboards and revisions, presented.

use std::collections::HashMap;
use std::slice;

use crate::domain::dashboard::{Dashboard, DashboardState};
use crate::domain::labels::Labels;
use crate::domain::revision::DashboardRevision;
use crate::grpc::proto;

use super::spec::{SpecFormat, json_spec, present_specs};
use super::template::present_origin;
use super::time::timestamp;

/// Presents the dashboards of one answer.
pub fn present_dashboards(dashboards: Vec<Dashboard>, format: SpecFormat) -> Vec<proto::Dashboard> {
    let mut presented: Vec<_> = dashboards.into_iter().map(present_written).collect();
    present_specs(&mut presented, format, |message| &mut message.spec);
    presented
}

/// Presents the only dashboard of an answer.
pub fn present_dashboard(dashboard: Dashboard, format: SpecFormat) -> proto::Dashboard {
    let mut presented = present_written(dashboard);
    present_specs(slice::from_mut(&mut presented), format, |message| &mut message.spec);
    presented
}

/// Presents a dashboard that a mutation left; its document comes as JSON text.
pub fn present_written(dashboard: Dashboard) -> proto::Dashboard {
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
        spec: dashboard.spec.map(json_spec),
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
        template_origin: dashboard.template_origin.map(present_origin),
    }
}

/// Presents the revisions of one answer.
pub fn present_revisions(revisions: Vec<DashboardRevision>, format: SpecFormat) -> Vec<proto::DashboardRevision> {
    let mut presented: Vec<_> = revisions.into_iter().map(revision_message).collect();
    present_specs(&mut presented, format, |message| &mut message.spec);
    presented
}

/// Presents the only revision of an answer.
pub fn present_revision(revision: DashboardRevision, format: SpecFormat) -> proto::DashboardRevision {
    let mut presented = revision_message(revision);
    present_specs(slice::from_mut(&mut presented), format, |message| &mut message.spec);
    presented
}

fn revision_message(revision: DashboardRevision) -> proto::DashboardRevision {
    proto::DashboardRevision {
        revision: revision.name.revision,
        name: revision.name.to_string(),
        spec: revision.spec.map(json_spec),
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

/// Presents labels.
pub(super) fn present_labels(labels: &Labels) -> HashMap<String, String> {
    labels.as_map().clone().into_iter().collect()
}
