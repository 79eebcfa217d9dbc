//! A dashboard as the store knows it, and the content that a caller writes.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use super::digest::{Digest, Fingerprint};
use super::etag::Etag;
use super::labels::{Labels, LabelsChange};
use super::name::DashboardName;
use super::spec::DashboardSpec;
use super::tags::Tags;
use super::template::TemplateOrigin;

/// Whether a dashboard is live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DashboardState {
    /// Live.
    Active,
    /// Soft-deleted.
    Deleted,
}

/// How much of a dashboard is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// Everything but the document.
    Basic,
    /// Everything.
    Full,
}

impl View {
    /// Whether documents are read.
    pub fn with_spec(self) -> bool {
        self == Self::Full
    }
}

/// The head of a dashboard.
#[derive(Debug, Clone, PartialEq)]
pub struct Dashboard {
    /// Names this life of the dashboard.
    pub uid: Uuid,
    /// The resource name.
    pub name: DashboardName,
    /// `spec.display.name`.
    pub display_name: String,
    /// `spec.display.description`.
    pub description: String,
    /// Perses' tags.
    pub tags: Tags,
    /// Labels for programs.
    pub labels: Labels,
    /// The JSON text of the document; none where it was not asked for.
    pub spec: Option<String>,
    /// Of the JSON text.
    pub spec_sha256: Digest,
    /// Of the JSON text.
    pub spec_size_bytes: i32,
    /// Live or soft-deleted.
    pub state: DashboardState,
    /// The template that it came from; none where it was written by hand.
    pub template_origin: Option<TemplateOrigin>,
    /// Counts changes of content, from 1.
    pub revision: i32,
    /// Counts every write that the API shows, from 1.
    pub generation: i64,
    /// Who created it.
    pub created_by: String,
    /// Who wrote it last.
    pub updated_by: String,
    /// When it was created.
    pub create_time: OffsetDateTime,
    /// When it was written last.
    pub update_time: OffsetDateTime,
    /// When it was soft-deleted.
    pub delete_time: Option<OffsetDateTime>,
    /// From when on it may be purged.
    pub purge_time: Option<OffsetDateTime>,
}

impl Dashboard {
    /// The version of the whole resource.
    pub fn etag(&self) -> Etag {
        Etag::new(self.uid, self.generation)
    }
}

/// All that a caller can write of a dashboard.
#[derive(Debug, Clone)]
pub struct Content {
    /// The document.
    pub spec: DashboardSpec,
    /// Perses' tags.
    pub tags: Tags,
    /// Labels for programs.
    pub labels: Labels,
}

impl Content {
    /// Adds the content to the fingerprint of a request.
    pub(super) fn fingerprint(&self, request: Fingerprint) -> Fingerprint {
        let tagged = request
            .part(self.spec.sha256().as_bytes())
            .parts(self.tags.as_slice().iter());
        self.labels.fingerprint(tagged)
    }
}

/// What an update takes of a dashboard's content; the rest stays.
#[derive(Debug, Clone, Default)]
pub struct ContentChange {
    /// The new document.
    pub spec: Option<DashboardSpec>,
    /// The new tags.
    pub tags: Option<Tags>,
    /// The new labels.
    pub labels: Option<LabelsChange>,
}

impl ContentChange {
    /// Adds the change to the fingerprint of a request.
    pub(super) fn fingerprint(&self, request: Fingerprint) -> Fingerprint {
        let spec = self.spec.as_ref().map(DashboardSpec::sha256);
        let with_spec = request.optional_part(spec.as_ref().map(Digest::as_bytes));
        let with_tags = match &self.tags {
            Some(tags) => with_spec.part("tags").parts(tags.as_slice().iter()),
            None => with_spec.part("no tags"),
        };
        match &self.labels {
            Some(labels) => labels.fingerprint(with_tags.part("labels")),
            None => with_tags.part("no labels"),
        }
    }
}
