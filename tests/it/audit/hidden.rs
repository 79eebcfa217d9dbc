//! What an owner of the tables puts where a walk through the months does not go.

use dashboard_store::domain::audit::Finding;

use super::tampering::{ENDS_OF_TIME, copy, put_back, sealed_log};
use super::*;

/// A copy of an event with the id 0, and with other `values` of `columns`.
fn copy_with_nil(into: &str, of: Uuid, columns: &str, values: &str) -> String {
    copy(
        into,
        of,
        &format!("id, {columns}"),
        &format!("'{}', {values}", Uuid::nil()),
    )
}

/// Puts the partition of the next month back with an event of this month in it, as no check of PostgreSQL lets one.
fn in_another_partition(of: Uuid) -> String {
    let insert = copy_with_nil("next_month", of, "event_time, xid", "event_time, '1'");
    format!(
        "DO $$
        DECLARE
            first constant timestamptz := (date_trunc('month', now() AT TIME ZONE 'UTC') + interval '1 month') AT TIME ZONE 'UTC';
            last constant timestamptz := (date_trunc('month', now() AT TIME ZONE 'UTC') + interval '2 months') AT TIME ZONE 'UTC';
            partition constant text := 'audit_log_' || to_char(first AT TIME ZONE 'UTC', 'YYYY_MM');
        BEGIN
            EXECUTE format('ALTER TABLE audit_log DETACH PARTITION %I', partition);
            EXECUTE format('ALTER TABLE %I RENAME TO next_month', partition);
            {insert};
            EXECUTE format(
                'ALTER TABLE next_month ADD CONSTRAINT month_check '
                'CHECK (event_time IS NOT NULL AND event_time >= %L::timestamptz AND event_time < %L::timestamptz) NOT VALID',
                first, last);
            UPDATE pg_constraint SET convalidated = true WHERE conname = 'month_check';
            EXECUTE format('ALTER TABLE next_month RENAME TO %I', partition);
            EXECUTE format('ALTER TABLE audit_log ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', partition, first, last);
        END
        $$"
    )
}

#[tokio::test]
async fn events_where_no_month_has_them_are_named() {
    let (_database, sql, sealed, ids) = sealed_log().await;
    let one = ids[6];
    let into_log = |columns: &str, values: &str| copy_with_nil("audit_log", one, columns, values);
    let long_ago = into_log("event_time, xid", "'2019-01-10T00:00:00Z', xid");
    let inserted = |seal| Finding::EventInserted {
        id: Uuid::nil(),
        seal: Some(seal),
    };
    for (statement, expected) in [
        // Below all numbers that are given.
        (into_log("xid, seq", "'1', -9223372036854775808"), inserted(3)),
        // By a transaction that is yet to come: never sealed, and never told of as too new.
        (into_log("xid", "'4611686018427387904'"), inserted(3)),
        // In an epoch that a seal tells of which nobody looks at.
        (
            format!(
                "ALTER TABLE audit_seal DROP CONSTRAINT audit_seal_number_check;
                INSERT INTO audit_seal SELECT -1, 99, 1000000, month, from_xid, to_xid, to_seq, last_seq, event_count, event_digests,
                    previous_root, root, sealed_at, key_id, signature FROM audit_seal WHERE number = 1;
                {}",
                into_log("xid, seq", "'1', 1000001")
            ),
            inserted(1),
        ),
        (in_another_partition(one), inserted(3)),
        // In a partition of another name.
        (
            format!(
                "CREATE TABLE audit_log_old PARTITION OF audit_log FOR VALUES FROM ('2018-01-01T00:00:00Z') TO ('2020-01-01T00:00:00Z');
                {long_ago}"
            ),
            inserted(3),
        ),
        (
            format!("DROP TABLE audit_log_old; CREATE TABLE audit_log_2019_01 PARTITION OF audit_log DEFAULT; {long_ago}"),
            inserted(3),
        ),
    ] {
        sql.batch_execute(&statement).await.unwrap();
        assert_eq!(sealed.verify().await.finding, Some(expected), "{statement}");
        put_back(&sql, &sealed).await;
    }
}

#[tokio::test]
async fn an_event_without_a_place_is_named() {
    let (_database, sql, sealed, ids) = sealed_log().await;
    for column in ["seq", "xid"] {
        let allow = format!("ALTER TABLE audit_log ALTER {column} DROP NOT NULL");
        let insert = copy_with_nil("audit_log", ids[6], column, "NULL");
        sql.batch_execute(&format!("{allow}; {insert}")).await.unwrap();
        let expected = Finding::EventInserted {
            id: Uuid::nil(),
            seal: Some(3),
        };
        assert_eq!(sealed.verify().await.finding, Some(expected), "{column}");
        put_back(&sql, &sealed).await;
    }
}

#[tokio::test]
async fn an_event_at_an_end_of_time_is_named_and_not_sealed() {
    let (_database, sql, sealed, ids) = sealed_log().await;
    sql.batch_execute("CREATE TABLE audit_log_rest PARTITION OF audit_log DEFAULT")
        .await
        .unwrap();
    for time in ENDS_OF_TIME {
        let insert = copy_with_nil("audit_log", ids[6], "event_time", &format!("'{time}'"));
        sql.batch_execute(&insert).await.unwrap();
        let expected = Finding::EventInserted {
            id: Uuid::nil(),
            seal: Some(3),
        };
        assert_eq!(sealed.verify().await.finding, Some(expected), "{time}");
        let refused = sealed.sealing_error().await.causes();
        assert!(
            refused.contains(&format!("event {} can't be sealed", Uuid::nil())),
            "{refused}"
        );
        put_back(&sql, &sealed).await;
    }
}
