//! From [`Error`] to `tonic::Status`: the only file that names a status code.
//!
//! Every status carries `google.rpc.ErrorInfo`, and the standard details of its code (AIP-193).

use std::collections::HashMap;
use std::error::Error as _;
use std::fmt::Write as _;
use std::time::Duration;

use time::format_description::well_known::Rfc3339;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt as _};

use crate::domain::reason::Reason;
use crate::domain::violation::{MAX_VIOLATIONS, Violation};
use crate::error::{CurrentVersion, Error};

/// `google.rpc.ResourceInfo.resource_type` of dashboards and their revisions.
const DASHBOARD_TYPE: &str = "dashboards.perses.dev/Dashboard";

/// When a client may try again after UNAVAILABLE.
const RETRY_UNAVAILABLE: Duration = Duration::from_secs(1);

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        log(&error);
        let (code, details) = code_and_details(error);
        Self::with_error_details(code, message, details)
    }
}

/// Logs what the operators have to see: our bugs and a database that is away; the caller gets neither cause.
fn log(error: &Error) {
    match error {
        Error::Internal(_) => tracing::error!(cause = causes(error), "internal error"),
        Error::CommitOutcomeUnknown { request_id } => tracing::error!(%request_id, "outcome of a commit is unknown"),
        Error::Unavailable { reason, .. } => {
            tracing::warn!(reason = reason.as_str(), cause = causes(error), "unavailable");
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
        | Error::Exhausted { .. }
        | Error::DeadlineExceeded
        | Error::Unimplemented => {}
    }
}

/// The chain of causes in one line.
fn causes(error: &Error) -> String {
    let mut chain = String::new();
    let mut cause = error.source();
    while let Some(source) = cause {
        let separator = if chain.is_empty() { "" } else { ": " };
        // Writing to a String does not fail.
        let _ = write!(chain, "{separator}{source}");
        cause = source.source();
    }
    chain
}

fn code_and_details(error: Error) -> (Code, ErrorDetails) {
    match error {
        Error::Invalid(violations) => (Code::InvalidArgument, bad_request(violations)),
        Error::NotFound { reason, name } => (Code::NotFound, about(reason, name)),
        Error::AlreadyExists { reason, name, .. } => (Code::AlreadyExists, about(reason, name)),
        Error::EtagMismatch { name, current } => (Code::Aborted, etag_mismatch(name, &current)),
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
        Error::Exhausted {
            reason, retry_after, ..
        } => (Code::ResourceExhausted, with_retry(info(reason), retry_after)),
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
    details.set_resource_info(DASHBOARD_TYPE, name, "", "");
    details
}

/// The reason of the whole is the reason of the first violation.
fn bad_request(violations: Vec<Violation>) -> ErrorDetails {
    let reason = violations
        .first()
        .map_or(Reason::FieldInvalid, |violation| violation.reason);
    let field_violations: Vec<FieldViolation> = violations
        .into_iter()
        .take(MAX_VIOLATIONS)
        .map(|violation| FieldViolation {
            field: violation.field,
            description: violation.description,
            reason: violation.reason.as_str().into(),
            localized_message: None,
        })
        .collect();
    let mut details = info(reason);
    details.set_bad_request(field_violations);
    details
}

fn etag_mismatch(name: String, current: &CurrentVersion) -> ErrorDetails {
    let metadata = HashMap::from([
        ("current_revision".to_owned(), current.revision.to_string()),
        ("current_author".to_owned(), current.author.clone()),
        (
            "current_time".to_owned(),
            current.time.format(&Rfc3339).unwrap_or_default(),
        ),
    ]);
    let mut details = ErrorDetails::with_error_info(Reason::EtagMismatch.as_str(), Reason::DOMAIN, metadata);
    details.set_resource_info(DASHBOARD_TYPE, name, "", "");
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
}
