//! Imports and exports, as clients make them.

use dashboard_store::grpc::proto;
use dashboard_store::grpc::proto::dashboard_service_client::DashboardServiceClient;
use dashboard_store::grpc::proto::import_dashboards_request::Part;
use futures_util::stream;
use proto::{ImportConflictPolicy, ImportDashboardsRequest, ImportDashboardsResponse, ImportOutcome};
use tokio::sync::mpsc;
use tonic::{Status, Streaming};

use super::channel::Channel;
use super::requests::as_user;

type Client = DashboardServiceClient<Channel>;

/// A resource of Perses with this project and name; `display_name` is all that its spec says.
pub fn resource(project: &str, id: &str, display_name: &str) -> String {
    serde_json::json!({
        "kind": "Dashboard",
        "metadata": { "name": id, "project": project, "tags": ["imported"] },
        "spec": { "display": { "name": display_name }, "panels": {}, "layouts": [] },
    })
    .to_string()
}

/// Options of an import into `projects/p`, which makes everything as given.
pub fn options() -> proto::ImportOptions {
    proto::ImportOptions {
        parent: "projects/p".into(),
        conflict_policy: ImportConflictPolicy::Update.into(),
        ..Default::default()
    }
}

/// The same, all or none.
pub fn atomic() -> proto::ImportOptions {
    proto::ImportOptions {
        atomic: true,
        ..options()
    }
}

/// One message of an import.
pub fn message(part: Part) -> ImportDashboardsRequest {
    ImportDashboardsRequest { part: Some(part) }
}

/// The message of an item.
pub fn item(text: impl Into<String>) -> ImportDashboardsRequest {
    message(Part::Item(proto::ImportItem { text: text.into() }))
}

/// The messages of a whole import.
pub fn whole(options: proto::ImportOptions, texts: Vec<String>) -> Vec<ImportDashboardsRequest> {
    let mut messages = vec![message(Part::Options(options))];
    messages.extend(texts.into_iter().map(item));
    messages.push(message(Part::End(proto::ImportEnd {})));
    messages
}

/// Sends messages, and gives all answers with how the stream ended.
pub async fn send(
    client: &mut Client,
    messages: Vec<ImportDashboardsRequest>,
) -> (Vec<ImportDashboardsResponse>, Result<(), Status>) {
    match client.import_dashboards(stream::iter(messages)).await {
        Ok(answers) => read_all(answers.into_inner()).await,
        Err(status) => (Vec::new(), Err(status)),
    }
}

/// Begins an import with these options: what it shall get goes into the sender, which ends the stream when it is dropped.
pub async fn begin(
    client: &mut Client,
    options: proto::ImportOptions,
) -> (
    mpsc::Sender<ImportDashboardsRequest>,
    Streaming<ImportDashboardsResponse>,
) {
    begin_as(client, "developer", options).await
}

/// The same in the name of `user:{user}`.
pub async fn begin_as(
    client: &mut Client,
    user: &str,
    options: proto::ImportOptions,
) -> (
    mpsc::Sender<ImportDashboardsRequest>,
    Streaming<ImportDashboardsResponse>,
) {
    let (sender, mut messages) = mpsc::channel(8);
    let parts = stream::poll_fn(move |context| messages.poll_recv(context));
    sender.send(message(Part::Options(options))).await.unwrap();
    let request = as_user(user, parts);
    let answers = client.import_dashboards(request).await.unwrap().into_inner();
    (sender, answers)
}

/// Reads answers up to the end of their stream.
pub async fn read_all<T>(mut answers: Streaming<T>) -> (Vec<T>, Result<(), Status>) {
    let mut read = Vec::new();
    loop {
        match answers.message().await {
            Ok(Some(answer)) => read.push(answer),
            Ok(None) => return (read, Ok(())),
            Err(status) => return (read, Err(status)),
        }
    }
}

/// Imports texts, and gives the answers of a stream that ended well.
pub async fn import(
    client: &mut Client,
    options: proto::ImportOptions,
    texts: Vec<String>,
) -> Vec<ImportDashboardsResponse> {
    let (answers, end) = send(client, whole(options, texts)).await;
    end.unwrap();
    answers
}

/// What became of the items, each checked to stand at its place.
pub fn outcomes(answers: &[ImportDashboardsResponse]) -> Vec<ImportOutcome> {
    for (position, answer) in answers.iter().enumerate() {
        assert_eq!(usize::try_from(answer.index), Ok(position), "{answer:?}");
    }
    answers.iter().map(ImportDashboardsResponse::outcome).collect()
}

/// Exports the live dashboards of `parent`: the texts with their names.
pub async fn export(client: &mut Client, parent: &str) -> Vec<(String, String)> {
    let request = proto::ExportDashboardsRequest {
        parent: parent.into(),
        ..Default::default()
    };
    let answers = client.export_dashboards(request).await.unwrap().into_inner();
    let (read, end) = read_all(answers).await;
    end.unwrap();
    read.into_iter().map(|answer| (answer.name, answer.text)).collect()
}
