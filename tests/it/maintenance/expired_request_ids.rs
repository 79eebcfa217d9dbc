//! Removing request ids that have expired.

use super::*;

/// Keeps the answers of `count` requests that were made so long ago.
async fn keep_answers(sql: &Client, count: i32, age: &str) {
    let statement = format!(
        "INSERT INTO mutation_request (caller, method, request_id, fingerprint, answer, created_at)
        SELECT 'user:ada', 'CreateDashboard', gen_random_uuid(), sha256(''), '{{}}', now() - interval '{age}'
        FROM generate_series(1, $1)"
    );
    sql.execute(&statement, &[&count]).await.unwrap();
}

#[tokio::test]
async fn those_that_still_count_stay() {
    let database = TestDatabase::create().await;
    let sql = database.connect().await;
    keep_answers(&sql, 3, "24 hours 6 minutes").await;
    keep_answers(&sql, 2, "24 hours 4 minutes").await;
    keep_answers(&sql, 1, "0").await;
    assert_eq!(run(&store(&database, 100), "expired_request_ids").await.rows, 3);
    assert_eq!(count(&sql, "mutation_request").await, 3);
}

#[tokio::test]
async fn many_are_removed_in_batches() {
    let database = TestDatabase::create().await;
    let sql = database.connect().await;
    keep_answers(&sql, 2500, "2 days").await;
    let done = run(&store(&database, 100), "expired_request_ids").await;
    assert_eq!((done.rows, done.batches), (2500, 3));
    assert_eq!(count(&sql, "mutation_request").await, 0);
}
