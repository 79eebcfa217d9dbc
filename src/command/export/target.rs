//! The folder that files are written to: whole files alone, and none before all are there.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::ExportFailure;

/// A folder that is written to.
#[derive(Debug)]
pub(super) struct Target {
    directory: PathBuf,
    /// Where files wait until all are there: on the same file system, so that they can be moved. Goes when it is dropped.
    waiting: TempDir,
    /// The files that wait, by their paths within.
    files: Vec<PathBuf>,
}

impl Target {
    /// Checks whether `directory` may be written to; it is not made yet.
    ///
    /// # Errors
    /// [`ExportFailure::NotEmpty`], or [`ExportFailure::File`] for what is no folder.
    pub(super) fn check(directory: &Path, may_overwrite: bool) -> Result<(), ExportFailure> {
        match fs::read_dir(directory) {
            Ok(mut entries) => match may_overwrite || entries.next().is_none() {
                true => Ok(()),
                false => Err(ExportFailure::NotEmpty(directory.to_owned())),
            },
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(source) => Err(failed(directory)(source)),
        }
    }

    /// Makes the folder if it is not there.
    ///
    /// # Errors
    /// [`ExportFailure::File`].
    pub(super) fn open(directory: &Path) -> Result<Self, ExportFailure> {
        fs::create_dir_all(directory).map_err(failed(directory))?;
        let waiting = tempfile::Builder::new().prefix(".export-").tempdir_in(directory);
        Ok(Self {
            directory: directory.to_owned(),
            waiting: waiting.map_err(failed(directory))?,
            files: Vec::new(),
        })
    }

    /// Writes a file; false when there is one of this path, which is left as it is.
    ///
    /// # Errors
    /// [`ExportFailure::File`].
    pub(super) fn write(&mut self, path: &Path, text: &str) -> Result<bool, ExportFailure> {
        let waiting = self.waiting.path().join(path);
        make_parent(&waiting)?;
        let mut file = match File::create_new(&waiting) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(false),
            Err(source) => return Err(failed(&waiting)(source)),
        };
        file.write_all(text.as_bytes()).map_err(failed(&waiting))?;
        self.files.push(path.to_owned());
        Ok(true)
    }

    /// Moves all files to their places, and counts the ones that were there and are none of them.
    ///
    /// # Errors
    /// [`ExportFailure::File`]; some files may be in place then, each of them whole.
    pub(super) fn put_in_place(self) -> Result<usize, ExportFailure> {
        let mut others = count_files(&self.directory);
        for path in &self.files {
            let place = self.directory.join(path);
            others -= usize::from(place.is_file());
            make_parent(&place)?;
            fs::rename(self.waiting.path().join(path), &place).map_err(failed(&place))?;
        }
        Ok(others)
    }
}

fn make_parent(path: &Path) -> Result<(), ExportFailure> {
    match path.parent() {
        Some(parent) => fs::create_dir_all(parent).map_err(failed(parent)),
        None => Ok(()),
    }
}

fn failed(path: &Path) -> impl FnOnce(std::io::Error) -> ExportFailure {
    let path = path.to_owned();
    move |source| ExportFailure::File { path, source }
}

/// How many files are below a folder; what begins with a dot belongs to tools, and to exports that wait.
fn count_files(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let visible = entries.filter(|entry| !entry.file_name().to_string_lossy().starts_with('.'));
    let counts = visible.map(|entry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => count_files(&entry.path()),
        _ => 1,
    });
    counts.sum()
}
