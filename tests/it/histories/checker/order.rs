//! Each answer against the order of the changes.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use super::{Action, Attempt, Dashboard, Operation, Outcome, Rule, is_passing};
use crate::histories::history::{Moment, Seen};
use crate::histories::stored::{Event, Life};

/// A place in the order of the changes: the number of the event that made the head; 0 before there was one.
type Generation = usize;

/// When the changes of a dashboard were asked for and seen.
struct Order<'a> {
    events: &'a [Event],
    uid: &'a str,
    /// For each event the earliest moment at which it and all before it can have happened.
    begun: Vec<Moment>,
    /// The answers by their moments, each with the latest generation that was seen by then, and by whom.
    seen: Vec<(Moment, Generation, &'a str)>,
}

impl<'a> Order<'a> {
    fn new(life: Option<&'a Life>, operations: &[&'a Operation]) -> Self {
        let events = life.map_or(&[][..], |found| &found.events);
        let asked: HashMap<&str, Moment> = operations
            .iter()
            .map(|operation| (operation.id.as_str(), operation.begun()))
            .collect();
        let mut latest = 0;
        let begun = events
            .iter()
            .map(|event| {
                latest = latest.max(asked.get(event.actor.as_str()).copied().unwrap_or(0));
                latest
            })
            .collect();
        let mut seen: Vec<_> = operations
            .iter()
            .flat_map(|operation| {
                let answers = operation.answers();
                answers.map(|(attempt, answer)| (attempt.answered, generation(answer), operation.id.as_str()))
            })
            .collect();
        seen.sort_unstable();
        for position in 1..seen.len() {
            let (_, latest_seen, by) = seen[position - 1];
            if seen[position].1 < latest_seen {
                (seen[position].1, seen[position].2) = (latest_seen, by);
            }
        }
        Self {
            events,
            uid: life.map_or("", |found| &found.uid),
            begun,
            seen,
        }
    }

    /// The latest generation that somebody had been shown before a moment, and who that was.
    fn seen_before(&self, moment: Moment) -> (Generation, &'a str) {
        let count = self.seen.partition_point(|(answered, ..)| *answered < moment);
        match count.checked_sub(1) {
            Some(position) => (self.seen[position].1, self.seen[position].2),
            None => (0, ""),
        }
    }

    /// The heads that a call can have found.
    fn window(&self, from: Moment, to: Moment) -> RangeInclusive<Generation> {
        let latest = self.begun.partition_point(|begun| *begun < to);
        self.seen_before(from).0..=latest
    }

    fn event(&self, generation: Generation) -> Option<&'a Event> {
        self.events.get(generation.checked_sub(1)?)
    }

    /// Whether an answer shows what an event left.
    fn shows(&self, seen: &Seen) -> bool {
        let Some((event, after)) = self
            .event(generation(seen))
            .and_then(|event| Some((event, event.after.as_ref()?)))
        else {
            return false;
        };
        seen.etag.uid().to_string() == self.uid
            && (seen.revision, &seen.sha256) == (after.revision, &after.sha256)
            && seen.is_deleted == event.deletes()
    }

    /// The document that an operation makes the head's, where it names one.
    fn wanted_sha256(&self, operation: &Operation) -> Option<String> {
        match operation.action {
            Action::Restore => self.event(1)?.after.as_ref().map(|first| first.sha256.clone()),
            Action::Create | Action::Update | Action::Apply => operation.sha256(),
            Action::Read | Action::Delete | Action::Undelete => None,
        }
    }

    /// Whether a head is a reason to refuse.
    fn explains(&self, reason: &str, operation: &Operation, generation: Generation) -> bool {
        let Some(event) = self.event(generation) else {
            return reason == "DASHBOARD_NOT_FOUND";
        };
        match reason {
            "DASHBOARD_EXISTS" | "DASHBOARD_NOT_DELETED" => !event.deletes(),
            "DASHBOARD_SOFT_DELETED" | "DASHBOARD_DELETED" => event.deletes(),
            "ETAG_MISMATCH" => operation
                .condition
                .is_some_and(|etag| etag.generation() != i64::try_from(generation).unwrap()),
            _ => false,
        }
    }
}

