//! What keeps migrations from running.
//!
//! Operators read these, so they carry the words of PostgreSQL; clients of the API never see them.

use std::fmt;
use std::time::Duration;

use tokio_postgres::error::{DbError, ErrorPosition, SqlState};

use super::file::Script;
use super::golang_migrate::GolangMigrate;
use super::statement::Statement;

/// Why a migration command did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// PostgreSQL refused something, or the connection broke.
    #[error("the database failed: {}", InWords(.0))]
    Database(#[from] tokio_postgres::Error),
    /// Another migrator works on the database.
    #[error("another migrator has worked on this database for {} s: try again when it is done", .waited.as_secs())]
    Locked {
        /// How long this one waited.
        waited: Duration,
    },
    /// What was applied is not what this binary knows.
    #[error("{}", Sentences(.0))]
    Refused(Vec<Problem>),
    /// golang-migrate works on this database, or has left it in disorder.
    #[error("{}", ManagedByGolangMigrate { state: *.state, applied: *.applied })]
    ManagedByGolangMigrate {
        /// What its table says.
        state: GolangMigrate,
        /// What `schema_version` says.
        applied: i32,
    },
    /// There is no such version.
    #[error("there is no migration {to}: this dashboard-store knows 0 (an empty database) to {latest}")]
    UnknownVersion {
        /// The version that was asked for.
        to: i32,
        /// The last one that exists.
        latest: i32,
    },
    /// A migration that has to be reverted is newer than this binary.
    #[error("version {version} was applied by a newer dashboard-store: run `migrate down` of that one")]
    CannotRevert {
        /// The version whose file is missing here.
        version: i32,
    },
    /// A statement failed.
    #[error(transparent)]
    Statement(#[from] Box<FailedStatement>),
    /// A file did not keep its row in `schema_version`; a mistake in the file.
    #[error("{file} does not {} in schema_version: the file must be corrected", if *.up { "insert its row" } else { "delete its row" })]
    RowMismatch {
        /// The file.
        file: String,
        /// Whether the row should be there after it.
        up: bool,
    },
}

/// Why this binary does not build on what was applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// A file was changed after it had been applied.
    #[error(
        "{file} is not the file that was applied: its checksum differs; released migrations never change, so use the release that applied it"
    )]
    ChecksumDiffers {
        /// The file.
        file: String,
    },
    /// A version was left out although later ones were applied.
    #[error(
        "{file} was never applied, but version {latest} was: apply it by hand with psql, after checking why it was skipped"
    )]
    Skipped {
        /// The file.
        file: String,
        /// The highest version that was applied.
        latest: i32,
    },
    /// The schema is too new for this binary.
    #[error(
        "version {version} of the schema needs dashboard-store {min_version} or newer, and this is {binary}: use a newer release"
    )]
    NeedsNewerBinary {
        /// The version that says so.
        version: i32,
        /// What it needs.
        min_version: String,
        /// What this is.
        binary: String,
    },
    /// golang-migrate's table disagrees with `schema_version`.
    #[error(
        "schema_migrations of golang-migrate says {state}, schema_version says version {applied}: see `dashboard-store migrate up --adopt`"
    )]
    GolangMigrateDisagrees {
        /// What golang-migrate's table says.
        state: GolangMigrate,
        /// What `schema_version` says.
        applied: i32,
    },
}

/// The statement that a migration failed on.
#[derive(Debug)]
pub struct FailedStatement {
    /// The name of the file.
    pub file: String,
    /// The line of the file that PostgreSQL points at, or on which the statement begins; from 1.
    pub line: usize,
    /// The first line of the statement.
    pub statement: String,
    /// Whether nothing of the file remains; otherwise what stands before the statement was applied.
    pub rolled_back: bool,
    cause: tokio_postgres::Error,
}

/// The most characters of a statement that an error repeats.
const MAX_SHOWN_CHARS: usize = 120;

impl FailedStatement {
    pub(super) fn new(script: &Script<'_>, statement: &Statement<'_>, cause: tokio_postgres::Error) -> Self {
        let line = match cause.as_db_error().and_then(DbError::position) {
            Some(ErrorPosition::Original(position)) => statement.line_at(*position),
            _ => statement.line,
        };
        let first_line = statement.text.lines().next().unwrap_or_default();
        Self {
            file: script.file(),
            line,
            statement: first_line.chars().take(MAX_SHOWN_CHARS).collect(),
            rolled_back: script.is_transactional(),
            cause,
        }
    }
}

impl fmt::Display for FailedStatement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file, line, statement, ..
        } = self;
        write!(
            f,
            "{file} failed on line {line}, in `{statement}`: {}; ",
            InWords(&self.cause)
        )?;
        f.write_str(match self.rolled_back {
            true => "nothing of this file was applied",
            false => "the statements before it were applied, and the next run repeats them",
        })?;
        if self.cause.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) {
            f.write_str("; another session holds a lock for too long: run the command again at a quieter time")?;
        }
        Ok(())
    }
}

impl std::error::Error for FailedStatement {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.cause)
    }
}

/// Says what PostgreSQL or the connection said, on one line; the driver's own text is only "db error".
struct InWords<'a>(&'a tokio_postgres::Error);

impl fmt::Display for InWords<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(error) = self.0.as_db_error() else {
            write!(f, "{}", self.0)?;
            return match std::error::Error::source(self.0) {
                Some(source) => write!(f, ": {source}"),
                None => Ok(()),
            };
        };
        write!(
            f,
            "{}: {} (SQLSTATE {})",
            error.severity(),
            error.message(),
            error.code().code()
        )?;
        for (label, text) in [
            ("detail", error.detail()),
            ("hint", error.hint()),
            ("context", error.where_()),
        ] {
            if let Some(text) = text {
                write!(f, ", {label}: {}", text.replace('\n', " "))?;
            }
        }
        Ok(())
    }
}

/// Shows every problem, separated by semicolons.
struct Sentences<'a>(&'a [Problem]);

impl fmt::Display for Sentences<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, problem) in self.0.iter().enumerate() {
            let separator = if position == 0 { "" } else { "; " };
            write!(f, "{separator}{problem}")?;
        }
        Ok(())
    }
}

/// Says in which of three ways golang-migrate is in the way, and how to go on.
struct ManagedByGolangMigrate {
    state: GolangMigrate,
    applied: i32,
}

impl fmt::Display for ManagedByGolangMigrate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { state, applied } = self;
        write!(
            f,
            "golang-migrate manages this database: its schema_migrations says {state}"
        )?;
        if state.dirty || state.version != i64::from(*applied) {
            write!(f, ", schema_version says version {applied}")?;
        }
        f.write_str(
            "; go on with golang-migrate, or take the database over for good with `dashboard-store migrate up --adopt`",
        )
    }
}
