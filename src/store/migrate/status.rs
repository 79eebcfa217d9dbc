//! Compares the migrations of this binary with those of a database, without changing anything.

use std::time::Duration;

use time::OffsetDateTime;
use tokio_postgres::Client;

use super::Migrator;
use super::error::{MigrateError, Problem};
use super::file::Migration;
use super::golang_migrate::GolangMigrate;
use super::history::{Applied, History};

/// Where a migration stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MigrationState {
    /// Not applied.
    Pending,
    /// Applied by dashboard-store, from the file that this binary has.
    Applied,
    /// Applied by golang-migrate, psql or the like, which leave no checksum.
    AppliedByAnotherTool,
    /// Applied from another file than the one that this binary has.
    ChecksumDiffers,
    /// Applied, and unknown to this binary.
    Newer,
}

impl MigrationState {
    /// The state in words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Applied => "applied",
            Self::AppliedByAnotherTool => "applied by another tool",
            Self::ChecksumDiffers => "applied from another file",
            Self::Newer => "applied by a newer dashboard-store",
        }
    }
}

/// One migration, known or applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusRow {
    /// The number.
    pub version: i32,
    /// What it brings; the words of the file name while it is pending.
    pub description: String,
    /// Where it stands.
    pub state: MigrationState,
    /// When it was applied.
    pub applied_at: Option<OffsetDateTime>,
    /// The database role that applied it.
    pub applied_by: Option<String>,
    /// How long that took.
    pub duration: Option<Duration>,
}

/// What `verify` found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verification {
    /// How many applied migrations have the checksum of their file.
    pub verified: usize,
    /// The versions without a checksum, because another tool applied them.
    pub unverifiable: Vec<i32>,
    /// The versions that this binary does not know.
    pub newer: Vec<i32>,
    /// The versions that are not applied yet.
    pub pending: Vec<i32>,
    /// What is wrong; nothing if it is empty.
    pub problems: Vec<Problem>,
}

impl Migrator<'_> {
    /// Lists every migration that this binary knows or the database says was applied.
    ///
    /// # Errors
    /// `Database` when it can't be read.
    pub async fn status(&self, client: &Client) -> Result<Vec<StatusRow>, MigrateError> {
        let history = History::read(client).await?;
        Ok(self.status_of(&history))
    }

    /// Compares the checksums of what was applied with the files of this binary, and looks for gaps, versions that need
    /// a newer binary, and a golang-migrate that says something else.
    ///
    /// # Errors
    /// `Database` when it can't be read. What is wrong with the schema is no error but a [`Problem`] of the result.
    pub async fn verify(&self, client: &Client) -> Result<Verification, MigrateError> {
        let history = History::read(client).await?;
        let mut verification = Verification {
            problems: self.problems(&history),
            ..Verification::default()
        };
        for row in self.status_of(&history) {
            match row.state {
                MigrationState::Pending => verification.pending.push(row.version),
                MigrationState::Applied => verification.verified += 1,
                MigrationState::AppliedByAnotherTool => verification.unverifiable.push(row.version),
                MigrationState::Newer => verification.newer.push(row.version),
                // Stands among the problems.
                MigrationState::ChecksumDiffers => {}
            }
        }
        if let Some(state) = GolangMigrate::read(client).await?
            && !state.agrees_with(&history)
        {
            let applied = history.latest();
            verification
                .problems
                .push(Problem::GolangMigrateDisagrees { state, applied });
        }
        Ok(verification)
    }

    fn status_of(&self, history: &History) -> Vec<StatusRow> {
        let known = self
            .migrations
            .iter()
            .map(|migration| match history.find(migration.version) {
                Some(applied) => applied_row(applied, state_of(applied, migration)),
                None => pending_row(migration),
            });
        let latest = self.latest_version();
        let newer = history.0.iter().filter(|applied| applied.version > latest);
        known
            .chain(newer.map(|applied| applied_row(applied, MigrationState::Newer)))
            .collect()
    }
}

fn state_of(applied: &Applied, migration: &Migration) -> MigrationState {
    match &applied.checksum {
        None => MigrationState::AppliedByAnotherTool,
        Some(checksum) if *checksum == migration.checksum() => MigrationState::Applied,
        Some(_) => MigrationState::ChecksumDiffers,
    }
}

fn applied_row(applied: &Applied, state: MigrationState) -> StatusRow {
    let milliseconds = applied
        .duration_ms
        .and_then(|duration_ms| u64::try_from(duration_ms).ok());
    StatusRow {
        version: applied.version,
        description: applied.description.clone(),
        state,
        applied_at: Some(applied.applied_at),
        applied_by: Some(applied.applied_by.clone()),
        duration: milliseconds.map(Duration::from_millis),
    }
}

fn pending_row(migration: &Migration) -> StatusRow {
    StatusRow {
        version: migration.version,
        description: migration.name.replace('_', " "),
        state: MigrationState::Pending,
        applied_at: None,
        applied_by: None,
        duration: None,
    }
}
