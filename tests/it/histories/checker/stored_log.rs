//! The stored parts of a dashboard against each other: audit log, revisions, head.

use super::{Dashboard, Rule};
use crate::histories::stored::Life;

/// Checks that audit events and changes match one to one, without gaps.
pub(super) fn check(dashboard: &mut Dashboard<'_>) {
    let Some(life) = dashboard.life else {
        return;
    };
    check_chain(dashboard, life);
    check_revisions(dashboard, life);
    check_head(dashboard, life);
    check_origin(dashboard, life);
}

/// Each event begins with what the one before left, and makes the next revision or none.
fn check_chain(dashboard: &mut Dashboard<'_>, life: &Life) {
    let mut left = None;
    let mut actor_before = "";
    for (event, generation) in life.events.iter().zip(1..) {
        let numbers = (
            left.map_or(0, |version: &crate::histories::stored::Version| version.revision),
            event.after.as_ref().map_or(0, |version| version.revision),
        );
        if event.before.as_ref() != left || !(0..=1).contains(&(numbers.1 - numbers.0)) {
            let what = format!(
                "audit event {generation} goes from {:?} to {:?}, the one before left {left:?}",
                event.before, event.after
            );
            dashboard.find(Rule::Gap, what, &[actor_before, &event.actor]);
        }
        left = event.after.as_ref();
        actor_before = &event.actor;
    }
}

/// The revisions are those that the events made, by the same hand.
fn check_revisions(dashboard: &mut Dashboard<'_>, life: &Life) {
    for ((version, author), number) in life.revisions.iter().zip(1..) {
        if version.revision != number {
            let what = format!("revision {number} is missing, {} follows", version.revision);
            dashboard.find(Rule::Gap, what, &[author]);
            return;
        }
    }
    let told: Vec<_> = life
        .events
        .iter()
        .filter_map(|event| Some((event.new_revision()?, event.actor.as_str())))
        .collect();
    let kept: Vec<_> = life
        .revisions
        .iter()
        .map(|(version, author)| (version, author.as_str()))
        .collect();
    for position in 0..told.len().max(kept.len()) {
        let (event, revision) = (told.get(position), kept.get(position));
        if event != revision {
            let what = format!("the audit log tells of {event:?} where {revision:?} is stored");
            let authors: Vec<&str> = [event, revision]
                .into_iter()
                .flatten()
                .map(|(_, author)| *author)
                .collect();
            dashboard.find(Rule::Torn, what, &authors);
            return;
        }
    }
}

/// The head is what the last event left, and counts them all.
fn check_head(dashboard: &mut Dashboard<'_>, life: &Life) {
    let last = life.events.last();
    let writer = last.map_or("", |event| event.actor.as_str());
    if last.and_then(|event| event.after.as_ref()) != Some(&life.head) {
        let what = format!("the head is {:?}, the last audit event is {last:?}", life.head);
        dashboard.find(Rule::Torn, what, &[writer]);
    }
    if last.is_some_and(|event| event.deletes()) != life.is_deleted {
        dashboard.find(Rule::Torn, "the audit log and the head differ in the state", &[writer]);
    }
    let events = i64::try_from(life.events.len()).unwrap();
    if events != life.generation {
        let what = format!("{} changes and {events} audit events", life.generation);
        dashboard.find(Rule::Torn, what, &[writer]);
    }
}

/// Nobody wrote but those that were asked to.
fn check_origin(dashboard: &mut Dashboard<'_>, life: &Life) {
    for event in &life.events {
        let asked = |operation: &&super::Operation| operation.id == event.actor;
        if !dashboard.operations.iter().any(asked) {
            let what = format!("nobody asked for the change of {}", event.actor);
            dashboard.find(Rule::Unexplained, what, &[&event.actor]);
        }
    }
}
