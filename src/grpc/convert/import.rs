//! Imports: options, and what became of each item.

use crate::domain::import::{ConflictPolicy, ImportOptions, ImportOutcome, Imported, Refusal};
use crate::domain::mutation::{ChangeNote, WriteOptions};
use crate::domain::name::DashboardName;
use crate::domain::reason::Reason;
use crate::domain::violation::{MAX_VIOLATIONS, Violation, Violations};
use crate::error::{Error, Result};
use crate::grpc::proto;

use super::spec::unknown_enum;

/// The field that the options are in.
const OPTIONS: &str = "options.";

/// The most bytes of the violations of one item, and of its warnings: whole answers wait for the client.
const MAX_TEXT_BYTES: usize = 16 * 1024;

/// Parses all of the options but the parent, which was authorised before.
pub fn parse_options(message: proto::ImportOptions) -> Result<ImportOptions, Violations> {
    let mut wrong = Violations::default();
    let policy = match proto::ImportConflictPolicy::try_from(message.conflict_policy) {
        Ok(proto::ImportConflictPolicy::Skip) => Ok(ConflictPolicy::Skip),
        Ok(proto::ImportConflictPolicy::Update) => Ok(ConflictPolicy::Update),
        Ok(proto::ImportConflictPolicy::Unspecified | proto::ImportConflictPolicy::Fail) => Ok(ConflictPolicy::Fail),
        Err(_) => Err(unknown_enum("conflict_policy", message.conflict_policy)),
    };
    let in_options = |violation: Violation| violation.under(OPTIONS);
    let conflict = wrong.note(policy.map_err(in_options));
    let change_note = wrong.note(ChangeNote::parse(message.change_note).map_err(in_options));
    let write = WriteOptions::parse(&message.request_id, message.validate_only);
    let write = wrong.note(write.map_err(in_options));
    match (conflict, change_note, write) {
        (Some(conflict), Some(change_note), Some(write)) => Ok(ImportOptions {
            conflict,
            is_atomic: message.atomic,
            change_note,
            write,
        }),
        _ => Err(wrong),
    }
}

/// What refuses one item, as opposed to what ends the import.
///
/// # Errors
/// What no item is to blame for.
pub fn refusal(name: Option<DashboardName>, error: Error) -> Result<Refusal> {
    let description = error.to_string();
    let refused = |reason, violations| {
        Ok(Refusal {
            name,
            reason,
            description,
            violations,
        })
    };
    match error {
        Error::Invalid(violations) => {
            let reason = violations.first().map_or(Reason::FieldInvalid, |first| first.reason);
            refused(reason, violations)
        }
        Error::AlreadyExists { reason, .. } => refused(reason, Vec::new()),
        Error::SerializationFailure => refused(Reason::SerializationFailure, Vec::new()),
        Error::PermissionDenied => refused(Reason::PermissionDenied, Vec::new()),
        ends @ (Error::NotFound { .. }
        | Error::EtagMismatch { .. }
        | Error::FailedPrecondition { .. }
        | Error::RevisionPruned { .. }
        | Error::Unauthenticated(_)
        | Error::ShareNotUsable
        | Error::Exhausted { .. }
        | Error::ImportRefused { .. }
        | Error::StreamTimedOut { .. }
        | Error::DeadlineExceeded
        | Error::Unavailable { .. }
        | Error::CommitOutcomeUnknown { .. }
        | Error::Unimplemented
        | Error::Internal(_)) => Err(ends),
    }
}

