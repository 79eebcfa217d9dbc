//! `metadata` of a resource: read into names, tags and labels, and written as Perses does.

use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::serde::rfc3339;

use super::members::Members;
use super::{DashboardResource, Kind, yaml};
use crate::domain::labels::Labels;
use crate::domain::name::{DashboardName, ProjectId};
use crate::domain::reason::Reason;
use crate::domain::spec::json::Json;
use crate::domain::spec::pointer::Pointer;
use crate::domain::tags::Tags;
use crate::domain::violation::{Violation, Violations, quoted};

/// What perses-operator reads tags from (`internal/perses/common`).
const TAGS_ANNOTATION: &str = "perses.dev/tags";

/// The metadata of a native resource; the order of the fields is that of Perses' structs.
#[derive(Serialize)]
pub(super) struct Written<'a> {
    name: &'a str,
    #[serde(flatten)]
    record: Option<WrittenRecord>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    tags: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    labels: Option<&'a Labels>,
    project: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WrittenRecord {
    #[serde(with = "rfc3339")]
    created_at: OffsetDateTime,
    #[serde(with = "rfc3339")]
    updated_at: OffsetDateTime,
    version: u64,
}

impl<'a> Written<'a> {
    /// The metadata of `resource`.
    pub(super) fn of(resource: &'a DashboardResource) -> Self {
        Self {
            name: resource.name.id(),
            record: resource.record.map(|record| WrittenRecord {
                created_at: record.created_at,
                updated_at: record.updated_at,
                version: record.version,
            }),
            tags: resource.tags.as_slice(),
            labels: Some(&resource.labels).filter(|labels| !labels.as_map().is_empty()),
            project: resource.name.project().as_str(),
        }
    }
}

/// Writes the metadata of `resource` as the members of a YAML mapping.
pub(super) fn write_yaml(resource: &DashboardResource, yaml: &mut String) {
    const INDENT: usize = 4;
    let mut line = |key: &str, text: &str| {
        yaml.push_str("    ");
        yaml.push_str(key);
        yaml::write_text(text, INDENT, yaml);
    };
    line("name:", resource.name.id());
    if let Some(record) = resource.record {
        // Times and numbers are plain: neither is text to Perses.
        for (key, value) in [
            ("createdAt", rfc3339_text(record.created_at)),
            ("updatedAt", rfc3339_text(record.updated_at)),
            ("version", record.version.to_string()),
        ] {
            yaml.push_str(&format!("    {key}: {value}\n"));
        }
    }
    let mut members = Vec::new();
    if !resource.tags.as_slice().is_empty() {
        let tag = |tag: &String| Json::String(tag.clone().into());
        let tags = resource.tags.as_slice().iter().map(tag).collect();
        members.push(("tags".into(), Json::Array(tags)));
    }
    let labels = resource.labels.as_map();
    if !labels.is_empty() {
        let label = |(key, value): (&String, &String)| (key.clone().into(), Json::String(value.clone().into()));
        members.push(("labels".into(), Json::Object(labels.iter().map(label).collect())));
    }
    members.push(("project".into(), Json::String(resource.name.project().as_str().into())));
    yaml.push_str("    ");
    yaml::write_members(&members, INDENT, yaml);
}

/// A time as Go writes it.
fn rfc3339_text(time: OffsetDateTime) -> String {
    // Only years beyond 9999 have no such text.
    time.format(&Rfc3339).unwrap_or_default()
}

/// Reads `metadata` of `document`.
///
/// # Errors
/// All that is wrong, with JSON pointers.
pub(super) fn read(
    document: &Members<'_>,
    kind: Kind,
    project: Option<&ProjectId>,
) -> Result<(DashboardName, Tags, Labels), Vec<Violation>> {
    let metadata = Members::parse(document.required("metadata")?, "/metadata")?;
    let mut violations = Violations::default();
    let project = violations.note(read_project(&metadata, kind.project_key(), project));
    let id = violations.note(read_id(&metadata));
    let tags = violations.note(match kind {
        Kind::Native => read_tags(&metadata),
        Kind::CustomV1Alpha1 | Kind::CustomV1Alpha2 => read_annotated_tags(&metadata),
    });
    let labels = violations.note(read_labels(&metadata));
    let (Some(project), Some(id), Some(tags), Some(labels)) = (project, id, tags, labels) else {
        return Err(violations.into());
    };
    let name = DashboardName::new(project, "/metadata/name", &id).map_err(|violation| vec![violation])?;
    Ok((name, tags, labels))
}

fn read_id(metadata: &Members<'_>) -> Result<String, Vec<Violation>> {
    metadata.required("name")?;
    Ok(metadata.text("name")?.unwrap_or_default())
}