fn generation(seen: &Seen) -> Generation {
    seen.etag.generation().try_into().unwrap()
}

/// Checks every answer, and every change that was made.
pub(super) fn check(dashboard: &mut Dashboard<'_>) {
    let operations = dashboard.operations.clone();
    let order = Order::new(dashboard.life, &operations);
    check_conditions(dashboard, &order, &operations);
    for operation in operations {
        let begun = operation.begun();
        for attempt in &operation.attempts {
            match &attempt.outcome {
                Outcome::Done(seen) => check_answer(dashboard, &order, operation, attempt, (begun, seen)),
                Outcome::Refused(reason) => check_refusal(dashboard, &order, operation, attempt, reason),
                Outcome::Unknown(_) => {}
            }
        }
    }
}

/// Who named a version changed that one, and no other: nobody overwrites what they have not seen.
fn check_conditions(dashboard: &mut Dashboard<'_>, order: &Order<'_>, operations: &[&Operation]) {
    let by_id: HashMap<&str, &Operation> = operations
        .iter()
        .map(|operation| (operation.id.as_str(), *operation))
        .collect();
    let mut overwritten = "";
    for (event, found) in order.events.iter().zip(0_i64..) {
        let condition = by_id
            .get(event.actor.as_str())
            .and_then(|operation| operation.condition);
        if let Some(etag) = condition.filter(|etag| etag.generation() != found) {
            let what = format!(
                "{} wrote over generation {found}, having seen generation {}",
                event.actor,
                etag.generation()
            );
            dashboard.find(Rule::Contradiction, what, &[overwritten, &event.actor]);
        }
        overwritten = &event.actor;
    }
}

fn check_answer(
    dashboard: &mut Dashboard<'_>,
    order: &Order<'_>,
    operation: &Operation,
    attempt: &Attempt,
    (begun, seen): (Moment, &Seen),
) {
    let id = operation.id.as_str();
    let place = generation(seen);
    if !order.shows(seen) {
        let found = order.event(place);
        let writer = found.map_or("", |event| event.actor.as_str());
        let what = format!("{id} was shown {seen:?}, the audit log tells of {found:?}");
        dashboard.find(Rule::Contradiction, what, &[id, writer]);
        return;
    }
    let wanted = order.wanted_sha256(operation);
    if wanted.is_some_and(|sha256| sha256 != seen.sha256) {
        dashboard.find(
            Rule::Contradiction,
            format!("{id} was shown another document than it sent"),
            &[id],
        );
    }
    let (seen_before, by) = order.seen_before(begun);
    let window = order.window(begun, attempt.answered);
    let is_change = operation.action != Action::Read && !seen.is_unchanged;
    let earliest = seen_before + usize::from(is_change);
    if place < earliest {
        let what = format!("{id} was shown generation {place}, {by} had been shown {seen_before} before");
        dashboard.find(Rule::Contradiction, what, &[id, by]);
    }
    if place > *window.end() {
        let what = format!("{id} was shown generation {place} before it was asked for");
        dashboard.find(Rule::Contradiction, what, &[id]);
    }
    let is_own = order.event(place).is_some_and(|event| event.actor == id);
    if is_own != is_change {
        let what = format!("{id} was shown generation {place} for its own, which it is not");
        dashboard.find(Rule::Contradiction, what, &[id]);
    }
}

/// A refusal for what the dashboard was needs a moment at which it was that.
fn check_refusal(
    dashboard: &mut Dashboard<'_>,
    order: &Order<'_>,
    operation: &Operation,
    attempt: &Attempt,
    reason: &str,
) {
    if is_passing(reason) {
        return;
    }
    let mut window = order.window(attempt.invoked, attempt.answered);
    if !window.any(|generation| order.explains(reason, operation, generation)) {
        let (_, by) = order.seen_before(attempt.invoked);
        let what = format!(
            "{} was refused, though no head in its time explains {reason}",
            operation.id
        );
        dashboard.find(Rule::Unexplained, what, &[&operation.id, by]);
    }
}
