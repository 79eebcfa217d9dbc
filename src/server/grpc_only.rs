//! Takes requests of gRPC, and no others.
//!
//! A browser sends what a web page asks it to, with the certificates it has, to any server: POST with one of three media types, and GET
//! (a "CORS-safelisted" request of the Fetch standard). With a media type of gRPC it asks the server first, which allows nobody.

use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use tonic::body::Body;

use super::layer::{Handler, Layer, Request, Response};

/// The media type of gRPC over HTTP/2 (gRPC's PROTOCOL-HTTP2, "Content-Type").
const MEDIA_TYPE: &str = "application/grpc";

/// Answers what is no request of gRPC with an error of HTTP, before anything else looks at it.
#[derive(Debug)]
pub struct GrpcOnly;

impl Layer for GrpcOnly {
    async fn call(&self, request: Request, next: &impl Handler) -> Response {
        if request.method() != Method::POST {
            let mut refused = refusal(StatusCode::METHOD_NOT_ALLOWED);
            refused.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
            return refused;
        }
        if !has_media_type(request.headers()) {
            return refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE);
        }
        next.handle(request).await
    }
}

fn refusal(status: StatusCode) -> Response {
    tracing::debug!(%status, "refused what is no request of gRPC");
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// Whether the body is what gRPC sends: with or without the name of its encoding, and with parameters.
fn has_media_type(headers: &HeaderMap) -> bool {
    let given = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let rest = given.and_then(|value| value.strip_prefix(MEDIA_TYPE));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['+', ';']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_web_page_may_send_is_no_grpc() {
        let is_taken = |value: Option<&str>| {
            let given = value.map(|value| (CONTENT_TYPE, value.parse().unwrap()));
            has_media_type(&given.into_iter().collect())
        };
        for taken in [
            "application/grpc",
            "application/grpc+proto",
            "application/grpc;charset=utf-8",
        ] {
            assert!(is_taken(Some(taken)), "{taken}");
        }
        for refused in [
            "",
            "text/plain",
            "text/plain;charset=UTF-8, application/grpc",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=application/grpc",
            "application/json",
            "application/grpc-web",
        ] {
            assert!(!is_taken(Some(refused)), "{refused}");
        }
        assert!(!is_taken(None));
    }
}
