//! Peers that hang, vanish or never stop: the pool is whole afterwards, and everybody else is served.
//!
//! A database that never answers is in `pool/reach.rs`, deadlines that end statements are in `wire.rs`.

use std::net::SocketAddr;
use std::time::Duration;

use dashboard_store::grpc::proto;
use dashboard_store::grpc::proto::dashboard_service_client::DashboardServiceClient;
use futures_util::StreamExt as _;
use futures_util::stream;
use http::uri::PathAndQuery;
use nix::sys::resource::{Resource, getrlimit};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tonic::transport::Endpoint;
use tonic::{Code, Request, Streaming};
use tonic_prost::ProstCodec;

use crate::support::TestServer;
use crate::support::blocking::{HeldTable, wait_until_pool_is_free};
use crate::support::channel::Channel;
use crate::support::cluster::TestDatabase;
use crate::support::http::get_json;
use crate::support::process::{ServiceProcess, database_url, serve};
use crate::support::requests::{apply, create, create_request, get, spec_of_size};
use crate::support::waiting::UNREACHED;

/// Few enough that whoever keeps one is noticed.
const CONNECTIONS: u32 = 4;

/// How many calls have to succeed afterwards, and how many of them run at the same time.
const CALLS_AFTERWARDS: usize = 1000;
const CALLS_AT_ONCE: usize = 20;

/// The preface of HTTP/2 and empty SETTINGS: all that a client has to say before it falls silent.
const GREETING: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

async fn server_with_few_connections() -> TestServer {
    TestServer::start_with(|config| {
        config.pool.max_open = CONNECTIONS;
        config.pool.max_idle = CONNECTIONS;
        config.pool.query_timeout = UNREACHED;
        config.requests.timeout = UNREACHED;
    })
    .await
}

/// Asserts that no connection was lost to anybody, and that the next calls succeed.
async fn assert_pool_is_whole(server: &TestServer) {
    wait_until_pool_is_free(server).await;
    let stats = server.pool().stats();
    assert_eq!((stats.open, stats.waiting), (stats.idle, 0), "{stats:?}");
    let client = server.dashboards().await;
    create(&mut client.clone(), "afterwards").await;
    assert_calls_succeed(&client).await;
    let stats = server.pool().stats();
    assert_eq!((stats.open, stats.in_use), (stats.idle, 0), "{stats:?}");
}

