//! Dashboards and revisions, presented.

use std::collections::HashMap;

use crate::domain::dashboard::{Dashboard, DashboardState};
use crate::domain::labels::Labels;
use crate::domain::revision::DashboardRevision;
use crate::grpc::proto;

use super::spec::{SpecFormat, present_spec};
use super::time::timestamp;

/// Presents a dashboard.
pub fn present_dashboard(dashboard: Dashboard, format: SpecFormat) -> proto::Dashboard {
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
        spec: dashboard.spec.map(|text| present_spec(text, format)),
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

/// Presents a dashboard that a mutation left; its document comes as JSON text.
pub fn present_written(dashboard: Dashboard) -> proto::Dashboard {
    present_dashboard(dashboard, SpecFormat::Json)
}

/// Presents a revision.
pub fn present_revision(revision: DashboardRevision, format: SpecFormat) -> proto::DashboardRevision {
    proto::DashboardRevision {
        revision: revision.name.revision,
        name: revision.name.to_string(),
        spec: revision.spec.map(|text| present_spec(text, format)),
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
