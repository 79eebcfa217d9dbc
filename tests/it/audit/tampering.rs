//! What a superuser does to the log, which verification names.

use dashboard_store::domain::audit::Finding;

use super::*;

/// Three seals over five events each, the ids of the events, and a superuser whom no trigger stops.
pub async fn sealed_log() -> (TestDatabase, Client, Sealed, Vec<Uuid>) {
    let (database, sql, sealed) = start().await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.extend(append(&sql, 5).await);
        sealed.seal(5).await;
    }
    disable_guards(&sql).await;
    sql.batch_execute("CREATE TABLE kept_log AS TABLE audit_log; CREATE TABLE kept_seal AS TABLE audit_seal")
        .await
        .unwrap();
    (database, sql, sealed, ids)
}

/// A copy of an event, with other `values` of `columns`.
pub fn copy(into: &str, of: Uuid, columns: &str, values: &str) -> String {
    format!(
        "INSERT INTO {into} ({columns}, actor, auth_method, method, permission, resource, correlation_id)
        SELECT {values}, actor, auth_method, method, permission, resource, correlation_id FROM kept_log WHERE id = '{of}'"
    )
}

/// Makes the log as it was, and sees that it passes.
pub async fn put_back(sql: &Client, sealed: &Sealed) {
    let statement = "DELETE FROM audit_log; INSERT INTO audit_log TABLE kept_log;
        DELETE FROM audit_seal; INSERT INTO audit_seal TABLE kept_seal";
    sql.batch_execute(statement).await.unwrap();
    let report = sealed.verify().await;
    assert_eq!((report.events, report.seals, report.finding), (15, 3, None));
}

#[tokio::test]
async fn events_that_were_edited_removed_inserted_or_reordered_are_named() {
    let (_, sql, sealed, ids) = sealed_log().await;
    let (before, one, next) = (ids[5], ids[6], ids[7]);
    let copy = |columns: &str, values: &str| copy("audit_log", one, columns, values);
    let edited = Finding::EventEdited { id: one, seal: 2 };
    let removed = Finding::EventRemoved {
        seal: 2,
        position: 2,
        after: Some(before),
    };
    let inserted = |seal| Finding::EventInserted {
        id: Uuid::nil(),
        seal: Some(seal),
    };
    let nil = Uuid::nil();
    for (statement, expected) in [
        (
            format!("UPDATE audit_log SET actor = 'user:eve' WHERE id = '{one}'"),
            edited,
        ),
        (format!("DELETE FROM audit_log WHERE id = '{one}'"), removed.clone()),
        (
            format!("DELETE FROM audit_log WHERE id IN ('{one}', '{next}')"),
            removed.clone(),
        ),
        (
            format!("UPDATE audit_log SET seq = seq + 1000000 WHERE id = '{one}'"),
            Finding::EventReordered { id: one, seal: 2 },
        ),
        // Moved into the next month it is missed where it was.
        (
            format!("UPDATE audit_log SET event_time = event_time + interval '1 month' WHERE id = '{one}'"),
            removed,
        ),
        (copy("id, xid, seq", &format!("'{nil}', xid, seq")), inserted(2)),
        (copy("id, xid, seq", &format!("'{nil}', xid, -1")), inserted(2)),
        // Where no seal is.
        (
            copy(
                "id, event_time, xid",
                &format!("'{nil}', event_time + interval '1 month', xid"),
            ),
            inserted(3),
        ),
        (copy("id, xid", &format!("'{nil}', '1'")), inserted(1)),
    ] {
        sql.batch_execute(&statement).await.unwrap();
        let found = sealed.verify().await.finding;
        assert_eq!(found, Some(expected), "{statement}");
        put_back(&sql, &sealed).await;
    }
}

