//! What is sealed, when, and by whom.

use super::*;

#[tokio::test]
async fn seals_cover_what_is_new_and_nothing_twice() {
    let (_, sql, sealed) = start().await;
    assert_eq!(sealed.seal_once().await, []);
    for (number, events) in [(1, 3), (2, 5)] {
        append(&sql, events).await;
        let seals = sealed.seal(events.try_into().unwrap()).await;
        assert_eq!(seals.len(), 1, "{seals:?}");
        assert_eq!((seals[0].head.number, seals[0].epoch), (number, 1));
        assert_eq!(sealed.seal_once().await, []);
    }
    let report = sealed.verify().await;
    assert_eq!((report.seals, report.events, report.unsealed), (2, 8, 0));
    assert_eq!(report.finding, None);
    append(&sql, 2).await;
    assert_eq!(sealed.verify().await.unsealed, 2);
}

#[tokio::test]
async fn a_long_transaction_holds_sealing_back_and_its_events_are_not_missed() {
    let (database, sql, sealed) = start().await;
    let slow = database.connect().await;
    slow.batch_execute("BEGIN").await.unwrap();
    append(&slow, 1).await;
    append(&sql, 2).await;
    assert_eq!(sealed.seal_once().await, []);
    assert!(sealed.store.sealing_lag().await.unwrap() > Duration::ZERO);
    append(&slow, 1).await;
    slow.batch_execute("COMMIT").await.unwrap();
    append(&sql, 1).await;

    sealed.seal(5).await;

    assert_eq!(sealed.store.sealing_lag().await.unwrap(), Duration::ZERO);
    let report = sealed.verify().await;
    assert_eq!((report.events, report.unsealed, report.finding), (5, 0, None));
}

#[tokio::test]
async fn at_the_edge_of_a_month_each_month_has_its_seal() {
    let (_, sql, sealed) = start().await;
    sql.batch_execute("BEGIN").await.unwrap();
    append_at(&sql, 2, "now() + interval '1 month'").await;
    append(&sql, 3).await;
    sql.batch_execute("COMMIT").await.unwrap();
    append_at(&sql, 1, "now() + interval '1 month'").await;
    // What began earlier may write later.
    append(&sql, 1).await;

    let seals = sealed.seal(7).await;

    assert!(seals.len() >= 2, "{seals:?}");
    let by_month = "SELECT sum(event_count) FROM audit_seal GROUP BY month ORDER BY month";
    let sums: Vec<i64> = sql
        .query(by_month, &[])
        .await
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect();
    assert_eq!(sums, [4, 3]);
    append_at(&sql, 1, "now() + interval '1 month'").await;
    sealed.seal(1).await;
    let report = sealed.verify().await;
    assert_eq!((report.events, report.unsealed, report.finding), (8, 0, None));
}

#[tokio::test]
async fn much_is_sealed_in_rounds_that_keep_transactions_whole() {
    let (_, sql, sealed) = start().await;
    for events in [9_999, 2_500, 1, 12_000, 7] {
        append(&sql, events).await;
    }
    let seals = sealed.seal(24_507).await;
    let events: Vec<usize> = seals.iter().map(|seal| seal.events).collect();
    assert_eq!(events.iter().sum::<usize>(), 24_507);
    // A round ends behind a transaction, at the latest behind the one with which it has 10,000 events.
    let ends = events.iter().scan(0, |sum, count| {
        *sum += count;
        Some(*sum)
    });
    let of_transactions = [9_999, 12_499, 12_500, 24_500, 24_507];
    assert!(
        seals.len() >= 2 && ends.into_iter().all(|end| of_transactions.contains(&end)),
        "{events:?}"
    );
    let report = sealed.verify().await;
    assert_eq!((report.events, report.unsealed, report.finding), (24_507, 0, None));
}

#[tokio::test]
async fn of_many_runners_beside_writers_each_event_gets_one_seal() {
    let (database, sql, sealed) = start().await;
    let writers = (0..4).map(|_| async {
        let own = database.connect().await;
        for _ in 0..50 {
            append(&own, 3).await;
        }
    });
    let runners = (0..4).map(|_| async {
        let mut events = 0;
        for _ in 0..100 {
            if let Sealing::Sealed { seals, .. } = sealed.store.seal_audit_log(&sealed.key).await.unwrap() {
                events += seals.iter().map(|seal| seal.events).sum::<usize>();
            }
        }
        events
    });
    let writing = futures_util::future::join_all(writers);
    let (_, sealed_beside) = tokio::join!(writing, futures_util::future::join_all(runners));
    let beside: usize = sealed_beside.iter().sum();
    assert!(beside > 0);
    if beside < 600 {
        sealed.seal(600 - beside).await;
    }
    assert_eq!(count(&sql, "audit_log").await, 600);
    let report = sealed.verify().await;
    assert_eq!((report.events, report.unsealed, report.finding), (600, 0, None));
}
