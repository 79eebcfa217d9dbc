//! The end of a server: nothing holds it, and no call is cut that could finish.

use std::sync::atomic::Ordering;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

/// How long a test waits for an end: long, for a slow machine, and well below [`LATE`].
const SOON: Duration = Duration::from_secs(60);

/// How long whatever may hold an end could hold it.
const LATE: Duration = Duration::from_secs(600);

/// A server that no limit helps to its end, but those that `change` sets.
async fn start_patient(change: impl FnOnce(&mut ServerOptions)) -> TestServer {
    TestServer::start_with(|options| {
        options.limits.default_deadline = LATE;
        options.limits.shutdown_grace = LATE;
        options.connection.handshake_timeout = LATE;
        options.connection.keepalive_interval = LATE;
        options.connection.grace = LATE;
        change(options);
    })
    .await
}

#[tokio::test]
async fn silent_connections_do_not_hold_the_shutdown() {
    let server = start_patient(|_| {}).await;
    let _silent = TcpStream::connect(server.grpc_addr).await.unwrap();
    let mut half_open = TcpStream::connect(server.grpc_addr).await.unwrap();
    half_open.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    server.shutdown.begin();
    server.ended(SOON).await;
}

#[tokio::test]
async fn silent_connections_are_closed_after_a_while() {
    let server = TestServer::start_with(|options| {
        options.connection.handshake_timeout = Duration::from_millis(100);
    })
    .await;
    let mut silent = TcpStream::connect(server.grpc_addr).await.unwrap();
    let read = tokio::time::timeout(SOON, silent.read(&mut [0; 1])).await;
    assert_eq!(read.unwrap().unwrap(), 0);
}

#[tokio::test]
async fn endless_streams_end_with_unavailable_and_do_not_hold_the_shutdown() {
    let server = start_patient(|_| {}).await;
    let mut stream = service::open_stream(server.channel().await, "Stream").await;
    let mut watched = Box::pin(health::watch(server.channel().await, "no.such.Service").await);
    assert_eq!(stream.message().await.unwrap().as_deref(), Some("hello"));
    futures_util::StreamExt::next(&mut watched).await.unwrap().unwrap();

    server.shutdown.begin();
    let end = stream.message().await.unwrap_err();
    assert_eq!((end.code() as i32, reason(&end).as_str()), (14, "DRAINING"));
    server.ended(SOON).await;
}

#[tokio::test]
async fn a_stream_that_is_always_ready_ends_between_two_messages() {
    let server = start_patient(|_| {}).await;
    let mut stream = service::open_stream(server.channel().await, "StreamOn").await;
    assert!(stream.message().await.unwrap().is_some());

    server.shutdown.begin();
    let reading = async {
        loop {
            match stream.message().await {
                Ok(message) => assert_eq!(message.map(|text| text.len()), Some(20_000)),
                Err(end) => return end,
            }
        }
    };
    // As long as it is read, nothing but its end ends it.
    let end = tokio::time::timeout(SOON, reading).await.unwrap();
    assert_eq!((end.code() as i32, reason(&end).as_str()), (14, "DRAINING"));
    server.ended(SOON).await;
}

#[tokio::test]
async fn calls_finish_and_new_ones_are_taken_while_draining() {
    let server = start_patient(|options| {
        options.drain_delay = Duration::from_secs(1);
        options.limits.default_deadline = Duration::from_secs(2);
    })
    .await;
    let slow = async { server.call("Hang", Request::new(String::new())).await.unwrap_err() };
    let begin = async {
        server.wait_until_hanging().await;
        server.shutdown.begin();
        server.call("Echo", Request::new("late".into())).await.unwrap();
    };
    let (status, ()) = tokio::join!(slow, begin);
    assert_eq!(reason(&status), "DEADLINE_EXCEEDED", "the call ran to its own end");
    let grpc_addr = server.grpc_addr;
    server.ended(SOON).await;
    assert!(TcpStream::connect(grpc_addr).await.is_err(), "the port is free");
}

#[tokio::test]
async fn what_does_not_finish_is_cancelled_after_the_grace() {
    let server = start_patient(|options| options.limits.shutdown_grace = Duration::from_millis(200)).await;
    let channel = server.channel().await;
    let hanging = tokio::spawn(service::call(channel, "Hang", Request::new(String::new())));
    server.wait_until_hanging().await;
    let count = Arc::clone(&server.service.hanging);
    server.shutdown.begin();
    let took = server.ended(SOON).await;
    assert!(took >= Duration::from_millis(200), "{took:?}");
    assert_eq!(count.load(Ordering::SeqCst), 0, "the handler was dropped");
    hanging.await.unwrap().unwrap_err();
}

#[tokio::test]
async fn a_second_signal_forces_the_end() {
    let server = start_patient(|options| options.drain_delay = LATE).await;
    let channel = server.channel().await;
    let hanging = tokio::spawn(service::call(channel, "Hang", Request::new(String::new())));
    server.wait_until_hanging().await;
    server.shutdown.begin();
    server.shutdown.abort();
    server.ended(SOON).await;
    hanging.await.unwrap().unwrap_err();
}

#[tokio::test]
async fn old_connections_are_replaced_without_costing_a_call() {
    let server = TestServer::start_with(|options| options.connection.max_age = Duration::from_millis(50)).await;
    let channel = server.channel().await;
    let mut stream = service::open_stream(channel.clone(), "Stream").await;
    stream.message().await.unwrap();
    let end = stream.message().await.unwrap_err();
    assert_eq!(end.code() as i32, 14);

    // tonic's client may hand a call to a connection that it has just closed; such a call never reaches the server.
    let started = Instant::now();
    let mut answered = 0;
    while started.elapsed() < Duration::from_secs(1) || answered <= 10 {
        assert!(started.elapsed() < SOON, "{answered}");
        let answer = service::call(channel.clone(), "Echo", Request::new("x".into())).await;
        match answer {
            Ok(_) => answered += 1,
            Err(status) => assert_eq!(status.message(), "operation was canceled", "{status:?}"),
        }
    }
    assert_eq!(
        server.service.echoed.load(Ordering::SeqCst),
        answered,
        "every call that arrived was answered"
    );
}
