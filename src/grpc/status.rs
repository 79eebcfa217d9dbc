//! From [`Error`] to `tonic::Status`: the only file that names a status code.
//!
//! Every status carries `google.rpc.ErrorInfo`, and the standard details of its code (AIP-193).

use std::collections::HashMap;
use std::time::Duration;

use time::format_description::well_known::Rfc3339;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt as _};

use crate::domain::reason::Reason;
use crate::domain::violation::{MAX_VIOLATIONS, Violation};
use crate::error::{CurrentVersion, Error};

/// `google.rpc.ResourceInfo.resource_type` of dashboards and their revisions.
const DASHBOARD_TYPE: &str = "dashboards.perses.dev/Dashboard";

/// The same of templates.
const TEMPLATE_TYPE: &str = "dashboards.perses.dev/Template";
/// The same of share links.
const SHARE_LINK_TYPE: &str = "dashboards.perses.dev/ShareLink";
/// The same of grants.
const ACCESS_GRANT_TYPE: &str = "dashboards.perses.dev/AccessGrant";
/// The same of audit events, and of the log itself.
const AUDIT_EVENT_TYPE: &str = "dashboards.perses.dev/AuditEvent";
/// The same of what users keep.
const PREFERENCES_TYPE: &str = "dashboards.perses.dev/UserPreferences";

/// When a client may try again after UNAVAILABLE.
const RETRY_UNAVAILABLE: Duration = Duration::from_secs(1);

/// What the violations of one answer may take up in bytes. gRPC in Java and in C++ refuse metadata of more than 8 KiB, and
/// a client that refuses an answer learns nothing. This leaves room for base64, the message and the other headers.
const MAX_VIOLATION_BYTES: usize = 4400;

/// The longest message of a status in bytes, which may travel percent-encoded in three times as many.
const MAX_MESSAGE_BYTES: usize = 300;

/// The longest description of one violation in bytes.
const MAX_DESCRIPTION_BYTES: usize = 2048;

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let message = shortened(error.to_string(), MAX_MESSAGE_BYTES);
        log(&error);
        let (code, details) = code_and_details(error);
        Self::with_error_details(code, message, details)
    }
}

/// What a stream of requests ends with when tonic can't read it; the fault of a message that is no message is the caller's.
pub fn unreadable_request(status: Status) -> Status {
    match status.code() {
        Code::Internal => Status::from(Error::from(Violation::new(
            "request",
            Reason::FieldInvalid,
            "is not a message of the type that this method takes",
        ))),
        _ => status,
    }
}

/// Logs what the operators have to see: our bugs and a database that is away; the caller gets neither cause.
fn log(error: &Error) {
    match error {
        Error::Internal(_) => tracing::error!(cause = error.causes(), "internal error"),
        Error::CommitOutcomeUnknown { request_id } => tracing::error!(%request_id, "outcome of a commit is unknown"),
        // Where they can't be read, that is logged once, and callers that nobody knows bring this about as often as they like.
        Error::Unavailable {
            reason: Reason::SigningKeysUnavailable,
            ..
        } => {}
        Error::Unavailable { reason, .. } => {
            tracing::warn!(reason = reason.as_str(), cause = error.causes(), "unavailable");
        }
        Error::Invalid(_)
        | Error::NotFound { .. }
        | Error::AlreadyExists { .. }
        | Error::EtagMismatch { .. }
        | Error::FailedPrecondition { .. }
        | Error::RevisionPruned { .. }
        | Error::SerializationFailure
        | Error::Unauthenticated(_)
        | Error::PermissionDenied
        | Error::ShareNotUsable
        | Error::Exhausted { .. }
        | Error::ImportRefused { .. }
        | Error::StreamTimedOut { .. }
        | Error::DeadlineExceeded
        | Error::Unimplemented => {}
    }
}

