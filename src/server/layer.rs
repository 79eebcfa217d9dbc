//! What a layer is.
//!
//! The layers of this service share nothing but "request in, response out, no error", so a trait with one method says it
//! all. Beside a `tower::Layer` it needs no `poll_ready`, no boxed future and no clone of the inner services per request:
//! the whole stack stands behind one `Arc`.

use bytes::Bytes;
use http::HeaderMap;
use http_body::Frame;
use tonic::Status;
use tonic::body::Body;

/// A request as the layers see it: its body is not read yet.
pub type Request = http::Request<Body>;

/// A response as the layers see it: headers, then a body that ends with the status in its trailers; or headers alone.
pub type Response = http::Response<Body>;

/// Answers requests.
pub trait Handler: Send + Sync + 'static {
    /// Answers one request; dropping the future cancels it.
    fn handle(&self, request: Request) -> impl Future<Output = Response> + Send;
}

/// Stands around a [`Handler`]: may answer in its place, and may change the request and the answer.
pub trait Layer: Send + Sync + 'static {
    /// Answers one request with the help of `next`.
    fn call(&self, request: Request, next: &impl Handler) -> impl Future<Output = Response> + Send;

    /// Puts this layer around `next`.
    fn around<H: Handler>(self, next: H) -> Layered<Self, H>
    where
        Self: Sized,
    {
        Layered { layer: self, next }
    }
}

/// A layer with what it stands around.
#[derive(Debug)]
pub struct Layered<L, H> {
    layer: L,
    next: H,
}

impl<L: Layer, H: Handler> Handler for Layered<L, H> {
    fn handle(&self, request: Request) -> impl Future<Output = Response> + Send {
        self.layer.call(request, &self.next)
    }
}

/// The last frame of a body whose headers are sent already: `status` as trailers.
///
/// # Errors
/// The status that says that this one can't be written as headers.
pub fn trailers(status: &Status) -> Result<Frame<Bytes>, Status> {
    let mut headers = HeaderMap::new();
    status.add_header(&mut headers)?;
    Ok(Frame::trailers(headers))
}
