//! Calls that no transaction tells of, folded: like ones of a minute become few events with a count, however many there were.
//!
//! Like calls have the same subject (or address, where nobody is known), method, result and reason; and the same resource,
//! unless they were denied, or there are many of one subject: whoever fails may name as many as it likes. The first of them is told of at once, the others
//! when their minute is over. How many events can wait, and how many a minute can bring, is bounded; what is beyond that is
//! counted, and the count is an event as well.

use std::collections::HashMap;
use std::net::IpAddr;

use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::outcome::AuditResult;

/// Who called where nobody is known.
pub const ANONYMOUS: &str = "anonymous";

/// A call that ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedCall {
    /// Who, as `user:name`, or [`ANONYMOUS`].
    pub actor: String,
    /// The groups that authentication found.
    pub actor_groups: Vec<String>,
    /// How the actor was authenticated.
    pub auth_method: &'static str,
    /// The full name of the RPC; of those that there are not, one name for all.
    pub method: String,
    /// The permission that was asked for; empty where that is not known.
    pub permission: &'static str,
    /// The project of the resource.
    pub project: Option<String>,
    /// The resource name; empty where it is not known.
    pub resource: String,
    /// How it ended.
    pub result: AuditResult,
    /// Why it was denied or failed.
    pub reason: Option<String>,
    /// The address of the caller.
    pub client_ip: Option<IpAddr>,
    /// The user agent of the caller.
    pub user_agent: String,
    /// The id of the call.
    pub correlation_id: Uuid,
    /// The W3C trace id of the call.
    pub trace_id: Option<String>,
}

/// Like calls, as one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoldedCalls {
    /// The first of them.
    pub first: EndedCall,
    /// How many there were.
    pub count: u64,
    /// When the first one ended.
    pub first_time: OffsetDateTime,
    /// When the last one ended.
    pub last_time: OffsetDateTime,
}

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FoldLimits {
    /// The most events that one minute can bring, each of them twice at most: at once, and when the minute is over.
    pub per_minute: usize,
    /// The most events of one subject that a minute can bring by resource. Beyond that like calls are one, whatever they name.
    pub per_subject: usize,
    /// The most events that can wait, of all minutes.
    pub waiting: usize,
}

/// What is due to be written.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// The events.
    pub events: Vec<FoldedCalls>,
    /// What found no place among them.
    pub overflow: Option<Overflow>,
}

/// Calls that found no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overflow {
    /// How many.
    pub count: u64,
    /// When the first one ended.
    pub first_time: OffsetDateTime,
    /// When the last one ended.
    pub last_time: OffsetDateTime,
}

/// Folds the calls of some minutes.
#[derive(Debug)]
pub struct Fold {
    limits: FoldLimits,
    kept: HashMap<Key, Kept>,
    latest: Latest,
    overflow: Option<Overflow>,
}

/// The latest minute, and what it brought.
#[derive(Debug)]
struct Latest {
    minute: i64,
    entries: usize,
    /// How many of them are of one resource, of each subject that has any.
    by_resource: HashMap<Who, usize>,
}

/// What like calls have in common.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    minute: i64,
    who: Who,
    method: String,
    result: AuditResult,
    reason: Option<String>,
    /// None where they may have several.
    resource: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Who {
    Subject(String),
    /// A host has all addresses of IPv6 that begin with the same 64 bits.
    Network(Option<IpAddr>),
}

#[derive(Debug)]
struct Kept {
    /// The calls that were not given out yet.
    calls: Option<FoldedCalls>,
    /// Whether some were.
    is_told: bool,
}

impl Fold {
    /// Creates an empty one.
    pub fn new(limits: FoldLimits) -> Self {
        Self {
            limits,
            kept: HashMap::new(),
            latest: Latest::new(i64::MIN),
            overflow: None,
        }
    }

    /// Takes a call that ended `now`. False when there was no place for it.
    pub fn take(&mut self, call: EndedCall, now: OffsetDateTime) -> bool {
        let mut key = Key::of(&call, now);
        if key.minute > self.latest.minute {
            self.latest = Latest::new(key.minute);
        }
        if self.latest.of_subject(&key.who) >= self.limits.per_subject && !self.kept.contains_key(&key) {
            key.resource = None;
        }
        let is_full = self.kept.len() >= self.limits.waiting || self.latest.entries >= self.limits.per_minute;
        match self.kept.get_mut(&key) {
            Some(kept) => kept.add(call, now),
            None if is_full => {
                self.overflow = Some(Overflow::with_one_more(self.overflow, now));
                return false;
            }
            None => {
                self.latest.add(&key);
                let calls = Some(FoldedCalls::of(call, now));
                self.kept.insert(key, Kept { calls, is_told: false });
            }
        }
        true
    }

    /// Gives out what is due: what has not been told of at all, and all of the minutes that are over.
    pub fn take_due(&mut self, now: OffsetDateTime) -> Due {
        let this_minute = minute(now);
        let mut due = Due::default();
        self.kept.retain(|key, kept| {
            let is_over = key.minute < this_minute;
            if is_over || !kept.is_told {
                due.events.extend(kept.calls.take());
                kept.is_told = true;
            }
            !is_over
        });
        let is_over = |overflow: &Overflow| minute(overflow.first_time) < this_minute;
        if self.overflow.as_ref().is_some_and(is_over) {
            due.overflow = self.overflow.take();
        }
        due
    }

    /// Gives out everything.
    pub fn take_all(&mut self) -> Due {
        Due {
            events: self.kept.drain().filter_map(|(_, kept)| kept.calls).collect(),
            overflow: self.overflow.take(),
        }
    }
}

impl Latest {
    fn new(minute: i64) -> Self {
        Self {
            minute,
            entries: 0,
            by_resource: HashMap::new(),
        }
    }

    fn of_subject(&self, who: &Who) -> usize {
        self.by_resource.get(who).copied().unwrap_or_default()
    }

    fn add(&mut self, key: &Key) {
        self.entries += 1;
        if key.resource.is_some() {
            *self.by_resource.entry(key.who.clone()).or_default() += 1;
        }
    }
}

impl Key {
    fn of(call: &EndedCall, now: OffsetDateTime) -> Self {
        let is_denied = call.result == AuditResult::Denied;
        Self {
            minute: minute(now),
            who: if call.actor == ANONYMOUS {
                Who::Network(call.client_ip.map(network))
            } else {
                Who::Subject(call.actor.clone())
            },
            method: call.method.clone(),
            result: call.result,
            reason: call.reason.clone(),
            resource: (!is_denied).then(|| call.resource.clone()),
        }
    }
}

impl Kept {
    fn add(&mut self, call: EndedCall, now: OffsetDateTime) {
        match &mut self.calls {
            Some(calls) => {
                calls.count += 1;
                calls.last_time = now;
            }
            None => self.calls = Some(FoldedCalls::of(call, now)),
        }
    }
}

impl FoldedCalls {
    fn of(call: EndedCall, now: OffsetDateTime) -> Self {
        Self {
            first: call,
            count: 1,
            first_time: now,
            last_time: now,
        }
    }
}

impl Overflow {
    fn with_one_more(before: Option<Self>, now: OffsetDateTime) -> Self {
        Self {
            count: before.map_or(0, |overflow| overflow.count) + 1,
            first_time: before.map_or(now, |overflow| overflow.first_time),
            last_time: now,
        }
    }
}

/// The minute of a time, counted from 1970.
fn minute(time: OffsetDateTime) -> i64 {
    time.unix_timestamp().div_euclid(Duration::MINUTE.whole_seconds())
}

/// The address, or the first 64 bits of one of IPv6.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests;
