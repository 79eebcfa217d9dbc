//! `dashboard-store migrate`, and the question whether a server can work on a schema.

mod beside_golang_migrate;
mod readiness;
mod refuse;
mod run;

use dashboard_store::store::migrate::{Connection, MigrateError, Migration, Migrator, Progress, Report, UpOptions};
use semver::Version;

const LATEST: UpOptions = UpOptions { to: None, adopt: false };

/// A small schema of the same shape as ours, for what must not happen to the real one.
const FIRST: Migration = Migration {
    version: 1,
    name: "first",
    up: "CREATE TABLE schema_version (version integer PRIMARY KEY, description text NOT NULL, checksum text,
             applied_at timestamptz NOT NULL DEFAULT now(), applied_by text NOT NULL DEFAULT current_user,
             duration_ms integer, min_version text);
         INSERT INTO schema_version (version, description) VALUES (1, 'first');",
    down: "DELETE FROM schema_version WHERE version = 1; DROP TABLE schema_version;",
};

const SECOND: Migration = Migration {
    version: 2,
    name: "second",
    up: "CREATE TABLE second (id integer);
         INSERT INTO schema_version (version, description) VALUES (2, 'second');",
    down: "DELETE FROM schema_version WHERE version = 2; DROP TABLE second;",
};

fn migrator(migrations: &[Migration]) -> Migrator<'_> {
    Migrator::new(migrations, &Version::new(1, 2, 3))
}

/// Runs `up` and returns what it told.
async fn up(
    migrator: &Migrator<'_>,
    client: &mut Connection,
    options: UpOptions,
) -> Result<Vec<Progress>, MigrateError> {
    let mut told = Vec::new();
    migrator
        .up(client, options, &mut |progress| told.push(progress))
        .await?;
    Ok(told)
}

async fn down(migrator: &Migrator<'_>, client: &mut Connection, to: i32) -> Result<Report, MigrateError> {
    migrator.down(client, to, &mut |_| ()).await
}

/// The names of the files that ran.
fn files(told: &[Progress]) -> Vec<&str> {
    told.iter()
        .filter_map(|progress| match progress {
            Progress::Ran { file, .. } => Some(file.as_str()),
            Progress::Adopted { .. } | Progress::PartitionsMade { .. } => None,
        })
        .collect()
}

async fn count(client: &Connection, query: &str) -> i64 {
    client
        .query_one(&format!("SELECT count(*) FROM {query}"), &[])
        .await
        .unwrap()
        .get(0)
}
