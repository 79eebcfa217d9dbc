//! Whether events and seals are as they were, and if not, which is the first that is not.

mod finding;

use std::collections::HashSet;

use uuid::Uuid;

pub use self::finding::Finding;
use super::chain::SealChain;
use super::event::DigestedEvent;
use super::month::Month;
use super::record::{AuditItem, Unreadable};
use super::seal::{CheckSignature, Checkpoint, Head, Seal, Signed};
use crate::domain::digest::Digest;

/// How many events of a seal are kept from the first on that is not as sealed: ten times as many as a seal covers.
const MAX_OTHERS: usize = 100_000;

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The seals that were looked at.
    pub seals: u64,
    /// The sealed events that were looked at.
    pub events: u64,
    /// The events that are too new to be sealed: nothing vouches for them yet.
    pub unsealed: u64,
    /// The last seal that was looked at.
    pub head: Option<Head>,
    /// The first month whose events are kept, where earlier ones were dropped.
    pub kept_from: Option<Month>,
    /// Whether an expected head was found. Otherwise nothing tells that the newest seals were cut off, with their events.
    pub is_head_checked: bool,
    /// The first thing that is not as it was; none when all is.
    pub finding: Option<Finding>,
}

/// Walks through a log: the checkpoint, then each seal and its events. After the first finding it looks at nothing more.
#[derive(Debug)]
pub struct Verifier<K> {
    chain: SealChain<K>,
    expected: Option<Head>,
    report: Report,
    /// Where the range of the last seal ends, and the highest `seq` up to there.
    sealed_up_to: Option<((u64, i64), i64)>,
    current: Option<OpenSeal>,
    /// The first event without a seal: no seal may follow it.
    unsealed: Option<Uuid>,
    /// What is wrong with the seals that say which events are of which epoch.
    misled: Option<Finding>,
}

/// The seal whose events are being looked at.
#[derive(Debug)]
struct OpenSeal {
    number: i64,
    digests: Vec<Digest>,
    /// How many events were as sealed, from the first.
    matched: usize,
    /// The last of them.
    last_matched: Option<Uuid>,
    /// The events from the first on that is not as sealed.
    others: Vec<(Uuid, Digest)>,
}

impl<K: CheckSignature> Verifier<K> {
    /// Begins. `expected` is a head that was logged: it proves that what came up to it is there.
    pub fn new(keys: K, expected: Option<Head>) -> Self {
        Self {
            chain: SealChain::new(keys),
            expected,
            report: Report {
                seals: 0,
                events: 0,
                unsealed: 0,
                head: None,
                kept_from: None,
                is_head_checked: false,
                finding: None,
            },
            sealed_up_to: None,
            current: None,
            unsealed: None,
            misled: None,
        }
    }

    /// Whether something was found: nothing after it is looked at.
    pub fn is_done(&self) -> bool {
        self.report.finding.is_some()
    }

    /// Takes the checkpoint that the retention left, before all else.
    pub fn take_checkpoint(&mut self, checkpoint: &Checkpoint, signed: &Signed) {
        let begun = self.chain.begin_behind(checkpoint, signed);
        self.report.kept_from = Some(checkpoint.kept_from);
        match begun {
            Ok(()) => self.compare_with_expected(self.chain.last()),
            Err(finding) => self.find(finding),
        }
    }

    /// Takes the seals that say which events belong to which epoch, in the order of their numbers, before all that follows: the first
    /// one, those that begin epochs, and the last one. Where one of them is not as it was signed, or the beginning of an epoch is not among
    /// them, nobody knows which events stand behind which seal: then the seals alone are judged, and the fault is among them.
    pub fn take_landmarks(&mut self, landmarks: &[Result<Box<Seal>, Unreadable>]) {
        let mut epoch = None;
        let mut check = |landmark: &Result<Box<Seal>, Unreadable>| match landmark {
            Ok(seal) => {
                let content = &seal.content;
                let before = epoch.replace(content.epoch).unwrap_or(content.epoch);
                if content.epoch != before && !content.begins_epoch_after(before) {
                    let number = content.number;
                    return Err(Finding::SealEdited { number });
                }
                self.chain.check(seal)
            }
            Err(Unreadable::Seal { number, .. }) => Err(Finding::SealEdited { number: *number }),
            Err(Unreadable::Event { .. }) => Ok(()),
        };
        self.misled = landmarks.iter().find_map(|landmark| check(landmark).err());
    }

    /// Takes the next seal or event.
    pub fn take(&mut self, item: AuditItem<DigestedEvent>) {
        if self.is_done() {
            return;
        }
        if self.misled.is_some() && !item.is_seal() {
            return;
        }
        match item {
            AuditItem::Seal(seal) => self.take_seal(*seal),
            AuditItem::Event(event) => self.take_event(event),
            AuditItem::Unsealed(event) => self.take_unsealed(event),
            AuditItem::Unreadable(Unreadable::Seal { number, .. }) => self.take_unreadable_seal(number),
            AuditItem::Unreadable(Unreadable::Event { id, .. }) => self.take_unreadable_event(id),
        }
    }

