//! A panic in a handler costs its call, not the server.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::FutureExt;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tonic::Status;
use tonic::body::Body;

use super::layer::{Handler, Layer, Request, Response, trailers};
use super::methods::Method;
use crate::error::Error;

/// Turns a panic into INTERNAL; where it happened is logged by the hook of [`crate::telemetry`].
///
/// What unwinds is dropped and never looked at again, hence the assertions of unwind safety.
#[derive(Debug)]
pub struct CatchPanic;

/// What the log says beside the line of the hook.
#[derive(Debug, thiserror::Error)]
#[error("the handler panicked")]
struct Panicked;

fn panicked() -> Status {
    Status::from(Error::internal(Panicked))
}

impl Layer for CatchPanic {
    async fn call(&self, request: Request, next: &impl Handler) -> Response {
        let is_streaming = request
            .extensions()
            .get::<Method>()
            .is_some_and(|method| method.streaming);
        match AssertUnwindSafe(next.handle(request)).catch_unwind().await {
            // Streams are made while they are sent; the one message of a unary call is there already.
            Ok(response) if is_streaming => response.map(|body| Body::new(CaughtBody { body: Some(body) })),
            Ok(response) => response,
            Err(_payload) => panicked().into_http(),
        }
    }
}

/// A stream of answers that ends with INTERNAL when making the next one panics.
struct CaughtBody {
    /// None after a panic.
    body: Option<Body>,
}

impl HttpBody for CaughtBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.get_mut();
        let Some(body) = &mut this.body else {
            return Poll::Ready(None);
        };
        catch_unwind(AssertUnwindSafe(|| Pin::new(body).poll_frame(context))).unwrap_or_else(|_payload| {
            this.body = None;
            Poll::Ready(Some(trailers(&panicked())))
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(SizeHint::default, HttpBody::size_hint)
    }
}
