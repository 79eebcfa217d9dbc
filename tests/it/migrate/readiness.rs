//! Whether a server can work on a schema, and what it says if not.

use dashboard_store::store::migrate::SchemaState;

use super::*;
use crate::support::cluster::TestDatabase;

/// Applies `applied`, and says what a server that knows `known` thinks of it after `change`.
async fn readiness(applied: &[Migration], change: &str, known: &[Migration]) -> SchemaState {
    let client = &mut TestDatabase::create_empty().await.connect().await;
    up(&migrator(applied), client, LATEST).await.unwrap();
    client.batch_execute(change).await.unwrap();
    migrator(known).readiness(client).await.unwrap()
}

#[tokio::test]
async fn migrated_database_is_ready() {
    let client = &mut TestDatabase::create_empty().await.connect().await;
    let migrator = Migrator::embedded();
    up(&migrator, client, LATEST).await.unwrap();
    assert_eq!(migrator.readiness(client).await.unwrap(), SchemaState::Ready);
}

#[tokio::test]
async fn empty_database_is_not_ready() {
    for (applied, change) in [(&[][..], ""), (&[FIRST][..], "DELETE FROM schema_version")] {
        let state = readiness(applied, change, &[FIRST, SECOND]).await;
        assert_eq!(state, SchemaState::Empty { needed: 2 });
        assert_eq!(
            state.to_string(),
            "the database has no schema of dashboard-store and this server needs version 2: \
             run `dashboard-store migrate up`"
        );
    }
}

#[tokio::test]
async fn older_schema_is_not_ready() {
    let state = readiness(&[FIRST], "", &[FIRST, SECOND]).await;
    assert_eq!(
        state,
        SchemaState::TooOld {
            applied: 1,
            missing: 2,
            needed: 2
        }
    );
    assert_eq!(
        state.to_string(),
        "the database schema is at version 1 and this server needs version 2: run `dashboard-store migrate up`"
    );
}

#[tokio::test]
async fn schema_with_a_skipped_version_is_not_ready() {
    let skip = "UPDATE schema_version SET version = 3 WHERE version = 2";
    let state = readiness(&[FIRST, SECOND], skip, &[FIRST, SECOND]).await;
    assert_eq!(
        state,
        SchemaState::TooOld {
            applied: 3,
            missing: 2,
            needed: 2
        }
    );
    assert!(
        state
            .to_string()
            .contains("version 2 of 2 was skipped: run `dashboard-store migrate verify`"),
        "{state}"
    );
}

#[tokio::test]
async fn newer_schema_is_ready_unless_it_needs_a_newer_binary() {
    assert_eq!(readiness(&[FIRST, SECOND], "", &[FIRST]).await, SchemaState::Ready);

    let demand = |version: &str| format!("UPDATE schema_version SET min_version = '{version}' WHERE version = 2");
    assert_eq!(
        readiness(&[FIRST, SECOND], &demand("1.2.3"), &[FIRST]).await,
        SchemaState::Ready
    );
    let state = readiness(&[FIRST, SECOND], &demand("1.10.0"), &[FIRST]).await;
    let expected = SchemaState::NeedsNewerBinary {
        version: 2,
        min_version: "1.10.0".into(),
        binary: "1.2.3".into(),
    };
    assert_eq!(state, expected);
    assert!(
        state
            .to_string()
            .contains("needs dashboard-store 1.10.0 or newer and this is 1.2.3"),
        "{state}"
    );
}

#[tokio::test]
async fn missing_partition_of_this_or_the_next_month_is_not_ready() {
    let client = &mut TestDatabase::create_empty().await.connect().await;
    let migrator = Migrator::embedded();
    up(&migrator, client, LATEST).await.unwrap();
    for ahead in [1, 0] {
        let name = "SELECT 'audit_log_' || to_char(date_trunc('month', now() AT TIME ZONE 'UTC') \
                    + make_interval(months => $1), 'YYYY_MM')";
        let partition: String = client.query_one(name, &[&ahead]).await.unwrap().get(0);
        client
            .batch_execute(&format!("ALTER TABLE audit_log DETACH PARTITION {partition}"))
            .await
            .unwrap();
        let state = migrator.readiness(client).await.unwrap();
        assert_eq!(
            state.to_string(),
            format!(
                "partition {partition} of the audit log is missing: run `dashboard-store migrate up`, which makes it"
            )
        );
    }
}
