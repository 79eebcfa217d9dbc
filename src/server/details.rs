//! Gives the errors that tonic makes by itself the codes and details of our contract.
//!
//! Every error of ours arrives here with details. One without them was made by tonic (a message that is no protobuf, that
//! is too large, an unknown method) or by one of its services (health, reflection).

use std::sync::Arc;

use http::HeaderMap;
use http_body_util::BodyExt;
use tonic::Status;
use tonic::body::Body;
use tonic_types::{ErrorDetails, StatusExt};
use uuid::Uuid;

use super::layer::{Handler, Layer, Request, Response};
use super::status_code::StatusCode;
use crate::access::CallOrigin;
use crate::domain::reason::Reason;
use crate::domain::violation::{Violation, quoted};
use crate::error::Error;

/// Completes errors; puts the id of the call into those that a caller can only report.
#[derive(Debug)]
pub struct Details;

impl Layer for Details {
    async fn call(&self, request: Request, next: &impl Handler) -> Response {
        let call_id = request.extensions().get::<Arc<CallOrigin>>().map(|o| o.correlation_id);
        let uri = request.uri().clone();
        let response = next.handle(request).await;
        match StatusCode::from_headers(response.headers()) {
            Some(StatusCode::OK) => response,
            Some(code) => match Status::from_header_map(response.headers()) {
                Some(status) => complete(before_handler(status, code, uri.path()), code, call_id).into_http(),
                None => response,
            },
            None => response.map(|body| complete_trailers(body, call_id)),
        }
    }
}

/// Completes the status that comes after the messages.
fn complete_trailers(body: Body, call_id: Option<Uuid>) -> Body {
    Body::new(body.map_frame(move |frame| match frame.into_trailers() {
        Ok(trailers) => http_body::Frame::trailers(completed_trailers(trailers, call_id)),
        Err(frame) => frame,
    }))
}

fn completed_trailers(trailers: HeaderMap, call_id: Option<Uuid>) -> HeaderMap {
    let code = match StatusCode::from_headers(&trailers) {
        None | Some(StatusCode::OK) => return trailers,
        Some(code) => code,
    };
    let Some(status) = Status::from_header_map(&trailers) else {
        return trailers;
    };
    let mut completed = HeaderMap::new();
    match complete(after_handler(status, code), code, call_id).add_header(&mut completed) {
        Ok(()) => completed,
        Err(_status) => trailers,
    }
}

/// A status of tonic's in place of an answer: the fault is in the request.
fn before_handler(status: Status, code: StatusCode, method: &str) -> Status {
    if !status.details().is_empty() {
        return status;
    }
    match code {
        StatusCode::UNIMPLEMENTED if status.message().is_empty() => {
            let description = format!("{} is not a method of this server", quoted(method));
            explain(&status, &description, Reason::Unimplemented)
        }
        // What tonic's decoder says of bytes that are no such message, and of compression that was not announced.
        StatusCode::INTERNAL => Status::from(Error::from(Violation::new(
            "request",
            Reason::FieldInvalid,
            "is not one message of the type that this method takes",
        ))),
        _ => after_handler(status, code),
    }
}

/// A status of tonic's, or of one of its services, that may also end an answer.
fn after_handler(status: Status, code: StatusCode) -> Status {
    if !status.details().is_empty() {
        return status;
    }
    let message = status.message().to_owned();
    match code {
        StatusCode::OUT_OF_RANGE | StatusCode::RESOURCE_EXHAUSTED => Status::from(Error::Exhausted {
            reason: Reason::MessageTooLarge,
            description: "a message may have 4 MiB at most: ask for, or send, less at once".into(),
            retry_after: None,
        }),
        StatusCode::UNIMPLEMENTED => explain(&status, &message, Reason::Unimplemented),
        StatusCode::NOT_FOUND => explain(&status, &message, Reason::ServiceNotFound),
        StatusCode::CANCELLED => explain(&status, &message, Reason::Cancelled),
        _ => Status::from(Error::internal(message)),
    }
}

fn explain(status: &Status, message: &str, reason: Reason) -> Status {
    let details = ErrorDetails::with_error_info(reason.as_str(), Reason::DOMAIN, []);
    Status::with_error_details_and_metadata(status.code(), message, details, status.metadata().clone())
}

/// Adds the id of the call to an error whose text can't help, so that a report leads to the log.
fn complete(status: Status, original: StatusCode, call_id: Option<Uuid>) -> Status {
    let can_only_be_reported = matches!(original, StatusCode::INTERNAL | StatusCode::UNKNOWN);
    let Some(call_id) = call_id.filter(|_| can_only_be_reported) else {
        return status;
    };
    let mut details = status.get_error_details();
    details.set_request_info(call_id, "");
    Status::with_error_details_and_metadata(status.code(), status.message(), details, status.metadata().clone())
}
