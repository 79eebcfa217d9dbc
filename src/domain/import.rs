//! What an import takes in, and what becomes of it.
//!
//! What belongs here: one dashboard out of a resource, how conflicts are settled, and which names a stream holds already. What
//! does not: the syntax of resources ([`super::resource`]), the stream itself.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::dashboard::Content;
use super::digest::{Digest, Fingerprint};
use super::mutation::{ApplyOutcome, ChangeNote, WriteOptions};
use super::name::DashboardName;
use super::reason::Reason;
use super::resource::DashboardResource;
use super::spec::{DashboardSpec, SpecLimits};
use super::violation::Violation;

/// The most items of one stream: their names are remembered.
pub const MAX_ITEMS: usize = 100_000;

/// The most items of an atomic import, which is one transaction.
pub const MAX_ATOMIC_ITEMS: usize = 1_000;

/// The most text of an atomic import in bytes: all of it is kept until the end of the stream.
pub const MAX_ATOMIC_BYTES: usize = 64 * 1024 * 1024;

/// Where the spec of a resource is, in what is said of it.
const SPEC: &str = "/spec";

/// What to do where a dashboard of the name exists with other content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConflictPolicy {
    /// Leave it.
    Skip,
    /// Make it as given, as apply does.
    Update,
    /// Refuse the item.
    Fail,
}

impl ConflictPolicy {
    /// The text in fingerprints.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Update => "update",
            Self::Fail => "fail",
        }
    }
}

/// How an import goes about its items.
#[derive(Debug, Clone)]
pub struct ImportOptions {
    /// What to do with what exists.
    pub conflict: ConflictPolicy,
    /// All or none.
    pub is_atomic: bool,
    /// Why, for each dashboard.
    pub change_note: ChangeNote,
    /// What all mutations share.
    pub write: WriteOptions,
}

impl ImportOptions {
    /// The options of one dashboard that goes in by itself. Its request id comes of that of the stream and of the name, so
    /// that a repeated stream finds what it did before, also where items were added or left out.
    pub fn of_item(&self, name: &DashboardName) -> WriteOptions {
        let digest = Fingerprint::new()
            .part(self.write.request_id.as_bytes())
            .part(name.to_string())
            .finish();
        let bytes = digest.as_bytes().first_chunk().copied().unwrap_or_default();
        WriteOptions {
            request_id: uuid::Builder::from_custom_bytes(bytes).into_uuid(),
            validate_only: self.write.validate_only,
        }
    }

    /// Digests all that an import of `items` asks for, request id aside.
    pub fn fingerprint<'a>(&self, items: impl IntoIterator<Item = &'a ImportItem>) -> Digest {
        let asked = Fingerprint::new()
            .part(self.conflict.as_str())
            .part(self.change_note.as_str());
        let with_items = items.into_iter().fold(asked, |so_far, item| {
            item.content.fingerprint(so_far.part(item.name.to_string()))
        });
        with_items.finish()
    }
}

/// A dashboard that is to go in.
#[derive(Debug, Clone)]
pub struct ImportItem {
    /// The name that it shall have.
    pub name: DashboardName,
    /// Its content.
    pub content: Content,
}

impl ImportItem {
    /// Holds the spec of a resource against every rule.
    ///
    /// # Errors
    /// As of [`DashboardSpec::parse`], with pointers into the resource.
    pub fn of(resource: DashboardResource, limits: &SpecLimits) -> Result<Self, Vec<Violation>> {
        let spec = DashboardSpec::parse(resource.spec, limits).map_err(|violations| {
            violations
                .into_iter()
                .map(|violation| violation.under(SPEC))
                .collect::<Vec<_>>()
        })?;
        Ok(Self {
            name: resource.name,
            content: Content {
                spec,
                tags: resource.tags,
                labels: resource.labels,
            },
        })
    }
}

/// A dashboard after its import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    /// Which.
    pub name: DashboardName,
    /// Its life.
    pub uid: Uuid,
    /// The revision that it has now.
    pub revision: i32,
    /// What was done.
    pub outcome: ImportOutcome,
}

