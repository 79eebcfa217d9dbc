//! Ends streams when their connection closes: neither a watch that goes on for ever nor an export that is long may hold a
//! shutdown.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::Status;
use tonic::body::Body;

use super::layer::{Handler, Layer, Request, Response, trailers};
use super::methods::Method;
use crate::domain::reason::Reason;
use crate::error::Error;

/// In the extensions of every request: cancelled when its connection begins to close.
#[derive(Debug, Clone)]
pub struct ConnectionClosing(pub CancellationToken);

/// Ends the answers of streaming methods with UNAVAILABLE as soon as their connection closes. Unary calls finish.
#[derive(Debug)]
pub struct Drain;

impl Layer for Drain {
    async fn call(&self, request: Request, next: &impl Handler) -> Response {
        let is_streaming = request
            .extensions()
            .get::<Method>()
            .is_some_and(|method| method.streaming);
        let closing = request.extensions().get::<ConnectionClosing>().cloned();
        let response = next.handle(request).await;
        match closing {
            Some(ConnectionClosing(token)) if is_streaming && !response.body().is_end_stream() => {
                response.map(|body| {
                    Body::new(DrainedBody {
                        body: Some(body),
                        closing: Box::pin(token.cancelled_owned()),
                        is_ending: false,
                    })
                })
            }
            _ => response,
        }
    }
}

/// A stream of answers that ends when `closing` resolves: at once when it waits, else behind the frame that is ready. Frames have
/// whole messages. A stream that has come to its own end by then keeps its own status.
struct DrainedBody {
    /// None after the end.
    body: Option<Body>,
    closing: Pin<Box<WaitForCancellationFutureOwned>>,
    /// Whether the last frame was given.
    is_ending: bool,
}

impl HttpBody for DrainedBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.get_mut();
        let Some(body) = &mut this.body else {
            return Poll::Ready(None);
        };
        let is_closing = this.closing.as_mut().poll(context).is_ready();
        let polled = Pin::new(body).poll_frame(context);
        match &polled {
            Poll::Pending if is_closing => {}
            Poll::Ready(Some(Ok(frame))) if this.is_ending && frame.is_data() => {}
            Poll::Pending | Poll::Ready(_) => {
                this.is_ending = is_closing;
                return polled;
            }
        }
        this.body = None;
        Poll::Ready(Some(trailers(&draining())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(SizeHint::default, HttpBody::size_hint)
    }
}

fn draining() -> Status {
    Status::from(Error::Unavailable {
        reason: Reason::Draining,
        description: "the server is closing this connection: open the stream again".into(),
        cause: None,
    })
}
