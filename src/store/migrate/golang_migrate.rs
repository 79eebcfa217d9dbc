//! golang-migrate beside us: its table `schema_migrations`, and taking the database over from it.

use std::fmt;

use tokio_postgres::{Client, GenericClient};

use super::error::MigrateError;
use super::history::History;

/// What golang-migrate's table `schema_migrations` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GolangMigrate {
    /// The version that it believes the database has; 0 when its table is empty.
    pub version: i64,
    /// Whether it broke off in the middle of that version, or is at work now.
    pub dirty: bool,
}

/// Other tools (Rails) call their table the same, with other columns: those are none of our business.
const TABLE_EXISTS: &str = "-- migrate_golang_exists
SELECT count(*) = 2
FROM pg_attribute
WHERE attrelid = to_regclass('schema_migrations')
  AND attnum > 0
  AND NOT attisdropped
  AND (attname, atttypid) IN (('version', 'bigint'::regtype), ('dirty', 'boolean'::regtype))";

const STATE: &str = "-- migrate_golang_state
SELECT version, dirty FROM schema_migrations LIMIT 1";

const RETIRED_NAME: &str = "-- migrate_golang_retired_name
SELECT 'schema_migrations_adopted_' || to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYYMMDD_HH24MISS_US')";

impl GolangMigrate {
    /// Reads its table; none when golang-migrate never worked on this database, or was retired.
    pub(super) async fn read(client: &(impl GenericClient + Sync)) -> Result<Option<Self>, MigrateError> {
        let exists: bool = client.query_typed_one(TABLE_EXISTS, &[]).await?.try_get(0)?;
        if !exists {
            return Ok(None);
        }
        let Some(row) = client.query_typed_opt(STATE, &[]).await? else {
            return Ok(Some(Self {
                version: 0,
                dirty: false,
            }));
        };
        Ok(Some(Self {
            version: row.try_get("version")?,
            dirty: row.try_get("dirty")?,
        }))
    }

    /// Whether it says of the database what `schema_version` says.
    pub(super) fn agrees_with(&self, history: &History) -> bool {
        !self.dirty && self.version == i64::from(history.latest())
    }
}

impl fmt::Display for GolangMigrate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "version {}{}", self.version, if self.dirty { ", dirty" } else { "" })
    }
}

/// Takes the database over: renames golang-migrate's table, and returns its new name.
///
/// The table is kept, for it might have been another application's. `schema_version` alone says from now on what was
/// applied; that is safe because each file writes its row in the same transaction as its changes.
pub(super) async fn retire(client: &mut Client) -> Result<String, MigrateError> {
    let transaction = client.transaction().await?;
    let name: String = transaction.query_typed_one(RETIRED_NAME, &[]).await?.try_get(0)?;
    let rename = format!("ALTER TABLE schema_migrations RENAME TO {name}");
    transaction.batch_execute(&rename).await?;
    transaction.commit().await?;
    Ok(name)
}
