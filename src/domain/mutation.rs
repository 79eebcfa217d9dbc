//! What callers ask to be changed: one type for each mutation, parsed and ready for the store.

pub mod template;

use uuid::Uuid;

use super::dashboard::{Content, ContentChange};
use super::digest::{Digest, Fingerprint};
use super::etag::EtagCondition;
use super::name::{DashboardName, ProjectId, RevisionName};
use super::reason::Reason;
use super::share_link::parse_note;
use super::violation::Violation;

/// What all mutations share.
#[derive(Debug, Clone)]
pub struct WriteOptions {
    /// The caller's, or one that was made up: with it the outcome of a lost COMMIT can be looked up.
    pub request_id: Uuid,
    /// Check everything, store nothing.
    pub validate_only: bool,
}

impl WriteOptions {
    /// Parses the common write fields.
    ///
    /// # Errors
    /// `FIELD_INVALID` on `request_id` when it is not a UUID in its hyphenated form, or is nil.
    pub fn parse(request_id: &str, validate_only: bool) -> Result<Self, Violation> {
        const HYPHENATED_LENGTH: usize = 36;
        let parsed = match request_id {
            "" => Ok(Uuid::new_v4()),
            given => Uuid::parse_str(given)
                .ok()
                .filter(|uuid| given.len() == HYPHENATED_LENGTH && !uuid.is_nil())
                .ok_or_else(|| Violation::new("request_id", Reason::FieldInvalid, "must be a UUID, or empty")),
        };
        parsed.map(|request_id| Self {
            request_id,
            validate_only,
        })
    }
}

/// Why a change is made, in the words of its author.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeNote(String);

impl ChangeNote {
    /// Checks the length, that PostgreSQL can hold it, and that it does not hold the secret of a share link.
    ///
    /// # Errors
    /// `FIELD_TOO_LONG` or `FIELD_INVALID` on `change_note`.
    pub fn parse(note: String) -> Result<Self, Violation> {
        parse_note("change_note", note).map(Self)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Asks for a new dashboard.
#[derive(Debug, Clone)]
pub struct CreateDashboard {
    /// The name that it shall have.
    pub name: DashboardName,
    /// Its content.
    pub content: Content,
    /// Why.
    pub change_note: ChangeNote,
    /// What all mutations share.
    pub options: WriteOptions,
}

impl CreateDashboard {
    /// Digests all that the caller asks for, request id aside.
    pub fn fingerprint(&self) -> Digest {
        let named = Fingerprint::new().part(self.name.to_string());
        self.content.fingerprint(named).part(self.change_note.as_str()).finish()
    }
}

/// Asks for a change of a dashboard.
#[derive(Debug, Clone)]
pub struct UpdateDashboard {
    /// Which.
    pub name: DashboardName,
    /// In which version.
    pub etag: EtagCondition,
    /// What to change.
    pub change: ContentChange,
    /// Why.
    pub change_note: ChangeNote,
    /// What all mutations share.
    pub options: WriteOptions,
}

impl UpdateDashboard {
    /// Digests all that the caller asks for, request id aside.
    pub fn fingerprint(&self) -> Digest {
        let named = Fingerprint::new()
            .part(self.name.to_string())
            .part(self.etag.to_string());
        self.change.fingerprint(named).part(self.change_note.as_str()).finish()
    }
}

/// Asks for a dashboard to be as given.
#[derive(Debug, Clone)]
pub struct ApplyDashboard {
    /// Which.
    pub name: DashboardName,
    /// In which version it must exist; none: in any, or not at all.
    pub etag: Option<EtagCondition>,
    /// Its content.
    pub content: Content,
    /// Why.
    pub change_note: ChangeNote,
    /// What all mutations share.
    pub options: WriteOptions,
}

impl ApplyDashboard {
    /// Digests all that the caller asks for, request id aside.
    pub fn fingerprint(&self) -> Digest {
        let named = Fingerprint::new()
            .part(self.name.to_string())
            .optional_part(self.etag.as_ref().map(ToString::to_string));
        self.content.fingerprint(named).part(self.change_note.as_str()).finish()
    }
}

/// What ApplyDashboard did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApplyOutcome {
    /// There was none of this name.
    Created,
    /// The content differed.
    Updated,
    /// The content was equal; nothing was written.
    Unchanged,
    /// It was soft-deleted and lives again.
    Restored,
}

/// Asks for a dashboard in one version to be deleted, undeleted or purged.
#[derive(Debug, Clone)]
pub struct DashboardTarget {
    /// Which.
    pub name: DashboardName,
    /// In which version.
    pub etag: EtagCondition,
    /// What all mutations share.
    pub options: WriteOptions,
}

impl DashboardTarget {
    /// Digests all that the caller asks for, request id aside.
    pub fn fingerprint(&self) -> Digest {
        Fingerprint::new()
            .part(self.name.to_string())
            .part(self.etag.to_string())
            .finish()
    }
}

/// Asks for an old revision to become the head again.
#[derive(Debug, Clone)]
pub struct RestoreDashboardRevision {
    /// Which revision of which dashboard.
    pub revision: RevisionName,
    /// In which version the dashboard must be.
    pub etag: EtagCondition,
    /// Why.
    pub change_note: ChangeNote,
    /// What all mutations share.
    pub options: WriteOptions,
}

impl RestoreDashboardRevision {
    /// Digests all that the caller asks for, request id aside.
    pub fn fingerprint(&self) -> Digest {
        Fingerprint::new()
            .part(self.revision.to_string())
            .part(self.etag.to_string())
            .part(self.change_note.as_str())
            .finish()
    }
}

/// Asks for all that is in a project to go for good.
#[derive(Debug, Clone)]
pub struct PurgeProject {
    /// Which.
    pub project: ProjectId,
    /// What all mutations share.
    pub options: WriteOptions,
}

impl PurgeProject {
    /// Digests all that the caller asks for, request id aside.
    pub fn fingerprint(&self) -> Digest {
        Fingerprint::new().part(self.project.as_str()).finish()
    }
}

/// How much a project had in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ProjectPurged {
    /// Dashboards, soft-deleted ones too.
    pub dashboards: i32,
    /// Templates.
    pub templates: i32,
    /// Grants on the project itself.
    pub grants: i32,
}
