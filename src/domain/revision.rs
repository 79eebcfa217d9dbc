//! A revision: one past or present version of a dashboard's content.

use time::OffsetDateTime;

use super::digest::Digest;
use super::labels::Labels;
use super::name::RevisionName;
use super::tags::Tags;

/// One immutable version of a dashboard's content.
#[derive(Debug, Clone, PartialEq)]
pub struct DashboardRevision {
    /// The resource name.
    pub name: RevisionName,
    /// The JSON text of the document; none where it was not asked for.
    pub spec: Option<String>,
    /// Perses' tags.
    pub tags: Tags,
    /// Labels for programs.
    pub labels: Labels,
    /// Of the JSON text.
    pub spec_sha256: Digest,
    /// Of the JSON text.
    pub spec_size_bytes: i32,
    /// Why, in the words of the author.
    pub change_note: String,
    /// Who wrote it.
    pub author: String,
    /// When it became the head.
    pub create_time: OffsetDateTime,
    /// The revision that it repeats.
    pub restored_from: Option<i32>,
}

/// Which two revisions a diff compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RevisionRange {
    /// The number to start from.
    pub from: i32,
    /// The number to arrive at; none stands for the head.
    pub to: Option<i32>,
}