#[tokio::test]
async fn no_column_of_an_event_can_be_edited() {
    let (_, sql, sealed, ids) = sealed_log().await;
    let one = ids[6];
    let columns = sql
        .query(
            "SELECT attname::text, format_type(atttypid, NULL) FROM pg_attribute
            WHERE attrelid = 'audit_log'::regclass AND attnum > 0 AND NOT attisdropped",
            &[],
        )
        .await
        .unwrap();
    assert!(columns.len() >= 25);
    for row in &columns {
        let (column, column_type): (String, String) = (row.get(0), row.get(1));
        let other = match (column.as_str(), column_type.as_str()) {
            ("result", _) => "'failed', reason = ''".to_owned(),
            ("reason", _) => "'', result = 'failed'".to_owned(),
            ("trace_id", _) => "repeat('0', 32)".to_owned(),
            (_, "uuid") => "'00000000-0000-0000-0000-000000000001'".to_owned(),
            (_, "text") => format!("concat({column}, 'x')"),
            (_, "text[]") => "ARRAY['x']".to_owned(),
            (_, "integer") => format!("coalesce({column}, 0) + 1"),
            (_, "bytea") => "sha256('')".to_owned(),
            (_, "inet") => "'10.0.0.0/8'".to_owned(),
            (_, "jsonb") => r#"'{"a": 1}'"#.to_owned(),
            (_, "timestamp with time zone") => "event_time + interval '1 microsecond'".to_owned(),
            (_, "bigint") => "seq + 1000000".to_owned(),
            (_, "xid8") => "'4'".to_owned(),
            (_, unknown) => panic!("{column} is {unknown}"),
        };
        let statement = format!("UPDATE audit_log SET {column} = {other} WHERE id = '{one}'");
        assert_eq!(sql.execute(&statement, &[]).await.unwrap(), 1, "{column}");
        let found = sealed.verify().await.finding;
        assert!(is_of_second_seal(found.as_ref()), "{column}: {found:?}");
        put_back(&sql, &sealed).await;
    }
}

/// Whether the second seal's events, or one that is now elsewhere, are named.
fn is_of_second_seal(finding: Option<&Finding>) -> bool {
    matches!(
        finding,
        Some(
            Finding::EventEdited { seal: 2, .. }
                | Finding::EventReordered { seal: 2, .. }
                | Finding::EventInserted { seal: Some(1), .. }
        )
    )
}

#[tokio::test]
async fn no_column_of_a_seal_can_be_edited() {
    let (_database, sql, sealed, _) = sealed_log().await;
    let columns = sql
        .query(
            "SELECT attname::text FROM pg_attribute
            WHERE attrelid = 'audit_seal'::regclass AND attnum > 0 AND NOT attisdropped",
            &[],
        )
        .await
        .unwrap();
    assert_eq!(columns.len(), 15);
    let drop_checks = "ALTER TABLE audit_seal DROP CONSTRAINT audit_seal_event_digests_check,
        DROP CONSTRAINT audit_seal_xid_check";
    sql.batch_execute(drop_checks).await.unwrap();
    for (number, row) in (1..=3_i64).flat_map(|number| columns.iter().map(move |row| (number, row))) {
        let column: String = row.get(0);
        let edited = Finding::SealEdited { number };
        let cases = match column.as_str() {
            "number" => vec![("number + 100", Finding::SealRemoved { number })],
            "epoch" => vec![("2", edited.clone()), ("2147483647", edited)],
            "after_seq" => vec![("1000000", edited.clone()), ("-1", edited)],
            "month" => vec![("'2019-01'", edited)],
            "from_xid" => vec![("'1'", edited.clone()), ("'18446744073709551615'", edited)],
            "to_xid" => vec![("'0'", edited.clone()), ("'18446744073709551615'", edited)],
            "to_seq" => vec![("0", edited.clone()), ("to_seq - 1", edited)],
            "last_seq" => vec![("0", edited.clone()), ("last_seq + 1000000", edited)],
            "event_count" => vec![("7", edited)],
            "event_digests" => vec![("event_digests || sha256('')", edited)],
            "previous_root" | "root" => vec![("sha256('')", edited)],
            "sealed_at" => vec![("sealed_at + interval '1 microsecond'", edited)],
            "key_id" => {
                let (seal, key_id) = (Some(number), "mine".to_owned());
                vec![("'mine'", Finding::UnknownKey { seal, key_id })]
            }
            "signature" => vec![("set_byte(signature, 63, get_byte(signature, 63) # 1)", edited)],
            unknown => panic!("{unknown} is new"),
        };
        for (other, expected) in cases {
            let statement = format!("UPDATE audit_seal SET {column} = {other} WHERE number = {number}");
            assert_eq!(sql.execute(&statement, &[]).await.unwrap(), 1, "{statement}");
            assert_eq!(sealed.verify().await.finding, Some(expected), "{statement}");
            put_back(&sql, &sealed).await;
        }
    }
}

