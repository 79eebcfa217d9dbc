//! Calls of whatever method, with messages as bytes.

use bytes::{Buf as _, BufMut as _, Bytes};
use futures_util::stream;
use http::uri::PathAndQuery;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::MetadataMap;
use tonic::{Request, Status};

use super::channel::Channel;

/// Calls `package.Service/Method` with one message, and waits for the first answer or the end of the answers.
pub async fn call(channel: Channel, method: &str, metadata: MetadataMap, message: Vec<u8>) -> Result<(), Status> {
    let mut grpc = tonic::client::Grpc::new(channel);
    grpc.ready().await.unwrap();
    let path: PathAndQuery = format!("/{method}").parse().unwrap();
    let mut request = Request::new(stream::iter([Bytes::from(message)]));
    *request.metadata_mut() = metadata;
    // On the wire, a single message is a stream of one.
    let mut answers = grpc.streaming(request, path, Verbatim).await?.into_inner();
    answers.message().await.map(drop)
}

#[derive(Debug, Default)]
struct Verbatim;

impl Codec for Verbatim {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Verbatim {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, message: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(message);
        Ok(())
    }
}

impl Decoder for Verbatim {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}
