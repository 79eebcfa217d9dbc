//! Calls with bytes in place of messages: every workload costs the client the same for each byte.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::{Buf as _, BufMut as _, Bytes};
use futures_util::Stream;
use hdrhistogram::Histogram;
use http::uri::PathAndQuery;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::AsciiMetadataValue;
use tonic::metadata::errors::InvalidMetadataValue;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status, Streaming};

use super::{Outcome, STREAMS, Times};

/// Connections that the streams share.
const CONNECTIONS: usize = 4;
/// HTTP/2 windows: with the default of 64 KB, answers of 20 KB wait for each other.
pub const STREAM_WINDOW_BYTES: u32 = 1024 * 1024;
/// For all streams of a connection.
pub const CONNECTION_WINDOW_BYTES: u32 = 4 * 1024 * 1024;

/// Passes messages on as they are.
#[derive(Debug, Clone, Copy, Default)]
pub struct RawCodec;

impl Codec for RawCodec {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for RawCodec {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, target: &mut EncodeBuf<'_>) -> Result<(), Status> {
        target.put(item);
        Ok(())
    }
}

impl Decoder for RawCodec {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, source: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(source.copy_to_bytes(source.remaining())))
    }
}

/// Says who calls, in development mode.
pub const REMOTE_USER: &str = "x-remote-user";
/// Has the token of who calls.
pub const AUTHORIZATION: &str = "authorization";

/// Makes the requests of one stream, one after the other.
pub type MakeRequest = Box<dyn FnMut() -> Bytes + Send>;

/// The calls of one stream.
pub struct Calls {
    /// The header that says who makes them, and what it says; none for the user of development mode.
    pub caller: Option<(&'static str, String)>,
    /// What they ask for.
    pub requests: MakeRequest,
    /// How long it waits before each of them.
    pub pause: Duration,
}

/// How long calls took that ended while it was measured.
#[derive(Debug, Clone)]
pub struct Latencies {
    /// In nanoseconds.
    pub histogram: Histogram<u64>,
    /// The time that was measured.
    pub elapsed: Duration,
}

/// Clients that call one method.
pub struct Clients {
    channels: Vec<Channel>,
    path: PathAndQuery,
}

impl Clients {
    /// Connects.
    pub async fn connect(address: SocketAddr, path: &'static str) -> Outcome<Self> {
        let endpoint = Endpoint::from_shared(format!("http://{address}"))?
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES);
        let mut channels = Vec::new();
        for _ in 0..CONNECTIONS {
            channels.push(endpoint.connect().await?);
        }
        Ok(Self {
            channels,
            path: PathAndQuery::from_static(path),
        })
    }

    /// Calls once, and gives the answer.
    pub async fn call(&self, request: Bytes) -> Outcome<Bytes> {
        Ok(call(&mut Grpc::new(self.channel()?), Request::new(request), &self.path).await?)
    }

    /// Calls once with a stream of requests, and gives the stream of answers.
    pub async fn call_streaming(
        &self,
        requests: impl Stream<Item = Bytes> + Send + 'static,
    ) -> Outcome<Streaming<Bytes>> {
        let mut grpc = Grpc::new(self.channel()?);
        grpc.ready().await?;
        let answers = grpc
            .streaming(Request::new(requests), self.path.clone(), RawCodec)
            .await?;
        Ok(answers.into_inner())
    }

    fn channel(&self) -> Outcome<Channel> {
        Ok(self.channels.first().ok_or("no connection")?.clone())
    }

    /// Calls on every stream for as long as `times` says; one error ends it. A service that has to open connections first, on a
    /// machine that does other work, may refuse calls: only while they are not measured.
    pub async fn run(&self, times: Times, mut stream: impl FnMut(usize) -> Outcome<Calls>) -> Outcome<Latencies> {
        let mut tasks = Vec::new();
        for number in 0..STREAMS {
            let channel = self.channels.iter().cycle().nth(number).ok_or("no connection")?;
            let (mut grpc, path, calls) = (Grpc::new(channel.clone()), self.path.clone(), stream(number)?);
            let caller = calls
                .caller
                .map(|(header, says)| Ok::<_, InvalidMetadataValue>((header, says.parse()?)));
            let caller: Option<(&str, AsciiMetadataValue)> = caller.transpose()?;
            let (mut next, pause) = (calls.requests, calls.pause);
            tasks.push(tokio::spawn(async move {
                let mut recorder = Recorder::begin(times)?;
                // One after the other, and not all at the same moment.
                tokio::time::sleep(pause * u32::try_from(number)? / u32::try_from(STREAMS)?).await;
                loop {
                    if !pause.is_zero() {
                        tokio::time::sleep(pause).await;
                    }
                    let begin = Instant::now();
                    let mut request = Request::new(next());
                    if let Some((header, says)) = &caller {
                        request.metadata_mut().insert(*header, says.clone());
                    }
                    match call(&mut grpc, request, &path).await {
                        Err(status) if status.code() == Code::Unavailable && recorder.is_cold(begin) => continue,
                        answered => answered?,
                    };
                    if !recorder.record(begin)? {
                        return Ok(recorder.finish());
                    }
                }
            }));
        }
        sum(tasks, times).await
    }
}

async fn call(grpc: &mut Grpc<Channel>, request: Request<Bytes>, path: &PathAndQuery) -> Result<Bytes, Status> {
    grpc.ready()
        .await
        .map_err(|error| Status::unavailable(error.to_string()))?;
    let answer = grpc.unary(request, path.clone(), RawCodec).await?;
    Ok(answer.into_inner())
}

/// Records how long the calls of one stream take, once it is warm.
#[derive(Debug)]
pub struct Recorder {
    histogram: Histogram<u64>,
    warm_at: Instant,
    end_at: Instant,
}

impl Recorder {
    /// Begins to warm up.
    pub fn begin(times: Times) -> Outcome<Self> {
        let warm_at = Instant::now() + times.warm_up;
        Ok(Self {
            histogram: Histogram::new(3)?,
            warm_at,
            end_at: warm_at + times.measure,
        })
    }

    /// Whether what began then is not measured.
    pub fn is_cold(&self, begin: Instant) -> bool {
        begin < self.warm_at
    }

    /// Takes a call that began at `begin` and has ended now; whether there is time for another one.
    pub fn record(&mut self, begin: Instant) -> Outcome<bool> {
        let end = Instant::now();
        if end >= self.end_at {
            return Ok(false);
        }
        if end >= self.warm_at {
            self.histogram.record(u64::try_from((end - begin).as_nanos())?)?;
        }
        Ok(true)
    }

    /// What was recorded.
    pub fn finish(self) -> Histogram<u64> {
        self.histogram
    }
}

/// Waits for all streams.
pub async fn sum(tasks: Vec<tokio::task::JoinHandle<Outcome<Histogram<u64>>>>, times: Times) -> Outcome<Latencies> {
    let mut histogram = Histogram::new(3)?;
    for task in tasks {
        histogram.add(task.await??)?;
    }
    Ok(Latencies {
        histogram,
        elapsed: times.measure,
    })
}
