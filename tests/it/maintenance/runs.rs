//! Who runs a task, and when.

use super::*;

/// The key of the lock that every transaction of maintenance takes.
const LOCK_KEY: i64 = i64::from_be_bytes(*b"dashmain");

/// Lets the last run of every task have begun so many seconds earlier.
async fn age(sql: &Client, seconds: f64) {
    let statement = "UPDATE maintenance_task SET started_at = started_at - make_interval(secs => $1)";
    sql.execute(statement, &[&seconds]).await.unwrap();
}

async fn when_due(store: &Store, name: &str) -> Outcome {
    store.maintain(task(name), When::Due).await.unwrap()
}

#[tokio::test]
async fn of_several_runners_at_once_one_works() {
    let database = TestDatabase::create().await;
    let stores: Vec<Store> = (0..8).map(|_| store(&database, 100)).collect();
    for one in &stores {
        one.maintenance_records().await.unwrap();
    }
    for task in TASKS {
        let runs = stores.iter().map(|one| when_due(one, task.name));
        let outcomes = futures_util::future::join_all(runs).await;
        let worked = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Done(_)));
        assert_eq!(worked.count(), 1, "{}: {outcomes:?}", task.name);
    }
}

#[tokio::test]
async fn a_task_is_due_when_its_interval_has_passed() {
    let database = TestDatabase::create().await;
    let sql = database.connect().await;
    let store = store(&database, 100);
    let name = "expired_request_ids";
    assert!(matches!(when_due(&store, name).await, Outcome::Done(_)));
    assert_eq!(when_due(&store, name).await, Outcome::NotDue);
    age(&sql, 3000.0).await;
    assert_eq!(when_due(&store, name).await, Outcome::NotDue);
    age(&sql, 601.0).await;
    assert!(matches!(when_due(&store, name).await, Outcome::Done(_)));

    run(&store, name).await;
    let records = store.maintenance_records().await.unwrap();
    assert_eq!(records.len(), 1);
    assert!(records[0].finished_at.is_some());
}

#[tokio::test]
async fn a_clock_that_was_ahead_keeps_no_task_from_being_due() {
    let database = TestDatabase::create().await;
    let sql = database.connect().await;
    let store = store(&database, 100);
    let name = "expired_request_ids";
    when_due(&store, name).await;
    age(&sql, -30.0).await;
    assert_eq!(when_due(&store, name).await, Outcome::NotDue);
    assert_eq!(store.maintenance_records().await.unwrap()[0].age, Duration::ZERO);
    age(&sql, -86400.0).await;
    assert_eq!(store.maintenance_records().await.unwrap()[0].age, Duration::MAX);
    assert!(matches!(when_due(&store, name).await, Outcome::Done(_)));
    assert_eq!(when_due(&store, name).await, Outcome::NotDue);
}

#[tokio::test]
async fn what_is_due_waits_for_nobody_and_what_is_asked_for_does() {
    let database = TestDatabase::create().await;
    let other = database.connect().await;
    let hold = format!("BEGIN; SELECT pg_advisory_xact_lock({LOCK_KEY})");
    other.batch_execute(&hold).await.unwrap();
    let store = store(&database, 100);
    let name = "audit_partitions";
    assert_eq!(when_due(&store, name).await, Outcome::AnotherWorks);
    assert!(store.maintenance_records().await.unwrap().is_empty());

    let asked = tokio::spawn({
        let asking = store.clone();
        async move { run(&asking, name).await }
    });
    // Another who asks is still refused, so the lock was not had in the meantime.
    assert_eq!(when_due(&store, name).await, Outcome::AnotherWorks);
    other.batch_execute("COMMIT").await.unwrap();
    assert_eq!(asked.await.unwrap().rows, 0);
}

#[tokio::test]
async fn a_task_that_fails_leaves_no_trace_and_is_due_at_once() {
    let database = TestDatabase::create().await;
    let sql = database.connect().await;
    sql.batch_execute("ALTER FUNCTION ensure_audit_partitions RENAME TO elsewhere")
        .await
        .unwrap();
    let store = store(&database, 100);
    store.maintain(task("audit_partitions"), When::Due).await.unwrap_err();
    assert!(store.maintenance_records().await.unwrap().is_empty());
    sql.batch_execute("ALTER FUNCTION elsewhere RENAME TO ensure_audit_partitions")
        .await
        .unwrap();
    assert!(matches!(when_due(&store, "audit_partitions").await, Outcome::Done(_)));
}
