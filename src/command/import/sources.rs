//! Which files there are to import.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::config::ImportInput;

/// The folder of dashboards in a file database of Perses.
const DASHBOARDS: &str = "dashboards";

/// The folders beside it, each with resources of another kind (Perses' `pkg/model/api/v1/kind.go`).
const OTHER_RESOURCES: [&str; 14] = [
    "datasources",
    "ephemeraldashboards",
    "folders",
    "globaldatasources",
    "globalrolebindings",
    "globalroles",
    "globalsecrets",
    "globalvariables",
    "projects",
    "rolebindings",
    "roles",
    "secrets",
    "users",
    "variables",
];

/// What there is to import.
#[derive(Debug, Default)]
pub(super) struct Sources {
    /// In the order of the command line, and of their names within a folder.
    pub(super) sources: Vec<Source>,
    /// How many files of other resources each folder of a Perses database holds.
    pub(super) passed_over: BTreeMap<&'static str, usize>,
}

/// A file, or what stands in the place of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// Standard input.
    Stdin,
    /// A file.
    File(PathBuf),
    /// A folder that holds nothing to import, and why.
    Nothing(PathBuf, String),
}

impl Sources {
    /// Looks for files; only the names of folders are read.
    pub(super) fn find(inputs: &[ImportInput]) -> Self {
        let mut found = Self::default();
        for input in inputs {
            match input {
                ImportInput::Stdin => found.sources.push(Source::Stdin),
                ImportInput::Path(path) if path.is_dir() => found.add_folder(path),
                ImportInput::Path(path) => found.sources.push(Source::File(path.clone())),
            }
        }
        found
    }

    fn add_folder(&mut self, folder: &Path) {
        let before = self.sources.len();
        self.walk(folder);
        if self.sources.len() == before {
            let why = "holds no file with dashboards: *.json, *.yaml, *.yml".to_owned();
            self.sources.push(Source::Nothing(folder.to_owned(), why));
        }
    }

    fn walk(&mut self, folder: &Path) {
        let entries = match entries(folder) {
            Ok(entries) => entries,
            Err(error) => {
                let why = format!("can't be read: {error}");
                return self.sources.push(Source::Nothing(folder.to_owned(), why));
            }
        };
        let is_perses_database = entries.iter().any(|(name, path)| name == DASHBOARDS && is_folder(path));
        for (name, path) in entries {
            let other = OTHER_RESOURCES.into_iter().find(|other| *other == name);
            match other.filter(|_| is_perses_database && is_folder(&path)) {
                Some(kind) => *self.passed_over.entry(kind).or_default() += count_files(&path),
                None if is_folder(&path) => self.walk(&path),
                None if is_resource(&path) => self.sources.push(Source::File(path)),
                None => {}
            }
        }
    }
}

/// What a folder holds, by name; what begins with a dot belongs to tools.
fn entries(folder: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !name.starts_with('.') {
            found.push((name, path));
        }
    }
    found.sort();
    Ok(found)
}

/// Whether `path` is a folder itself: a link to one could lead around in a circle.
fn is_folder(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|metadata| metadata.is_dir())
}

/// Whether `path` is a file, or leads to one, whose name says that it holds resources.
fn is_resource(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default();
    ["json", "yaml", "yml"].iter().any(|known| extension == *known) && !path.is_dir()
}

fn count_files(folder: &Path) -> usize {
    let entries = entries(folder).unwrap_or_default();
    let counts = entries.iter().map(|(_, path)| match is_folder(path) {
        true => count_files(path),
        false => usize::from(is_resource(path)),
    });
    counts.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Makes empty files in a new folder, and says what is found there, by paths within it.
    fn found(files: &[&str]) -> (Vec<String>, BTreeMap<&'static str, usize>) {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let sources = Sources::find(&[ImportInput::Path(folder.path().to_owned())]);
        let within = |source: &Source| match source {
            Source::File(path) => path.strip_prefix(folder.path()).unwrap().display().to_string(),
            Source::Stdin => "-".to_owned(),
            Source::Nothing(path, why) => {
                assert_eq!(path, folder.path());
                why.clone()
            }
        };
        (sources.sources.iter().map(within).collect(), sources.passed_over)
    }

    #[test]
    fn folders_are_searched_for_resources_in_order() {
        let (files, passed_over) = found(&[
            "b.yml",
            "a/z.yaml",
            "a/b/c.json",
            "README.md",
            ".git/x.yaml",
            "a/.x.json",
        ]);
        assert_eq!(files, ["a/b/c.json", "a/z.yaml", "b.yml"]);
        assert!(passed_over.is_empty());
    }

    #[test]
    fn of_a_perses_database_the_dashboards_are_taken_and_the_others_counted() {
        let (files, passed_over) = found(&[
            "dashboards/p/d.yaml",
            "dashboards/users/e.yaml",
            "projects/p.yaml",
            "secrets/p/s.yaml",
            "secrets/p/t.yaml",
        ]);
        assert_eq!(files, ["dashboards/p/d.yaml", "dashboards/users/e.yaml"]);
        assert_eq!(passed_over, BTreeMap::from([("projects", 1), ("secrets", 2)]));
        // Without dashboards beside it, a folder may have any name.
        assert_eq!(found(&["users/d.yaml"]).0, ["users/d.yaml"]);
    }

    #[test]
    fn a_folder_without_resources_is_told() {
        let (files, _) = found(&["README.md"]);
        assert!(files[0].contains("holds no file"), "{files:?}");
    }

    #[cfg(unix)]
    #[test]
    fn links_lead_to_files_and_not_to_folders() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.yaml"), "").unwrap();
        std::os::unix::fs::symlink("a.yaml", folder.path().join("b.yaml")).unwrap();
        std::os::unix::fs::symlink(".", folder.path().join("circle")).unwrap();
        let sources = Sources::find(&[ImportInput::Path(folder.path().to_owned())]).sources;
        assert_eq!(sources.len(), 2, "{sources:?}");
    }
}
