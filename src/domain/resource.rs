//! Dashboards as files: what Perses keeps on disk, and what Kubernetes keeps for perses-operator.
//!
//! What belongs here: reading and writing one [`DashboardResource`], and splitting a text into its [`documents`]. What does
//! not: the rules for a spec, which intake ([`DashboardSpec`](super::spec::DashboardSpec)) has, files and streams.
//!
//! | resource | project | tags | labels | spec |
//! |---|---|---|---|---|
//! | `kind: Dashboard` | `metadata.project` | `metadata.tags` | `metadata.labels` | `spec` |
//! | `kind: PersesDashboard`, `perses.dev/v1alpha1` | `metadata.namespace` | annotation `perses.dev/tags` | `metadata.labels` | `spec` |
//! | `kind: PersesDashboard`, `perses.dev/v1alpha2` | `metadata.namespace` | annotation `perses.dev/tags` | `metadata.labels` | `spec.config` |
//!
//! Perses has no labels: it reads past those of a `Dashboard`, which are there so that a dashboard that was exported comes
//! back whole. Everything else of `metadata` belongs to the server that the file comes from and is not read.

mod documents;
mod members;
mod metadata;
pub(crate) mod yaml;

use serde::Serialize;
use serde_json::value::RawValue;
use time::OffsetDateTime;

use self::members::Members;
use super::dashboard::Dashboard;
use super::labels::Labels;
use super::name::{DashboardName, ProjectId};
use super::reason::Reason;
use super::spec::json::{self, Json};
use super::tags::Tags;
use super::violation::{Violation, Violations, quoted};

pub use documents::documents;

/// The kind of a native resource; Perses takes it in any case.
const NATIVE_KIND: &str = "Dashboard";

/// The kind of a custom resource.
const CUSTOM_KIND: &str = "PersesDashboard";

/// A dashboard as a file holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DashboardResource {
    /// The resource name, from the project and `metadata.name`.
    pub name: DashboardName,
    /// Perses' tags.
    pub tags: Tags,
    /// Labels for programs.
    pub labels: Labels,
    /// The JSON text of the spec, which no rule was held against yet. Of a JSON document it is the text as written.
    pub spec: String,
    /// What a server says of the dashboard it holds; none in what was read, since no server takes it from a file.
    pub record: Option<Record>,
}

/// What the server that holds a dashboard adds to its metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// When it was created.
    pub created_at: OffsetDateTime,
    /// When it was written last.
    pub updated_at: OffsetDateTime,
    /// How often it was changed since.
    pub version: u64,
}

/// The kinds of resources that hold a dashboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// `Dashboard`, of Perses.
    Native,
    /// `PersesDashboard`, `perses.dev/v1alpha1`.
    CustomV1Alpha1,
    /// `PersesDashboard`, `perses.dev/v1alpha2`.
    CustomV1Alpha2,
}

impl DashboardResource {
    /// Reads one document.
    ///
    /// `project` is the project of a resource that names none, and the only one that is taken if it is given.
    ///
    /// # Errors
    /// All that is wrong, at most [`MAX_VIOLATIONS`](super::violation::MAX_VIOLATIONS), each with a JSON pointer into the
    /// document, empty for the whole:
    /// - `SPEC_MALFORMED`: the syntax, with line and column, or a document that is no object;
    /// - `SPEC_DUPLICATE_KEY`, `SPEC_LIMIT_EXCEEDED`: outside the spec, as intake finds them inside;
    /// - `FIELD_REQUIRED`, `FIELD_INVALID`, `FIELD_TOO_LONG`: a part that is missing, of the wrong type or beyond a limit,
    ///   a kind that is no dashboard's, and a project that is not `project`;
    /// - `INVALID_NAME`: a name or a project that breaks Perses' rule.
    pub fn parse(text: &str, project: Option<&ProjectId>) -> Result<Self, Vec<Violation>> {
        match Members::parse(text, "") {
            Ok(document) => Self::read(&document, project),
            Err(not_json) => {
                // What is JSON but no resource is not better as YAML; what is not JSON may be.
                let is_json = serde_json::from_str::<&RawValue>(text).is_ok();
                if is_json {
                    return Err(not_json);
                }
                let json = yaml::to_json(text)?;
                Self::read(&Members::parse(&json, "")?, project)
            }
        }
    }

    fn read(document: &Members<'_>, project: Option<&ProjectId>) -> Result<Self, Vec<Violation>> {
        let kind = Kind::of(document)?;
        let mut violations = Violations::default();
        let metadata = violations.note(metadata::read(document, kind, project));
        let spec = violations.note(kind.spec(document));
        let (Some((name, tags, labels)), Some(spec)) = (metadata, spec) else {
            return Err(violations.into());
        };
        Ok(Self {
            name,
            tags,
            labels,
            spec,
            record: None,
        })
    }

    /// The resource of a dashboard; none if it was read without its document.
    pub fn of(dashboard: &Dashboard) -> Option<Self> {
        Some(Self {
            name: dashboard.name.clone(),
            tags: dashboard.tags.clone(),
            labels: dashboard.labels.clone(),
            spec: dashboard.spec.clone()?,
            record: Some(Record {
                created_at: dashboard.create_time,
                updated_at: dashboard.update_time,
                // Revisions count from 1, versions from 0.
                version: u64::try_from(dashboard.revision).unwrap_or(1).saturating_sub(1),
            }),
        })
    }

