//! What is sealed, when, and by whom.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use dashboard_store::domain::audit::Finding;
use dashboard_store::grpc::proto;
use dashboard_store::grpc::proto::audit_service_client::AuditServiceClient;
use tonic_health::pb::health_check_response::ServingStatus;

use super::*;
use crate::support::TestServer;

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
async fn much_is_sealed_in_rounds() {
    let (_, sql, sealed) = start().await;
    for events in [9_999, 2_500, 1, 2_000, 7] {
        append(&sql, events).await;
    }
    let seals = sealed.seal(14_507).await;
    let events: Vec<usize> = seals.iter().map(|seal| seal.events).collect();
    assert_eq!(events.iter().sum::<usize>(), 14_507);
    assert!(
        events.len() >= 2 && events.iter().all(|count| *count <= 10_000),
        "{events:?}"
    );
    let report = sealed.verify().await;
    assert_eq!((report.events, report.unsealed, report.finding), (14_507, 0, None));
}

/// The numbers of the seals over events of `append`, by the numbers of these.
async fn listed_seals(server: &TestServer, events: &[i32]) -> Vec<String> {
    let mut client = AuditServiceClient::new(server.channel().await);
    let mut seals = Vec::new();
    for event in events {
        let request = proto::ListAuditEventsRequest {
            parent: "platform".into(),
            filter: format!(r#"resource = "tests/{event}" AND method = test"#),
            ..Default::default()
        };
        let answer = client.list_audit_events(request).await.unwrap().into_inner();
        seals.extend(answer.audit_events.into_iter().map(|event| event.seal));
    }
    seals
}

#[tokio::test]
async fn a_transaction_with_more_events_than_a_seal_covers_has_several() {
    let (database, sql, sealed) = start().await;
    sql.batch_execute("BEGIN").await.unwrap();
    append(&sql, 25_000).await;
    append_at(&sql, 1, "now() + interval '1 month'").await;
    sql.batch_execute("COMMIT").await.unwrap();

    // In the middle of the transaction, what is left of it waits, and is neither sealed nor wrong.
    let first = sealed.seal_round().await;
    assert_eq!(first.iter().map(|seal| seal.events).collect::<Vec<_>>(), [10_000]);
    assert!(sealed.store.sealing_lag().await.unwrap() > Duration::ZERO);
    let report = sealed.verify().await;
    assert_eq!((report.events, report.unsealed, report.finding), (10_000, 15_001, None));

    let rest: Vec<usize> = sealed.seal(15_001).await.iter().map(|seal| seal.events).collect();
    assert_eq!(rest, [10_000, 5_000, 1]);
    assert_eq!(sealed.store.sealing_lag().await.unwrap(), Duration::ZERO);
    append(&sql, 1).await;
    sealed.seal(1).await;
    let report = sealed.verify().await;
    assert_eq!(
        (report.seals, report.events, report.unsealed, report.finding),
        (5, 25_002, 0, None)
    );

    // The edges of the seals, and two events that have the same resource in two months or transactions.
    let server = TestServer::launch(database.clone(), database.service_config(), |_| {}).await;
    server.wait_until(ServingStatus::Serving).await;
    let listed = listed_seals(&server, &[10_000, 10_001, 20_000, 20_001, 25_000]).await;
    assert_eq!(listed, [1, 2, 2, 3, 3].map(|number| format!("auditSeals/{number}")));
    let mut of_first = listed_seals(&server, &[1]).await;
    of_first.sort();
    assert_eq!(of_first, [1, 4, 5].map(|number| format!("auditSeals/{number}")));

    // What is edited is named with the seal over it, on either side of an edge.
    disable_guards(&sql).await;
    for (event, seal) in [(20_001, 3), (20_000, 2)] {
        let edit = format!("UPDATE audit_log SET actor = 'user:eve' WHERE resource = 'tests/{event}' RETURNING id");
        let id: Uuid = sql.query_one(&edit, &[]).await.unwrap().get(0);
        assert_eq!(sealed.verify().await.finding, Some(Finding::EventEdited { id, seal }));
    }
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
    let left = AtomicUsize::new(600);
    let runners = (0..4).map(|_| async {
        while left.load(Relaxed) > 0 {
            if let Sealing::Sealed { seals, .. } = sealed.store.seal_audit_log(&sealed.key).await.unwrap() {
                left.fetch_sub(seals.iter().map(|seal| seal.events).sum(), Relaxed);
            }
        }
    });
    let writing = futures_util::future::join_all(writers);
    let sealing = in_time("a seal for each event", futures_util::future::join_all(runners));
    tokio::join!(writing, sealing);
    assert_eq!(count(&sql, "audit_log").await, 600);
    let report = sealed.verify().await;
    assert_eq!((report.events, report.unsealed, report.finding), (600, 0, None));
}

#[tokio::test]
async fn a_seal_that_none_can_follow_is_named() {
    let (_, sql, sealed) = start().await;
    let insert = "INSERT INTO audit_seal (number, epoch, after_seq, month, from_xid, to_xid, to_seq, last_seq,
            event_count, event_digests, previous_root, root, sealed_at, key_id, signature)
        VALUES (9223372036854775807, 1, 0, '2026-11', '0', '0', 0, 0, 1, sha256(''), sha256(''), sha256(''), now(), '',
            sha256('') || sha256(''))";
    sql.batch_execute(insert).await.unwrap();
    append(&sql, 1).await;
    let text = sealed.sealing_error().await.causes();
    assert!(text.contains("seal 9223372036854775807"), "{text}");
}
