//! Reads to its end what nobody wants of a request.
//!
//! A call that is refused is answered before its message is read. If its stream were dropped then, h2 would reset it, remember 50 such
//! streams, and take what still arrives on others for errors; it closes a connection with 1,024 of them
//! (`too_many_internal_resets`, which bounds RUSTSEC-2024-0003). Behind a proxy, the calls of one stranger would so cost everybody
//! else the connection.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::runtime::Handle;
use tokio::time::timeout;

/// How long nothing may come. Then nothing is on its way either, and the stream can be reset.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long a peer may go on sending. Whoever calls what is open to everybody may do that for as long as its deadline lets it.
const LONGEST: Duration = Duration::from_secs(5);

/// The body of a request, whose rest is read and thrown away when it is dropped before its end.
#[derive(Debug)]
pub struct Unread {
    /// None once it has ended.
    body: Option<Incoming>,
}

impl Unread {
    /// Watches over `body`.
    pub fn new(body: Incoming) -> Self {
        Self { body: Some(body) }
    }
}

impl HttpBody for Unread {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        let Some(body) = &mut this.body else {
            return Poll::Ready(None);
        };
        let polled = Pin::new(body).poll_frame(context);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            this.body = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body
            .as_ref()
            .map_or_else(|| SizeHint::with_exact(0), HttpBody::size_hint)
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        let rest = self.body.take().filter(|body| !body.is_end_stream());
        // Without a runtime, the connection is gone as well.
        if let Some((rest, runtime)) = rest.zip(Handle::try_current().ok()) {
            runtime.spawn(timeout(LONGEST, throw_away(rest)));
        }
    }
}

async fn throw_away(mut body: Incoming) {
    while let Ok(Some(Ok(_))) = timeout(PATIENCE, body.frame()).await {}
}
