//! The lines of an export.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use super::AuditFailure;
use crate::domain::audit::Record;
use crate::domain::audit::record::FORMAT;

/// In the place of a file.
const STANDARD_INPUT: &str = "-";

/// How many lines are read at once.
const BATCH: usize = 1000;

/// How an event begins, as [`super::export`] writes it.
const EVENT: &str = r#"{"type":"event","#;
/// The same without its kind, and as long.
const WITHOUT_KIND: &str = "               {";

/// The lines of an export, which must begin with a header and end with what the last line counts.
pub(super) struct Lines {
    path: PathBuf,
    reader: Box<dyn BufRead + Send>,
    line: String,
    number: u64,
    events: u64,
    seals: u64,
    has_ended: bool,
}

impl Lines {
    /// Opens a file, or standard input.
    ///
    /// # Errors
    /// [`AuditFailure::File`].
    pub(super) fn open(path: &Path) -> Result<Self, AuditFailure> {
        let reader: Box<dyn BufRead + Send> = match path == Path::new(STANDARD_INPUT) {
            true => Box::new(BufReader::new(io::stdin())),
            false => Box::new(BufReader::new(File::open(path).map_err(|source| {
                AuditFailure::File {
                    path: path.to_owned(),
                    source,
                }
            })?)),
        };
        Ok(Self {
            path: path.to_owned(),
            reader,
            line: String::new(),
            number: 0,
            events: 0,
            seals: 0,
            has_ended: false,
        })
    }

    /// Reads the next [`BATCH`] lines, fewer at the end, and what has ended them.
    ///
    /// # Errors
    /// As [`Self::next_record`], beside the lines before.
    pub(super) fn next_batch(&mut self) -> (Vec<Record>, Option<Result<(), AuditFailure>>) {
        let mut batch = Vec::with_capacity(BATCH);
        while batch.len() < BATCH {
            match self.next_record() {
                Ok(Some(record)) => batch.push(record),
                Ok(None) => return (batch, Some(Ok(()))),
                Err(failure) => return (batch, Some(Err(failure))),
            }
        }
        (batch, None)
    }

    /// Reads the next line; none after the last.
    ///
    /// # Errors
    /// [`AuditFailure::NoExport`]; [`AuditFailure::Miscounted`]; the file can't be read.
    pub(super) fn next_record(&mut self) -> Result<Option<Record>, AuditFailure> {
        self.line.clear();
        let read = self.reader.read_line(&mut self.line);
        let length = read.map_err(|source| AuditFailure::File {
            path: self.path.clone(),
            source,
        })?;
        self.number += 1;
        if length == 0 {
            return match self.has_ended {
                true => Ok(None),
                false => Err(self.problem("the file ends before its last line: it was cut off, or is being written")),
            };
        }
        let record = parse_record(&mut self.line).map_err(|error| self.problem(&error.to_string()))?;
        self.check_place(&record)?;
        Ok(Some(record))
    }

    fn check_place(&mut self, record: &Record) -> Result<(), AuditFailure> {
        let is_header = matches!(record, Record::Header { format, .. } if *format == FORMAT);
        if is_header != (self.number == 1) {
            return Err(self.problem("the first line, and no other, must be a header of format 1"));
        }
        if matches!(record, Record::Checkpoint { .. }) && self.number != 2 {
            return Err(self.problem("a checkpoint stands behind the header or nowhere"));
        }
        if self.has_ended {
            return Err(self.problem("nothing may follow the line that ends the file"));
        }
        match record {
            Record::Header { .. } | Record::Checkpoint { .. } => {}
            Record::Seal(_) => self.seals += 1,
            Record::Event(_) | Record::Unsealed(_) => self.events += 1,
            Record::End { events, seals } if (*events, *seals) == (self.events, self.seals) => self.has_ended = true,
            Record::End { .. } => {
                return Err(AuditFailure::Miscounted {
                    path: self.path.clone(),
                    line: self.number,
                });
            }
        }
        Ok(())
    }

    fn problem(&self, problem: &str) -> AuditFailure {
        AuditFailure::NoExport {
            path: self.path.clone(),
            line: self.number,
            problem: problem.to_owned(),
        }
    }
}

/// Reads a line. Nearly all are events, which are read at once, as they stand; a record whose kind may come last has to be kept
/// whole before it can be read. What is wrong with an event is said by the second way, too.
fn parse_record(line: &mut String) -> serde_json::Result<Record> {
    if line.starts_with(EVENT) {
        line.replace_range(..EVENT.len(), WITHOUT_KIND);
        if let Ok(event) = serde_json::from_str(line) {
            return Ok(Record::Event(event));
        }
        line.replace_range(..EVENT.len(), EVENT);
    }
    serde_json::from_str(line)
}
