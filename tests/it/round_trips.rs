//! A read costs one round trip to the database, and no more. The first of its kind on a connection is also prepared, behind
//! it and without waiting, which the observer takes for a second one.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use dashboard_store::config::DatabaseHost;
use dashboard_store::grpc::proto;
use dashboard_store::grpc::proto::{DashboardView, Role};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tonic_health::pb::health_check_response::ServingStatus;

use crate::support::TestServer;
use crate::support::access::grant;
use crate::support::cluster::TestDatabase;
use crate::support::preferences::{self, add_request, favorites, recents, view};
use crate::support::requests::{as_user, create, list_request};
use crate::support::sharing::{self, assert_not_usable};

const NAME: &str = "projects/p/dashboards/d";

/// The version 3.0 of the protocol, in the message that opens a session.
const PROTOCOL_3: [u8; 4] = [0, 3, 0, 0];

/// What is asked beside all requests: by the health probe, on a connection of its own, by who shows when maintenance ran, and by who
/// writes the events of denied calls.
const BESIDE: [&str; 3] = [
    "-- schema_readiness",
    "-- list_maintenance_tasks",
    "-- append_folded_calls",
];

/// Stands before the database's Unix socket and writes down each round trip that is asked of it.
struct Observer {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Observer {
    async fn before(database: &TestDatabase) -> Self {
        let host = &database.config().hosts[0];
        let socket = PathBuf::from(&host.host).join(format!(".s.PGSQL.{}", host.port));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let notes = Arc::clone(&asked);
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let server = UnixStream::connect(&socket).await.unwrap();
                tokio::spawn(pass_on(client, server, Arc::clone(&notes)));
            }
        });
        Self { address, asked }
    }

    /// The round trips since the last call, each by the first line of its statement.
    fn take(&self) -> Vec<String> {
        let mut asked = std::mem::take(&mut *self.asked.lock().unwrap());
        asked.retain(|statement| !BESIDE.contains(&statement.as_str()));
        asked
    }
}

async fn pass_on(client: TcpStream, server: UnixStream, asked: Arc<Mutex<Vec<String>>>) {
    let (requests, mut answers_to) = client.into_split();
    let (mut answers, requests_to) = server.into_split();
    // Either side may end at any time: with it ends the session, and nothing else.
    tokio::select! {
        _ = pass_requests_on(requests, requests_to, &asked) => {}
        _ = tokio::io::copy(&mut answers, &mut answers_to) => {}
    }
}

/// Passes the messages of a session on. A round trip ends with Sync or is a simple query: both make the server answer.
async fn pass_requests_on(
    mut client: impl AsyncRead + Unpin,
    mut server: impl AsyncWrite + Unpin,
    asked: &Mutex<Vec<String>>,
) -> io::Result<()> {
    // Up to the one that opens the session, messages have no type.
    let mut is_open = false;
    while !is_open {
        let body = pass_body_on(&mut client, &mut server).await?;
        is_open = body.starts_with(&PROTOCOL_3);
    }
    let mut prepared = HashMap::new();
    let mut statement = String::new();
    loop {
        let message_type = client.read_u8().await?;
        server.write_u8(message_type).await?;
        let body = pass_body_on(&mut client, &mut server).await?;
        let mut texts = body.split(|byte| *byte == 0).map(String::from_utf8_lossy);
        match message_type {
            // Parse: the name of the prepared statement, its text.
            b'P' => {
                let name = texts.next().unwrap().into_owned();
                statement = first_line(&texts.next().unwrap());
                prepared.insert(name, statement.clone());
            }
            // Bind: the name of the portal, that of the prepared statement.
            b'B' => statement.clone_from(&prepared[&*texts.nth(1).unwrap()]),
            b'Q' => asked.lock().unwrap().push(first_line(&texts.next().unwrap())),
            b'S' => asked.lock().unwrap().push(statement.clone()),
            _ => {}
        }
    }
}

