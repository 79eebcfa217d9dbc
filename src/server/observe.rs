//! Says what became of each call: one span, at most one log line, one measurement.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tonic::Status;
use tonic::body::Body;
use tracing::{Instrument, Span};

use super::layer::{Handler, Layer, Request, Response};
use super::methods::Method;
use super::status_code::StatusCode;
use crate::access::CallOrigin;
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
}

impl Layer for Observe {
    async fn call(&self, request: Request, next: &impl Handler) -> Response {
        let call = Call::start(self, &request);
        let span = call.span.clone();
        let response = next.handle(request).instrument(span).await;
        match StatusCode::from_headers(response.headers()) {
            Some(code) => {
                call.finish(code);
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
    span: Span,
    method: Arc<str>,
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
            span,
            method: method.map_or_else(|| "".into(), |method| Arc::clone(&method.name)),
            started: Instant::now(),
            slow: method.is_none_or(|method| !method.streaming).then_some(observe.slow),
            is_finished: false,
        }
    }

    fn finish(mut self, code: StatusCode) {
        self.record(code);
    }

    fn record(&mut self, code: StatusCode) {
        self.is_finished = true;
        let duration = self.started.elapsed();
        self.metrics.record_call(&self.method, code.number(), duration);

        let is_slow = self.slow.is_some_and(|slow| duration >= slow);
        let duration_ms = duration.as_secs_f64() * 1e3;
        self.span.in_scope(|| match code {
            StatusCode::OK if is_slow => tracing::warn!(%code, duration_ms, "slow call"),
            StatusCode::OK => tracing::debug!(%code, duration_ms, "call finished"),
            failed if failed.is_server_fault() => tracing::warn!(%code, duration_ms, "call failed"),
            _ => tracing::info!(%code, duration_ms, "call refused"),
        });
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if !self.is_finished {
            self.record(StatusCode::CANCELLED);
        }
    }
}

/// The body of a response, watched for its trailers.
struct ObservedBody {
    body: Body,
    call: Option<Call>,
}

impl ObservedBody {
    fn finish(&mut self, code: StatusCode) {
        if let Some(call) = self.call.take() {
            call.finish(code);
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
                    this.finish(StatusCode::from_headers(trailers).unwrap_or(StatusCode::UNKNOWN));
                }
            }
            Poll::Ready(Some(Err(_)) | None) => this.finish(StatusCode::UNKNOWN),
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
