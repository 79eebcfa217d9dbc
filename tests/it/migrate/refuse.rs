//! What `migrate` refuses, and what a failure leaves.

use std::time::Duration;

use dashboard_store::store::migrate::{MigrationState, Problem};

use super::*;
use crate::support::cluster::TestDatabase;
use crate::support::waiting::until;

const LOCK_OF_THIS_DATABASE: &str = "pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
    WHERE locktype = 'advisory' AND datname = current_database()";

#[tokio::test]
async fn unknown_versions_are_refused() {
    let database = TestDatabase::create_empty().await;
    let client = &mut database.connect().await;
    let migrations = [FIRST, SECOND];
    let migrator = migrator(&migrations);
    for to in [-1, 3] {
        let refused = up(
            &migrator,
            client,
            UpOptions {
                to: Some(to),
                adopt: false,
            },
        )
        .await
        .unwrap_err();
        assert_eq!(
            refused.to_string(),
            format!("there is no migration {to}: this dashboard-store knows 0 (an empty database) to 2")
        );
        assert!(down(&migrator, client, to).await.is_err());
    }
}

#[tokio::test]
async fn changed_file_is_refused() {
    let database = TestDatabase::create_empty().await;
    let client = &mut database.connect().await;
    up(&migrator(&[FIRST]), client, LATEST).await.unwrap();

    let changed = [
        Migration {
            up: "SELECT 1;",
            ..FIRST
        },
        SECOND,
    ];
    let migrator = migrator(&changed);
    let refused = up(&migrator, client, LATEST).await.unwrap_err();
    assert!(
        refused
            .to_string()
            .starts_with("000001_first.up.sql is not the file that was applied"),
        "{refused}"
    );
    assert!(down(&migrator, client, 0).await.is_err());
    assert_eq!(count(client, "schema_version").await, 1);
    assert_eq!(
        migrator.status(client).await.unwrap()[0].state,
        MigrationState::ChecksumDiffers
    );
    let file = "000001_first.up.sql".to_owned();
    assert_eq!(
        migrator.verify(client).await.unwrap().problems,
        [Problem::ChecksumDiffers { file }]
    );
}

#[tokio::test]
async fn failed_file_changes_nothing_and_names_its_statement() {
    let database = TestDatabase::create_empty().await;
    let client = &mut database.connect().await;
    // A mistake that PostgreSQL gives the position of, and one that it does not.
    for (wrong, line, words) in [
        (
            "INSERT INTO half\n  VALUES (nonsense);",
            4,
            "column \"nonsense\" does not exist (SQLSTATE 42703)",
        ),
        (
            "CREATE TABLE\n  half ();",
            3,
            "relation \"half\" already exists (SQLSTATE 42P07)",
        ),
    ] {
        let text = format!("-- ü; Two statements.\nCREATE TABLE half ();\n{wrong}\nSELECT 1;");
        let broken = Migration {
            version: 2,
            name: "broken",
            up: text.leak(),
            down: "",
        };
        let migrations = [FIRST, broken];
        let error = up(&migrator(&migrations), client, LATEST)
            .await
            .unwrap_err()
            .to_string();
        let statement = wrong.lines().next().unwrap();
        let expected = format!("000002_broken.up.sql failed on line {line}, in `{statement}`: ERROR: {words}");
        assert!(error.starts_with(&expected), "{error}");
        assert!(error.ends_with("nothing of this file was applied"), "{error}");
        assert_eq!(count(client, "schema_version").await, 1, "the file before it stays");
        assert_eq!(count(client, "pg_class WHERE relname = 'half'").await, 0);
    }
    // The lock is free again, and the next run goes on.
    up(&migrator(&[FIRST, SECOND]), &mut database.connect().await, LATEST)
        .await
        .unwrap();
}