    /// Says what was found.
    pub fn finish(mut self) -> Report {
        self.close_seal();
        if let Some(finding) = self.misled.take() {
            self.find(finding);
        }
        // One before the checkpoint is not looked at any more.
        if let Some(expected) = self.expected.filter(|head| head.number > self.chain.last().number) {
            self.find(Finding::HeadRemoved { expected });
        }
        self.report
    }

    fn take_seal(&mut self, seal: Seal) {
        self.close_seal();
        if let Some(id) = self.unsealed {
            self.find_inserted(id);
        }
        if let Err(finding) = self.chain.take(&seal) {
            self.find(finding);
        }
        if self.is_done() {
            return;
        }
        let head = self.chain.last();
        self.report.seals += 1;
        self.report.head = Some(head);
        self.sealed_up_to = Some((seal.end(), seal.content.last_seq));
        self.compare_with_expected(head);
        if self.misled.is_some() {
            return;
        }
        let is_dropped = self.report.kept_from.is_some_and(|kept| seal.content.month < kept);
        self.current = Some(OpenSeal {
            number: head.number,
            digests: if is_dropped {
                Vec::new()
            } else {
                seal.content.event_digests
            },
            matched: 0,
            last_matched: None,
            others: Vec::new(),
        });
    }

    fn take_event(&mut self, event: DigestedEvent) {
        let Some(open) = &mut self.current else {
            return self.find_inserted(event.id);
        };
        if open.others.is_empty() && open.digests.get(open.matched) == Some(&event.digest) {
            open.matched += 1;
            open.last_matched = Some(event.id);
            self.report.events += 1;
            return;
        }
        open.take_other(event.id, event.digest);
    }

    /// The seals of this service can be read.
    fn take_unreadable_seal(&mut self, number: i64) {
        self.close_seal();
        self.find(Finding::SealEdited { number });
    }

    /// So can its events: this one is in none of the seals as it is.
    fn take_unreadable_event(&mut self, id: Uuid) {
        match &mut self.current {
            // No bytes have this digest, so far as anybody knows.
            Some(open) => open.take_other(id, Digest::from([0; 32])),
            None => self.find_inserted(id),
        }
    }

    /// One that is too new to be sealed stands behind all that is: in the order of its epoch, or in that of the next, whose events
    /// were written later.
    fn take_unsealed(&mut self, event: DigestedEvent) {
        self.close_seal();
        let is_new = |(end, last_seq)| event.place > end || event.place.1 > last_seq;
        if !self.sealed_up_to.is_none_or(is_new) {
            self.find_inserted(event.id);
        }
        self.unsealed.get_or_insert(event.id);
        self.report.unsealed += 1;
    }

    fn close_seal(&mut self) {
        if let Some(finding) = self.current.take().and_then(|open| open.difference()) {
            self.find(finding);
        }
    }

    fn compare_with_expected(&mut self, head: Head) {
        let Some(expected) = self.expected.filter(|expected| expected.number == head.number) else {
            return;
        };
        if expected.root == head.root {
            self.report.is_head_checked = true;
            return;
        }
        self.find(Finding::HeadReplaced {
            expected,
            found: head.root,
        });
    }

    fn find_inserted(&mut self, id: Uuid) {
        let seal = self.report.head.map(|head| head.number);
        self.find(Finding::EventInserted { id, seal });
    }

    /// Keeps the first finding.
    fn find(&mut self, finding: Finding) {
        self.report.finding.get_or_insert(finding);
    }
}

impl OpenSeal {
    /// Takes an event that is not the one that is due. What is found in so many is found.
    fn take_other(&mut self, id: Uuid, digest: Digest) {
        if self.others.len() < MAX_OTHERS {
            self.others.push((id, digest));
        }
    }

    /// What the first event that is not as sealed says; none when all are.
    fn difference(self) -> Option<Finding> {
        let seal = self.number;
        let sealed = &self.digests[self.matched..];
        let found: Vec<Digest> = self.others.iter().map(|(_, digest)| *digest).collect();
        let removed = Finding::EventRemoved {
            seal,
            position: self.matched + 1,
            after: self.last_matched,
        };
        let (due, &(id, digest)) = match (sealed.first(), self.others.first()) {
            (None, None) => return None,
            (Some(_), None) => return Some(removed),
            (None, Some(&(id, _))) => return Some(Finding::EventInserted { id, seal: Some(seal) }),
            (Some(due), Some(first)) => (due, first),
        };
        Some(match (sealed.contains(&digest), found.contains(due)) {
            (true, true) => Finding::EventReordered { id, seal },
            (false, true) => Finding::EventInserted { id, seal: Some(seal) },
            (false, false) => Finding::EventEdited { id, seal },
            // The one that is due may stand elsewhere, when what it is ordered by was edited.
            (true, false) => match self.first_unsealed(sealed) {
                Some(moved) => Finding::EventReordered { id: moved, seal },
                None => removed,
            },
        })
    }

    fn first_unsealed(&self, sealed: &[Digest]) -> Option<Uuid> {
        let known: HashSet<&Digest> = sealed.iter().collect();
        let stranger = self.others.iter().find(|(_, digest)| !known.contains(digest));
        stranger.map(|(id, _)| *id)
    }
}

#[cfg(test)]
mod tests;
