//! What is kept of an answer that holds a dashboard: everything but what its document says.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::dashboard::{Dashboard, DashboardState};
use crate::domain::digest::Digest;
use crate::domain::labels::Labels;
use crate::domain::mutation::ApplyOutcome;
use crate::domain::name::DashboardName;
use crate::domain::tags::Tags;
use crate::domain::template::TemplateOrigin;
use crate::store::mutate::Answer;

/// A dashboard as it was answered, with its uid and revision in place of the document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeptDashboard {
    /// With the revision: where the document is.
    pub uid: Uuid,
    /// With the uid: where the document is.
    pub revision: i32,
    name: DashboardName,
    tags: Tags,
    labels: Labels,
    spec_sha256: Digest,
    spec_size_bytes: i32,
    state: DashboardState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    template_origin: Option<TemplateOrigin>,
    generation: i64,
    created_by: String,
    updated_by: String,
    #[serde(with = "time::serde::rfc3339")]
    create_time: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    update_time: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    delete_time: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option")]
    purge_time: Option<OffsetDateTime>,
}

/// A document, and what was extracted from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The JSON text.
    pub spec: String,
    /// `spec.display.name`.
    pub display_name: String,
    /// `spec.display.description`.
    pub description: String,
}

impl KeptDashboard {
    /// The answer again; without what its document said where that was pruned since.
    pub fn restored(self, document: Option<Document>) -> Dashboard {
        let (spec, display_name, description) = match document {
            Some(found) => (Some(found.spec), found.display_name, found.description),
            None => (None, String::new(), String::new()),
        };
        Dashboard {
            uid: self.uid,
            name: self.name,
            display_name,
            description,
            tags: self.tags,
            labels: self.labels,
            spec,
            spec_sha256: self.spec_sha256,
            spec_size_bytes: self.spec_size_bytes,
            state: self.state,
            template_origin: self.template_origin,
            revision: self.revision,
            generation: self.generation,
            created_by: self.created_by,
            updated_by: self.updated_by,
            create_time: self.create_time,
            update_time: self.update_time,
            delete_time: self.delete_time,
            purge_time: self.purge_time,
        }
    }
}

impl Answer for Dashboard {
    type Kept = KeptDashboard;

    fn kept(&self) -> KeptDashboard {
        KeptDashboard {
            uid: self.uid,
            revision: self.revision,
            name: self.name.clone(),
            tags: self.tags.clone(),
            labels: self.labels.clone(),
            spec_sha256: self.spec_sha256,
            spec_size_bytes: self.spec_size_bytes,
            state: self.state,
            template_origin: self.template_origin.clone(),
            generation: self.generation,
            created_by: self.created_by.clone(),
            updated_by: self.updated_by.clone(),
            create_time: self.create_time,
            update_time: self.update_time,
            delete_time: self.delete_time,
            purge_time: self.purge_time,
        }
    }
}

impl Answer for (Dashboard, ApplyOutcome) {
    type Kept = (KeptDashboard, ApplyOutcome);

    fn kept(&self) -> Self::Kept {
        (self.0.kept(), self.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers outlive the release that kept them: a field may be added with a default, none renamed or removed.
    const KEPT: &str = r#"{"uid":"018f0000-0000-7000-8000-000000000001","revision":2,
        "name":"projects/p/dashboards/d","tags":["gpu"],"labels":{"team":"a"},
        "spec_sha256":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad","spec_size_bytes":9,
        "state":"deleted","generation":3,"created_by":"user:ada","updated_by":"user:grace",
        "create_time":"2026-01-01T00:00:00Z","update_time":"2026-01-02T00:00:00.5Z",
        "delete_time":"2026-01-02T00:00:00.5Z","purge_time":null}"#;

    /// What a dashboard that came from a template has beside it.
    const ORIGIN: &str = r#""template_origin":{"template":"templates/model-serving","template_revision":2,
        "parameters":{"namespace":"prod","replicas":3.0,"limit":"9007199254740993","gpu":true}},"#;

    #[test]
    fn answers_of_this_release_are_read_back() {
        let with_origin = KEPT.replacen('{', &format!("{{{ORIGIN}"), 1);
        for text in [KEPT, &with_origin] {
            let kept: KeptDashboard = serde_json::from_str(text).unwrap();
            assert_eq!(kept.clone().restored(None).kept(), kept);
            let written = serde_json::to_value(&kept).unwrap();
            assert_eq!(written, serde_json::from_str::<serde_json::Value>(text).unwrap());
        }
    }
}