fn code_and_details(error: Error) -> (Code, ErrorDetails) {
    match error {
        Error::Invalid(violations) => (Code::InvalidArgument, bad_request(violations)),
        Error::NotFound { reason, name } => (Code::NotFound, about(reason, name)),
        Error::AlreadyExists { reason, name, .. } => (Code::AlreadyExists, about(reason, name)),
        Error::EtagMismatch { name, current } => (Code::Aborted, etag_mismatch(name, current)),
        Error::FailedPrecondition {
            reason,
            name,
            description,
        } => {
            let mut details = about(reason, name.clone());
            details.add_precondition_failure_violation(reason.as_str(), name, description);
            (Code::FailedPrecondition, details)
        }
        Error::RevisionPruned { name } => (Code::OutOfRange, about(Reason::RevisionPruned, name)),
        Error::SerializationFailure => (Code::Aborted, info(Reason::SerializationFailure)),
        Error::Unauthenticated(_) => (Code::Unauthenticated, info(Reason::Unauthenticated)),
        Error::PermissionDenied => (Code::PermissionDenied, info(Reason::PermissionDenied)),
        Error::ShareNotUsable => (Code::PermissionDenied, info(Reason::ShareNotUsable)),
        Error::Exhausted {
            reason, retry_after, ..
        } => (Code::ResourceExhausted, with_retry(info(reason), retry_after)),
        Error::ImportRefused { .. } => (Code::FailedPrecondition, info(Reason::ImportRefused)),
        Error::StreamTimedOut { reason, .. } => (Code::DeadlineExceeded, info(reason)),
        Error::DeadlineExceeded => (Code::DeadlineExceeded, info(Reason::DeadlineExceeded)),
        Error::Unavailable { reason, .. } => (Code::Unavailable, with_retry(info(reason), Some(RETRY_UNAVAILABLE))),
        Error::CommitOutcomeUnknown { request_id } => {
            let metadata = HashMap::from([("request_id".to_owned(), request_id.to_string())]);
            let details =
                ErrorDetails::with_error_info(Reason::CommitOutcomeUnknown.as_str(), Reason::DOMAIN, metadata);
            (Code::Unknown, details)
        }
        Error::Unimplemented => (Code::Unimplemented, info(Reason::Unimplemented)),
        Error::Internal(_) => (Code::Internal, info(Reason::Internal)),
    }
}

fn info(reason: Reason) -> ErrorDetails {
    ErrorDetails::with_error_info(reason.as_str(), Reason::DOMAIN, HashMap::new())
}

/// The details of an error about one resource.
fn about(reason: Reason, name: String) -> ErrorDetails {
    let mut details = info(reason);
    details.set_resource_info(resource_type(&name), name, "", "");
    details
}

/// The type of the resource `name`.
fn resource_type(name: &str) -> &'static str {
    match name.rsplit('/').nth(1) {
        Some("templates") => TEMPLATE_TYPE,
        Some("shareLinks") => SHARE_LINK_TYPE,
        Some("accessGrants") => ACCESS_GRANT_TYPE,
        Some("auditEvents") => AUDIT_EVENT_TYPE,
        None if name == "platform" => AUDIT_EVENT_TYPE,
        _ if name.starts_with("users/") => PREFERENCES_TYPE,
        _ => DASHBOARD_TYPE,
    }
}

/// The reason of the whole is the reason of the first violation.
fn bad_request(violations: Vec<Violation>) -> ErrorDetails {
    let reason = violations
        .first()
        .map_or(Reason::FieldInvalid, |violation| violation.reason);
    let mut left = MAX_VIOLATION_BYTES;
    let field_violations: Vec<FieldViolation> = violations
        .into_iter()
        .take(MAX_VIOLATIONS)
        .map(field_violation)
        .enumerate()
        .map_while(|(position, violation)| {
            let size = encoded_size(&violation);
            let fits = position == 0 || size <= left;
            left = left.saturating_sub(size);
            fits.then_some(violation)
        })
        .collect();
    let mut details = info(reason);
    details.set_bad_request(field_violations);
    details
}

fn field_violation(violation: Violation) -> FieldViolation {
    FieldViolation {
        field: violation.field,
        description: shortened(violation.description, MAX_DESCRIPTION_BYTES),
        reason: violation.reason.as_str().into(),
        localized_message: None,
    }
}

/// The most bytes that a violation takes up in a `google.rpc.BadRequest`.
fn encoded_size(violation: &FieldViolation) -> usize {
    /// A tag and a length of up to two bytes, for the violation itself and for each of its texts.
    const FRAMING_BYTES: usize = 4 * 3;
    violation.field.len() + violation.description.len() + violation.reason.len() + FRAMING_BYTES
}

/// Cuts a text that is too long to send.
fn shortened(mut text: String, max_bytes: usize) -> String {
    if text.len() > max_bytes {
        text.truncate(text.floor_char_boundary(max_bytes));
        text.push('…');
    }
    text
}