#[tokio::test]
async fn seals_that_were_edited_or_removed_are_named() {
    let (_, sql, sealed, _) = sealed_log().await;
    for (statement, expected) in [
        (
            "DELETE FROM audit_seal WHERE number = 2",
            Finding::SealRemoved { number: 2 },
        ),
        (
            "DELETE FROM audit_seal WHERE number = 1",
            Finding::SealRemoved { number: 1 },
        ),
        (
            "DELETE FROM audit_seal WHERE number = 2; UPDATE audit_seal SET number = 2 WHERE number = 3",
            Finding::SealEdited { number: 2 },
        ),
        // As if it began an epoch.
        (
            "UPDATE audit_seal SET epoch = 2, to_xid = '0', from_xid = '0', to_seq = 9223372036854775807 WHERE number = 3",
            Finding::SealEdited { number: 3 },
        ),
        (
            "UPDATE audit_seal SET root = sha256('') WHERE number = 2",
            Finding::SealEdited { number: 2 },
        ),
        (
            "UPDATE audit_seal SET event_digests = overlay(event_digests PLACING '\\x00'::bytea FROM 1) WHERE number = 2",
            Finding::SealEdited { number: 2 },
        ),
        (
            "UPDATE audit_seal SET sealed_at = sealed_at - interval '1 day' WHERE number = 2",
            Finding::SealEdited { number: 2 },
        ),
        (
            "UPDATE audit_seal SET key_id = 'mine' WHERE number = 2",
            Finding::UnknownKey {
                seal: Some(2),
                key_id: "mine".into(),
            },
        ),
    ] {
        sql.batch_execute(statement).await.unwrap();
        assert_eq!(sealed.verify().await.finding, Some(expected), "{statement}");
        put_back(&sql, &sealed).await;
    }
}

/// It is not signed, since it is no more than the number of the digests, which are.
#[tokio::test]
async fn a_seal_says_how_many_events_it_covers() {
    let (_database, sql, sealed, _) = sealed_log().await;
    let edit = "ALTER TABLE audit_seal DROP CONSTRAINT audit_seal_event_digests_check;
        UPDATE audit_seal SET event_count = 7 WHERE number = 2";
    sql.batch_execute(edit).await.unwrap();
    let found = sealed.verify().await.finding;
    assert_eq!(found, Some(Finding::SealEdited { number: 2 }));
}

/// Times that PostgreSQL has, and neither RFC 3339 nor an answer.
pub const ENDS_OF_TIME: [&str; 4] = ["infinity", "-infinity", "200000-01-01", "4000-01-01 BC"];

#[tokio::test]
async fn rows_that_no_seal_and_no_event_of_ours_is_are_named() {
    let (_database, sql, sealed, ids) = sealed_log().await;
    for time in ENDS_OF_TIME {
        let edit = format!("UPDATE audit_seal SET sealed_at = '{time}' WHERE number = 2");
        sql.batch_execute(&edit).await.unwrap();
        let found = sealed.verify().await.finding;
        assert_eq!(found, Some(Finding::SealEdited { number: 2 }), "{time}");
        put_back(&sql, &sealed).await;
    }
    let drop_checks =
        "ALTER TABLE audit_seal DROP CONSTRAINT audit_seal_month_check, DROP CONSTRAINT audit_seal_root_check;
        ALTER TABLE audit_log DROP CONSTRAINT audit_log_sha256_check";
    sql.batch_execute(drop_checks).await.unwrap();
    let one = ids[6];
    for (edit, expected) in [
        (
            "UPDATE audit_seal SET month = 'May' WHERE number = 2".to_owned(),
            Finding::SealEdited { number: 2 },
        ),
        (
            "UPDATE audit_seal SET root = '' WHERE number = 3".to_owned(),
            Finding::SealEdited { number: 3 },
        ),
        (
            format!("UPDATE audit_log SET sha256_before = '' WHERE id = '{one}'"),
            Finding::EventEdited { id: one, seal: 2 },
        ),
    ] {
        sql.batch_execute(&edit).await.unwrap();
        assert_eq!(sealed.verify().await.finding, Some(expected), "{edit}");
        put_back(&sql, &sealed).await;
    }
}

#[tokio::test]
async fn that_the_end_was_cut_off_is_found_against_a_logged_head_alone() {
    let (_, sql, sealed, ids) = sealed_log().await;
    let logged = sealed.verify().await.head.unwrap();
    assert!(sealed.verify_against(Some(logged)).await.is_head_checked);
    let cut_off = format!(
        "DELETE FROM audit_seal WHERE number = 3; DELETE FROM audit_log WHERE id = '{}'",
        ids[14]
    );
    sql.batch_execute(&cut_off).await.unwrap();

    let report = sealed.verify().await;
    assert_eq!(
        (report.finding, report.is_head_checked, report.unsealed),
        (None, false, 4)
    );
    let report = sealed.verify_against(Some(logged)).await;
    assert_eq!(report.finding, Some(Finding::HeadRemoved { expected: logged }));

    // The service goes on with what is left.
    let again = sealed.seal(4).await;
    assert_eq!(again[0].head.number, 3);
    assert_eq!(sealed.verify().await.finding, None);
    let report = sealed.verify_against(Some(logged)).await;
    let found = again[0].head.root;
    assert_eq!(
        report.finding,
        Some(Finding::HeadReplaced {
            expected: logged,
            found
        })
    );
}
