//! Databases on which golang-migrate works or worked.

use dashboard_store::store::migrate::{GolangMigrate, Problem};

use super::*;
use crate::support::cluster::TestDatabase;

const MIGRATIONS: [Migration; 2] = [FIRST, SECOND];

const CREATE_TABLE: &str =
    "CREATE TABLE schema_migrations (version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL)";

/// A database that golang-migrate brought to `applied`, with its table saying `state`.
async fn managed_database(applied: &[Migration], state: Option<(i64, bool)>) -> Connection {
    let client = TestDatabase::create_empty().await.connect().await;
    for migration in applied {
        client.batch_execute(migration.up).await.unwrap();
    }
    client.batch_execute(CREATE_TABLE).await.unwrap();
    if let Some((version, dirty)) = state {
        client
            .execute("INSERT INTO schema_migrations VALUES ($1, $2)", &[&version, &dirty])
            .await
            .unwrap();
    }
    client
}

#[tokio::test]
async fn finished_database_needs_nothing() {
    let client = &mut managed_database(&MIGRATIONS, Some((2, false))).await;
    let migrator = migrator(&MIGRATIONS);
    assert_eq!(up(&migrator, client, LATEST).await.unwrap(), []);
    assert_eq!(migrator.verify(client).await.unwrap().problems, []);
    assert_eq!(
        count(client, "schema_migrations").await,
        1,
        "it is still golang-migrate's"
    );
}

#[tokio::test]
async fn work_that_golang_migrate_would_not_learn_of_is_refused() {
    let migrator = migrator(&MIGRATIONS);
    let client = &mut managed_database(&[FIRST], Some((1, false))).await;
    let refused = up(&migrator, client, LATEST).await.unwrap_err().to_string();
    assert_eq!(
        refused,
        "golang-migrate manages this database: its schema_migrations says version 1; go on with golang-migrate, \
         or take the database over for good with `dashboard-store migrate up --adopt`"
    );
    assert!(matches!(
        down(&migrator, client, 0).await,
        Err(MigrateError::ManagedByGolangMigrate { .. })
    ));
    assert_eq!(count(client, "schema_version").await, 1);
}

#[tokio::test]
async fn table_that_is_dirty_or_disagrees_is_refused() {
    let migrator = migrator(&MIGRATIONS);
    for (version, dirty, words) in [
        (2, true, "version 2, dirty"),
        (3, false, "version 3"),
        (1, false, "version 1"),
    ] {
        let client = &mut managed_database(&MIGRATIONS, Some((version, dirty))).await;
        let refused = up(&migrator, client, LATEST).await.unwrap_err().to_string();
        let expected = format!("its schema_migrations says {words}, schema_version says version 2;");
        assert!(refused.contains(&expected), "{refused}");
        let state = GolangMigrate { version, dirty };
        let problem = Problem::GolangMigrateDisagrees { state, applied: 2 };
        assert_eq!(migrator.verify(client).await.unwrap().problems, [problem]);
    }
}

#[tokio::test]
async fn adopting_takes_the_database_over_for_good() {
    let migrator = migrator(&MIGRATIONS);
    for state in [None, Some((1, false)), Some((2, true)), Some((7, false))] {
        let client = &mut managed_database(&[FIRST], state).await;
        let told = up(&migrator, client, UpOptions { to: None, adopt: true })
            .await
            .unwrap();
        let Some(Progress::Adopted {
            state: found,
            renamed_to,
        }) = told.first()
        else {
            panic!("{state:?} was not adopted: {told:?}");
        };
        assert_eq!((found.version, found.dirty), state.unwrap_or((0, false)));
        assert_eq!(files(&told), ["000002_second.up.sql"]);
        assert_eq!(
            count(client, renamed_to).await,
            i64::from(state.is_some()),
            "nothing is thrown away"
        );
        // From now on there is nobody else.
        down(&migrator, client, 0).await.unwrap();
        up(&migrator, client, LATEST).await.unwrap();
    }
}

#[tokio::test]
async fn golang_migrate_that_comes_back_is_adopted_again() {
    let client = &mut managed_database(&MIGRATIONS, Some((2, false))).await;
    let migrator = migrator(&MIGRATIONS);
    let adopt = UpOptions { to: None, adopt: true };
    up(&migrator, client, adopt).await.unwrap();
    client.batch_execute(CREATE_TABLE).await.unwrap();
    client
        .batch_execute("INSERT INTO schema_migrations VALUES (1, true)")
        .await
        .unwrap();
    assert!(up(&migrator, client, LATEST).await.is_err());
    up(&migrator, client, adopt).await.unwrap();
    up(&migrator, client, LATEST).await.unwrap();
}

#[tokio::test]
async fn adopting_a_database_of_our_own_changes_nothing() {
    let client = &mut TestDatabase::create_empty().await.connect().await;
    let migrator = migrator(&MIGRATIONS);
    let told = up(&migrator, client, UpOptions { to: None, adopt: true })
        .await
        .unwrap();
    assert_eq!(files(&told).len(), told.len());
}

#[tokio::test]
async fn table_of_another_tool_with_the_same_name_is_none_of_our_business() {
    let client = &mut TestDatabase::create_empty().await.connect().await;
    let rails = "CREATE TABLE schema_migrations (version text PRIMARY KEY); INSERT INTO schema_migrations VALUES ('7')";
    client.batch_execute(rails).await.unwrap();
    up(&migrator(&MIGRATIONS), client, UpOptions { to: None, adopt: true })
        .await
        .unwrap();
    assert_eq!(count(client, "schema_migrations").await, 1);
}
