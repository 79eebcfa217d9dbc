//! Each rule finds what breaks it, in histories of a few lines.

use dashboard_store::domain::digest::Digest;
use dashboard_store::domain::etag::Etag;
use uuid::Uuid;

use super::*;
use crate::histories::history::{Moment, Seen};
use crate::histories::stored::{Event, Version};
use crate::support::requests::spec_named;

const UID: Uuid = Uuid::from_u128(7);

fn sha256(content: &str) -> String {
    Digest::of(spec_named(content).as_bytes()).to_string()
}

/// An operation that sends a document with its own id.
fn operation(id: &str, action: Action, attempts: Vec<Attempt>) -> Operation {
    Operation {
        id: id.to_owned(),
        dashboard: "d".to_owned(),
        action,
        condition: None,
        content: Some(id.to_owned()),
        request_id: Uuid::nil(),
        attempts,
    }
}

fn attempt(invoked: Moment, answered: Moment, outcome: Outcome) -> Attempt {
    Attempt {
        invoked,
        answered,
        outcome,
    }
}

/// An answer that shows what `writer` wrote as this generation, which is also its revision.
fn done(generation: i32, writer: &str) -> Outcome {
    Outcome::Done(Seen {
        etag: Etag::new(UID, generation.into()),
        revision: generation,
        is_deleted: false,
        sha256: sha256(writer),
        is_unchanged: false,
    })
}

fn refused(reason: &str) -> Outcome {
    Outcome::Refused(reason.to_owned())
}

fn unknown() -> Outcome {
    Outcome::Unknown(String::new())
}

/// A database in which these wrote one revision each.
fn written_by(writers: &[&str]) -> Stored {
    let versions: Vec<(Version, String)> = writers
        .iter()
        .zip(1..)
        .map(|(writer, revision)| {
            let sha256 = sha256(writer);
            (Version { revision, sha256 }, (*writer).to_owned())
        })
        .collect();
    let mut before = None;
    let mut events = Vec::new();
    for (version, actor) in versions.clone() {
        let after = Some(version);
        events.push(Event {
            actor,
            method: "UpdateDashboard".to_owned(),
            before,
            after: after.clone(),
        });
        before = after;
    }
    let life = Life {
        uid: UID.to_string(),
        generation: i64::try_from(writers.len()).unwrap(),
        is_deleted: false,
        head: before.unwrap(),
        revisions: versions,
        events,
    };
    Stored {
        lives: BTreeMap::from([("d".to_owned(), life)]),
    }
}

/// A history in which `a` creates, `b` updates, and `r` reads, one after the other.
fn sound_history() -> Vec<Operation> {
    vec![
        operation("a", Action::Create, vec![attempt(1, 2, done(1, "a"))]),
        operation("b", Action::Update, vec![attempt(3, 4, done(2, "b"))]),
        operation("r", Action::Read, vec![attempt(5, 6, done(2, "b"))]),
    ]
}

fn rules(history: &[Operation], stored: &Stored) -> Vec<Rule> {
    check(history, stored).iter().map(|finding| finding.rule).collect()
}

#[test]
fn a_sound_history_passes() {
    assert_eq!(check(&sound_history(), &written_by(&["a", "b"])), []);
}

#[test]
fn an_acknowledged_change_that_is_not_there_is_lost() {
    let mut history = sound_history();
    history.truncate(2);
    assert!(rules(&history, &written_by(&["a"])).contains(&Rule::Lost));
}

#[test]
fn a_change_that_is_there_twice_is_doubled() {
    assert_eq!(rules(&sound_history(), &written_by(&["a", "b", "b"])), [Rule::Doubled]);
    let mut history = sound_history();
    history[1].attempts = vec![attempt(3, 4, unknown())];
    history.truncate(2);
    assert_eq!(rules(&history, &written_by(&["a", "b", "b"])), [Rule::Doubled]);
}

#[test]
fn a_repetition_that_is_answered_otherwise_is_doubled() {
    let mut history = sound_history();
    history[0].attempts.push(attempt(7, 8, refused("DASHBOARD_EXISTS")));
    assert_eq!(rules(&history, &written_by(&["a", "b"])), [Rule::Doubled]);
}

#[test]
fn a_missing_revision_is_a_gap() {
    let mut stored = written_by(&["a", "b", "c"]);
    let life = stored.lives.get_mut("d").unwrap();
    life.revisions.remove(1);
    assert!(rules(&sound_history(), &stored).contains(&Rule::Gap));
}

#[test]
fn a_change_without_its_audit_event_is_torn() {
    let mut stored = written_by(&["a", "b"]);
    stored.lives.get_mut("d").unwrap().events.pop();
    assert!(rules(&sound_history(), &stored).contains(&Rule::Torn));
}

#[test]
fn a_refused_change_that_is_there_is_a_contradiction() {
    let mut history = sound_history();
    history[1].attempts = vec![attempt(3, 4, refused("DATABASE_UNAVAILABLE"))];
    assert_eq!(rules(&history, &written_by(&["a", "b"])), [Rule::Contradiction]);
    // The second attempt says nothing about the first.
    history[1].attempts.insert(0, attempt(3, 4, unknown()));
    assert_eq!(rules(&history, &written_by(&["a", "b"])), []);
}

#[test]
fn a_read_that_misses_an_acknowledged_write_is_a_contradiction() {
    let mut history = sound_history();
    history[2].attempts = vec![attempt(5, 6, done(1, "a"))];
    assert_eq!(rules(&history, &written_by(&["a", "b"])), [Rule::Contradiction]);
    // At the same time, both are right.
    history[2].attempts = vec![attempt(3, 6, done(1, "a"))];
    assert_eq!(rules(&history, &written_by(&["a", "b"])), []);
}

#[test]
fn a_read_of_what_was_not_asked_for_yet_is_a_contradiction() {
    let mut history = sound_history();
    history[1].attempts = vec![attempt(7, 8, done(2, "b"))];
    assert_eq!(rules(&history, &written_by(&["a", "b"])), [Rule::Contradiction; 2]);
}

#[test]
fn a_change_of_another_version_than_was_named_is_a_contradiction() {
    let mut history = sound_history();
    history[1].condition = Some(Etag::new(UID, 3));
    assert_eq!(rules(&history, &written_by(&["a", "b"])), [Rule::Contradiction]);
}

#[test]
fn a_refusal_needs_a_reason() {
    let mut history = sound_history();
    history.push(operation(
        "c",
        Action::Undelete,
        vec![attempt(7, 8, refused("DASHBOARD_NOT_DELETED"))],
    ));
    assert_eq!(rules(&history, &written_by(&["a", "b"])), []);
    history[3].attempts = vec![attempt(7, 8, refused("DASHBOARD_NOT_FOUND"))];
    assert_eq!(rules(&history, &written_by(&["a", "b"])), [Rule::Unexplained]);
}

#[test]
fn the_report_shows_the_shortest_history() {
    let mut history = sound_history();
    history[2].attempts = vec![attempt(5, 6, done(1, "a"))];
    let stored = written_by(&["a", "b"]);
    let told = report(&check(&history, &stored), &history, &stored);
    assert!(
        told.contains("r was shown generation 1, b had been shown 2 before"),
        "{told}"
    );
    assert!(told.contains("5..6 done: generation 1"), "{told}");
    assert!(!told.contains("a Create"), "{told}");
}
