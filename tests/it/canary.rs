//! Secrets are found where they are meant to be, and nowhere else: not in logs, not in errors, not in metrics, not in the
//! database. As miners took a canary along, the service is given secrets that are easy to find, and called in every way.

mod requests;
mod run;
mod scene;
mod secrets;

use std::collections::BTreeSet;
use std::fs;

use dashboard_store::grpc::proto;
use dashboard_store::grpc::proto::dashboard_service_client::DashboardServiceClient;
use serde_json::json;
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::{Request, Status};

use self::requests::DASHBOARD;
use self::scene::Scene;
use self::secrets::Search;
use crate::access::matrix;
use crate::access::matrix::requests::link_secret;
use crate::support::channel::Channel;
use crate::support::raw;
use crate::support::recording::said;
use crate::support::requests::{DATASOURCE_PASSWORD, json_text};
use crate::support::{cluster, transfer};

/// Where secrets are meant to be: a document is kept as it was written, and what is wrong is quoted to whoever wrote it.
const MEANT: [&str; 4] = [
    "the claims of a bearer token in an error about it",
    "the password of a datasource in dashboard.spec",
    "the password of a datasource in dashboard_revision.spec",
    "the password of a datasource in dashboard_template.spec",
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

/// Calls below the path of a share link, and methods that are audited, as somebody who may not: what is said to that.
async fn misled_calls(channel: Channel, token: &str, secret: &str) -> Vec<Status> {
    let mut refused = Vec::new();
    let audited = "perses.dashboards.v1.DashboardService/DeleteDashboard";
    for method in [format!("share/{secret}").as_str(), audited] {
        let message = matrix::requests::of(audited);
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
    let link = link_secret();
    // A token alone could be somebody's name for a dashboard; the address that was pasted with it can't.
    let address = format!("https://dashboards.example/share/{}", link.expose());
    for text in [&scene.stranger, &address] {
        for status in mistakes(&channel, &scene.admin, text).await {
            search.text("an error about it", &said(&status));
        }
    }
    let misled = scene.channel_of(&format!("browser/{}", link.expose())).await;
    for status in misled_calls(misled, &scene.stranger, link.expose()).await {
        search.text("an error", &said(&status));
    }
    scene.wait_until_sealed().await;
    for (path, answer) in scene.sidecar().await {
        search.text(path, &answer);
    }
    let sql = scene.database.connect().await;
    let columns = search.database(&sql).await;
    assert!(columns > 100, "only {columns} columns");
    let statements = "SELECT query FROM pg_stat_activity";
    search.answers(&sql, "pg_stat_activity", statements).await;
    let log = scene.stop().await;
    assert!(log.lines().any(|line| line.contains(r#""level":"TRACE""#)), "{log}");
    search.text("the log", &log);
    search.text(
        "the log of PostgreSQL",
        &fs::read_to_string(cluster::log_path()).unwrap(),
    );

    let found = search.found();
    assert!(found.keys().eq(BTreeSet::from(MEANT)), "{found:#?}");
}
