//! Tells the audit trail how calls ended.

use http::HeaderMap;
use tonic::Status;
use tonic_types::StatusExt as _;

use super::methods::Method;
use super::status_code::StatusCode;
use crate::access::CallOrigin;
use crate::audit_trail::{AuditTrail, CallEnd};

/// Tells of a call that ended with `code`; `headers` are those that the code stood in, if it came that far.
pub fn tell(trail: &AuditTrail, method: &Method, origin: &CallOrigin, code: StatusCode, headers: Option<&HeaderMap>) {
    if method.open {
        return;
    }
    let end = match code {
        StatusCode::OK => CallEnd::Succeeded,
        StatusCode::UNAUTHENTICATED | StatusCode::PERMISSION_DENIED => CallEnd::Denied,
        _ => CallEnd::Failed,
    };
    trail.call_ended(&method.name, origin, end, || reason(code, headers));
}

/// The reason that the error gives, or the name of its code.
pub fn reason(code: StatusCode, headers: Option<&HeaderMap>) -> String {
    let status = headers.and_then(Status::from_header_map);
    let info = status.and_then(|status| status.get_details_error_info());
    info.map_or_else(|| code.to_string(), |info| info.reason)
}
