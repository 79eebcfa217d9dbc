//! What can go wrong with a call, in words for the person who ran the command.

use std::error::Error;
use std::fmt;

use http::Uri;
use tonic::Status;
use tonic::metadata::errors::InvalidMetadataValue;
use tonic_types::StatusExt as _;

/// Why a call failed. The first line says it; each further one is about one field.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The certificates can't be used.
    #[error("the certificates can't be used: {0}")]
    Certificates(String),
    /// The token can't be sent.
    #[error("the token can't be sent: it must be visible ASCII")]
    Token,
    /// There is no service, or not one that this client may talk to.
    #[error("no service answers at {address}: {cause}; is DASHBOARD_STORE_ADDR (--addr) right?")]
    Unreachable {
        /// Where it was looked for.
        address: Uri,
        /// What the system says.
        cause: String,
    },
    /// The service answered with an error, or broke off.
    #[error("{0}")]
    Answered(Answered),
    /// The service answered something that this version does not understand.
    #[error("the service answered something that this version does not understand: {0}")]
    Answer(String),
}

/// An error that the service answered with, or that the connection made of its end.
#[derive(Debug)]
pub struct Answered {
    message: String,
    /// The machine-readable reason, or else the words for the code.
    reason: String,
    /// What is wrong with single fields, where there is more than the message says.
    fields: Vec<String>,
}

impl ClientError {
    pub(super) fn certificates(error: tonic::transport::Error) -> Self {
        Self::Certificates(innermost(&error))
    }

    pub(super) fn token(_: InvalidMetadataValue) -> Self {
        Self::Token
    }

    pub(super) fn unreachable(address: &Uri, error: &tonic::transport::Error) -> Self {
        Self::Unreachable {
            address: address.clone(),
            cause: innermost(error),
        }
    }
}

/// The cause of all causes, which alone tells what happened.
fn innermost(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

impl From<Status> for ClientError {
    fn from(status: Status) -> Self {
        let info = status.get_details_error_info();
        let reason = info.map_or_else(|| status.code().to_string(), |info| info.reason);
        let violations = status.get_details_bad_request().map(|bad| bad.field_violations);
        let fields: Vec<String> = violations
            .unwrap_or_default()
            .into_iter()
            .map(|violation| format!("{}: {}", violation.field, violation.description))
            .collect();
        let message = match status.message() {
            // What tonic says of a connection that broke.
            "" | "transport error" | "h2 protocol error: error reading a body from connection" => {
                "the connection broke".to_owned()
            }
            message => message.to_owned(),
        };
        Self::Answered(Answered {
            message,
            reason,
            fields,
        })
    }
}

impl fmt::Display for Answered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.reason)?;
        // A single one is what the message says.
        let further = if self.fields.len() > 1 {
            self.fields.as_slice()
        } else {
            &[]
        };
        further.iter().try_for_each(|field| write!(f, "\n{field}"))
    }
}