/// What was done with an item that was not refused. Kept with answers: names are never changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportOutcome {
    /// There was none of this name.
    Created,
    /// Its content differed.
    Updated,
    /// Its content was equal.
    Unchanged,
    /// It was soft-deleted.
    Restored,
    /// It is live with other content, and was left so.
    SkippedLive,
    /// It is soft-deleted, and was left so.
    SkippedDeleted,
}

impl From<ApplyOutcome> for ImportOutcome {
    fn from(outcome: ApplyOutcome) -> Self {
        match outcome {
            ApplyOutcome::Created => Self::Created,
            ApplyOutcome::Updated => Self::Updated,
            ApplyOutcome::Unchanged => Self::Unchanged,
            ApplyOutcome::Restored => Self::Restored,
        }
    }
}

/// Why an item did not go in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Which; none where its text does not tell.
    pub name: Option<DashboardName>,
    /// Why, for programs.
    pub reason: Reason,
    /// Why, for people.
    pub description: String,
    /// What is wrong with the text, by JSON pointers into the resource.
    pub violations: Vec<Violation>,
}

/// The names that a stream has had. In one project no two dashboards differ in case alone, so case does not count.
#[derive(Debug, Default)]
pub struct ImportedNames {
    /// Half a digest of each name, so that a name costs the same whatever its length, and the number of its item.
    items: HashMap<[u8; 16], usize>,
}

impl ImportedNames {
    /// Notes that the item `index` has this name.
    ///
    /// # Errors
    /// `FIELD_INVALID` on `/metadata/name` when an earlier item has it.
    pub fn note(&mut self, name: &DashboardName, index: usize) -> Result<(), Violation> {
        let written = format!("{}/{}", name.project(), name.id().to_ascii_lowercase());
        let digest = Digest::of(written.as_bytes());
        let key = digest.as_bytes().first_chunk().copied().unwrap_or_default();
        match self.items.entry(key) {
            Entry::Vacant(free) => {
                free.insert(index);
                Ok(())
            }
            Entry::Occupied(earlier) => {
                let description = format!("item {} of this import has the name already", earlier.get());
                Err(Violation::new("/metadata/name", Reason::FieldInvalid, description))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> DashboardName {
        DashboardName::parse("name", text).unwrap()
    }

    #[test]
    fn a_name_stands_in_a_stream_once_in_whatever_case() {
        let mut names = ImportedNames::default();
        assert_eq!(names.note(&name("projects/p/dashboards/gpu"), 0), Ok(()));
        assert_eq!(names.note(&name("projects/q/dashboards/gpu"), 1), Ok(()));
        assert_eq!(names.note(&name("projects/P/dashboards/gpu"), 2), Ok(()));
        let refused = names.note(&name("projects/p/dashboards/GPU"), 3).unwrap_err();
        assert_eq!(refused.field, "/metadata/name");
        assert!(refused.description.contains("item 0"), "{}", refused.description);
    }

    #[test]
    fn the_request_id_of_an_item_depends_on_its_name_and_the_stream() {
        let options = |request_id: &str| ImportOptions {
            conflict: ConflictPolicy::Fail,
            is_atomic: false,
            change_note: ChangeNote::parse(String::new()).unwrap(),
            write: WriteOptions::parse(request_id, true).unwrap(),
        };
        let first = options("11111111-1111-4111-8111-111111111111");
        let second = options("22222222-2222-4222-8222-222222222222");
        let (a, b) = (name("projects/p/dashboards/a"), name("projects/p/dashboards/b"));
        assert_eq!(first.of_item(&a).request_id, first.of_item(&a).request_id);
        assert_ne!(first.of_item(&a).request_id, first.of_item(&b).request_id);
        assert_ne!(first.of_item(&a).request_id, second.of_item(&a).request_id);
        assert!(first.of_item(&a).validate_only);
    }

    /// Answers outlive the release that kept them.
    #[test]
    fn answers_of_this_release_are_read_back() {
        let kept = r#"{"name":"projects/p/dashboards/d","uid":"018f0000-0000-7000-8000-000000000001","revision":2,
            "outcome":"skipped_live"}"#;
        let imported: Imported = serde_json::from_str(kept).unwrap();
        assert_eq!(imported.outcome, ImportOutcome::SkippedLive);
        let written = serde_json::to_value(&imported).unwrap();
        assert_eq!(written, serde_json::from_str::<serde_json::Value>(kept).unwrap());
    }
}