/// The project that the member `key` names, or else `expected`.
fn read_project(metadata: &Members<'_>, key: &str, expected: Option<&ProjectId>) -> Result<ProjectId, Vec<Violation>> {
    let field = format!("/metadata/{key}");
    let named = metadata.text(key)?.filter(|named| !named.is_empty());
    let refused = |reason, description: String| Err(vec![Violation::new(&field, reason, description)]);
    match (named, expected) {
        (None, None) => refused(
            Reason::FieldRequired,
            "must be set, since the import goes into no project of its own".into(),
        ),
        (None, Some(expected)) => Ok(expected.clone()),
        (Some(named), Some(expected)) if named != expected.as_str() => {
            let description = format!(
                "is {}, and the import goes into {}: import into projects/-, or leave the project out",
                quoted(&named),
                quoted(expected.as_str())
            );
            refused(Reason::FieldInvalid, description)
        }
        (Some(named), _) => ProjectId::parse(&field, &named).map_err(|violation| vec![violation]),
    }
}

fn read_tags(metadata: &Members<'_>) -> Result<Tags, Vec<Violation>> {
    let Some(tags) = metadata.value("tags")? else {
        return Ok(Tags::default());
    };
    let Json::Array(elements) = &tags else {
        return Err(vec![wrong_type("/metadata/tags", "an array of strings", &tags)]);
    };
    let mut texts = Vec::with_capacity(elements.len());
    let mut violations = Vec::new();
    for (index, element) in elements.iter().enumerate() {
        match element.as_str() {
            Some(text) => texts.push(text.to_owned()),
            None => violations.push(wrong_type(&format!("/metadata/tags/{index}"), "a string", element)),
        }
    }
    if !violations.is_empty() {
        return Err(violations);
    }
    Tags::parse("", texts).map_err(|violations| violations.into_iter().map(point_to_tag).collect())
}

/// The tags of a custom resource, split and put in lower case as perses-operator does.
fn read_annotated_tags(metadata: &Members<'_>) -> Result<Tags, Vec<Violation>> {
    let annotations = read_texts(metadata, "annotations")?;
    let annotation = annotations.into_iter().find(|(key, _)| key == TAGS_ANNOTATION);
    let listed = annotation.map(|(_, listed)| listed.to_lowercase()).unwrap_or_default();
    let tags = listed.split(',').map(str::trim).filter(|tag| !tag.is_empty());
    Tags::parse("", tags.map(str::to_owned).collect()).map_err(|violations| {
        let field = Pointer::Root.key(TAGS_ANNOTATION).to_field();
        let at = |violation: Violation| Violation {
            field: format!("/metadata/annotations{field}"),
            ..violation
        };
        violations.into_iter().map(at).collect()
    })
}

fn read_labels(metadata: &Members<'_>) -> Result<Labels, Vec<Violation>> {
    let labels = read_texts(metadata, "labels")?;
    Labels::parse("", labels).map_err(|violations| violations.into_iter().map(point_to_label).collect())
}

/// The member `key`, an object whose values are strings; empty if it is absent or null.
fn read_texts(metadata: &Members<'_>, key: &str) -> Result<Vec<(String, String)>, Vec<Violation>> {
    let Some(value) = metadata.value(key)? else {
        return Ok(Vec::new());
    };
    let field = format!("/metadata/{key}");
    let Json::Object(members) = &value else {
        return Err(vec![wrong_type(&field, "an object", &value)]);
    };
    let mut texts = Vec::with_capacity(members.len());
    let mut violations = Vec::new();
    for (name, text) in members {
        match text.as_str() {
            Some(value) => texts.push((name.clone().into_owned(), value.to_owned())),
            None => {
                let member = format!("{field}{}", Pointer::Root.key(name).to_field());
                violations.push(wrong_type(&member, "a string", text));
            }
        }
    }
    if violations.is_empty() {
        Ok(texts)
    } else {
        Err(violations)
    }
}

fn wrong_type(field: &str, expected: &str, found: &Json<'_>) -> Violation {
    let description = format!("must be {expected}, not {}", found.kind());
    Violation::new(field, Reason::FieldInvalid, description)
}

/// Turns the field `[index]` of a tag into a JSON pointer.
fn point_to_tag(violation: Violation) -> Violation {
    let index = violation.field.trim_start_matches('[').trim_end_matches(']');
    let field = match index {
        "" => "/metadata/tags".to_owned(),
        _ => format!("/metadata/tags/{index}"),
    };
    Violation { field, ..violation }
}

/// Turns the field `.key` of a label into a JSON pointer.
fn point_to_label(violation: Violation) -> Violation {
    let label = violation
        .field
        .strip_prefix('.')
        .map(|key| Pointer::Root.key(key).to_field());
    let field = format!("/metadata/labels{}", label.unwrap_or_default());
    Violation { field, ..violation }
}
