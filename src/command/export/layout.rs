//! Which file holds a dashboard, and what is in it.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::json;
use time::OffsetDateTime;
use time::serde::rfc3339;

use super::ExportFailure;
use crate::config::{ExportConfig, ExportLayout, FileFormat};
use crate::domain::name::{DashboardName, ProjectId};
use crate::domain::resource::{DashboardResource, Record, object_to_yaml};
use crate::domain::violation::Violation;

/// How files are laid out and written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    layout: ExportLayout,
    format: FileFormat,
    with_record: bool,
}

/// The file of a dashboard.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct DashboardFile {
    /// Within the folder of the export.
    pub(super) path: PathBuf,
    pub(super) text: String,
    /// The project that the file says.
    pub(super) project: ProjectId,
    /// Whether the file says another name than the service, lower case instead of upper.
    pub(super) is_renamed: bool,
}

/// What the service adds to the metadata of a resource, which no import takes.
#[derive(Deserialize)]
struct Recorded {
    metadata: RecordedMetadata,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RecordedMetadata {
    #[serde(with = "rfc3339")]
    created_at: OffsetDateTime,
    #[serde(with = "rfc3339")]
    updated_at: OffsetDateTime,
    version: u64,
}

impl Layout {
    pub(super) fn of(config: &ExportConfig) -> Self {
        Self {
            layout: config.layout,
            format: config.format,
            with_record: config.with_record,
        }
    }

    /// The file of the dashboard `name`, of which the service sent the JSON resource `text`.
    ///
    /// # Errors
    /// [`ExportFailure::Unwritable`] for what is no resource.
    pub(super) fn dashboard(&self, name: &DashboardName, text: &str) -> Result<DashboardFile, ExportFailure> {
        let unwritable = |why| ExportFailure::Unwritable {
            name: name.clone(),
            why,
        };
        let written_name = match self.layout {
            // Perses looks a name up in lower case, and then compares it with the one in the file (its
            // internal/api/database/file/file.go): a file that says another is never found.
            ExportLayout::Perses => name.to_ascii_lowercase(),
            ExportLayout::Files => name.clone(),
        };
        let parsed = DashboardResource::parse(text, None).map_err(|wrong| unwritable(first(&wrong)))?;
        let record = match self.with_record {
            true => Some(read_record(text).map_err(unwritable)?),
            false => None,
        };
        let resource = DashboardResource {
            name: written_name,
            record,
            ..parsed
        };
        let text = match self.format {
            FileFormat::Yaml => resource.to_yaml().map_err(|wrong| first(&wrong)),
            FileFormat::Json => resource.to_json().map(with_newline).map_err(|wrong| wrong.description),
        };
        Ok(DashboardFile {
            path: self.path(&resource.name),
            text: text.map_err(unwritable)?,
            project: resource.name.project().clone(),
            is_renamed: resource.name != *name,
        })
    }

    /// The file of a project, which Perses needs before it shows the dashboards in it; none in other layouts.
    pub(super) fn project(&self, project: &ProjectId) -> Option<(PathBuf, String)> {
        if self.layout == ExportLayout::Files {
            return None;
        }
        let id = project.as_str();
        let resource = json!({ "kind": "Project", "metadata": { "name": id }, "spec": {} }).to_string();
        let text = match self.format {
            FileFormat::Yaml => object_to_yaml(&resource).ok()?,
            FileFormat::Json => with_newline(resource),
        };
        Some((Path::new("projects").join(self.file_name(id)), text))
    }

    fn path(&self, name: &DashboardName) -> PathBuf {
        let within = Path::new(name.project().as_str()).join(self.file_name(name.id()));
        match self.layout {
            ExportLayout::Perses => Path::new("dashboards").join(within),
            ExportLayout::Files => within,
        }
    }

    /// An id is a safe part of a path: it has no `/`, and neither begins nor ends with a dot.
    fn file_name(&self, id: &str) -> String {
        format!("{id}.{}", self.format.extension())
    }
}

fn read_record(text: &str) -> Result<Record, String> {
    let recorded: Recorded = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let RecordedMetadata {
        created_at,
        updated_at,
        version,
    } = recorded.metadata;
    Ok(Record {
        created_at,
        updated_at,
        version,
    })
}

fn with_newline(text: String) -> String {
    text + "\n"
}

fn first(wrong: &[Violation]) -> String {
    let first = wrong.first();
    first.map_or_else(String::new, |violation| {
        format!("{}: {}", violation.field, violation.description)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{"kind":"Dashboard","metadata":{"name":"GPU","createdAt":"2026-01-02T03:04:05Z","updatedAt":"2026-01-02T03:04:06.5Z","version":3,"project":"Ml"},"spec":{"panels":{},"layouts":[]}}"#;

    fn layout(layout: ExportLayout, format: FileFormat) -> Layout {
        Layout {
            layout,
            format,
            with_record: false,
        }
    }

    fn file(layout: &Layout) -> DashboardFile {
        let name = DashboardName::parse("name", "projects/Ml/dashboards/GPU").unwrap();
        layout.dashboard(&name, TEXT).unwrap()
    }

    #[test]
    fn a_perses_database_has_names_in_lower_case_and_projects() {
        let perses = layout(ExportLayout::Perses, FileFormat::Yaml);
        let written = file(&perses);
        assert_eq!(written.path, Path::new("dashboards/ml/gpu.yaml"));
        assert!(written.is_renamed);
        let expected =
            "kind: Dashboard\nmetadata:\n    name: gpu\n    project: ml\nspec:\n    panels: {}\n    layouts: []\n";
        assert_eq!(written.text, expected);
        let (path, text) = perses.project(&ProjectId::parse("", "123").unwrap()).unwrap();
        assert_eq!(path, Path::new("projects/123.yaml"));
        assert_eq!(text, "kind: Project\nmetadata:\n    name: \"123\"\nspec: {}\n");
    }

    #[test]
    fn files_have_names_as_they_are_and_json_has_the_spec_byte_for_byte() {
        let files = layout(ExportLayout::Files, FileFormat::Json);
        let written = file(&files);
        assert_eq!(written.path, Path::new("Ml/GPU.json"));
        assert!(!written.is_renamed);
        let expected =
            r#"{"kind":"Dashboard","metadata":{"name":"GPU","project":"Ml"},"spec":{"panels":{},"layouts":[]}}"#;
        assert_eq!(written.text, format!("{expected}\n"));
        assert_eq!(files.project(&written.project), None);
    }

    #[test]
    fn the_record_is_written_where_it_is_asked_for() {
        let with_record = Layout {
            with_record: true,
            ..layout(ExportLayout::Files, FileFormat::Json)
        };
        assert_eq!(file(&with_record).text, format!("{TEXT}\n"));
    }
}
