//! Secrets are found where they are meant to be, and nowhere else: not in logs, not in errors, not in metrics, not in the
//! database. As miners took a canary along, the service is given secrets that are easy to find, and called in every way.

mod requests;
mod scene;
mod secrets;

use std::fs;

use dashboard_store::grpc::proto;
use dashboard_store::grpc::proto::dashboard_service_client::DashboardServiceClient;
use serde_json::json;
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::transport::Channel;
use tonic::{Request, Status};

use self::requests::DASHBOARD;
use self::scene::{DATASOURCE_PASSWORD, Scene};
use self::secrets::Search;
use crate::access::matrix;
use crate::support::raw;
use crate::support::requests::json_text;
use crate::support::{cluster, transfer};

/// Where secrets are meant to be: a document is kept as it was written, and what is wrong is quoted to whoever wrote it.
const MEANT: [&str; 3] = [
    "a bearer token in an error about it",
    "the password of a datasource in dashboard.spec",
    "the password of a datasource in dashboard_revision.spec",
];

/// The headers of somebody who shows a token.
fn bearer(token: &str) -> MetadataMap {
    headers(&[("authorization", &format!("Bearer {token}"))])
}

fn headers(pairs: &[(&'static str, &str)]) -> MetadataMap {
    let mut metadata = MetadataMap::new();
    for (name, value) in pairs {
        metadata.append(*name, MetadataValue::try_from(*value).unwrap());
    }
    metadata
}

/// Changes what can be changed, as somebody who may.
async fn change(channel: &Channel, token: &str) {
    for (method, message) in requests::changes() {
        let changed = raw::call(channel.clone(), method, bearer(token), message).await;
        assert!(changed.is_ok(), "{method}: {changed:?}");
    }
    let resource = json!({
        "kind": "Dashboard",
        "metadata": { "name": "imported", "project": "p" },
        "spec": requests::spec("imported"),
    });
    let messages = transfer::whole(transfer::options(), vec![resource.to_string()]);
    let mut request = Request::new(futures_util::stream::iter(messages));
    *request.metadata_mut() = bearer(token);
    let mut client = DashboardServiceClient::new(channel.clone());
    let answers = client.import_dashboards(request).await.unwrap().into_inner();
    let (imported, end) = transfer::read_all(answers).await;
    assert!(imported.len() == 1 && end.is_ok(), "{imported:?}, {end:?}");
}

/// Calls every method, as somebody who may, and as many who may not: what those are told.
async fn refusals(channel: &Channel, scene: &Scene) -> Vec<Status> {
    let (good, cut) = (&scene.admin, &scene.admin[..scene.admin.len() - 4]);
    let strangers = [
        bearer(&scene.stranger),
        bearer(&scene.expired),
        bearer(cut),
        headers(&[("authorization", good)]),
        headers(&[("authorization", &format!("Basic {good}"))]),
        headers(&[("authorization", &format!("Bearer {good}")), ("x-remote-user", good)]),
        headers(&[("x-remote-user", good)]),
        headers(&[]),
    ];
    let mut refused = Vec::new();
    for method in matrix::methods() {
        let message = matrix::requests::of(&method);
        let allowed = raw::call(channel.clone(), &method, bearer(good), message.clone()).await;
        assert!(allowed.is_ok(), "{method}: {allowed:?}");
        for metadata in &strangers {
            let called = raw::call(channel.clone(), &method, metadata.clone(), message.clone()).await;
            refused.extend(called.err());
        }
        // Somebody who may, with bytes that are no message.
        let called = raw::call(channel.clone(), &method, bearer(good), vec![0xff; 9]).await;
        refused.extend(called.err());
    }
    assert!(refused.len() > matrix::methods().len(), "{refused:?}");
    refused
}

/// Calls with `text` in fields that are for something else: what is said to that.
async fn mistakes(channel: &Channel, token: &str, text: &str) -> Vec<Status> {
    let mut refused = Vec::new();
    for (method, message) in requests::mistaken(text) {
        let called = raw::call(channel.clone(), method, bearer(token), message).await;
        refused.push(called.expect_err(method));
    }
    refused
}

/// The document that a caller reads who may.
async fn read(channel: &Channel, token: &str) -> String {
    let mut request = Request::new(proto::GetDashboardRequest {
        name: DASHBOARD.into(),
        ..Default::default()
    });
    *request.metadata_mut() = bearer(token);
    let mut client = DashboardServiceClient::new(channel.clone());
    let answer = client.get_dashboard(request).await.unwrap().into_inner();
    json_text(answer.dashboard.unwrap().spec)
}

/// All that an error says: its text, its headers, and its details as they are sent.
fn said(status: &Status) -> String {
    format!("{status:?} {}", String::from_utf8_lossy(status.details()))
}

#[tokio::test]
async fn secrets_are_found_where_they_are_meant_to_be_and_nowhere_else() {
    let scene = Scene::start().await;
    let secrets = scene.secrets();
    let mut search = Search::new(&secrets);
    let channel = scene.channel().await;

    change(&channel, &scene.admin).await;
    matrix::insert_what_has_ids(&scene.database.connect().await).await;
    assert!(read(&channel, &scene.admin).await.contains(DATASOURCE_PASSWORD));
    for status in refusals(&channel, &scene).await {
        search.text("an error", &said(&status));
    }
    let (_, signature) = scene.stranger.rsplit_once('.').unwrap();
    for status in mistakes(&channel, &scene.admin, &scene.stranger).await {
        search.text("an error about it", &said(&status));
        // Quotations are cut. Without its signature, nobody else can use the token.
        assert!(!said(&status).contains(signature), "{status:?}");
    }
    scene.wait_until_sealed().await;
    for (path, answer) in scene.sidecar().await {
        search.text(path, &answer);
    }
    search.database(&scene.database.connect().await).await;
    let log = scene.stop().await;
    assert!(log.lines().any(|line| line.contains(r#""level":"TRACE""#)), "{log}");
    search.text("the log", &log);
    search.text(
        "the log of PostgreSQL",
        &fs::read_to_string(cluster::log_path()).unwrap(),
    );

    assert_eq!(search.found(), MEANT);
}
