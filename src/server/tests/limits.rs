//! Deadlines and load shedding.

use std::sync::atomic::Ordering;

use super::*;

#[tokio::test]
async fn a_caller_that_names_no_deadline_gets_the_default() {
    let server = TestServer::start_with(|options| options.limits.default_deadline = Duration::from_millis(100)).await;
    let started = Instant::now();
    let status = server.call("Hang", Request::new(String::new())).await.unwrap_err();
    assert_eq!(
        (status.code() as i32, reason(&status).as_str()),
        (4, "DEADLINE_EXCEEDED")
    );
    assert!(started.elapsed() >= Duration::from_millis(100));
    assert_eq!(
        server.service.hanging.load(Ordering::SeqCst),
        0,
        "the handler was dropped"
    );
}

#[tokio::test]
async fn streams_have_no_deadline() {
    let server = TestServer::start_with(|options| options.limits.default_deadline = Duration::from_millis(50)).await;
    let mut stream = service::open_stream(server.channel().await, "Stream").await;
    stream.message().await.unwrap();
    let more = tokio::time::timeout(Duration::from_millis(200), stream.message()).await;
    assert!(more.is_err(), "{more:?}");
}

#[tokio::test]
async fn a_request_that_trickles_in_is_bounded_too() {
    let server = TestServer::start_with(|options| options.limits.default_deadline = Duration::from_millis(100)).await;
    let mut client = tonic::client::Grpc::new(server.channel().await);
    client.ready().await.unwrap();
    let path = "/test.v1.TestService/Echo".parse().unwrap();
    let never = Request::new(futures_util::stream::pending::<String>());
    let codec: tonic_prost::ProstCodec<String, String> = tonic_prost::ProstCodec::default();
    let status = client.client_streaming(never, path, codec).await.unwrap_err();
    assert_eq!(status.code() as i32, 4);
}

#[tokio::test]
async fn a_server_that_is_full_refuses_and_health_still_answers() {
    let server = TestServer::start_with(|options| {
        options.limits.max_in_flight = 1;
        options.limits.max_queued = 1;
        options.limits.longest_wait = Duration::from_millis(50);
    })
    .await;
    let channel = server.channel().await;
    let busy = tokio::spawn(service::call(channel.clone(), "Hang", Request::new(String::new())));
    server.wait_until_hanging().await;
    let status = server.call("Echo", Request::new(String::new())).await.unwrap_err();
    assert_eq!((status.code() as i32, reason(&status).as_str()), (8, "OVERLOADED"));
    assert!(status.get_error_details().retry_info().is_some());
    super::health::check(channel, "").await.unwrap();

    busy.abort();
    let _ = busy.await;
    while server.service.hanging.load(Ordering::SeqCst) > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    server.call("Echo", Request::new(String::new())).await.unwrap();
}
