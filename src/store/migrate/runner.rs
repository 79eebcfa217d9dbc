//! Applies and reverts migrations.

use std::fmt;
use std::time::{Duration, Instant};

use tokio_postgres::types::Type;
use tokio_postgres::{Client, GenericClient};

use super::error::{FailedStatement, MigrateError};
use super::file::{Direction, Migration, Script};
use super::golang_migrate::{self, GolangMigrate};
use super::history::History;
use super::{Migrator, lock};

/// How far up to go, and whether to take the database over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UpOptions {
    /// The last version to apply; the latest when none is given.
    pub to: Option<i32>,
    /// Whether to retire golang-migrate's table, if there is one.
    pub adopt: bool,
}

/// One thing that was done, told as soon as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// The database was taken over from golang-migrate.
    Adopted {
        /// What golang-migrate's table said last.
        state: GolangMigrate,
        /// How that table is called now.
        renamed_to: String,
    },
    /// A file ran.
    Ran {
        /// Its name.
        file: String,
        /// How long it took.
        duration: Duration,
    },
    /// Partitions of the audit log were made ahead.
    PartitionsMade {
        /// How many.
        count: i32,
    },
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Adopted { state, renamed_to } => {
                write!(
                    f,
                    "taken over from golang-migrate ({state}); schema_migrations is now {renamed_to}"
                )
            }
            Self::Ran { file, duration } => write!(f, "{file} ({} ms)", duration.as_millis()),
            Self::PartitionsMade { count } => write!(f, "{count} partitions of audit_log made"),
        }
    }
}

/// Where a run began and where it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// The version before; 0 is an empty database.
    pub from: i32,
    /// The version after.
    pub to: i32,
}

/// Who is told of [`Progress`].
type Listener<'l> = &'l mut (dyn FnMut(Progress) + Send);

const PARTITIONS_FUNCTION_EXISTS: &str = "-- migrate_partitions_function_exists
SELECT to_regprocedure('ensure_audit_partitions(integer)') IS NOT NULL";

const ENSURE_PARTITIONS: &str = "-- migrate_ensure_partitions
SELECT ensure_audit_partitions()";

const COMPLETE_ROW: &str = "-- migrate_complete_row
UPDATE schema_version SET checksum = $2, duration_ms = $3 WHERE version = $1";

impl Migrator<'_> {
    /// Applies every migration up to `options.to` that was not applied, and makes partitions of the audit log ahead.
    ///
    /// Safe beside other migrators: the second one waits, and finds nothing to do. The lock belongs to the session of
    /// `client`; a caller that gives up waiting for this future must close the connection.
    ///
    /// # Errors
    /// Every [`MigrateError`] but `CannotRevert`; the files that ran before it stay applied.
    pub async fn up(
        &self,
        client: &mut Client,
        options: UpOptions,
        told: Listener<'_>,
    ) -> Result<Report, MigrateError> {
        let to = self.known_version(options.to.unwrap_or(self.latest_version()))?;
        lock::acquire(client, self.lock_wait, self.lock_timeout).await?;
        let outcome = self.up_locked(client, to, options.adopt, told).await;
        finish(client, outcome).await
    }

    async fn up_locked(
        &self,
        client: &mut Client,
        to: i32,
        adopt: bool,
        told: Listener<'_>,
    ) -> Result<Report, MigrateError> {
        let history = self.sound_history(client).await?;
        let pending: Vec<&Migration> = self
            .migrations
            .iter()
            .filter(|migration| migration.version <= to && history.find(migration.version).is_none())
            .collect();

        match GolangMigrate::read(client).await? {
            Some(state) if adopt => {
                let renamed_to = golang_migrate::retire(client).await?;
                told(Progress::Adopted { state, renamed_to });
            }
            state => refuse_beside(state, &history, !pending.is_empty())?,
        }
        for &migration in &pending {
            run_script(
                client,
                Script {
                    migration,
                    direction: Direction::Up,
                },
                told,
            )
            .await?;
        }
        make_partitions(client, told).await?;
        let from = history.latest();
        let to = pending.last().map_or(from, |migration| migration.version);
        Ok(Report { from, to })
    }

    /// Reverts every migration above `to`, the newest first; 0 leaves nothing of ours, **data included**.
    ///
    /// # Errors
    /// Every [`MigrateError`]; the files that ran before it stay reverted.
    pub async fn down(&self, client: &mut Client, to: i32, told: Listener<'_>) -> Result<Report, MigrateError> {
        let known = self.known_version(to)?;
        lock::acquire(client, self.lock_wait, self.lock_timeout).await?;
        let outcome = self.down_locked(client, known, told).await;
        finish(client, outcome).await
    }

    async fn down_locked(&self, client: &mut Client, to: i32, told: Listener<'_>) -> Result<Report, MigrateError> {
        let history = self.sound_history(client).await?;
        let from = history.latest();
        if from > self.latest_version() {
            return Err(MigrateError::CannotRevert { version: from });
        }
        let applied: Vec<&Migration> = self
            .migrations
            .iter()
            .filter(|migration| migration.version > to && history.find(migration.version).is_some())
            .collect();
        refuse_beside(GolangMigrate::read(client).await?, &history, !applied.is_empty())?;
        for &migration in applied.iter().rev() {
            run_script(
                client,
                Script {
                    migration,
                    direction: Direction::Down,
                },
                told,
            )
            .await?;
        }
        Ok(Report { from, to: from.min(to) })
    }

    /// What was applied, if this binary may build on it.
    async fn sound_history(&self, client: &Client) -> Result<History, MigrateError> {
        let history = History::read(client).await?;
        match self.problems(&history) {
            problems if problems.is_empty() => Ok(history),
            problems => Err(MigrateError::Refused(problems)),
        }
    }

    fn known_version(&self, to: i32) -> Result<i32, MigrateError> {
        let latest = self.latest_version();
        match (0..=latest).contains(&to) {
            true => Ok(to),
            false => Err(MigrateError::UnknownVersion { to, latest }),
        }
    }
}

