//! Up, down, status, verify.

use dashboard_store::command::migrate::{MigrateFailure, run};
use dashboard_store::config::MigrateAction;
use dashboard_store::store::migrate::{EMBEDDED, MigrationState};

use super::*;
use crate::support::cluster::TestDatabase;

/// Everything that a migration could leave in the database: relations, functions, types, constraints, triggers… Extensions stay,
/// with all that is theirs.
const CATALOG: &str = "
SELECT kind || ' ' || name FROM (
    SELECT 'relation ' || relkind::text, oid::regclass::text, relnamespace FROM pg_class
    UNION ALL SELECT 'function', oid::regprocedure::text, pronamespace FROM pg_proc
        WHERE NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')
    UNION ALL SELECT 'type', oid::regtype::text, typnamespace FROM pg_type
        WHERE NOT EXISTS (SELECT FROM pg_depend WHERE objid IN (pg_type.oid, pg_type.typelem) AND deptype = 'e')
    UNION ALL SELECT 'constraint', conrelid::regclass || ' ' || conname, connamespace FROM pg_constraint
    UNION ALL SELECT 'trigger', tgrelid::regclass || ' ' || tgname, relnamespace
        FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid WHERE NOT tgisinternal
    UNION ALL SELECT 'comment', objoid || ' ' || objsubid, 'public'::regnamespace
        FROM pg_description WHERE objoid >= 16384 AND classoid <> 'pg_extension'::regclass
            AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = objoid AND deptype = 'e')
) AS object (kind, name, namespace)
WHERE namespace = 'public'::regnamespace AND name !~ 'pg_toast' ORDER BY 1";

async fn catalog(client: &Connection) -> Vec<String> {
    client
        .query(CATALOG, &[])
        .await
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect()
}

/// The objects without the comments, which are known by numbers that differ each time.
fn named(catalog: &[String]) -> Vec<&String> {
    catalog
        .iter()
        .filter(|object| !object.starts_with("comment "))
        .collect()
}

#[tokio::test]
async fn down_leaves_nothing_behind_and_up_brings_the_same_again() {
    let database = TestDatabase::create_empty().await;
    let client = &mut database.connect().await;
    let migrator = Migrator::embedded();
    let before = catalog(client).await;

    let told = up(&migrator, client, LATEST).await.unwrap();
    let every_file: Vec<String> = EMBEDDED.iter().map(Migration::up_file).collect();
    assert_eq!(files(&told), every_file);
    let first = catalog(client).await;
    for object in [
        "relation r dashboard",
        "relation p audit_log",
        "function ensure_audit_partitions(integer)",
    ] {
        assert!(
            first.iter().any(|known| known == object),
            "{object} is not in {first:?}"
        );
    }

    let latest = migrator.latest_version();
    assert_eq!(
        down(&migrator, client, 0).await.unwrap(),
        Report { from: latest, to: 0 }
    );
    assert_eq!(catalog(client).await, before);

    up(&migrator, client, LATEST).await.unwrap();
    assert_eq!(named(&catalog(client).await), named(&first));
}

#[tokio::test]
async fn up_and_down_stop_at_the_version_that_is_asked_for() {
    let database = TestDatabase::create_empty().await;
    let client = &mut database.connect().await;
    let migrator = Migrator::embedded();

    let told = up(
        &migrator,
        client,
        UpOptions {
            to: Some(1),
            adopt: false,
        },
    )
    .await
    .unwrap();
    assert_eq!(files(&told), ["000001_initial_schema.up.sql"]);
    let after_first = catalog(client).await;

    up(&migrator, client, LATEST).await.unwrap();
    down(&migrator, client, 1).await.unwrap();
    assert_eq!(catalog(client).await, after_first);
    assert_eq!(down(&migrator, client, 1).await.unwrap(), Report { from: 1, to: 1 });
}

#[tokio::test]
async fn each_applied_file_has_a_complete_row() {
    let database = TestDatabase::create_empty().await;
    let client = &mut database.connect().await;
    let migrator = Migrator::embedded();
    up(&migrator, client, LATEST).await.unwrap();

    let rows = migrator.status(client).await.unwrap();
    assert_eq!(rows.len(), EMBEDDED.len());
    for row in rows {
        assert_eq!(row.state, MigrationState::Applied, "version {}", row.version);
        assert_eq!(row.applied_by.as_deref(), Some("dashboard_store"));
        assert!(row.duration.is_some() && row.applied_at.is_some());
    }
    let verification = migrator.verify(client).await.unwrap();
    assert_eq!(verification.verified, EMBEDDED.len());
    assert_eq!(verification.problems, []);
}

#[tokio::test]
async fn what_psql_applied_is_accepted() {
    let database = TestDatabase::create_empty().await;
    let client = &mut database.connect().await;
    let migrator = Migrator::embedded();
    // The text of a whole file at once, as psql --single-transaction and golang-migrate send it.
    client.batch_execute(EMBEDDED[0].up).await.unwrap();

    let told = up(&migrator, client, LATEST).await.unwrap();
    assert!(!files(&told).contains(&"000001_initial_schema.up.sql"));
    let rows = migrator.status(client).await.unwrap();
    assert_eq!(rows[0].state, MigrationState::AppliedByAnotherTool);
    assert_eq!(rows[1].state, MigrationState::Applied);
    assert_eq!(migrator.verify(client).await.unwrap().unverifiable, [1]);
    down(&migrator, client, 0).await.unwrap();
}

