//! Whether this binary can serve on the schema of a database.

use std::fmt;

use tokio_postgres::GenericClient;
use tokio_postgres::error::SqlState;

use super::Migrator;
use super::error::MigrateError;

/// Whether the schema is one that this binary can serve on; otherwise why not, and which command helps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SchemaState {
    /// Every migration of this binary is applied, and nothing applied needs a newer one.
    Ready,
    /// There is no schema of ours.
    Empty {
        /// The version that this binary needs.
        needed: i32,
    },
    /// Migrations of this binary are missing.
    TooOld {
        /// The highest version that was applied; above `missing` when one was skipped.
        applied: i32,
        /// The first version that is missing.
        missing: i32,
        /// The version that this binary needs.
        needed: i32,
    },
    /// A migration was applied that this binary is too old for.
    NeedsNewerBinary {
        /// That version of the schema.
        version: i32,
        /// The oldest dashboard-store that works on it.
        min_version: String,
        /// What this is.
        binary: String,
    },
    /// Audit events of this or the next month would have no partition to go to.
    PartitionMissing {
        /// The name of the first partition that is missing.
        partition: String,
    },
}

impl fmt::Display for SchemaState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready => f.write_str("the database schema is ready"),
            Self::Empty { needed } => write!(
                f,
                "the database has no schema of dashboard-store and this server needs version {needed}: run `dashboard-store migrate up`"
            ),
            Self::TooOld {
                applied,
                missing,
                needed,
            } if missing < applied => write!(
                f,
                "the database schema is at version {applied}, but version {missing} of {needed} was skipped: run `dashboard-store migrate verify`"
            ),
            Self::TooOld { applied, needed, .. } => write!(
                f,
                "the database schema is at version {applied} and this server needs version {needed}: run `dashboard-store migrate up`"
            ),
            Self::NeedsNewerBinary {
                version,
                min_version,
                binary,
            } => write!(
                f,
                "version {version} of the database schema needs dashboard-store {min_version} or newer and this is {binary}: deploy a newer release, or revert the schema with its `dashboard-store migrate down`"
            ),
            Self::PartitionMissing { partition } => write!(
                f,
                "partition {partition} of the audit log is missing: run `dashboard-store migrate up`, which makes it"
            ),
        }
    }
}

/// One round trip, because the health probe asks too. A partition that was detached is as good as none.
const READINESS: &str = "-- schema_readiness
SELECT coalesce(array_agg(version ORDER BY version), '{}') AS versions,
    coalesce(array_agg(version ORDER BY version) FILTER (WHERE min_version IS NOT NULL), '{}') AS demanding,
    coalesce(array_agg(min_version ORDER BY version) FILTER (WHERE min_version IS NOT NULL), '{}') AS min_versions,
    (
        SELECT min(name)
        FROM (
            SELECT 'audit_log_' || to_char(
                date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => ahead), 'YYYY_MM'
            ) AS name
            FROM generate_series(0, 1) AS ahead
        ) AS needed
        WHERE to_regclass('audit_log') IS NOT NULL AND NOT EXISTS (
            SELECT FROM pg_inherits
            WHERE inhparent = to_regclass('audit_log') AND inhrelid = to_regclass(needed.name)
        )
    ) AS missing_partition
FROM schema_version";

impl Migrator<'_> {
    /// Reads, in one round trip, whether this binary can serve on the database.
    ///
    /// # Errors
    /// `Database` when it can't be read.
    pub async fn readiness(&self, client: &(impl GenericClient + Sync)) -> Result<SchemaState, MigrateError> {
        let row = match client.query_typed_one(READINESS, &[]).await {
            Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => return Ok(self.empty()),
            outcome => outcome?,
        };
        let versions: Vec<i32> = row.try_get("versions")?;
        let demanding: Vec<i32> = row.try_get("demanding")?;
        let min_versions: Vec<String> = row.try_get("min_versions")?;
        let missing_partition: Option<String> = row.try_get("missing_partition")?;

        let Some(&applied) = versions.last() else {
            return Ok(self.empty());
        };
        let mut demands = demanding.into_iter().zip(min_versions);
        if let Some((version, min_version)) = demands.find(|(_, min_version)| self.is_older_than(min_version)) {
            let binary = self.binary.to_string();
            return Ok(SchemaState::NeedsNewerBinary {
                version,
                min_version,
                binary,
            });
        }
        let mut known = self.migrations.iter().map(|migration| migration.version);
        if let Some(missing) = known.find(|version| !versions.contains(version)) {
            let needed = self.latest_version();
            return Ok(SchemaState::TooOld {
                applied,
                missing,
                needed,
            });
        }
        Ok(match missing_partition {
            Some(partition) => SchemaState::PartitionMissing { partition },
            None => SchemaState::Ready,
        })
    }

    fn empty(&self) -> SchemaState {
        SchemaState::Empty {
            needed: self.latest_version(),
        }
    }
}
