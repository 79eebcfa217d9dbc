//! `dashboard-store audit`: shows that the audit log is as it was written, and takes it out with its seals.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;

use time::OffsetDateTime;

use crate::domain::audit::record::FORMAT;
use crate::domain::audit::{AuditItem, CheckSignature, Finding, Head, Record, Report, Seal, Unreadable, Verifier};
use crate::error::Error;
use crate::store::Store;

/// Why the command failed.
#[derive(Debug, thiserror::Error)]
pub enum AuditFailure {
    /// The log is not as it was.
    #[error("{0}")]
    Changed(Finding),
    /// The log is as it was, and whether its end is there could not be found out.
    #[error("the expected head {0} is older than what is kept: it proves nothing; give a newer one")]
    HeadTooOld(Head),
    /// The database can't be read.
    #[error("the audit log can't be read: {}", of_database(.error))]
    Database {
        /// Why.
        error: Error,
    },
    /// A row of the log can't be read.
    #[error("{0}: audit verify says which is the first that somebody changed")]
    Unreadable(#[from] Unreadable),
    /// The file can't be read or written.
    #[error("{}: {source}", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is no export, or not a whole one.
    #[error("{}: line {line}: {problem}", .path.display())]
    NoExport {
        /// Which.
        path: PathBuf,
        /// Where, from 1.
        line: u64,
        /// What is wrong.
        problem: String,
    },
    /// The output could not be written.
    #[error("the output could not be written: {0}")]
    Output(io::Error),
}

/// What the database said, or else what we make of it.
fn of_database(error: &Error) -> String {
    match error.causes() {
        causes if causes.is_empty() => error.to_string(),
        causes => causes,
    }
}

impl From<Error> for AuditFailure {
    fn from(error: Error) -> Self {
        Self::Database { error }
    }
}

/// Verifies the audit log of a database, and tells `out` what was looked at.
///
/// # Errors
/// [`AuditFailure::Changed`] with the first thing that is not as it was; why that could not be found out.
pub async fn verify_database(
    store: &Store,
    keys: impl CheckSignature,
    expected: Option<Head>,
    out: &mut impl Write,
) -> Result<(), AuditFailure> {
    let report = store.verify_audit_log(keys, expected).await?;
    tell(report, expected, out)
}

/// Verifies an export, and tells `out` what was looked at.
///
/// # Errors
/// As [`verify_database`].
pub fn verify_file(
    path: &Path,
    keys: impl CheckSignature + Clone,
    expected: Option<Head>,
    out: &mut impl Write,
) -> Result<(), AuditFailure> {
    let report = look_through(path, Verifier::new(keys.clone(), expected))?;
    // What comes through a pipe is read once.
    let judged_again = match report.finding {
        Some(_) if path.is_file() => look_through_again(path, Verifier::new(keys, expected)).ok(),
        _ => None,
    };
    let judged_again = judged_again.filter(|again| again.finding.is_some());
    tell(judged_again.unwrap_or(report), expected, out)
}

/// Looks through an export in which something is wrong. Events stand where the seals of epochs say, so those are looked at before all
/// that follows, as they are in a database.
fn look_through_again(path: &Path, mut verifier: Verifier<impl CheckSignature>) -> Result<Report, AuditFailure> {
    verifier.take_landmarks(&landmarks(path)?);
    look_through(path, verifier)
}

/// The seals of an export that say which events belong to which epoch: the first, those that begin epochs, and the last.
fn landmarks(path: &Path) -> Result<Vec<Result<Box<Seal>, Unreadable>>, AuditFailure> {
    let mut lines = Lines::open(path)?;
    let (mut found, mut last) = (Vec::new(), None);
    while let Some(record) = lines.next_record()? {
        match record {
            // Those that come behind would only be kept: this one is none of ours.
            Record::Seal(seal) if seal.content.begins_epoch() && !seal.content.event_digests.is_empty() => {
                found.push(Ok(seal));
                return Ok(found);
            }
            Record::Seal(seal) if found.is_empty() || seal.content.begins_epoch() => {
                found.push(Ok(seal));
                last = None;
            }
            Record::Seal(seal) => last = Some(Ok(seal)),
            _ => {}
        }
    }
    found.extend(last);
    Ok(found)
}

fn look_through(path: &Path, mut verifier: Verifier<impl CheckSignature>) -> Result<Report, AuditFailure> {
    let mut lines = Lines::open(path)?;
    // The file is read on while what came is looked at.
    thread::scope(|scope| {
        let (sender, batches) = mpsc::sync_channel(1);
        let reading = scope.spawn(move || {
            while let Some(batch) = lines.next_batch()? {
                if sender.send(batch).is_err() {
                    break;
                }
            }
            Ok::<_, AuditFailure>(())
        });
        for record in batches.iter().flatten() {
            take(&mut verifier, record);
        }
        reading.join().unwrap_or_else(|panic| resume_unwind(panic))
    })?;
    Ok(verifier.finish())
}

fn take(verifier: &mut Verifier<impl CheckSignature>, record: Record) {
    match record {
        Record::Header { .. } | Record::End { .. } => {}
        Record::Checkpoint { checkpoint, signed } => verifier.take_checkpoint(&checkpoint, &signed),
        Record::Seal(seal) => verifier.take(AuditItem::Seal(seal)),
        Record::Event(event) => verifier.take(AuditItem::Event(event.as_ref().into())),
        Record::Unsealed(event) => verifier.take(AuditItem::Unsealed(event.as_ref().into())),
    }
}

/// Writes the audit log to a new file that only its owner may read, and tells `out` how much that was.
///
/// # Errors
/// The file exists, or can't be written; the database can't be read. Then the file is not whole, which [`verify_file`] says.
pub async fn export(store: &Store, path: &Path, out: &mut impl Write) -> Result<(), AuditFailure> {
    let in_file = |source| AuditFailure::File {
        path: path.to_owned(),
        source,
    };
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(in_file)?;
    let mut writer = BufWriter::new(file);
    let mut walk = store.begin_audit_walk(1).await?;
    let header = Record::Header {
        format: FORMAT,
        exported_at: OffsetDateTime::now_utc().truncate_to_second(),
    };
    write_record(&mut writer, &header).map_err(in_file)?;
    if let Some((checkpoint, signed)) = walk.checkpoint().cloned() {
        write_record(&mut writer, &Record::Checkpoint { checkpoint, signed }).map_err(in_file)?;
    }
    let (mut events, mut seals) = (0, 0);
    while let Some(portion) = walk.next_portion().await? {
        for item in portion {
            let count = if item.is_seal() { &mut seals } else { &mut events };
            *count += 1;
            write_record(&mut writer, &Record::try_from(item)?).map_err(in_file)?;
        }
    }
    walk.end().await?;
    write_record(&mut writer, &Record::End { events, seals }).map_err(in_file)?;
    let whole = writer.into_inner().map_err(io::IntoInnerError::into_error);
    whole.and_then(|file| file.sync_all()).map_err(in_file)?;
    writeln!(out, "{events} events and {seals} seals written").map_err(AuditFailure::Output)
}

fn write_record(writer: &mut impl Write, record: &Record) -> io::Result<()> {
    serde_json::to_writer(&mut *writer, record)?;
    writer.write_all(b"\n")
}

/// How many lines are read at once.
const BATCH: usize = 1000;

/// How an event begins, as [`export`] writes it.
const EVENT: &str = r#"{"type":"event","#;
/// The same without its kind, and as long.
const WITHOUT_KIND: &str = "               {";

/// The lines of an export, which must begin with a header and end with what the last line counts.
struct Lines {
    path: PathBuf,
    reader: BufReader<File>,
    line: String,
    number: u64,
    events: u64,
    seals: u64,
    has_ended: bool,
}

impl Lines {
    fn open(path: &Path) -> Result<Self, AuditFailure> {
        let file = File::open(path).map_err(|source| AuditFailure::File {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self {
            path: path.to_owned(),
            reader: BufReader::new(file),
            line: String::new(),
            number: 0,
            events: 0,
            seals: 0,
            has_ended: false,
        })
    }

    /// Reads the next [`BATCH`] lines, fewer at the end; none after the last.
    fn next_batch(&mut self) -> Result<Option<Vec<Record>>, AuditFailure> {
        let mut batch = Vec::with_capacity(BATCH);
        while batch.len() < BATCH
            && let Some(record) = self.next_record()?
        {
            batch.push(record);
        }
        Ok((!batch.is_empty()).then_some(batch))
    }

    /// Reads the next line; none after the last.
    fn next_record(&mut self) -> Result<Option<Record>, AuditFailure> {
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
                return Err(self.problem("the file has not as many events and seals as its last line says"));
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

/// Tells what was looked at; fails with what was found.
fn tell(report: Report, expected: Option<Head>, out: &mut impl Write) -> Result<(), AuditFailure> {
    let Report {
        seals,
        events,
        unsealed,
        head,
        kept_from,
        is_head_checked,
        finding,
    } = report;
    if let Some(finding) = finding {
        return Err(AuditFailure::Changed(finding));
    }
    let mut lines = vec![format!("{events} events under {seals} seals are as they were sealed")];
    lines.extend(
        kept_from.map(|month| format!("events from before {month} are no longer kept; a signed checkpoint says so")),
    );
    lines.push(format!(
        "{unsealed} events are not sealed yet: nothing vouches for them"
    ));
    lines.extend(head.map(|newest| format!("head: {newest}")));
    let of_the_end = match (is_head_checked, expected) {
        (true, _) => Some("the expected head is among the seals"),
        (false, Some(_)) => None,
        (false, None) => {
            Some("whether the newest seals were cut off is not known: give --expected-head from the log of a server")
        }
    };
    lines.extend(of_the_end.map(str::to_owned));
    for line in lines {
        writeln!(out, "{line}").map_err(AuditFailure::Output)?;
    }
    match expected {
        Some(too_old) if !is_head_checked => Err(AuditFailure::HeadTooOld(too_old)),
        _ => Ok(()),
    }
}
