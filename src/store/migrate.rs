//! Brings the schema of the database up and down, and says whether this binary can work on it.
//!
//! The files of `migrations/` are part of the binary. Each `.up.sql` inserts its own row into `schema_version` and each
//! `.down.sql` deletes it, so what golang-migrate or psql applied counts as well; the runner adds the checksum and the
//! duration. `docs/migrations.md` tells operators and authors of migrations the same from their side.
//!
//! What does not belong here: what the migrations contain, and the words of the command (`command::migrate`).

mod error;
mod file;
mod golang_migrate;
mod history;
mod lock;
mod readiness;
mod runner;
mod statement;
mod status;

use std::time::Duration;

pub use error::{FailedStatement, MigrateError, Problem};
pub use file::{EMBEDDED, Migration};
pub use golang_migrate::GolangMigrate;
pub use readiness::SchemaState;
pub use runner::{Progress, Report, UpOptions};
pub use status::{MigrationState, StatusRow, Verification};

/// The connection that migrations run on: one of its own, straight to PostgreSQL.
///
/// Neither one of the pool nor one through PgBouncer in transaction mode: the lock of the runner lives in the session.
pub use tokio_postgres::Client as Connection;

/// Runs migrations, and compares them with what a database says was applied.
#[derive(Debug, Clone)]
pub struct Migrator<'m> {
    migrations: &'m [Migration],
    binary: semver::Version,
    lock_wait: Duration,
    lock_timeout: Duration,
}

impl Migrator<'static> {
    /// The migrator of this binary, with the migrations that it was built with.
    pub fn embedded() -> Self {
        Self::new(EMBEDDED, &binary_version())
    }
}

impl<'m> Migrator<'m> {
    /// Creates a migrator of `migrations`, which are numbered from 1 without gaps, in a binary of version `binary`.
    ///
    /// A pre-release counts as the release that it leads to.
    pub fn new(migrations: &'m [Migration], binary: &semver::Version) -> Self {
        Self {
            migrations,
            binary: semver::Version::new(binary.major, binary.minor, binary.patch),
            lock_wait: Duration::from_secs(120),
            lock_timeout: Duration::from_secs(5),
        }
    }

    /// Sets how long to wait for another migrator to finish; 120 s unless set.
    pub fn with_lock_wait(self, lock_wait: Duration) -> Self {
        Self { lock_wait, ..self }
    }

    /// Sets how long one statement waits for a lock on a table; 5 s unless set.
    ///
    /// While it waits, everything else that wants the table waits behind it, so the time is short.
    pub fn with_lock_timeout(self, lock_timeout: Duration) -> Self {
        Self { lock_timeout, ..self }
    }

    /// The version of the schema that this migrator leads to; 0 without migrations.
    pub fn latest_version(&self) -> i32 {
        self.migrations.last().map_or(0, |migration| migration.version)
    }
}

/// The version of this binary.
fn binary_version() -> semver::Version {
    // Cargo refuses to build a package whose version is not one, so the fallback is never taken.
    semver::Version::parse(env!("CARGO_PKG_VERSION")).unwrap_or(semver::Version::new(0, 0, 0))
}
