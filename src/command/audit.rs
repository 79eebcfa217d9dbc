//! `dashboard-store audit`: shows that the audit log is as it was written, and takes it out with its seals.

mod lines;

use std::io::{self, BufWriter, Write};
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;

use time::OffsetDateTime;

use self::lines::Lines;
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
    #[error("the audit log can't be read: {}", .error.for_operators())]
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
    /// All that stands in the file is as it was, and there should be more, or less.
    #[error("{}: line {line}: the file has not as many events and seals as its last line says", .path.display())]
    Miscounted {
        /// Which.
        path: PathBuf,
        /// Where, from 1.
        line: u64,
    },
    /// The output could not be written.
    #[error("the output could not be written: {0}")]
    Output(io::Error),
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

/// Looks through an export. What was found stands, whatever is wrong with the file behind it.
fn look_through(path: &Path, mut verifier: Verifier<impl CheckSignature>) -> Result<Report, AuditFailure> {
    let mut lines = Lines::open(path)?;
    // The file is read on while what came is looked at.
    let read = thread::scope(|scope| {
        let (sender, batches) = mpsc::sync_channel(1);
        let reading = scope.spawn(move || {
            loop {
                let (batch, end) = lines.next_batch();
                let is_heard = sender.send(batch).is_ok();
                if let Some(ended) = end {
                    return ended;
                }
                if !is_heard {
                    return Ok(());
                }
            }
        });
        for record in batches.iter().flatten() {
            take(&mut verifier, record);
        }
        reading.join().unwrap_or_else(|panic| resume_unwind(panic))
    });
    let was_found = verifier.is_done();
    let report = verifier.finish();
    match read {
        // What a file says at its end it can say no more once it was cut off.
        Err(AuditFailure::Miscounted { .. }) if report.finding.is_some() => Ok(report),
        Err(failure) if !was_found => Err(failure),
        _ => Ok(report),
    }
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

/// Writes the audit log to a new file that only its owner may read, and tells `out` how much that was. There is no file until all is
/// in it.
///
/// # Errors
/// The file exists, or can't be written; the database can't be read.
pub async fn export(store: &Store, path: &Path, out: &mut impl Write) -> Result<(), AuditFailure> {
    let in_file = |source| AuditFailure::File {
        path: path.to_owned(),
        source,
    };
    if path.symlink_metadata().is_ok() {
        return Err(in_file(io::ErrorKind::AlreadyExists.into()));
    }
    let mut walk = store.begin_audit_walk(1).await?;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let file = tempfile::Builder::new()
        .prefix(".audit-export-")
        .tempfile_in(directory.unwrap_or(Path::new(".")))
        .map_err(in_file)?;
    let mut writer = BufWriter::new(file);
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
    walk.end().await;
    write_record(&mut writer, &Record::End { events, seals }).map_err(in_file)?;
    let whole = writer.into_inner().map_err(|error| in_file(error.into_error()))?;
    whole.as_file().sync_all().map_err(in_file)?;
    whole.persist_noclobber(path).map_err(|error| in_file(error.error))?;
    writeln!(out, "{events} events and {seals} seals written").map_err(AuditFailure::Output)
}

fn write_record(writer: &mut impl Write, record: &Record) -> io::Result<()> {
    serde_json::to_writer(&mut *writer, record)?;
    writer.write_all(b"\n")
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
