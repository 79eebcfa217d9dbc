use time::OffsetDateTime;

use super::*;
use crate::domain::audit::seal::first_previous_root;
use crate::domain::audit::{AuditEvent, Month, SealContent, Signature, SignatureCheck};

/// A key whose signatures are digests: what is signed is all that matters here.
#[derive(Debug, Clone, Copy)]
struct Key(&'static str);

impl Key {
    fn sign(self, message: &[u8]) -> Signed {
        Signed {
            key_id: self.0.to_owned(),
            signature: Signature(Digest::of(message).as_bytes().to_vec()),
        }
    }
}

impl CheckSignature for Key {
    fn check(&self, message: &[u8], signed: &Signed) -> SignatureCheck {
        match signed {
            Signed { key_id, .. } if key_id != self.0 => SignatureCheck::UnknownKey,
            signed if *signed == self.sign(message) => SignatureCheck::Good,
            _ => SignatureCheck::Bad,
        }
    }
}

const KEY: Key = Key("test");

fn event(seq: i64) -> AuditEvent {
    AuditEvent {
        id: Uuid::from_u128(seq.unsigned_abs().into()),
        event_time: OffsetDateTime::UNIX_EPOCH,
        xid: seq.unsigned_abs(),
        seq,
        actor: "user:ada".into(),
        actor_groups: vec![],
        auth_method: "jwt".into(),
        method: "m".into(),
        permission: "p".into(),
        project: None,
        resource: "r".into(),
        resource_uid: None,
        revision_before: None,
        revision_after: None,
        sha256_before: None,
        sha256_after: None,
        changed_paths: vec![],
        result: "success".into(),
        reason: None,
        client_ip: None,
        user_agent: String::new(),
        correlation_id: Uuid::nil(),
        trace_id: None,
        event_count: 1,
        details: "{}".into(),
    }
}

fn id(seq: i64) -> Uuid {
    event(seq).id
}

fn seal(number: i64, previous_root: Digest, events: &[AuditEvent]) -> Seal {
    let content = SealContent {
        number,
        epoch: 1,
        after_seq: 0,
        month: Month::parse("1970-01").unwrap(),
        from_xid: events[0].xid,
        to_xid: events[events.len() - 1].xid,
        to_seq: events[events.len() - 1].seq,
        last_seq: events[events.len() - 1].seq,
        event_digests: events.iter().map(AuditEvent::digest).collect(),
        previous_root,
        sealed_at: OffsetDateTime::UNIX_EPOCH,
    };
    let root = content.root();
    let signed = KEY.sign(&content.message(root));
    Seal { content, root, signed }
}

/// Seals over the events 1 to 4, 5 to 8 and 9 to 12, with their events, and 13 without a seal.
fn log() -> Vec<AuditItem> {
    let mut items = Vec::new();
    let mut root = first_previous_root();
    for number in 1..=3 {
        let events: Vec<_> = (number * 4 - 3..=number * 4).map(event).collect();
        let made = seal(number, root, &events);
        root = made.root;
        items.push(AuditItem::Seal(Box::new(made)));
        items.extend(events.into_iter().map(|event| AuditItem::Event(Box::new(event))));
    }
    items.push(AuditItem::Unsealed(Box::new(event(13))));
    items
}

fn digested(item: &AuditItem) -> AuditItem<DigestedEvent> {
    match item.clone() {
        AuditItem::Seal(seal) => AuditItem::Seal(seal),
        AuditItem::Event(event) => AuditItem::Event(event.as_ref().into()),
        AuditItem::Unsealed(event) => AuditItem::Unsealed(event.as_ref().into()),
        AuditItem::Unreadable(row) => AuditItem::Unreadable(row),
    }
}

fn verify_with(items: &[AuditItem], expected: Option<Head>) -> Report {
    let mut verifier = Verifier::new(KEY, expected);
    items.iter().for_each(|item| verifier.take(digested(item)));
    verifier.finish()
}

fn finding(items: &[AuditItem]) -> Option<Finding> {
    verify_with(items, None).finding
}

/// The place of an event in [`log`].
fn place(seq: i64) -> usize {
    log()
        .iter()
        .position(|item| matches!(item, AuditItem::Event(event) if event.seq == seq))
        .unwrap()
}

/// The place of a seal in [`log`], and the seal.
fn seal_of(items: &mut [AuditItem], number: i64) -> &mut Seal {
    let found = items.iter_mut().find_map(|item| match item {
        AuditItem::Seal(seal) if seal.content.number == number => Some(seal),
        _ => None,
    });
    found.unwrap()
}

#[test]
fn a_log_as_it_was_passes() {
    let report = verify_with(&log(), None);
    assert_eq!((report.seals, report.events, report.unsealed), (3, 12, 1));
    assert_eq!(report.finding, None);
    assert_eq!(report.head.map(|head| head.number), Some(3));
    assert!(!report.is_head_checked);
    assert_eq!(finding(&[]), None);
}

#[test]
fn events_that_are_not_as_sealed_are_named() {
    let change = |change: fn(&mut Vec<AuditItem>)| {
        let mut items = log();
        change(&mut items);
        finding(&items)
    };
    let edited = change(|items| {
        let mut other = event(6);
        other.actor = "user:eve".into();
        items[place(6)] = AuditItem::Event(Box::new(other));
        // Whatever follows is not the first.
        items.remove(place(7));
    });
    assert_eq!(edited, Some(Finding::EventEdited { id: id(6), seal: 2 }));
    let removed = change(|items| drop(items.remove(place(6))));
    let expected = Finding::EventRemoved {
        seal: 2,
        position: 2,
        after: Some(id(5)),
    };
    assert_eq!(removed, Some(expected));
    let last_removed = change(|items| drop(items.remove(place(12))));
    assert!(matches!(
        last_removed,
        Some(Finding::EventRemoved {
            seal: 3,
            position: 4,
            ..
        })
    ));
    let swapped = change(|items| items.swap(place(6), place(7)));
    assert_eq!(swapped, Some(Finding::EventReordered { id: id(7), seal: 2 }));
    let moved = change(|items| {
        items.remove(place(6));
        let mut later = event(6);
        later.xid = 8;
        items.insert(place(8), AuditItem::Event(Box::new(later)));
    });
    assert_eq!(moved, Some(Finding::EventReordered { id: id(6), seal: 2 }));
    let inserted = change(|items| items.insert(place(6), AuditItem::Event(Box::new(event(100)))));
    let of_seal = |seal| Some(Finding::EventInserted { id: id(100), seal });
    assert_eq!(inserted, of_seal(Some(2)));
    let appended = change(|items| items.insert(place(12) + 1, AuditItem::Event(Box::new(event(100)))));
    assert_eq!(appended, of_seal(Some(3)));
    let before_all = change(|items| items.insert(0, AuditItem::Event(Box::new(event(100)))));
    assert_eq!(before_all, of_seal(None));
}

#[test]
fn seals_that_are_not_as_signed_are_named() {
    let mut without = log();
    without.drain(place(5) - 1..place(9) - 1);
    assert_eq!(finding(&without), Some(Finding::SealRemoved { number: 2 }));
    // A number is signed, so the next one can't take its place.
    seal_of(&mut without, 3).content.number = 2;
    assert_eq!(finding(&without), Some(Finding::SealEdited { number: 2 }));

    let edits: [fn(&mut Seal); 10] = [
        |seal| seal.content.epoch += 1,
        |seal| seal.content.after_seq += 1,
        |seal| seal.content.month = seal.content.month.plus(1),
        |seal| seal.content.from_xid -= 1,
        |seal| seal.content.to_xid += 1,
        |seal| seal.content.to_seq += 1,
        |seal| seal.content.last_seq += 1,
        |seal| seal.content.sealed_at += time::Duration::MICROSECOND,
        |seal| seal.content.event_digests.swap(0, 1),
        |seal| seal.signed.signature.0[0] ^= 1,
    ];
    for edit in edits {
        let mut items = log();
        edit(seal_of(&mut items, 2));
        assert_eq!(finding(&items), Some(Finding::SealEdited { number: 2 }));
    }
    let mut foreign = log();
    seal_of(&mut foreign, 2).signed.key_id = "other".into();
    let key_id = "other".to_owned();
    assert_eq!(finding(&foreign), Some(Finding::UnknownKey { seal: Some(2), key_id }));
}

/// Signs what a seal says now.
fn sign_anew(seal: &mut Seal) {
    seal.root = seal.content.root();
    seal.signed = KEY.sign(&seal.content.message(seal.root));
}

#[test]
fn an_epoch_begins_with_a_seal_that_covers_no_event() {
    let edited = Some(Finding::SealEdited { number: 3 });
    let third = |change: fn(&mut Seal)| {
        let mut items = log();
        let seal = seal_of(&mut items, 3);
        seal.content.epoch = 2;
        change(seal);
        sign_anew(seal);
        items.drain(place(9)..=place(12));
        finding(&items)
    };
    let begin: fn(&mut Seal) = |seal| {
        seal.content.event_digests.clear();
        (seal.content.to_xid, seal.content.to_seq) = (0, i64::MAX);
        seal.content.after_seq = 8;
    };
    assert_eq!(third(begin), None);
    assert_eq!(third(|_| {}), edited);
    let all_but_one: [fn(&mut Seal); 4] = [
        |seal| seal.content.epoch = 3,
        |seal| seal.content.after_seq = 7,
        |seal| seal.content.to_xid = 1,
        |seal| seal.content.event_digests.push(Digest::of(b"x")),
    ];
    for change in all_but_one {
        let mut items = log();
        let seal = seal_of(&mut items, 3);
        seal.content.epoch = 2;
        begin(seal);
        change(seal);
        sign_anew(seal);
        assert_eq!(finding(&items[..place(9)]), edited);
    }
}

#[test]
fn where_epochs_are_not_as_signed_the_seals_alone_are_judged() {
    let verify = |items: &[AuditItem], landmarks: [usize; 2]| {
        let mut verifier = Verifier::new(KEY, None);
        verifier.take_landmarks(&landmarks.map(|place| match &items[place] {
            AuditItem::Seal(seal) => Ok(seal.clone()),
            other => panic!("no seal: {other:?}"),
        }));
        items.iter().for_each(|item| verifier.take(digested(item)));
        verifier.finish().finding
    };
    let ends = [0, place(9) - 1];
    assert_eq!(verify(&log(), ends), None);

    let mut items = log();
    seal_of(&mut items, 3).content.epoch = 2;
    // An event that was read in the wrong place.
    items.swap(place(6), place(7));
    assert_eq!(verify(&items, ends), Some(Finding::SealEdited { number: 3 }));
    // The first of several faults.
    seal_of(&mut items, 2).content.last_seq += 1;
    assert_eq!(verify(&items, ends), Some(Finding::SealEdited { number: 2 }));
    // The seal that began the epoch is not there.
    let mut items = log();
    let last = seal_of(&mut items, 3);
    last.content.epoch = 2;
    sign_anew(last);
    items.swap(place(6), place(7));
    assert_eq!(verify(&items, ends), Some(Finding::SealEdited { number: 3 }));
}

#[test]
fn what_cannot_be_read_is_named() {
    let problem = String::new;
    let mut items = log();
    items[place(5) - 1] = AuditItem::Unreadable(Unreadable::Seal {
        number: 2,
        problem: problem(),
    });
    assert_eq!(finding(&items), Some(Finding::SealEdited { number: 2 }));

    let unreadable = |id| {
        let problem = problem();
        AuditItem::Unreadable(Unreadable::Event { id, problem })
    };
    let mut items = log();
    items[place(6)] = unreadable(id(6));
    assert_eq!(finding(&items), Some(Finding::EventEdited { id: id(6), seal: 2 }));
    let inserted = |seal| Some(Finding::EventInserted { id: id(100), seal });
    for (place, seal) in [(0, None), (place(6), Some(2)), (place(12) + 1, Some(3))] {
        let mut items = log();
        items.insert(place, unreadable(id(100)));
        assert_eq!(finding(&items), inserted(seal), "{place}");
    }
}

#[test]
fn that_the_newest_seals_were_cut_off_is_found_against_a_head_alone() {
    let whole = log();
    let head = |number, text: &[u8]| Head {
        number,
        root: Digest::of(text),
    };
    let logged = verify_with(&whole, None).head.unwrap();
    let report = verify_with(&whole, Some(logged));
    assert_eq!((report.finding, report.is_head_checked), (None, true));

    let cut_off = &whole[..place(9) - 1];
    assert_eq!(finding(cut_off), None);
    let report = verify_with(cut_off, Some(logged));
    assert_eq!(report.finding, Some(Finding::HeadRemoved { expected: logged }));

    let other = head(3, b"other");
    let report = verify_with(&whole, Some(other));
    let replaced = Finding::HeadReplaced {
        expected: other,
        found: logged.root,
    };
    assert_eq!(report.finding, Some(replaced));
}

#[test]
fn verification_begins_behind_a_signed_checkpoint() {
    let mut items = log();
    let head_of = |items: &mut [AuditItem], number| seal_of(items, number).head();
    let dropped = head_of(&mut items, 1);
    let second = head_of(&mut items, 2);
    let checkpoint = Checkpoint {
        kept_from: Month::parse("1970-01").unwrap(),
        seal_number: 1,
        seal_root: dropped.root,
        dropped_events: 4,
        created_at: OffsetDateTime::UNIX_EPOCH,
    };
    let verify = |checkpoint: &Checkpoint, signed: &Signed, expected| {
        let mut verifier = Verifier::new(KEY, expected);
        verifier.take_checkpoint(checkpoint, signed);
        let behind = &items[place(5) - 1..];
        behind.iter().for_each(|item| verifier.take(digested(item)));
        verifier.finish()
    };
    let signed = KEY.sign(&checkpoint.message());
    let report = verify(&checkpoint, &signed, Some(second));
    assert_eq!((report.finding, report.seals, report.events), (None, 2, 8));
    assert!(report.is_head_checked);
    assert!(verify(&checkpoint, &signed, Some(dropped)).is_head_checked);

    let mut forged = checkpoint.clone();
    forged.seal_number = 2;
    let report = verify(&forged, &signed, None);
    assert_eq!(report.finding, Some(Finding::CheckpointEdited));
    let mut later = checkpoint;
    later.kept_from = later.kept_from.plus(1);
    // The events of a month that was dropped are not missed; those that are there all the same were put there.
    let report = verify(&later, &KEY.sign(&later.message()), None);
    assert!(matches!(report.finding, Some(Finding::EventInserted { .. })));
}

#[test]
fn nothing_is_unsealed_but_what_stands_behind_all_seals() {
    let unsealed = |seq| AuditItem::Unsealed(Box::new(event(seq)));
    let inserted = |id, seal| Some(Finding::EventInserted { id, seal: Some(seal) });

    // Before a seal.
    let mut items = log();
    items.insert(place(8) + 1, unsealed(20));
    assert_eq!(finding(&items), inserted(id(20), 2));
    // Sealed, and said to be new once more.
    let mut items = log();
    items.push(unsealed(6));
    assert_eq!(finding(&items), inserted(id(6), 3));
    // Of the next epoch: transaction ids have begun again.
    let mut items = log();
    items.push(AuditItem::Unsealed(Box::new(AuditEvent { xid: 3, ..event(14) })));
    assert_eq!((verify_with(&items, None).unsealed, finding(&items)), (2, None));
}
