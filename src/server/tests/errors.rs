//! What callers see when something goes wrong.

use tonic_types::StatusExt;
use tower::Service as _;

use super::*;

#[tokio::test]
async fn a_panic_is_internal_and_the_server_lives() {
    let server = TestServer::start().await;
    let status = server.call("Panic", Request::new("x".into())).await.unwrap_err();
    assert_eq!(status.code() as i32, 13);
    assert_eq!(reason(&status), "INTERNAL");
    assert_eq!(
        status.message(),
        "internal error: tell the operators the x-request-id of this answer"
    );

    let call_id = status
        .metadata()
        .get("x-request-id")
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned();
    let details = status.get_error_details();
    assert_eq!(details.request_info().unwrap().request_id, call_id);

    let answer = server.call("Echo", Request::new("still there".into())).await.unwrap();
    assert_eq!(answer.into_inner(), "user:developer: still there");
}

#[tokio::test]
async fn a_panic_in_a_stream_ends_it_with_internal() {
    let server = TestServer::start().await;
    let mut stream = service::open_stream(server.channel().await, "StreamPanic").await;
    assert_eq!(stream.message().await.unwrap().as_deref(), Some("hello"));
    let status = stream.message().await.unwrap_err();
    assert_eq!((status.code() as i32, reason(&status).as_str()), (13, "INTERNAL"));
    assert!(status.get_error_details().request_info().is_some());
}

#[tokio::test]
async fn every_answer_has_an_id_of_its_own() {
    let server = TestServer::start().await;
    let mut ids = Vec::new();
    for _ in 0..2 {
        let mut request = Request::new(String::new());
        request.metadata_mut().insert("x-request-id", "mine".parse().unwrap());
        let answer = server.call("Echo", request).await.unwrap();
        let id = answer
            .metadata()
            .get("x-request-id")
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        ids.push(uuid::Uuid::parse_str(&id).unwrap());
    }
    assert!(ids.iter().all(|id| id.get_version_num() == 7));
    assert_ne!(ids[0], ids[1]);
}

#[tokio::test]
async fn callers_name_themselves_and_bad_names_are_refused() {
    let server = TestServer::start().await;
    let mut request = Request::new("hi".to_owned());
    request.metadata_mut().insert("x-remote-user", "ada".parse().unwrap());
    assert_eq!(server.call("Echo", request).await.unwrap().into_inner(), "user:ada: hi");

    let mut request = Request::new("hi".to_owned());
    let too_long = "x".repeat(513).parse().unwrap();
    request.metadata_mut().insert("x-remote-user", too_long);
    let status = server.call("Echo", request).await.unwrap_err();
    assert_eq!(
        (status.code() as i32, reason(&status).as_str()),
        (16, "UNAUTHENTICATED")
    );
}

#[tokio::test]
async fn unknown_methods_and_services_are_unimplemented() {
    let server = TestServer::start().await;
    let status = server.call("Invented", Request::new(String::new())).await.unwrap_err();
    assert_eq!((status.code() as i32, reason(&status).as_str()), (12, "UNIMPLEMENTED"));
    assert_eq!(
        status.message(),
        "\"/test.v1.TestService/Invented\" is not a method of this server"
    );

    let endless = server.call(&"x".repeat(5_000), Request::new(String::new())).await;
    let status = endless.unwrap_err();
    assert_eq!((status.code() as i32, reason(&status).as_str()), (12, "UNIMPLEMENTED"));
    assert!(status.message().len() < 200, "{}", status.message());

    let mut client = tonic::client::Grpc::new(server.channel().await);
    client.ready().await.unwrap();
    let codec: tonic_prost::ProstCodec<String, String> = tonic_prost::ProstCodec::default();
    let path = "/no.such.Service/Get".parse().unwrap();
    let status = client
        .unary(Request::new(String::new()), path, codec)
        .await
        .unwrap_err();
    assert_eq!((status.code() as i32, reason(&status).as_str()), (12, "UNIMPLEMENTED"));
    let metrics = server.metrics.render().unwrap();
    assert!(metrics.contains(r#"rpc_method="_OTHER""#), "{metrics}");
    assert!(!metrics.contains("no.such.Service"), "{metrics}");
}

#[tokio::test]
async fn what_a_web_page_has_a_browser_send_reaches_no_method() {
    let server = TestServer::start().await;
    let mut channel = server.channel().await;
    // A message of no bytes, as gRPC frames it.
    let mut status_of = async |method: http::Method, content_type: Option<&str>| {
        let mut request = http::Request::post("/test.v1.TestService/Echo");
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        let body = tonic::body::Body::new(http_body_util::Full::new(bytes::Bytes::from_static(&[0; 5])));
        let request = request.method(method).body(body).unwrap();
        channel.ready().await.unwrap().call(request).await.unwrap().status()
    };
    for content_type in [
        None,
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
        Some("application/json"),
    ] {
        assert_eq!(
            status_of(http::Method::POST, content_type).await,
            415,
            "{content_type:?}"
        );
    }
    for method in [http::Method::GET, http::Method::PUT, http::Method::OPTIONS] {
        assert_eq!(
            status_of(method.clone(), Some("application/grpc")).await,
            405,
            "{method}"
        );
    }
    assert_eq!(server.service.echoed.load(Ordering::SeqCst), 0);
    assert_eq!(status_of(http::Method::POST, Some("application/grpc")).await, 200);
    assert_eq!(server.service.echoed.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn messages_that_are_too_large_are_refused_both_ways() {
    let server = TestServer::start().await;
    let request = Request::new("x".repeat(MAX_MESSAGE_BYTES + 1));
    let sent = server.call("Echo", request).await.unwrap_err();
    assert_eq!((sent.code() as i32, reason(&sent).as_str()), (8, "MESSAGE_TOO_LARGE"));
    let asked = server.call("Large", Request::new(String::new())).await.unwrap_err();
    assert_eq!((asked.code() as i32, reason(&asked).as_str()), (8, "MESSAGE_TOO_LARGE"));
}

#[tokio::test]
async fn bytes_that_are_no_such_message_are_the_callers_fault() {
    let server = TestServer::start().await;
    let mut client = tonic::client::Grpc::new(server.channel().await);
    client.ready().await.unwrap();
    // A number where the service takes a text: the same field with another wire type.
    let codec: tonic_prost::ProstCodec<u64, String> = tonic_prost::ProstCodec::default();
    let path = "/test.v1.TestService/Echo".parse().unwrap();
    let status = client.unary(Request::new(7_u64), path, codec).await.unwrap_err();
    assert_eq!((status.code() as i32, reason(&status).as_str()), (3, "FIELD_INVALID"));
}

#[tokio::test]
async fn calls_are_measured_with_the_status_of_their_trailers() {
    let server = TestServer::start().await;
    server.call("Echo", Request::new("x".into())).await.unwrap();
    server.call("Large", Request::new("x".into())).await.unwrap_err();
    let metrics = server.metrics.render().unwrap();
    for (method, code) in [("Echo", 0), ("Large", 8)] {
        let labels = format!(r#"rpc_grpc_status_code="{code}",rpc_method="test.v1.TestService/{method}""#);
        let sample = format!(r#"rpc_server_call_duration_seconds_count{{{labels},rpc_system="grpc"}} 1"#);
        assert!(
            metrics.lines().any(|line| line == sample),
            "{sample} is not in\n{metrics}"
        );
    }
}