fn etag_mismatch(name: String, current: Option<CurrentVersion>) -> ErrorDetails {
    let metadata = match current {
        Some(CurrentVersion { revision, author, time }) => HashMap::from([
            ("current_revision".to_owned(), revision.to_string()),
            ("current_author".to_owned(), author),
            ("current_time".to_owned(), time.format(&Rfc3339).unwrap_or_default()),
        ]),
        None => HashMap::from([("current_revision".to_owned(), "0".to_owned())]),
    };
    let mut details = ErrorDetails::with_error_info(Reason::EtagMismatch.as_str(), Reason::DOMAIN, metadata);
    details.set_resource_info(resource_type(&name), name, "", "");
    details
}

fn with_retry(mut details: ErrorDetails, retry_after: Option<Duration>) -> ErrorDetails {
    if let Some(delay) = retry_after {
        details.set_retry_info(Some(delay));
    }
    details
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use http::HeaderMap;
    use prost::Message as _;
    use prost_types::{FileDescriptorProto, FileDescriptorSet};

    use super::*;
    use crate::grpc::proto::FILE_DESCRIPTOR_SET;

    /// The values of the `ErrorReason` enum, as the proto has them.
    fn values_of_the_proto() -> BTreeSet<String> {
        let files = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).unwrap().file;
        let enums = files.iter().flat_map(|FileDescriptorProto { enum_type, .. }| enum_type);
        let error_reason = enums.into_iter().find(|described| described.name() == "ErrorReason");
        error_reason
            .unwrap()
            .value
            .iter()
            .map(|value| value.name().to_owned())
            .collect()
    }

    #[test]
    fn reasons_and_the_values_of_the_proto_have_the_same_names() {
        let mut expected: BTreeSet<String> = Reason::ALL
            .iter()
            .map(|reason| format!("ERROR_REASON_{}", reason.as_str()))
            .collect();
        expected.insert("ERROR_REASON_UNSPECIFIED".to_owned());
        assert_eq!(values_of_the_proto(), expected);
    }

    /// What gRPC in Java takes of metadata, counted as RFC 9113 counts: name, value and 32 bytes more.
    const CLIENT_LIMIT: usize = 8192;

    /// The headers that come on top of a status: `content-type`, `date`, `x-request-id`.
    const OTHER_HEADERS: usize = 300;

    fn metadata_size(status: &Status) -> usize {
        let mut headers = HeaderMap::new();
        status.add_header(&mut headers).unwrap();
        headers
            .iter()
            .map(|(name, value)| name.as_str().len() + value.len() + 32)
            .sum()
    }

    fn refused(violations: Vec<Violation>) -> Status {
        Status::from(Error::Invalid(violations))
    }

    fn violation(field: &str, description: &str) -> Violation {
        Violation::new(field, Reason::SpecDuplicateKey, description)
    }

    #[test]
    fn the_largest_answer_still_reaches_every_client() {
        let long = violation(&"🚀".repeat(70), &"🚀".repeat(100));
        let endless = violation(&"f".repeat(300), &"🚀".repeat(10_000));
        let few = |count| vec![violation(&"f".repeat(50), &"d".repeat(20)); count];
        for violations in [
            vec![long; 50],
            vec![endless.clone(); 50],
            vec![endless],
            few(50),
            few(49),
        ] {
            let status = refused(violations);
            let size = metadata_size(&status);
            assert!(size + OTHER_HEADERS <= CLIENT_LIMIT, "{size}");
            assert!(!status.get_details_bad_request().unwrap().field_violations.is_empty());
        }
    }

    #[test]
    fn violations_are_left_out_whole_and_from_the_end() {
        let violations: Vec<Violation> = (0..50)
            .map(|index| violation(&format!("tags[{index}]"), &"d".repeat(400)))
            .collect();
        let kept = refused(violations.clone())
            .get_details_bad_request()
            .unwrap()
            .field_violations;
        assert!((2..50).contains(&kept.len()), "{}", kept.len());
        for (shown, violation) in kept.iter().zip(&violations) {
            assert_eq!(
                (&shown.field, &shown.description),
                (&violation.field, &violation.description)
            );
        }
    }

    #[test]
    fn fifty_short_violations_all_travel() {
        let violations = vec![violation("dashboard.spec/panels/cpu/kind", "kind cannot be empty"); 60];
        let kept = refused(violations).get_details_bad_request().unwrap().field_violations;
        assert_eq!(kept.len(), MAX_VIOLATIONS);
    }
}
