//! What an audit event says of a change; who and where from comes with the proof of access.

use uuid::Uuid;

use super::digest::Digest;
use super::name::ProjectId;

/// The change that a mutation made to one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The resource name.
    pub resource: String,
    /// The project of the resource; none for what belongs to none.
    pub project: Option<ProjectId>,
    /// The life of the resource; none of a project, which has no record.
    pub uid: Option<Uuid>,
    /// What the call found; none where it created, and where the resource has no revisions.
    pub before: Option<Version>,
    /// What the call left; none where it purged, and where the resource has no revisions.
    pub after: Option<Version>,
    /// The fields that changed.
    pub changed_paths: Vec<&'static str>,
    /// What else belongs to the change and can't be looked up later, such as whose grant was revoked.
    pub details: Vec<(&'static str, String)>,
}

/// One version of a resource's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version {
    /// The revision.
    pub revision: i32,
    /// SHA-256 of the document.
    pub sha256: Digest,
}
