//! `dashboard-store migrate`: the words around [`Migrator`].

use std::io::{self, Write};

use time::format_description::well_known::Rfc3339;

use crate::config::MigrateAction;
use crate::store::migrate::{Connection, MigrateError, Migrator, Progress, Report, StatusRow, UpOptions, Verification};

/// Why the command failed.
#[derive(Debug, thiserror::Error)]
pub enum MigrateFailure {
    /// The migrations could not run or be read.
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    /// `verify` found problems; they are already printed.
    #[error("the schema differs from this release: {0} problem(s)")]
    Problems(usize),
    /// The output could not be written.
    #[error("the output could not be written: {0}")]
    Output(#[from] io::Error),
}

/// Runs `action` on the database behind `connection`, and tells `out` about it.
///
/// # Errors
/// A [`MigrateFailure`], whose text is one line for the person who ran the command.
pub async fn run(
    action: &MigrateAction,
    migrator: &Migrator<'_>,
    connection: &mut Connection,
    out: &mut (impl Write + Send),
) -> Result<(), MigrateFailure> {
    match *action {
        MigrateAction::Up { to, adopt } => {
            let mut printed = Ok(());
            let options = UpOptions { to, adopt };
            let report = migrator
                .up(connection, options, &mut |progress| tell(out, &mut printed, &progress))
                .await?;
            printed?;
            conclude(report, out)?;
        }
        MigrateAction::Down { to } => {
            let mut printed = Ok(());
            let report = migrator
                .down(connection, to, &mut |progress| tell(out, &mut printed, &progress))
                .await?;
            printed?;
            conclude(report, out)?;
        }
        MigrateAction::Status => write_status(&migrator.status(connection).await?, out)?,
        MigrateAction::Verify => return verify(migrator, connection, out).await,
    }
    Ok(())
}

/// Prints as it goes; a closed output must not stop migrations half-way, so the first error is kept for later.
fn tell(out: &mut impl Write, printed: &mut io::Result<()>, progress: &Progress) {
    if printed.is_ok() {
        *printed = writeln!(out, "{progress}").and_then(|()| out.flush());
    }
}

fn conclude(report: Report, out: &mut impl Write) -> io::Result<()> {
    let Report { from, to } = report;
    match from == to {
        true => writeln!(out, "the schema is at version {to}: nothing to do"),
        false => writeln!(out, "the schema went from version {from} to version {to}"),
    }
}

async fn verify(migrator: &Migrator<'_>, connection: &Connection, out: &mut impl Write) -> Result<(), MigrateFailure> {
    let Verification {
        verified,
        unverifiable,
        newer,
        pending,
        problems,
    } = migrator.verify(connection).await?;
    for problem in &problems {
        writeln!(out, "problem: {problem}")?;
    }
    writeln!(out, "{verified} applied with the checksum of this release")?;
    for (versions, meaning) in [
        (unverifiable, "applied by another tool, without a checksum"),
        (newer, "applied by a newer dashboard-store"),
        (pending, "pending"),
    ] {
        if !versions.is_empty() {
            let numbers: Vec<String> = versions.iter().map(i32::to_string).collect();
            writeln!(out, "{} {meaning}: {}", versions.len(), numbers.join(", "))?;
        }
    }
    match problems.len() {
        0 => Ok(()),
        count => Err(MigrateFailure::Problems(count)),
    }
}

fn write_status(rows: &[StatusRow], out: &mut impl Write) -> io::Result<()> {
    let heading = ["VERSION", "STATE", "APPLIED AT", "BY", "TOOK", "DESCRIPTION"].map(str::to_owned);
    let lines: Vec<[String; 6]> = std::iter::once(heading).chain(rows.iter().map(cells)).collect();
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 5] = std::array::from_fn(width);
    for [version, state, applied_at, applied_by, took, description] in &lines {
        let [w0, w1, w2, w3, w4] = widths;
        writeln!(
            out,
            "{version:w0$}  {state:w1$}  {applied_at:w2$}  {applied_by:w3$}  {took:>w4$}  {description}"
        )?;
    }
    Ok(())
}

fn cells(row: &StatusRow) -> [String; 6] {
    let unknown = || "-".to_owned();
    let to_seconds = |time: time::OffsetDateTime| time.replace_nanosecond(0).ok()?.format(&Rfc3339).ok();
    [
        row.version.to_string(),
        row.state.as_str().to_owned(),
        row.applied_at.and_then(to_seconds).unwrap_or_else(unknown),
        row.applied_by.clone().unwrap_or_else(unknown),
        row.duration
            .map_or_else(unknown, |duration| format!("{} ms", duration.as_millis())),
        row.description.clone(),
    ]
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use time::OffsetDateTime;

    use super::*;
    use crate::store::migrate::MigrationState;

    #[test]
    fn status_is_a_table_whose_columns_line_up() {
        let rows = [
            StatusRow {
                version: 1,
                description: "initial schema".into(),
                state: MigrationState::Applied,
                applied_at: Some(OffsetDateTime::UNIX_EPOCH + Duration::from_millis(1500)),
                applied_by: Some("owner".into()),
                duration: Some(Duration::from_millis(42)),
            },
            StatusRow {
                version: 2,
                description: "audit log".into(),
                state: MigrationState::Pending,
                applied_at: None,
                applied_by: None,
                duration: None,
            },
        ];
        let mut out = Vec::new();
        write_status(&rows, &mut out).unwrap();
        let expected = "\
VERSION  STATE    APPLIED AT            BY      TOOK  DESCRIPTION
1        applied  1970-01-01T00:00:01Z  owner  42 ms  initial schema
2        pending  -                     -          -  audit log
";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
