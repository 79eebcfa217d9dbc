//! Deadlines and load shedding.

use std::sync::atomic::Ordering;

use super::*;

#[tokio::test]
async fn the_deadline_of_the_caller_cancels_the_handler() {
    let server = TestServer::start().await;
    let mut request = Request::new(String::new());
    // Beside the channel's own timer: that one would answer CANCELLED before the server does.
    request.metadata_mut().insert("grpc-timeout", "200m".parse().unwrap());
    let started = Instant::now();
    let status = server.call("Hang", request).await.unwrap_err();
    assert_eq!(
        (status.code() as i32, reason(&status).as_str()),
        (4, "DEADLINE_EXCEEDED")
    );
    assert!(
        (150..2000).contains(&started.elapsed().as_millis()),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(server.service.hanging.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_caller_with_a_timer_of_its_own_sees_deadline_exceeded_too() {
    let server = TestServer::start().await;
    let mut request = Request::new(String::new());
    request.set_timeout(Duration::from_millis(400));
    let status = server.call("Hang", request).await.unwrap_err();
    assert_eq!(
        (status.code() as i32, reason(&status).as_str()),
        (4, "DEADLINE_EXCEEDED")
    );
}

#[tokio::test]
async fn without_a_deadline_the_default_holds() {
    let server = TestServer::start_with(|options| options.limits.default_deadline = Duration::from_millis(100)).await;
    let status = server.call("Hang", Request::new(String::new())).await.unwrap_err();
    assert_eq!(status.code() as i32, 4);
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
    while server.service.hanging.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
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