async fn assert_calls_succeed(client: &DashboardServiceClient<Channel>) {
    let calls = (0..CALLS_AFTERWARDS).map(|_| {
        let mut own_client = client.clone();
        async move { get(&mut own_client, "afterwards").await.revision }
    });
    let revisions: Vec<i32> = stream::iter(calls).buffer_unordered(CALLS_AT_ONCE).collect().await;
    assert_eq!(revisions, [1; CALLS_AFTERWARDS]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_vanishes_takes_its_queries_with_it() {
    let server = server_with_few_connections().await;
    let held = HeldTable::lock(server.database()).await;
    // A runtime that ends closes its sockets as they are, as a killed process does.
    let process = Runtime::new().unwrap();
    let endpoint = Endpoint::from_shared(format!("http://{}", server.grpc_addr())).unwrap();
    for number in 0..CONNECTIONS {
        let own_endpoint = endpoint.clone();
        process.spawn(async move {
            let mut client = DashboardServiceClient::connect(own_endpoint).await.unwrap();
            client.create_dashboard(create_request(&format!("d{number}"))).await
        });
    }
    held.wait_for_waiting(CONNECTIONS as usize).await;

    process.shutdown_background();

    held.wait_for_waiting(0).await;
    held.release().await;
    assert_pool_is_whole(&server).await;
    let written = "SELECT count(*) FROM dashboard WHERE name <> 'afterwards'";
    let row = server.sql().await.query_one(written, &[]).await.unwrap();
    assert_eq!(row.get::<_, i64>(0), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_never_read_hold_no_connection_to_the_database() {
    let server = server_with_few_connections().await;
    let mut client = server.dashboards().await;
    apply(&mut client, "projects/p/dashboards/large", spec_of_size(1024 * 1024)).await;

    let mut unread = Vec::new();
    for _ in 0..5 * CONNECTIONS {
        unread.push(begin_to_read(&server, "large").await);
    }

    assert_pool_is_whole(&server).await;
    // Nobody was cut off: who reads in the end gets everything.
    for mut answer in unread {
        let dashboard = answer.message().await.unwrap().unwrap().dashboard.unwrap();
        assert_eq!(dashboard.spec_size_bytes, 1024 * 1024);
    }
}

/// Asks for a dashboard on a connection of its own, and reads nothing but the headers of the answer: what is read as a
/// stream of messages is taken from the connection when it is asked for, and the window of the stream is far smaller.
async fn begin_to_read(server: &TestServer, id: &str) -> Streaming<proto::GetDashboardResponse> {
    let endpoint = Endpoint::from_shared(format!("http://{}", server.grpc_addr())).unwrap();
    let channel = endpoint.initial_stream_window_size(16 * 1024).connect().await.unwrap();
    let mut grpc = tonic::client::Grpc::new(channel);
    grpc.ready().await.unwrap();
    let request = proto::GetDashboardRequest {
        name: format!("projects/p/dashboards/{id}"),
        ..Default::default()
    };
    let path = PathAndQuery::from_static("/perses.dashboards.v1.DashboardService/GetDashboard");
    let codec: ProstCodec<proto::GetDashboardRequest, proto::GetDashboardResponse> = ProstCodec::default();
    let answer = grpc.server_streaming(Request::new(request), path, codec).await;
    answer.unwrap().into_inner()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deadlines_of_a_millisecond_cost_nobody_else_anything() {
    let server = server_with_few_connections().await;
    let client = server.dashboards().await;
    let calls = (0..200).map(|number| {
        let mut own_client = client.clone();
        async move {
            let mut request = Request::new(create_request(&format!("d{number}")));
            request.set_timeout(Duration::from_millis(1));
            own_client.create_dashboard(request).await.map(drop)
        }
    });
    let outcomes: Vec<_> = stream::iter(calls).buffer_unordered(CALLS_AT_ONCE).collect().await;
    for refused in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
        // The timer of the client may win, which says so in its own way.
        let code = refused.code();
        assert!(matches!(code, Code::DeadlineExceeded | Code::Cancelled), "{refused:?}");
    }
    assert!(outcomes.iter().any(Result::is_err), "a millisecond was always enough");
    assert_pool_is_whole(&server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_idle_connections_leave_room_for_those_that_call() {
    let database = TestDatabase::create().await;
    let mut command = serve(&["--insecure-dev", "--db-max-open-conns=4"]);
    command.env("DATABASE_URL", database_url(database.config()));
    let service = ServiceProcess::start_serving(command).await;

    let count = idle_connections();
    let mut idle = Vec::new();
    for _ in 0..count {
        idle.push(greet(service.grpc_addr()).await);
    }
    eprintln!("{count} idle connections");

    let mut client = service.dashboards().await;
    create(&mut client, "afterwards").await;
    assert_calls_succeed(&client).await;
    assert_eq!(lent(&service).await, 0);
    drop(idle);
    assert_calls_succeed(&client).await;
}

/// Ten thousand, or what the limit of open files allows: the service inherits it, and other tests need files too.
fn idle_connections() -> usize {
    const SPARE: u64 = 1000;
    let (limit, _) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    let allowed = limit.saturating_sub(SPARE).clamp(limit / 4, 10_000);
    usize::try_from(allowed).unwrap()
}

async fn greet(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(GREETING).await.unwrap();
    stream
}

/// The connections to the database that are lent; the probe of the health check may have one, and gives it back.
async fn lent(service: &ServiceProcess) -> u64 {
    let (_, health) = get_json(service.http_addr(), "/api/v1/health").await;
    health["checks"]["database"]["details"]["in_use_connections"]
        .as_u64()
        .unwrap()
}