/// Passes the length and the body of a message on; the body.
async fn pass_body_on(
    client: &mut (impl AsyncRead + Unpin),
    server: &mut (impl AsyncWrite + Unpin),
) -> io::Result<Vec<u8>> {
    let length = client.read_u32().await?;
    let mut body = vec![0; length as usize - 4];
    client.read_exact(&mut body).await?;
    server.write_u32(length).await?;
    server.write_all(&body).await?;
    Ok(body)
}

fn first_line(statement: &str) -> String {
    statement.lines().next().unwrap_or_default().to_owned()
}

/// A service with the dashboard [`NAME`], whose connection to the database is open and observed.
async fn start_observed() -> (TestServer, Observer) {
    let database = TestDatabase::create().await;
    let observer = Observer::before(&database).await;
    let mut connect = database.config().clone();
    connect.hosts = vec![DatabaseHost {
        host: observer.address.ip().to_string(),
        port: observer.address.port(),
    }];
    let server = TestServer::launch(database, connect, |_| {}).await;
    server.wait_until(ServingStatus::Serving).await;
    create(&mut server.dashboards().await, "d").await;
    assert!(
        observer.take().len() > 1,
        "a write is a transaction of several round trips"
    );
    (server, observer)
}

#[tokio::test]
async fn a_warm_read_of_dashboards_is_one_round_trip() {
    let (server, observer) = start_observed().await;
    let mut client = server.dashboards().await;

    let get = proto::GetDashboardRequest {
        name: NAME.into(),
        ..Default::default()
    };
    client.get_dashboard(get.clone()).await.unwrap();
    observer.take();
    client.get_dashboard(get).await.unwrap();
    assert_eq!(observer.take(), ["-- get_dashboard"]);

    let batch_get = proto::BatchGetDashboardsRequest {
        parent: "projects/-".into(),
        names: vec![NAME.into()],
        view: DashboardView::Full.into(),
        ..Default::default()
    };
    client.batch_get_dashboards(batch_get.clone()).await.unwrap();
    observer.take();
    client.batch_get_dashboards(batch_get).await.unwrap();
    assert_eq!(observer.take(), ["-- batch_get_dashboards"]);

    let list = proto::ListDashboardsRequest {
        filter: "name:d AND display_name:d AND labels.a != b".into(),
        view: DashboardView::Full.into(),
        ..list_request("projects/-")
    };
    client.list_dashboards(list).await.unwrap();
    assert_eq!(observer.take(), ["-- list_dashboards"]);

    for query in ["dashboard", "d"] {
        let search = proto::SearchDashboardsRequest {
            parent: "projects/-".into(),
            query: query.into(),
            filter: "name:d".into(),
            ..Default::default()
        };
        client.search_dashboards(search).await.unwrap();
        assert_eq!(observer.take(), ["-- search_dashboards"]);
    }
}

#[tokio::test]
async fn what_a_caller_was_granted_is_read_once_in_a_while() {
    let (server, observer) = start_observed().await;
    grant(&server, NAME, "user:guest", Role::Viewer).await;
    let mut client = server.dashboards().await;
    let get = proto::GetDashboardRequest {
        name: NAME.into(),
        ..Default::default()
    };
    client.get_dashboard(as_user("guest", get.clone())).await.unwrap();
    let first = observer.take();
    assert!(first.contains(&"-- find_grants".to_owned()), "{first:?}");

    client.get_dashboard(as_user("guest", get)).await.unwrap();
    client
        .list_dashboards(as_user("guest", list_request("projects/-")))
        .await
        .unwrap();
    assert_eq!(observer.take(), ["-- get_dashboard", "-- list_dashboards"]);
}