#[tokio::test]
async fn file_that_keeps_no_row_is_refused() {
    let database = TestDatabase::create_empty().await;
    let client = &mut database.connect().await;
    let rowless = Migration {
        up: "CREATE TABLE second (id integer);",
        ..SECOND
    };
    let error = up(&migrator(&[FIRST, rowless]), client, LATEST).await.unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("000002_second.up.sql does not insert its row"),
        "{error}"
    );
    assert_eq!(count(client, "pg_class WHERE relname = 'second'").await, 0);

    let undeletable = [
        FIRST,
        Migration {
            down: "DROP TABLE second;",
            ..SECOND
        },
    ];
    up(&migrator(&undeletable), client, LATEST).await.unwrap();
    let error = down(&migrator(&undeletable), client, 0).await.unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("000002_second.down.sql does not delete its row"),
        "{error}"
    );
    assert_eq!(count(client, "second").await, 0, "the table is still there");
}

#[tokio::test]
async fn skipped_version_is_refused() {
    let database = TestDatabase::create_empty().await;
    let client = &mut database.connect().await;
    client.batch_execute(FIRST.up).await.unwrap();
    client
        .batch_execute("INSERT INTO schema_version (version, description) VALUES (3, 'third')")
        .await
        .unwrap();
    let third = Migration {
        version: 3,
        name: "third",
        up: "",
        down: "",
    };
    let migrations = [FIRST, SECOND, third];
    let error = up(&migrator(&migrations), client, LATEST)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("000002_second.up.sql was never applied, but version 3 was"),
        "{error}"
    );
}

#[tokio::test]
async fn migrator_that_waits_too_long_gives_up() {
    let database = TestDatabase::create_empty().await;
    let (mut first, mut second) = (database.connect().await, database.connect().await);
    let slow = [Migration {
        up: "SELECT pg_sleep(30);",
        ..FIRST
    }];
    let slow_migrator = migrator(&slow);
    let impatient = migrator(&[FIRST]).with_lock_wait(Duration::from_millis(300));
    tokio::select! {
        finished = up(&slow_migrator, &mut first, LATEST) => panic!("the slow one is done: {finished:?}"),
        refused = async {
            // The slow one has the lock from its first statement on.
            until("it has the lock", async || count(&second, LOCK_OF_THIS_DATABASE).await > 0).await;
            up(&impatient, &mut second, LATEST).await
        } => assert!(matches!(refused, Err(MigrateError::Locked { .. })), "{refused:?}"),
    }
}

#[tokio::test]
async fn table_that_is_in_use_is_not_waited_for_long() {
    let database = TestDatabase::create_empty().await;
    let (mut client, other) = (database.connect().await, database.connect().await);
    up(&migrator(&[FIRST, SECOND]), &mut client, LATEST).await.unwrap();
    other.batch_execute("BEGIN; SELECT * FROM second").await.unwrap();

    let third = Migration {
        version: 3,
        name: "third",
        up: "ALTER TABLE second ADD COLUMN name text;",
        down: "",
    };
    let migrations = [FIRST, SECOND, third];
    let migrator = migrator(&migrations).with_lock_timeout(Duration::from_millis(50));
    let error = up(&migrator, &mut client, LATEST).await.unwrap_err().to_string();
    assert!(
        error.contains("(SQLSTATE 55P03)") && error.contains("run the command again"),
        "{error}"
    );
}

#[tokio::test]
async fn newer_schema_is_left_alone() {
    let database = TestDatabase::create_empty().await;
    let client = &mut database.connect().await;
    up(&migrator(&[FIRST, SECOND]), client, LATEST).await.unwrap();
    let old = migrator(&[FIRST]);

    assert_eq!(up(&old, client, LATEST).await.unwrap(), []);
    assert_eq!(old.verify(client).await.unwrap().newer, [2]);
    let refused = down(&old, client, 0).await.unwrap_err();
    assert!(
        matches!(refused, MigrateError::CannotRevert { version: 2 }),
        "{refused}"
    );

    client
        .batch_execute("UPDATE schema_version SET min_version = '1.3.0' WHERE version = 2")
        .await
        .unwrap();
    let refused = up(&old, client, LATEST).await.unwrap_err().to_string();
    assert_eq!(
        refused,
        "version 2 of the schema needs dashboard-store 1.3.0 or newer, and this is 1.2.3: use a newer release"
    );
}
