//! Gives every call its id and says where it came from.

use std::sync::Arc;

use http::header::USER_AGENT;
use http::{HeaderMap, HeaderName, HeaderValue};
use tonic::transport::server::TcpConnectInfo;
use uuid::Uuid;

use super::layer::{Handler, Layer, Request, Response};
use super::methods::Methods;
use crate::access::CallOrigin;
use crate::domain::share_link::without_secret;

/// The header of every answer that carries the id of the call.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// W3C Trace Context.
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The longest text of a caller's that is kept, in characters.
const MAX_TEXT_CHARS: usize = 200;

/// Puts an `Arc` of [`CallOrigin`] and [`super::methods::Method`] into the request, and the id of the call into the answer.
///
/// The id is always ours: it stands in audit events, so no caller may choose it.
#[derive(Debug)]
pub struct Identity {
    /// Which methods exist.
    pub methods: Arc<Methods>,
}

impl Layer for Identity {
    async fn call(&self, mut request: Request, next: &impl Handler) -> Response {
        let correlation_id = Uuid::now_v7();
        let origin = Arc::new(origin(&request, correlation_id));
        let method = self.methods.find(request.uri().path()).clone();
        request.extensions_mut().insert(origin);
        request.extensions_mut().insert(method);

        let mut response = next.handle(request).await;
        if let Ok(value) = HeaderValue::try_from(correlation_id.to_string()) {
            response.headers_mut().insert(REQUEST_ID, value);
        }
        response
    }
}

fn origin(request: &Request, correlation_id: Uuid) -> CallOrigin {
    let peer = request
        .extensions()
        .get::<TcpConnectInfo>()
        .and_then(TcpConnectInfo::remote_addr);
    let user_agent = request.headers().get(USER_AGENT).map(HeaderValue::as_bytes);
    CallOrigin {
        correlation_id,
        client_ip: peer.map(|address| address.ip().to_canonical()),
        user_agent: cut(&String::from_utf8_lossy(user_agent.unwrap_or_default())),
        trace_id: trace_id(request.headers()),
        method: cut(request.uri().path().trim_start_matches('/')),
        course: Arc::default(),
    }
}

/// What is kept of a text: anybody may put anything there, also a link with its secret.
fn cut(text: &str) -> String {
    without_secret(text).chars().take(MAX_TEXT_CHARS).collect()
}

/// The trace id of `traceparent`: `version-trace_id-parent_id-flags`; malformed ones are ignored, as the standard says.
fn trace_id(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(TRACEPARENT)?.to_str().ok()?;
    let mut parts = text.split('-');
    let version = parts.next().filter(|part| is_hex(part, 2))?;
    let trace_id = parts.next().filter(|part| is_hex(part, 32))?;
    let parent_id = parts.next().filter(|part| is_hex(part, 16))?;
    let _flags = parts.next().filter(|part| is_hex(part, 2))?;
    let is_zero = |part: &str| part.bytes().all(|byte| byte == b'0');
    let malformed = version == "ff" || is_zero(trace_id) || is_zero(parent_id);
    (!malformed).then(|| trace_id.to_owned())
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_well_formed_trace_ids_are_taken() {
        let read =
            |text: &'static str| trace_id(&HeaderMap::from_iter([(TRACEPARENT, HeaderValue::from_static(text))]));
        assert_eq!(
            read("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").as_deref(),
            Some("4bf92f3577b34da6a3ce929d0e0e4736")
        );
        for malformed in [
            "",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f35-00f067aa0ba902b7-01",
        ] {
            assert_eq!(read(malformed), None, "{malformed}");
        }
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(cut(&"é".repeat(300)).chars().count(), MAX_TEXT_CHARS);
    }
}