#[tokio::test]
async fn a_warm_read_of_revisions_is_one_round_trip() {
    let (server, observer) = start_observed().await;
    let mut client = server.dashboards().await;

    let list_revisions = proto::ListDashboardRevisionsRequest {
        parent: NAME.into(),
        ..Default::default()
    };
    client.list_dashboard_revisions(list_revisions.clone()).await.unwrap();
    observer.take();
    client.list_dashboard_revisions(list_revisions).await.unwrap();
    assert_eq!(observer.take(), ["-- list_dashboard_revisions"]);

    let get_revision = proto::GetDashboardRevisionRequest {
        name: format!("{NAME}/revisions/1"),
        ..Default::default()
    };
    client.get_dashboard_revision(get_revision.clone()).await.unwrap();
    observer.take();
    client.get_dashboard_revision(get_revision).await.unwrap();
    assert_eq!(observer.take(), ["-- get_dashboard_revision"]);

    let diff = proto::DiffDashboardRevisionsRequest {
        name: NAME.into(),
        from_revision: 1,
        to_revision: 0,
    };
    client.diff_dashboard_revisions(diff.clone()).await.unwrap();
    observer.take();
    client.diff_dashboard_revisions(diff).await.unwrap();
    assert_eq!(observer.take(), ["-- diff_dashboard_revisions"]);
}

#[tokio::test]
async fn what_users_keep_is_read_in_one_round_trip_and_so_is_a_view_written() {
    let (server, observer) = start_observed().await;
    let mut client = server.preferences().await;
    client.add_favorite(add_request("d")).await.unwrap();
    preferences::get(&mut client).await;
    view(&mut client, &["d"]).await;
    favorites(&mut client).await;
    recents(&mut client).await;
    observer.take();

    preferences::get(&mut client).await;
    assert_eq!(observer.take(), ["-- get_preferences"]);

    assert_eq!(favorites(&mut client).await, ["d"]);
    assert_eq!(observer.take(), ["-- list_favorites"]);

    view(&mut client, &["d", "d"]).await;
    assert_eq!(observer.take(), ["-- record_dashboard_view"; 2]);

    assert_eq!(recents(&mut client).await, ["d"]);
    assert_eq!(observer.take(), ["-- list_recent_dashboards"]);
}

#[tokio::test]
async fn a_share_link_costs_a_read_one_round_trip_and_a_malformed_token_none() {
    let (server, observer) = start_observed().await;
    let mut client = server.sharing().await;
    let request = proto::CreateShareLinkRequest {
        parent: NAME.into(),
        ..Default::default()
    };
    let created = client.create_share_link(request).await.unwrap().into_inner();
    let name = created.share_link.unwrap().name;
    sharing::get(&mut client, &name).await.unwrap();
    observer.take();
    sharing::get(&mut client, &name).await.unwrap();
    assert_eq!(observer.take(), ["-- get_share_link"]);

    let mut damaged = created.token.clone();
    damaged.replace_range(10..11, if damaged[10..].starts_with('a') { "b" } else { "a" });
    for malformed in ["", "psh_", "x", &created.token[1..], &damaged] {
        assert_not_usable(sharing::resolve(&mut client, malformed).await);
        // Nobody has to know what is granted to whoever has a token.
        let of_a_stranger = as_user("stranger", sharing::resolve_request(malformed));
        assert_not_usable(client.resolve_share_link(of_a_stranger).await);
    }
    assert_eq!(observer.take(), [""; 0]);
    sharing::resolve(&mut client, &created.token).await.unwrap();
    assert!(observer.take().contains(&"-- use_share_link".to_owned()));
}

#[tokio::test]
async fn many_share_links_are_revoked_in_as_many_round_trips_as_one() {
    let (server, observer) = start_observed().await;
    let mut client = server.sharing().await;
    let mut asked = Vec::new();
    // The first time is for what is prepared.
    for links in [1, 1, 20] {
        for _ in 0..links {
            let create = sharing::create_request(sharing::for_uses(1));
            let create = proto::CreateShareLinkRequest {
                parent: NAME.into(),
                ..create
            };
            client.create_share_link(create).await.unwrap();
        }
        observer.take();
        let revoke = proto::RevokeDashboardShareLinksRequest {
            parent: NAME.into(),
            ..Default::default()
        };
        let answer = client.revoke_dashboard_share_links(revoke).await.unwrap().into_inner();
        assert_eq!(answer.revoked_share_links, links);
        asked.push(observer.take());
    }
    assert_eq!(asked[1], asked[2]);
}
