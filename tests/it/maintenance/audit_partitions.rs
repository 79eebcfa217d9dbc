//! Making partitions of the audit log ahead.

use super::*;

/// Drops the partition of the month that is so many months ahead.
pub(super) async fn drop_partition(sql: &Client, ahead: i32) -> String {
    let name = "SELECT 'audit_log_' || to_char(date_trunc('month', now() AT TIME ZONE 'UTC')
        + make_interval(months => $1), 'YYYY_MM')";
    let partition: String = sql.query_one(name, &[&ahead]).await.unwrap().get(0);
    let drop = format!("DROP TABLE {partition}");
    sql.batch_execute(&drop).await.unwrap();
    partition
}

#[tokio::test]
async fn those_that_are_missing_are_made_with_their_guards() {
    let database = TestDatabase::create().await;
    let sql = database.connect().await;
    let partitions = "pg_inherits WHERE inhparent = 'audit_log'::regclass";
    assert_eq!(count(&sql, partitions).await, 13);
    let dropped = [drop_partition(&sql, 1).await, drop_partition(&sql, 12).await];

    let store = store(&database, 100);
    assert_eq!(run(&store, "audit_partitions").await.rows, 2);

    assert_eq!(count(&sql, partitions).await, 13);
    for partition in dropped {
        for change in ["DELETE FROM", "TRUNCATE"] {
            let refused = sql.batch_execute(&format!("{change} {partition}")).await.unwrap_err();
            assert!(
                refused.as_db_error().unwrap().message().contains("append-only"),
                "{refused:?}"
            );
        }
    }
    assert_eq!(run(&store, "audit_partitions").await.rows, 0);
}
