//! What `import` runs with.

use std::path::{Path, PathBuf};

use glob::Pattern;

use super::args::ImportArgs;
use super::client::ClientConfig;
use super::problem::{ConfigErrors, Reader};
use crate::domain::import::ConflictPolicy;
use crate::domain::name::ProjectId;

/// The checked configuration of `import`.
#[derive(Debug, Clone)]
pub struct ImportConfig {
    /// Where the service is.
    pub client: ClientConfig,
    /// What is imported, in this order.
    pub inputs: Vec<ImportInput>,
    /// Which projects documents go into.
    pub placement: Placement,
    /// What to do with what exists.
    pub on_conflict: ConflictPolicy,
    /// All or nothing.
    pub is_atomic: bool,
    /// Nothing is stored.
    pub is_dry_run: bool,
    /// Why, for the history of each dashboard; may be empty.
    pub change_note: String,
}

/// What is imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImportInput {
    /// Standard input.
    Stdin,
    /// A file, or a folder with all that is below it.
    Path(PathBuf),
}

/// Which projects documents go into.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Placement {
    /// The project of documents that name none.
    pub default: Option<ProjectId>,
    /// The projects of files by their paths; the first that matches counts.
    pub by_path: Vec<(Pattern, ProjectId)>,
}

impl Placement {
    /// The project that a file is sent to, whatever its documents say.
    pub fn project_of(&self, path: &Path) -> Option<&ProjectId> {
        let found = self.by_path.iter().find(|(pattern, _)| pattern.matches_path(path));
        found.map(|(_, project)| project)
    }
}

impl ImportConfig {
    /// Checks the options.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn from_args(args: ImportArgs) -> Result<Self, ConfigErrors> {
        let ImportArgs {
            paths,
            project,
            project_for,
            on_conflict,
            atomic,
            dry_run,
            change_note,
            client,
        } = args;
        let mut reader = Reader::default();
        let client = ClientConfig::read(&mut reader, client);
        let inputs = paths.into_iter().map(input).collect();
        let default = reader.read("--project", project, parse_project);
        let rule = |text| reader.read("--project-for", Some(text), parse_rule);
        let by_path = project_for.into_iter().filter_map(rule).collect();
        let on_conflict = reader.read("--on-conflict", on_conflict, |text| match text.trim() {
            "skip" => Ok(ConflictPolicy::Skip),
            "update" => Ok(ConflictPolicy::Update),
            "fail" => Ok(ConflictPolicy::Fail),
            _ => Err("must be skip, update or fail".to_owned()),
        });
        reader.finish(client.map(|client| Self {
            client,
            inputs,
            placement: Placement { default, by_path },
            on_conflict: on_conflict.unwrap_or(ConflictPolicy::Fail),
            is_atomic: atomic,
            is_dry_run: dry_run,
            change_note: change_note.unwrap_or_default(),
        }))
    }
}

fn input(path: String) -> ImportInput {
    match path.as_str() {
        "-" => ImportInput::Stdin,
        _ => ImportInput::Path(PathBuf::from(path)),
    }
}

/// Parses a project, which stands alone here, without `projects/` before it.
pub(super) fn parse_project(text: &str) -> Result<ProjectId, String> {
    ProjectId::parse("", text.trim()).map_err(|violation| violation.description)
}

fn parse_rule(text: &str) -> Result<(Pattern, ProjectId), String> {
    let (pattern, project) = text
        .rsplit_once('=')
        .ok_or_else(|| "must be PATTERN=PROJECT, such as *staging*=ml-staging".to_owned())?;
    let parsed = Pattern::new(pattern).map_err(|error| format!("has a pattern that is malformed: {}", error.msg))?;
    Ok((parsed, parse_project(project)?))
}
