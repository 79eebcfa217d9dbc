//! Requests that are refused before they are read.

use futures_util::stream::{self, Stream, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tonic_prost::ProstCodec;

use super::*;

fn anonymous<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    let credential = "Bearer nonsense".parse().unwrap();
    request.metadata_mut().insert("authorization", credential);
    request
}

/// How many calls a peer has under way at a time, and how often: h2 remembers 50 streams that it has reset, and ends a connection
/// with 1,024 others on which something arrives.
const AT_A_TIME: u32 = 100;
const ROUNDS: u32 = 30;

/// Types and flags of frames (RFC 9113, 6).
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const GO_AWAY: u8 = 7;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// The headers of a call that is refused, in HPACK (RFC 7541): entries of the static table, then names of it with values.
fn refused_call() -> Vec<u8> {
    let mut block = vec![0x83, 0x86];
    let mut literal = |name: &[u8], value: &[u8]| {
        block.extend_from_slice(name);
        block.push(value.len().try_into().unwrap());
        block.extend_from_slice(value);
    };
    literal(&[0x01], b"localhost");
    literal(&[0x04], b"/test.v1.TestService/Echo");
    literal(&[0x0f, 0x08], b"Bearer nonsense");
    literal(&[0x0f, 0x10], b"application/grpc");
    block
}

/// What a peer behind a slow network does: each message comes when its call has been answered already.
#[tokio::test]
async fn messages_that_come_after_their_refusal_do_not_end_the_connection() {
    let server = TestServer::start().await;
    let mut connection = TcpStream::connect(server.grpc_addr).await.unwrap();
    connection.write_all(connection::PREFACE).await.unwrap();
    connection.write_all(&frame(SETTINGS, 0, 0, &[])).await.unwrap();
    let headers = refused_call();
    for round in 0..ROUNDS {
        let streams = (0..AT_A_TIME).map(|number| 2 * (round * AT_A_TIME + number) + 1);
        let calls: Vec<u8> = streams
            .clone()
            .flat_map(|stream| frame(HEADERS, END_HEADERS, stream, &headers))
            .collect();
        connection.write_all(&calls).await.unwrap();
        let mut answers = 0;
        while answers < AT_A_TIME {
            let mut length = [0; 4];
            connection.read_exact(&mut length[1..]).await.unwrap();
            let (kind, flags) = (connection.read_u8().await.unwrap(), connection.read_u8().await.unwrap());
            let _stream = connection.read_u32().await.unwrap();
            let mut payload = vec![0; u32::from_be_bytes(length) as usize];
            connection.read_exact(&mut payload).await.unwrap();
            assert_ne!(kind, GO_AWAY, "in round {round}: {}", String::from_utf8_lossy(&payload));
            answers += u32::from(kind == HEADERS && flags & END_STREAM != 0);
        }
        let message = [0; 5];
        let messages: Vec<u8> = streams
            .flat_map(|stream| frame(DATA, END_STREAM, stream, &message))
            .collect();
        connection.write_all(&messages).await.unwrap();
    }
}

/// Calls `Echo` without a valid credential, and waits until the server wants no more of the messages that follow.
async fn refuse_all_of(server: &TestServer, messages: impl Stream<Item = String> + Send + 'static) {
    let (dropped, is_dropped) = oneshot::channel::<()>();
    let messages = messages.inspect(move |_| {
        let _alive = &dropped;
    });
    let mut client = tonic::client::Grpc::new(server.channel().await);
    client.ready().await.unwrap();
    let path = "/test.v1.TestService/Echo".parse().unwrap();
    let codec: ProstCodec<String, String> = ProstCodec::default();
    let refused = client.client_streaming(anonymous(messages), path, codec).await;
    assert_eq!(reason(&refused.unwrap_err()), "UNAUTHENTICATED");
    is_dropped.await.unwrap_err();
}

#[tokio::test]
async fn a_refused_request_that_never_ends_is_reset() {
    let server = TestServer::start().await;
    refuse_all_of(&server, stream::pending()).await;
}

#[tokio::test]
async fn a_refused_request_that_goes_on_is_reset_in_the_end() {
    let server = TestServer::start().await;
    refuse_all_of(&server, stream::repeat_with(|| "x".repeat(20_000))).await;
}
