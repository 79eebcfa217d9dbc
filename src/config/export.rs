//! What `export` runs with.

use std::path::PathBuf;

use super::args::ExportArgs;
use super::client::ClientConfig;
use super::import::parse_project;
use super::problem::{ConfigErrors, Reader};
use crate::domain::name::{Parent, ProjectId};

/// The checked configuration of `export`.
#[derive(Debug, Clone)]
pub struct ExportConfig {
    /// Where the service is.
    pub client: ClientConfig,
    /// The folder to write to.
    pub directory: PathBuf,
    /// How files are laid out.
    pub layout: ExportLayout,
    /// How they are written.
    pub format: FileFormat,
    /// Of which project.
    pub parent: Parent,
    /// Which dashboards, in the syntax of ListDashboards; empty for all.
    pub filter: String,
    /// Whether a folder that holds files is written to.
    pub may_overwrite: bool,
    /// Whether times and versions are written.
    pub with_record: bool,
}

/// How exported files are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportLayout {
    /// As the file database of Perses.
    Perses,
    /// A folder for each project.
    Files,
}

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileFormat {
    /// JSON.
    Json,
    /// YAML.
    Yaml,
}

impl FileFormat {
    /// What the name of such a file ends in.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Yaml => "yaml",
        }
    }

    /// Parses the name of a format.
    ///
    /// # Errors
    /// What to write instead.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        match text.trim() {
            "json" => Ok(Self::Json),
            "yaml" => Ok(Self::Yaml),
            _ => Err("must be json or yaml".to_owned()),
        }
    }
}

impl ExportConfig {
    /// Checks the options.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn from_args(args: ExportArgs) -> Result<Self, ConfigErrors> {
        let ExportArgs {
            directory,
            layout,
            format,
            project,
            filter,
            overwrite,
            with_record,
            client,
        } = args;
        let mut reader = Reader::default();
        let client = ClientConfig::read(&mut reader, client);
        let layout = reader.read("--layout", layout, |text| match text.trim() {
            "perses" => Ok(ExportLayout::Perses),
            "files" => Ok(ExportLayout::Files),
            _ => Err("must be perses or files".to_owned()),
        });
        let format = reader.read("--format", format, FileFormat::parse);
        let project: Option<ProjectId> = reader.read("--project", project, parse_project);
        reader.finish(client.map(|client| Self {
            client,
            directory: PathBuf::from(directory),
            layout: layout.unwrap_or(ExportLayout::Perses),
            format: format.unwrap_or(FileFormat::Yaml),
            parent: project.map_or(Parent::AllProjects, Parent::Project),
            filter: filter.unwrap_or_default(),
            may_overwrite: overwrite,
            with_record,
        }))
    }
}
