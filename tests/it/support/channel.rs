//! Connections of clients, which record what errors say.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tonic::body::Body;
use tonic::{Code, Status, transport};
use tower::Service;

use super::recording;

/// A connection as tonic has it, watched by the canary.
#[derive(Clone, Debug)]
pub struct Channel(transport::Channel);

impl From<transport::Channel> for Channel {
    fn from(channel: transport::Channel) -> Self {
        Self(channel)
    }
}

impl Service<http::Request<Body>> for Channel {
    type Response = http::Response<Body>;
    type Error = transport::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        if !recording::is_on() {
            return Box::pin(self.0.call(request));
        }
        // Not the method: whoever calls may put a secret there, and has not been told it.
        let service = request.uri().path().split('/').nth(1).unwrap_or_default().to_owned();
        let answering = self.0.call(request);
        Box::pin(async move {
            let response = answering.await?;
            record(&service, response.headers());
            Ok(response.map(|body| Body::new(WatchedBody { body, service })))
        })
    }
}

/// Records the status in headers or trailers, if there is one and it is an error.
fn record(service: &str, headers: &HeaderMap) {
    let status = Status::from_header_map(headers);
    if let Some(refused) = status.filter(|told| told.code() != Code::Ok) {
        recording::error(service, &refused);
    }
}

struct WatchedBody {
    body: Body,
    service: String,
}

impl HttpBody for WatchedBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(trailers) = frame.trailers_ref()
        {
            record(&self.service, trailers);
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
