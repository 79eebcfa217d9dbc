//! A service whose methods do what a test needs: echo, panic, hang, answer too much.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::{Stream, StreamExt, stream};
use prost::Message;
use prost_types::{FileDescriptorProto, FileDescriptorSet, MethodDescriptorProto, ServiceDescriptorProto};
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::server::{Grpc, NamedService};
use tonic::transport::Channel;
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;
use tower::service_fn;

use crate::access::Caller;
use crate::grpc::MAX_MESSAGE_BYTES;

const UNARY_METHODS: [&str; 4] = ["Echo", "Panic", "Hang", "Large"];

#[derive(Debug, Clone, Default)]
pub struct TestService {
    /// Calls of `Hang` that go on.
    pub hanging: Arc<AtomicUsize>,
    /// Calls of `Echo` so far.
    pub echoed: Arc<AtomicUsize>,
}

impl NamedService for TestService {
    const NAME: &'static str = "test.v1.TestService";
}

/// The descriptor of the service, as protox would write it.
pub fn descriptors() -> Vec<u8> {
    let method = |name: &str, is_stream| MethodDescriptorProto {
        name: Some(name.into()),
        server_streaming: Some(is_stream),
        ..MethodDescriptorProto::default()
    };
    let mut methods: Vec<_> = UNARY_METHODS.iter().map(|name| method(name, false)).collect();
    methods.push(method("Stream", true));
    methods.push(method("StreamPanic", true));
    methods.push(method("StreamOn", true));
    let service = ServiceDescriptorProto {
        name: Some("TestService".into()),
        method: methods,
        ..ServiceDescriptorProto::default()
    };
    let file = FileDescriptorProto {
        package: Some("test.v1".into()),
        service: vec![service],
        ..FileDescriptorProto::default()
    };
    FileDescriptorSet { file: vec![file] }.encode_to_vec()
}

/// Calls `method` with a `google.protobuf.StringValue`.
pub async fn call(channel: Channel, method: &str, request: Request<String>) -> Result<Response<String>, Status> {
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.unwrap();
    let path = format!("/test.v1.TestService/{method}").parse().unwrap();
    client.unary(request, path, ProstCodec::default()).await
}

/// Opens `Stream`, which says one word and then nothing more, `StreamPanic`, which panics instead, or `StreamOn`, which never
/// stops and is always ready.
pub async fn open_stream(channel: Channel, method: &str) -> tonic::Streaming<String> {
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.unwrap();
    let path = format!("/test.v1.TestService/{method}").parse().unwrap();
    let request = Request::new(String::new());
    let codec: ProstCodec<String, String> = ProstCodec::default();
    client
        .server_streaming(request, path, codec)
        .await
        .unwrap()
        .into_inner()
}

impl TestService {
    async fn unary(self, method: String, request: Request<String>) -> Result<Response<String>, Status> {
        match method.as_str() {
            "Echo" => {
                self.echoed.fetch_add(1, Ordering::SeqCst);
                let caller = request.extensions().get::<Caller>().unwrap().subject().to_owned();
                Ok(Response::new(format!("{caller}: {}", request.into_inner())))
            }
            "Panic" => panic!("a test of panics"),
            "Large" => Ok(Response::new("x".repeat(MAX_MESSAGE_BYTES + 1))),
            _ => {
                let _hanging = Hanging::begin(&self.hanging);
                std::future::pending().await
            }
        }
    }
}

struct Hanging(Arc<AtomicUsize>);

impl Hanging {
    fn begin(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for Hanging {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Service<http::Request<Body>> for TestService {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let service = self.clone();
        let method = request.uri().path().rsplit('/').next().unwrap().to_owned();
        Box::pin(async move {
            let codec: ProstCodec<String, String> = ProstCodec::default();
            let mut grpc = Grpc::new(codec).max_encoding_message_size(MAX_MESSAGE_BYTES);
            if method.starts_with("Stream") {
                let streaming = service_fn(move |_: Request<String>| {
                    let said = match method.as_str() {
                        "StreamOn" => stream::repeat_with(|| Ok("on".repeat(10_000))).boxed(),
                        panics_or_not => words(panics_or_not == "StreamPanic").boxed(),
                    };
                    std::future::ready(Ok(Response::new(said)))
                });
                return Ok(grpc.server_streaming(streaming, request).await);
            }
            if !UNARY_METHODS.contains(&method.as_str()) {
                return Ok(Status::unimplemented("").into_http());
            }
            let unary = service_fn(move |request| service.clone().unary(method.clone(), request));
            Ok(grpc.unary(unary, request).await)
        })
    }
}

/// One word, then a panic or silence.
fn words(panics: bool) -> impl Stream<Item = Result<String, Status>> + Send {
    let word = stream::once(async { Ok("hello".to_owned()) });
    let rest = stream::once(async move {
        // Without a pause, tonic would not have sent the word yet.
        tokio::time::sleep(Duration::from_millis(20)).await;
        if panics {
            panic!("a test of panics");
        }
        std::future::pending().await
    });
    word.chain(rest)
}
