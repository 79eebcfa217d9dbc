//! What is folded into what, and how much is kept.

use super::*;

const LIMITS: FoldLimits = FoldLimits {
    per_minute: 3,
    per_subject: 2,
    waiting: 5,
};

fn at(second: i64) -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH + Duration::seconds(second)
}

fn call(actor: &str, result: AuditResult, resource: &str) -> EndedCall {
    EndedCall {
        actor: actor.to_owned(),
        actor_groups: Vec::new(),
        auth_method: "jwt",
        method: "a.B/C".to_owned(),
        permission: "dashboards.get",
        project: None,
        resource: resource.to_owned(),
        result,
        reason: Some("SOMETHING".to_owned()),
        client_ip: None,
        user_agent: String::new(),
        correlation_id: Uuid::nil(),
        trace_id: None,
    }
}

fn stranger(address: &str) -> EndedCall {
    EndedCall {
        client_ip: Some(address.parse().unwrap()),
        ..call(ANONYMOUS, AuditResult::Denied, "")
    }
}

fn counts(due: Due) -> Vec<u64> {
    let mut counts: Vec<u64> = due.events.iter().map(|calls| calls.count).collect();
    counts.sort_unstable();
    counts
}

#[test]
fn the_first_is_told_at_once_and_the_others_when_the_minute_is_over() {
    let mut fold = Fold::new(LIMITS);
    for second in 0..3 {
        assert!(fold.take(stranger("10.0.0.1"), at(second)));
    }
    let due = fold.take_due(at(3));
    assert_eq!((due.events[0].first_time, due.events[0].last_time), (at(0), at(2)));
    assert_eq!(counts(due), [3]);
    for second in 3..60 {
        fold.take(stranger("10.0.0.1"), at(second));
        assert_eq!(fold.take_due(at(second)), Due::default());
    }
    assert_eq!(counts(fold.take_due(at(60))), [57]);
    assert_eq!(fold.take_due(at(120)), Due::default());
    assert!(fold.kept.is_empty());
}

#[test]
fn who_is_denied_fills_no_more_by_naming_many_things() {
    let mut fold = Fold::new(LIMITS);
    for number in 0..100 {
        assert!(fold.take(call("user:a", AuditResult::Denied, &number.to_string()), at(0)));
    }
    let due = fold.take_due(at(0));
    assert_eq!(due.events[0].first.resource, "0");
    assert_eq!(counts(due), [100]);
}

#[test]
fn what_was_allowed_is_told_of_by_resource() {
    let mut fold = Fold::new(LIMITS);
    for resource in ["x", "y", "x"] {
        fold.take(call("user:a", AuditResult::Failed, resource), at(0));
    }
    assert_eq!(counts(fold.take_due(at(0))), [1, 2]);
}

#[test]
fn who_fails_at_many_things_leaves_room_for_others() {
    let mut fold = Fold::new(FoldLimits {
        per_minute: 5,
        waiting: 7,
        ..LIMITS
    });
    for resource in ["x", "y", "z", "w", "x", "z"] {
        assert!(fold.take(call("user:a", AuditResult::Failed, resource), at(0)));
    }
    for resource in ["x", "y"] {
        assert!(fold.take(call("user:b", AuditResult::Failed, resource), at(1)));
    }
    let mut told: Vec<(String, String, u64)> = fold
        .take_due(at(2))
        .events
        .into_iter()
        .map(|calls| (calls.first.actor, calls.first.resource, calls.count))
        .collect();
    told.sort_unstable();
    let expected = [
        ("user:a", "x", 2),
        ("user:a", "y", 1),
        ("user:a", "z", 3),
        ("user:b", "x", 1),
        ("user:b", "y", 1),
    ];
    assert_eq!(
        told,
        expected.map(|(who, what, count)| (who.to_owned(), what.to_owned(), count))
    );

    // The next minute begins anew.
    for resource in ["z", "w"] {
        fold.take(call("user:a", AuditResult::Failed, resource), at(60));
    }
    assert_eq!(counts(fold.take_due(at(60))), [1, 1]);
}

#[test]
fn strangers_are_told_apart_by_network() {
    let mut fold = Fold::new(LIMITS);
    for address in [
        "2001:db8::1",
        "2001:db8::2",
        "10.0.0.1",
        "::ffff:10.0.0.1",
        "2001:db8:1::1",
    ] {
        fold.take(stranger(address), at(0));
    }
    assert_eq!(counts(fold.take_due(at(0))), [1, 2, 2]);
}

#[test]
fn what_finds_no_place_is_counted_and_told_when_the_minute_is_over() {
    let mut fold = Fold::new(LIMITS);
    let taken = (0..10).filter(|number| fold.take(stranger(&format!("10.0.0.{number}")), at(1)));
    assert_eq!(taken.count(), 3);
    assert!(fold.take(stranger("10.0.0.0"), at(2)), "who has a place keeps it");
    assert_eq!(fold.take_due(at(3)).overflow, None);
    let overflow = fold.take_due(at(60)).overflow.unwrap();
    assert_eq!((overflow.count, overflow.first_time), (7, at(1)));
}

#[test]
fn the_minutes_of_an_outage_take_no_more_room_than_there_is() {
    let mut fold = Fold::new(LIMITS);
    for minute in 0..100 {
        for number in 0..10 {
            fold.take(stranger(&format!("10.0.{minute}.{number}")), at(minute * 60));
        }
        assert!(fold.kept.len() <= LIMITS.waiting);
    }
    let all = fold.take_all();
    let told: u64 = all.events.iter().map(|calls| calls.count).sum();
    assert_eq!(told + all.overflow.unwrap().count, 1000);
    assert_eq!(fold.take_all(), Due::default());
}