/// Presents an item that went in, or was skipped.
pub fn present_imported(index: i32, imported: Imported, warnings: Vec<String>) -> proto::ImportDashboardsResponse {
    use proto::ImportOutcome as Outcome;
    let (outcome, skipped) = match imported.outcome {
        ImportOutcome::Created => (Outcome::Created, None),
        ImportOutcome::Updated => (Outcome::Updated, None),
        ImportOutcome::Unchanged => (Outcome::Unchanged, None),
        ImportOutcome::Restored => (Outcome::Restored, None),
        ImportOutcome::SkippedLive => {
            let why = "exists with other content: left as it is";
            (Outcome::Skipped, Some((Reason::DashboardExists, why)))
        }
        ImportOutcome::SkippedDeleted => {
            let why = "is soft-deleted: left as it is";
            (Outcome::Skipped, Some((Reason::DashboardSoftDeleted, why)))
        }
    };
    proto::ImportDashboardsResponse {
        index,
        outcome: outcome.into(),
        uid: imported.uid.to_string(),
        revision: imported.revision,
        reason: skipped.map_or(0, |(reason, _)| present_reason(reason).into()),
        description: skipped.map_or_else(String::new, |(_, why)| format!("{} {why}", imported.name)),
        name: imported.name.to_string(),
        violations: Vec::new(),
        warnings: fitting(warnings, String::len),
    }
}

/// Presents an item of an atomic import of which others were refused.
pub fn present_abandoned(index: i32, name: &DashboardName, warnings: Vec<String>) -> proto::ImportDashboardsResponse {
    proto::ImportDashboardsResponse {
        index,
        name: name.to_string(),
        outcome: proto::ImportOutcome::Abandoned.into(),
        warnings: fitting(warnings, String::len),
        ..Default::default()
    }
}

/// Presents an item that was refused.
pub fn present_refusal(index: i32, refusal: Refusal) -> proto::ImportDashboardsResponse {
    let violations = fitting(refusal.violations, |violation| {
        violation.field.len() + violation.description.len()
    });
    proto::ImportDashboardsResponse {
        index,
        name: refusal.name.map_or_else(String::new, |name| name.to_string()),
        outcome: proto::ImportOutcome::Refused.into(),
        reason: present_reason(refusal.reason).into(),
        description: shortened(refusal.description),
        violations: violations.into_iter().map(present_violation).collect(),
        ..Default::default()
    }
}

fn present_violation(violation: Violation) -> proto::ImportViolation {
    proto::ImportViolation {
        field: violation.field,
        reason: present_reason(violation.reason).into(),
        description: shortened(violation.description),
    }
}

/// Both lists have the same names, which a test of `status` holds.
fn present_reason(reason: Reason) -> proto::ErrorReason {
    let name = format!("ERROR_REASON_{}", reason.as_str());
    proto::ErrorReason::from_str_name(&name).unwrap_or_default()
}

/// Cuts a text that alone would be too long.
fn shortened(mut text: String) -> String {
    if text.len() > MAX_TEXT_BYTES {
        text.truncate(text.floor_char_boundary(MAX_TEXT_BYTES));
        text.push('…');
    }
    text
}

/// As many from the beginning as an answer takes; the first one in any case.
fn fitting<T>(things: Vec<T>, size: fn(&T) -> usize) -> Vec<T> {
    let mut left = MAX_TEXT_BYTES;
    let fits = |(position, thing): (usize, T)| {
        let fits = position == 0 || size(&thing) <= left;
        left = left.saturating_sub(size(&thing));
        fits.then_some(thing)
    };
    things
        .into_iter()
        .take(MAX_VIOLATIONS)
        .enumerate()
        .map_while(fits)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_presented_by_its_own_name() {
        for reason in Reason::ALL {
            let shown = present_reason(*reason).as_str_name();
            assert_eq!(shown.strip_prefix("ERROR_REASON_"), Some(reason.as_str()));
        }
    }

    #[test]
    fn an_answer_stays_small_whatever_is_wrong() {
        let endless = Violation::new("/spec", Reason::SpecInvalid, "é".repeat(100_000));
        let short = Violation::new("/spec", Reason::SpecInvalid, "d".repeat(400));
        for (violations, shown) in [
            (vec![endless.clone(), endless], 1),
            (vec![short.clone(); 60], 40),
            (vec![short; 3], 3),
        ] {
            let refusal = refusal(None, Error::Invalid(violations)).unwrap();
            let presented = present_refusal(7, refusal);
            assert_eq!((presented.index, presented.violations.len()), (7, shown));
            let size = prost::Message::encoded_len(&presented);
            assert!(size < 3 * MAX_TEXT_BYTES, "{size}");
        }
    }
}
