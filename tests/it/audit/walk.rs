//! A walk through the log gives each seal with its events, however it is read.

use dashboard_store::domain::audit::{AuditItem, DigestedEvent, Finding};
use dashboard_store::store::AuditWalk;

use super::*;
use crate::support::audit::disable_guards;

/// What the whole walk gives.
async fn walk(sealed: &Sealed, connections: usize) -> Vec<AuditItem<DigestedEvent>> {
    rest_of(sealed.store.begin_audit_walk(connections).await.unwrap()).await
}

/// What a walk gives until its end.
async fn rest_of(mut walk: AuditWalk<DigestedEvent>) -> Vec<AuditItem<DigestedEvent>> {
    let mut items = Vec::new();
    while let Some(portion) = walk.next_portion().await.unwrap() {
        items.extend(portion);
    }
    walk.end().await;
    items
}

/// The number of each seal, and how many events follow it; with 0 those that are too new to be sealed.
fn events_by_seal(items: &[AuditItem<DigestedEvent>]) -> Vec<(i64, usize)> {
    let mut counted: Vec<(i64, usize)> = Vec::new();
    for item in items {
        match item {
            AuditItem::Seal(seal) => counted.push((seal.content.number, 0)),
            AuditItem::Unsealed(_) if counted.last().is_none_or(|(seal, _)| *seal != 0) => counted.push((0, 1)),
            AuditItem::Event(_) | AuditItem::Unsealed(_) => counted.last_mut().unwrap().1 += 1,
            AuditItem::Unreadable(row) => panic!("{row}"),
        }
    }
    counted
}

/// Puts so many copies of the event `of` into its place.
async fn crowd(sql: &Client, of: Uuid, copies: i32) {
    let insert = "INSERT INTO audit_log (id, event_time, xid, seq, actor, auth_method, method, permission, resource, correlation_id)
        SELECT gen_random_uuid(), event_time, xid, seq, 'user:eve', auth_method, method, permission, resource, correlation_id
        FROM audit_log, generate_series(1, $2) WHERE id = $1";
    sql.execute(insert, &[&of, &copies]).await.unwrap();
}

#[tokio::test]
async fn however_many_connections_read_the_walk_is_the_same() {
    let (_database, sql, sealed) = start().await;
    // Of two months in turn: events of a transaction that began before midnight.
    let times = ["now()", "date_trunc('month', now(), 'UTC') + interval '1 month'"];
    let mut expected = Vec::new();
    for round in 1..=12 {
        let events = 10 * usize::try_from(round).unwrap();
        append_at(&sql, 10 * round, times[events / 10 % 2]).await;
        let made = sealed.seal(events).await;
        expected.extend(made.iter().map(|seal| (seal.head.number, seal.events)));
    }
    append(&sql, 7).await;
    expected.push((0, 7));
    let of_one = walk(&sealed, 1).await;
    assert_eq!(events_by_seal(&of_one), expected);
    for connections in [2, 3] {
        assert_eq!(walk(&sealed, connections).await, of_one, "{connections}");
    }
}

#[tokio::test]
async fn seals_that_one_statement_can_not_cover_have_their_events_all_the_same() {
    let (_database, sql, sealed) = start().await;
    let mut expected = Vec::new();
    for events in [6000, 6000, 1, 2, 6000] {
        append(&sql, events).await;
        let made = sealed.seal(usize::try_from(events).unwrap()).await;
        expected.extend(made.iter().map(|seal| (seal.head.number, seal.events)));
    }
    for connections in [1, 2] {
        assert_eq!(
            events_by_seal(&walk(&sealed, connections).await),
            expected,
            "{connections}"
        );
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_seal_moves_no_event() {
    let (_database, sql, sealed) = start().await;
    for _ in 0..4 {
        append(&sql, 2).await;
        sealed.seal(2).await;
    }
    disable_guards(&sql).await;
    let month = "UPDATE audit_seal SET month = (SELECT month FROM audit_seal WHERE number = 1) WHERE number = 2";
    sql.batch_execute("ALTER TABLE audit_seal DROP CONSTRAINT audit_seal_month_check")
        .await
        .unwrap();
    // The events of a seal that can't be read, or that ends before it begins, come with the next.
    for (edit, expected) in [
        ("month = 'May'", [Some(1), None, Some(3), Some(4)]),
        ("from_xid = '1', to_xid = '1'", [Some(1), Some(2), Some(3), Some(4)]),
    ] {
        sql.batch_execute(&format!("UPDATE audit_seal SET {edit} WHERE number = 2"))
            .await
            .unwrap();
        let mut found: Vec<(Option<i64>, usize)> = Vec::new();
        for item in walk(&sealed, 2).await {
            match item {
                AuditItem::Seal(seal) => found.push((Some(seal.content.number), 0)),
                AuditItem::Unreadable(_) => found.push((None, 0)),
                AuditItem::Event(_) | AuditItem::Unsealed(_) => found.last_mut().unwrap().1 += 1,
            }
        }
        let numbers: Vec<Option<i64>> = found.iter().map(|(number, _)| *number).collect();
        let events: Vec<usize> = found.iter().map(|(_, events)| *events).collect();
        assert_eq!(
            (numbers.as_slice(), events.as_slice()),
            (&expected[..], &[2, 0, 4, 2][..]),
            "{edit}"
        );
        sql.batch_execute(month).await.unwrap();
    }
}

#[tokio::test]
async fn where_there_is_no_second_connection_one_reads_all() {
    let (database, sql, _) = start().await;
    append(&sql, 3).await;
    let one = PoolConfig {
        max_open: 1,
        max_idle: 1,
        ..PoolConfig::default()
    };
    let report = Sealed::with_pool(&database.service_config(), new_key(), one)
        .verify()
        .await;
    assert_eq!((report.unsealed, report.finding), (3, None));
}

#[tokio::test]
async fn no_connection_sees_what_is_written_after_the_walk_began() {
    let (_database, sql, sealed) = start().await;
    append(&sql, 3).await;
    sealed.seal(3).await;
    let begun = sealed.store.begin_audit_walk::<DigestedEvent>(3).await.unwrap();
    append(&sql, 3).await;
    sealed.seal(3).await;
    append(&sql, 3).await;
    let met = rest_of(begun).await;
    assert_eq!(events_by_seal(&met), [(1, 3)]);
}

#[tokio::test]
async fn more_events_than_a_seal_can_cover_are_met_in_its_range() {
    let (_database, sql, sealed) = start().await;
    let first = append(&sql, 3).await;
    sealed.seal(3).await;
    append(&sql, 4).await;
    sealed.seal(4).await;
    crowd(&sql, first[1], 25_000).await;
    for connections in [1, 2] {
        let items = walk(&sealed, connections).await;
        assert_eq!(events_by_seal(&items), [(1, 25_003), (2, 4)], "{connections}");
    }
    let found = sealed.verify().await.finding;
    assert!(
        matches!(found, Some(Finding::EventInserted { seal: Some(1), .. })),
        "{found:?}"
    );
}

#[tokio::test]
async fn an_event_in_the_place_of_another_is_met_also_at_the_edge_of_a_page() {
    let (_database, sql, sealed) = start().await;
    let ids = append(&sql, 10_500).await;
    crowd(&sql, ids[10_000], 1).await;
    let report = sealed.verify().await;
    assert_eq!((report.unsealed, report.finding), (10_501, None));
}
