//! Proves from what the clients saw and what is stored that nothing was lost, doubled, skipped, torn or made up.
//!
//! The audit log tells in which order the changes of a dashboard were made: its nth event made generation n, and etags carry
//! generations. So each answer names its place in that order, and the moments of calls and answers say which places it may
//! have: not before what was answered before it was asked, not after what was asked only after it was answered.

mod order;
mod stored_log;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::history::{Action, Attempt, Operation, Outcome};
use super::stored::{Life, Stored};

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// What was acknowledged is not there.
    Lost,
    /// What was asked for once happened twice.
    Doubled,
    /// Numbers are missing.
    Gap,
    /// A part of a change is there, or a change without its audit event, or the other way round.
    Torn,
    /// An answer does not fit the order of the others.
    Contradiction,
    /// An answer that nothing explains.
    Unexplained,
}

/// Something wrong, and the operations that show it.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    pub rule: Rule,
    pub dashboard: String,
    pub what: String,
    pub operations: BTreeSet<String>,
}

/// The refusals that say: nothing was done, for a reason that has nothing to do with the dashboard.
const NOTHING_DONE: [&str; 7] = [
    "DATABASE_UNAVAILABLE",
    "DATABASE_READ_ONLY",
    "DRAINING",
    "OVERLOADED",
    "POOL_TIMEOUT",
    "SCHEMA_NOT_READY",
    "SERIALIZATION_FAILURE",
];

/// Whether a refusal has nothing to do with the dashboard: the call may be repeated, and be answered otherwise.
pub fn is_passing(reason: &str) -> bool {
    NOTHING_DONE.contains(&reason)
}

/// Everything that is wrong.
pub fn check(history: &[Operation], stored: &Stored) -> Vec<Finding> {
    let mut by_dashboard: BTreeMap<&str, Vec<&Operation>> = BTreeMap::new();
    for operation in history {
        by_dashboard.entry(&operation.dashboard).or_default().push(operation);
    }
    for name in stored.lives.keys() {
        by_dashboard.entry(name).or_default();
    }
    let mut findings = Vec::new();
    for (name, operations) in by_dashboard {
        let mut dashboard = Dashboard {
            name,
            operations,
            life: stored.lives.get(name),
            findings: Vec::new(),
        };
        dashboard.check();
        findings.append(&mut dashboard.findings);
    }
    findings
}

/// All about one dashboard.
struct Dashboard<'a> {
    name: &'a str,
    operations: Vec<&'a Operation>,
    life: Option<&'a Life>,
    findings: Vec<Finding>,
}

impl Dashboard<'_> {
    fn check(&mut self) {
        stored_log::check(self);
        for operation in self.operations.clone() {
            self.check_times_done(operation);
        }
        // Places in a log that has gaps say nothing.
        let broken = [Rule::Gap, Rule::Torn];
        if !self.findings.iter().any(|finding| broken.contains(&finding.rule)) {
            order::check(self);
        }
    }

    fn find(&mut self, rule: Rule, what: impl Into<String>, operations: &[&str]) {
        self.findings.push(Finding {
            rule,
            dashboard: self.name.to_owned(),
            what: what.into(),
            operations: operations.iter().map(|&id| id.to_owned()).collect(),
        });
    }

    /// How often it is in the audit log, against what its attempts were told.
    fn check_times_done(&mut self, operation: &Operation) {
        let id = operation.id.as_str();
        let events = self.life.map_or(&[][..], |life| &life.events);
        let done = events.iter().filter(|event| event.actor == id).count();
        let acknowledged = operation.answers().min_by_key(|(attempt, _)| attempt.answered);
        let Some((first, seen)) = acknowledged else {
            if done > 1 {
                self.find(Rule::Doubled, format!("{id} is there {done} times"), &[id]);
            } else if done == 1 && was_refused(operation) {
                self.find(
                    Rule::Contradiction,
                    format!("{id} was refused, and is there all the same"),
                    &[id],
                );
            }
            return;
        };
        let wanted = usize::from(operation.action != Action::Read && !seen.is_unchanged);
        if done < wanted {
            self.find(
                Rule::Lost,
                format!("{id} was acknowledged, and no audit event tells of it"),
                &[id],
            );
        } else if done > wanted {
            self.find(
                Rule::Doubled,
                format!("{id} is there {done} times, not {wanted}"),
                &[id],
            );
        }
        if operation.action != Action::Read {
            self.check_repetitions(operation, first);
        }
    }

    /// Who was answered once gets the same answer again.
    fn check_repetitions(&mut self, operation: &Operation, first: &Attempt) {
        for attempt in &operation.attempts {
            let differs = match &attempt.outcome {
                Outcome::Done(_) => attempt.outcome != first.outcome,
                Outcome::Refused(reason) => attempt.invoked > first.answered && !is_passing(reason),
                Outcome::Unknown(_) => false,
            };
            if differs {
                let what = format!("{} was repeated, and answered otherwise", operation.id);
                self.find(Rule::Doubled, what, &[&operation.id]);
                return;
            }
        }
    }
}

/// Whether its attempts leave no doubt that it was not done.
///
/// After an attempt whose outcome is unknown it takes a later one that had a look at the dashboard: the request id was free
/// then, so whoever had it before did nothing.
fn was_refused(operation: &Operation) -> bool {
    let unknown = operation
        .attempts
        .iter()
        .filter(|attempt| matches!(attempt.outcome, Outcome::Unknown(_)));
    let Some(last_unknown) = unknown.map(|attempt| attempt.answered).max() else {
        return !operation.attempts.is_empty();
    };
    operation.attempts.iter().any(|attempt| match &attempt.outcome {
        Outcome::Refused(reason) => attempt.invoked > last_unknown && !is_passing(reason),
        Outcome::Done(_) | Outcome::Unknown(_) => false,
    })
}

/// How many of each, and the shortest history that shows that something is wrong.
pub fn report(findings: &[Finding], history: &[Operation], stored: &Stored) -> String {
    let mut counts: BTreeMap<Rule, usize> = BTreeMap::new();
    for finding in findings {
        *counts.entry(finding.rule).or_default() += 1;
    }
    let shown = |finding: &Finding| {
        let is_shown = |operation: &&Operation| finding.operations.contains(&operation.id);
        history.iter().filter(is_shown).cloned().collect::<Vec<_>>()
    };
    let length = |operations: &[Operation]| operations.iter().map(|shown| 1 + shown.attempts.len()).sum::<usize>();
    let mut text = format!("{counts:?}\n");
    let Some(shortest) = findings.iter().min_by_key(|finding| length(&shown(finding))) else {
        return text;
    };
    let _ = writeln!(text, "{:?} on {}: {}", shortest.rule, shortest.dashboard, shortest.what);
    let mut operations = shown(shortest);
    operations.sort_by_key(Operation::begun);
    for operation in operations {
        let _ = writeln!(text, "  {operation}");
    }
    let events = stored
        .lives
        .get(&shortest.dashboard)
        .map_or(&[][..], |life| &life.events);
    let told = events
        .iter()
        .zip(1..)
        .filter(|(event, _)| shortest.operations.contains(&event.actor));
    for (event, generation) in told {
        let revision = event.after.as_ref().map(|version| version.revision);
        let _ = writeln!(
            text,
            "  audit event {generation}: {} by {}, revision {revision:?}",
            event.method, event.actor
        );
    }
    text
}
