//! What the database says was applied: the rows of `schema_version`.

use time::OffsetDateTime;
use tokio_postgres::{GenericClient, Row};

use super::Migrator;
use super::error::{MigrateError, Problem};

/// One row of `schema_version`.
#[derive(Debug, Clone)]
pub(super) struct Applied {
    pub(super) version: i32,
    pub(super) description: String,
    /// None when another tool applied it.
    pub(super) checksum: Option<String>,
    pub(super) applied_at: OffsetDateTime,
    pub(super) applied_by: String,
    pub(super) duration_ms: Option<i32>,
    pub(super) min_version: Option<String>,
}

/// Every row of `schema_version`, by version; none of them when there is no such table.
#[derive(Debug, Clone, Default)]
pub(super) struct History(pub(super) Vec<Applied>);

const TABLE_EXISTS: &str = "-- migrate_history_exists
SELECT to_regclass('schema_version') IS NOT NULL";

const ROWS: &str = "-- migrate_history
SELECT version, description, checksum, applied_at, applied_by, duration_ms, min_version
FROM schema_version ORDER BY version";

impl History {
    pub(super) async fn read(client: &(impl GenericClient + Sync)) -> Result<Self, MigrateError> {
        let exists: bool = client.query_typed_one(TABLE_EXISTS, &[]).await?.try_get(0)?;
        if !exists {
            return Ok(Self::default());
        }
        let rows = client.query_typed(ROWS, &[]).await?;
        let applied = rows.iter().map(Applied::from_row).collect::<Result<_, _>>()?;
        Ok(Self(applied))
    }

    /// The highest version that was applied; 0 when there is none.
    pub(super) fn latest(&self) -> i32 {
        self.0.last().map_or(0, |applied| applied.version)
    }

    pub(super) fn find(&self, version: i32) -> Option<&Applied> {
        self.0.iter().find(|applied| applied.version == version)
    }
}

impl Applied {
    fn from_row(row: &Row) -> Result<Self, tokio_postgres::Error> {
        Ok(Self {
            version: row.try_get("version")?,
            description: row.try_get("description")?,
            checksum: row.try_get("checksum")?,
            applied_at: row.try_get("applied_at")?,
            applied_by: row.try_get("applied_by")?,
            duration_ms: row.try_get("duration_ms")?,
            min_version: row.try_get("min_version")?,
        })
    }
}

impl Migrator<'_> {
    /// Everything in `history` that this binary must not build on.
    pub(super) fn problems(&self, history: &History) -> Vec<Problem> {
        let latest = history.latest();
        let known = self.migrations.iter().filter_map(|migration| {
            let Some(applied) = history.find(migration.version) else {
                let skipped = migration.version < latest;
                return skipped.then(|| Problem::Skipped {
                    file: migration.up_file(),
                    latest,
                });
            };
            let differs = applied
                .checksum
                .as_ref()
                .is_some_and(|checksum| *checksum != migration.checksum());
            differs.then(|| Problem::ChecksumDiffers {
                file: migration.up_file(),
            })
        });
        let too_new = history.0.iter().filter_map(|applied| {
            let min_version = applied.min_version.as_ref()?;
            self.is_older_than(min_version).then(|| Problem::NeedsNewerBinary {
                version: applied.version,
                min_version: min_version.clone(),
                binary: self.binary.to_string(),
            })
        });
        known.chain(too_new).collect()
    }

    /// Whether this binary is older than `min_version`; yes if that is not a version at all.
    pub(super) fn is_older_than(&self, min_version: &str) -> bool {
        semver::Version::parse(min_version).map_or(true, |min_version| self.binary < min_version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_number_and_a_pre_release_counts_as_its_release() {
        let binary = |version| Migrator::new(&[], &semver::Version::parse(version).unwrap());
        assert!(binary("0.9.0").is_older_than("0.10.0"));
        assert!(binary("1.2.3").is_older_than("1.2.4"));
        assert!(!binary("1.2.3").is_older_than("1.2.3"));
        assert!(!binary("2.0.0").is_older_than("1.9.9"));
        assert!(!binary("1.2.3-rc.1").is_older_than("1.2.3"));
        assert!(
            binary("1.2.3").is_older_than("99999999999999999999.0.0"),
            "too large to be read"
        );
    }
}