/// Gives the lock back, also after an error; the first error is the one that counts.
async fn finish(client: &Client, outcome: Result<Report, MigrateError>) -> Result<Report, MigrateError> {
    let released = lock::release(client).await;
    let report = outcome?;
    released.map(|()| report)
}

/// golang-migrate may stay as long as there is no work that it would not learn of.
fn refuse_beside(state: Option<GolangMigrate>, history: &History, has_work: bool) -> Result<(), MigrateError> {
    match state {
        Some(state) if has_work || !state.agrees_with(history) => Err(MigrateError::ManagedByGolangMigrate {
            state,
            applied: history.latest(),
        }),
        _ => Ok(()),
    }
}

async fn run_script(client: &mut Client, script: Script<'_>, told: Listener<'_>) -> Result<(), MigrateError> {
    let started = Instant::now();
    if script.is_transactional() {
        let transaction = client.transaction().await?;
        // Dropping the transaction, as `?` does, rolls it back.
        execute(&transaction, &script, started).await?;
        transaction.commit().await?;
    } else {
        execute(client, &script, started).await?;
    }
    told(Progress::Ran {
        file: script.file(),
        duration: started.elapsed(),
    });
    Ok(())
}

async fn execute(
    client: &(impl GenericClient + Sync),
    script: &Script<'_>,
    started: Instant,
) -> Result<(), MigrateError> {
    for statement in script.statements() {
        if let Err(cause) = client.batch_execute(statement.text).await {
            return Err(Box::new(FailedStatement::new(script, &statement, cause)).into());
        }
    }
    let version = script.migration.version;
    let row_is_right = match script.direction {
        Direction::Up => complete_row(client, script.migration, started.elapsed()).await?,
        Direction::Down => History::read(client).await?.find(version).is_none(),
    };
    match row_is_right {
        true => Ok(()),
        false => Err(MigrateError::RowMismatch {
            file: script.file(),
            up: script.direction == Direction::Up,
        }),
    }
}

/// Adds to the row that the file inserted what the file cannot know; false when there is no row.
async fn complete_row(
    client: &(impl GenericClient + Sync),
    migration: &Migration,
    duration: Duration,
) -> Result<bool, tokio_postgres::Error> {
    let duration_ms = i32::try_from(duration.as_millis()).unwrap_or(i32::MAX);
    let rows = client
        .execute_typed(
            COMPLETE_ROW,
            &[
                (&migration.version, Type::INT4),
                (&migration.checksum(), Type::TEXT),
                (&duration_ms, Type::INT4),
            ],
        )
        .await?;
    Ok(rows == 1)
}

/// The migration that creates the audit log makes its first partitions; later runs go on from there.
async fn make_partitions(client: &Client, told: Listener<'_>) -> Result<(), MigrateError> {
    let exists: bool = client
        .query_typed_one(PARTITIONS_FUNCTION_EXISTS, &[])
        .await?
        .try_get(0)?;
    if !exists {
        return Ok(());
    }
    let count: i32 = client.query_typed_one(ENSURE_PARTITIONS, &[]).await?.try_get(0)?;
    if count > 0 {
        told(Progress::PartitionsMade { count });
    }
    Ok(())
}
