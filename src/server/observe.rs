//! Says what became of each call: one span, at most one log line, one measurement; and tells the audit trail.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tonic::Status;
use tonic::body::Body;
use tracing::{Instrument, Span};

use super::audit;
use super::layer::{Handler, Layer, Request, Response};
use super::methods::Method;
use super::status_code::StatusCode;
use crate::access::CallOrigin;
use crate::audit_trail::AuditTrail;
use crate::domain::reason::Reason;
use crate::telemetry::Metrics;

/// Measures every call until its last byte.
///
/// Errors and slow calls are logged always, the others at level debug.
#[derive(Debug)]
pub struct Observe {
    /// Where calls are counted.
    pub metrics: Metrics,
    /// A unary call that takes longer is slow.
    pub slow: Duration,
    /// Where calls wait that are audit events.
    pub audit_trail: AuditTrail,
}

impl Layer for Observe {
    async fn call(&self, request: Request, next: &impl Handler) -> Response {
        let call = Call::start(self, &request);
        let span = call.span.clone();
        let response = next.handle(request).instrument(span).await;
        match StatusCode::from_headers(response.headers()) {
            Some(code) => {
                call.finish(code, Some(response.headers()));
                response
            }
            None => response.map(|body| Body::new(ObservedBody { body, call: Some(call) })),
        }
    }
}

/// A call that goes on; dropped before it is finished, it was cancelled by its caller.
#[derive(Debug)]
struct Call {
    metrics: Metrics,
    audit_trail: AuditTrail,
    span: Span,
    /// None where the identity layer is missing.
    identity: Option<(Method, Arc<CallOrigin>)>,
    started: Instant,
    /// Streams have none: they take as long as they like.
    slow: Option<Duration>,
    is_finished: bool,
}

impl Call {
    fn start(observe: &Observe, request: &Request) -> Self {
        let origin = request.extensions().get::<Arc<CallOrigin>>();
        let method = request.extensions().get::<Method>();
        // At level error, so that it is there for every line, whatever the filter lets through.
        let span = tracing::error_span!(
            "call",
            method = origin.map(|origin| origin.method.as_str()),
            request_id = origin.map(|origin| tracing::field::display(origin.correlation_id)),
            trace_id = origin.and_then(|origin| origin.trace_id.as_deref()),
        );
        Self {
            metrics: observe.metrics.clone(),
            audit_trail: observe.audit_trail.clone(),
            span,
            identity: method.cloned().zip(origin.cloned()),
            started: Instant::now(),
            slow: method.is_none_or(|method| !method.streaming).then_some(observe.slow),
            is_finished: false,
        }
    }

    fn finish(mut self, code: StatusCode, headers: Option<&HeaderMap>) {
        self.record(code, headers);
    }

    /// `headers` are those that the code stood in, if it came that far.
    fn record(&mut self, code: StatusCode, headers: Option<&HeaderMap>) {
        self.is_finished = true;
        let duration = self.started.elapsed();
        if let Some((method, origin)) = &self.identity {
            self.metrics.record_call(&method.name, code.number(), duration);
            audit::tell(&self.audit_trail, method, origin, code, headers);
        }

        let is_slow = self.slow.is_some_and(|slow| duration >= slow);
        let duration_ms = duration.as_secs_f64() * 1e3;
        self.span.in_scope(|| match code {
            StatusCode::OK if is_slow => tracing::warn!(%code, duration_ms, "slow call"),
            StatusCode::OK => tracing::debug!(%code, duration_ms, "call finished"),
            failed if failed.is_server_fault() && !is_in_the_log(failed, headers) => {
                tracing::warn!(%code, duration_ms, "call failed")
            }
            _ => tracing::info!(%code, duration_ms, "call refused"),
        });
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if !self.is_finished {
            self.record(StatusCode::CANCELLED, None);
        }
    }
}

/// Whether the log says already what is wrong, and would otherwise have a warning for each call that strangers send: keys that
/// can't be read are logged where they are read.
fn is_in_the_log(code: StatusCode, headers: Option<&HeaderMap>) -> bool {
    code == StatusCode::UNAVAILABLE && audit::reason(code, headers) == Reason::SigningKeysUnavailable.as_str()
}

/// The body of a response, watched for its trailers.
struct ObservedBody {
    body: Body,
    call: Option<Call>,
}

impl ObservedBody {
    fn finish(&mut self, code: StatusCode, headers: Option<&HeaderMap>) {
        if let Some(call) = self.call.take() {
            call.finish(code, headers);
        }
    }
}

impl HttpBody for ObservedBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.get_mut();
        let span = this.call.as_ref().map_or_else(Span::none, |call| call.span.clone());
        let _entered = span.enter();
        let polled = Pin::new(&mut this.body).poll_frame(context);
        match &polled {
            Poll::Pending => {}
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(trailers) = frame.trailers_ref() {
                    let code = StatusCode::from_headers(trailers).unwrap_or(StatusCode::UNKNOWN);
                    this.finish(code, Some(trailers));
                }
            }
            Poll::Ready(Some(Err(_)) | None) => this.finish(StatusCode::UNKNOWN, None),
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