    /// The native resource as one JSON text in Perses' order of fields, with the text of the spec as it is.
    ///
    /// # Errors
    /// `SPEC_MALFORMED` when the spec is not JSON.
    pub fn to_json(&self) -> Result<String, Violation> {
        let malformed = |error: serde_json::Error| {
            Violation::new("/spec", Reason::SpecMalformed, format!("is not valid JSON: {error}"))
        };
        let spec: &RawValue = serde_json::from_str(&self.spec).map_err(malformed)?;
        let native = Native {
            kind: NATIVE_KIND,
            metadata: metadata::Written::of(self),
            spec,
        };
        serde_json::to_string(&native).map_err(malformed)
    }

    /// The native resource as YAML in Perses' order of fields and style; the members of the spec keep their order.
    ///
    /// # Errors
    /// Those of [`json::parse`] when the spec is not JSON within the limits, below `/spec`.
    pub fn to_yaml(&self) -> Result<String, Vec<Violation>> {
        let under = |violation: Violation| violation.under("/spec");
        let spec = json::parse(&self.spec)
            .map_err(|violations| violations.into_iter().map(under).collect::<Vec<Violation>>())?;
        let mut text = format!("kind: {NATIVE_KIND}\nmetadata:\n");
        metadata::write_yaml(self, &mut text);
        yaml::write_members(&[("spec".into(), spec)], 0, &mut text);
        Ok(text)
    }
}

/// Reads a YAML document, or JSON, and writes it as JSON text.
///
/// # Errors
/// As of [`DashboardResource::parse`] for text that is malformed, or beyond the limits of a resource.
pub fn yaml_to_json(text: &str) -> Result<String, Vec<Violation>> {
    yaml::to_json(text)
}

/// A JSON object as YAML, in the style of Perses; empty for a value that is no object.
///
/// # Errors
/// Those of [`json::parse`] when it is not JSON within the limits.
pub fn object_to_yaml(object: &str) -> Result<String, Vec<Violation>> {
    let mut text = String::new();
    if let Json::Object(members) = json::parse(object)? {
        yaml::write_members(&members, 0, &mut text);
    }
    Ok(text)
}

/// A native resource; the order of the fields is that of Perses' structs.
#[derive(Serialize)]
struct Native<'a> {
    kind: &'static str,
    metadata: metadata::Written<'a>,
    spec: &'a RawValue,
}

impl Kind {
    /// The kind of `document`, by `kind` and `apiVersion`.
    fn of(document: &Members<'_>) -> Result<Self, Vec<Violation>> {
        let mut violations = Violations::default();
        let kind = violations.note(document.text("kind"));
        let version = violations.note(document.text("apiVersion"));
        let (Some(kind), Some(version)) = (kind, version) else {
            return Err(violations.into());
        };
        let refused = |field: &str, reason, description: String| Err(vec![Violation::new(field, reason, description)]);
        match (kind.as_deref(), version.as_deref()) {
            (None, _) => refused(
                "/kind",
                Reason::FieldRequired,
                format!("must be set: {NATIVE_KIND} or {CUSTOM_KIND}"),
            ),
            (Some(kind), None) if kind.eq_ignore_ascii_case(NATIVE_KIND) => Ok(Self::Native),
            (Some(CUSTOM_KIND), Some("perses.dev/v1alpha1")) => Ok(Self::CustomV1Alpha1),
            (Some(CUSTOM_KIND), Some("perses.dev/v1alpha2")) => Ok(Self::CustomV1Alpha2),
            (Some(kind), Some(version)) if kind.eq_ignore_ascii_case(NATIVE_KIND) => {
                let description = format!(
                    "{} is another system's {NATIVE_KIND}: that of Perses has no apiVersion",
                    quoted(version)
                );
                refused("/apiVersion", Reason::FieldInvalid, description)
            }
            (Some(CUSTOM_KIND), None) => refused(
                "/apiVersion",
                Reason::FieldRequired,
                "must be set: perses.dev/v1alpha1 or perses.dev/v1alpha2".into(),
            ),
            (Some(CUSTOM_KIND), Some(version)) => {
                let description = format!(
                    "{} is not known: perses.dev/v1alpha1 and perses.dev/v1alpha2 are",
                    quoted(version)
                );
                refused("/apiVersion", Reason::FieldInvalid, description)
            }
            (Some(kind), _) => {
                let description = format!(
                    "{} is not a dashboard: {NATIVE_KIND} and {CUSTOM_KIND} are taken",
                    quoted(kind)
                );
                refused("/kind", Reason::FieldInvalid, description)
            }
        }
    }

    /// The member of `metadata` that names the project.
    fn project_key(self) -> &'static str {
        match self {
            Self::Native => "project",
            Self::CustomV1Alpha1 | Self::CustomV1Alpha2 => "namespace",
        }
    }

    /// The text of the spec.
    fn spec(self, document: &Members<'_>) -> Result<String, Vec<Violation>> {
        let spec = document.required("spec")?;
        match self {
            Self::Native | Self::CustomV1Alpha1 => Ok(spec.to_owned()),
            Self::CustomV1Alpha2 => Ok(Members::parse(spec, "/spec")?.required("config")?.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests;