#[tokio::test]
async fn file_without_transaction_runs_statement_by_statement() {
    let database = TestDatabase::create_empty().await;
    let client = &mut database.connect().await;
    let concurrent = Migration {
        version: 3,
        name: "concurrent",
        up: "-- no-transaction
             CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_second ON second (id);
             INSERT INTO schema_version (version, description) VALUES (3, 'concurrent');",
        down: "-- no-transaction
               DELETE FROM schema_version WHERE version = 3;
               DROP INDEX CONCURRENTLY idx_second;",
    };
    let cut_short = Migration {
        up: "-- no-transaction\nCREATE INDEX CONCURRENTLY idx_second ON second (id);\nwrong;",
        ..concurrent
    };
    let error = up(&migrator(&[FIRST, SECOND, cut_short]), client, LATEST)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("failed on line 3, in `wrong`") && error.contains("the statements before it were applied"),
        "{error}"
    );

    let migrations = [FIRST, SECOND, concurrent];
    up(&migrator(&migrations), client, LATEST).await.unwrap();
    assert_eq!(migrator(&migrations).verify(client).await.unwrap().verified, 3);
    down(&migrator(&migrations), client, 2).await.unwrap();
    assert_eq!(count(client, "pg_class WHERE relname = 'idx_second'").await, 0);
}

#[tokio::test]
async fn two_migrators_at_once_apply_each_file_once() {
    let database = TestDatabase::create_empty().await;
    let (mut first, mut second) = (database.connect().await, database.connect().await);
    let slow = Migration {
        up: "SELECT pg_sleep(0.3); CREATE TABLE second (id integer);
        INSERT INTO schema_version (version, description) VALUES (2, 'second');",
        ..SECOND
    };
    let migrations = [FIRST, slow];
    let migrator = migrator(&migrations);
    let (one, other) = tokio::join!(up(&migrator, &mut first, LATEST), up(&migrator, &mut second, LATEST));
    let (one, other) = (one.unwrap(), other.unwrap());
    let mut ran: Vec<&str> = files(&one).into_iter().chain(files(&other)).collect();
    ran.sort_unstable();
    assert_eq!(ran, ["000001_first.up.sql", "000002_second.up.sql"]);
    assert!(one.is_empty() || other.is_empty(), "one of them finds nothing to do");
}

#[tokio::test]
async fn up_makes_the_partitions_that_are_missing() {
    let database = TestDatabase::create_empty().await;
    let client = &mut database.connect().await;
    let migrator = Migrator::embedded();
    up(&migrator, client, LATEST).await.unwrap();
    let next_month =
        "audit_log_' || to_char(date_trunc('month', now() AT TIME ZONE 'UTC') + interval '1 month', 'YYYY_MM')";
    let drop = format!("DO $$ BEGIN EXECUTE 'DROP TABLE {next_month}; END $$");
    client.batch_execute(&drop).await.unwrap();
    assert_eq!(
        up(&migrator, client, LATEST).await.unwrap(),
        [Progress::PartitionsMade { count: 1 }]
    );
    assert_eq!(up(&migrator, client, LATEST).await.unwrap(), []);
}

#[tokio::test]
async fn command_tells_what_it_did() {
    let database = TestDatabase::create_empty().await;
    let client = &mut database.connect().await;
    let migrations = [FIRST, SECOND];
    let migrator = migrator(&migrations);
    let mut out = Vec::new();
    for action in [
        MigrateAction::Up {
            to: Some(1),
            adopt: false,
        },
        MigrateAction::Up { to: None, adopt: false },
        MigrateAction::Up { to: None, adopt: false },
        MigrateAction::Verify,
        MigrateAction::Down { to: 1 },
        MigrateAction::Verify,
    ] {
        run(&action, &migrator, client, &mut out).await.unwrap();
    }
    let durations: fn(char) -> bool = |c| c.is_ascii_digit() || c == '.';
    let told: Vec<String> = String::from_utf8(out)
        .unwrap()
        .lines()
        .map(|line| {
            line.split_once(" (")
                .map_or(line, |(file, took)| {
                    assert!(took.ends_with(" ms)") && took.starts_with(durations), "{line}");
                    file
                })
                .to_owned()
        })
        .collect();
    assert_eq!(
        told,
        [
            "000001_first.up.sql",
            "the schema went from version 0 to version 1",
            "000002_second.up.sql",
            "the schema went from version 1 to version 2",
            "the schema is at version 2: nothing to do",
            "2 applied with the checksum of this release",
            "000002_second.down.sql",
            "the schema went from version 2 to version 1",
            "1 applied with the checksum of this release",
            "1 pending: 2",
        ]
    );
    client
        .batch_execute("UPDATE schema_version SET checksum = 'other'")
        .await
        .unwrap();
    let failure = run(&MigrateAction::Verify, &migrator, client, &mut Vec::new())
        .await
        .unwrap_err();
    assert!(matches!(failure, MigrateFailure::Problems(1)), "{failure}");
}
