//! The lock that lets one migrator at a time work on a database.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use tokio_postgres::Client;
use tokio_postgres::types::Type;

use super::error::MigrateError;

/// The key of the advisory lock; locks of other databases of the server are separate from ours.
const KEY: i64 = i64::from_be_bytes(*b"dash_mig");

/// How long to wait between two attempts.
const POLL: Duration = Duration::from_millis(200);

/// Takes the lock for the session of `client`, and sets the session's timeouts for migrations.
///
/// Polls: a session that waits inside of `pg_advisory_lock` holds a snapshot, which `CREATE INDEX CONCURRENTLY` of the
/// other migrator would wait for, for ever.
pub(super) async fn acquire(client: &Client, wait: Duration, lock_timeout: Duration) -> Result<(), MigrateError> {
    let deadline = Instant::now() + wait;
    while !try_acquire(client).await? {
        if Instant::now() >= deadline {
            return Err(MigrateError::Locked { waited: wait });
        }
        sleep(POLL).await;
    }
    // The role's statement_timeout is for requests; building an index may take longer.
    let settings = format!(
        "SET lock_timeout = {}; SET statement_timeout = 0",
        lock_timeout.as_millis()
    );
    Ok(client.batch_execute(&settings).await?)
}

async fn try_acquire(client: &Client) -> Result<bool, tokio_postgres::Error> {
    let row = client
        .query_typed_one(
            "-- migrate_lock\nSELECT pg_try_advisory_lock($1)",
            &[(&KEY, Type::INT8)],
        )
        .await?;
    row.try_get(0)
}

/// Gives the lock back and resets the timeouts.
pub(super) async fn release(client: &Client) -> Result<(), MigrateError> {
    let statements = format!("RESET lock_timeout; RESET statement_timeout; SELECT pg_advisory_unlock({KEY})");
    Ok(client.batch_execute(&statements).await?)
}
