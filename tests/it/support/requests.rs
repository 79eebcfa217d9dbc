//! Requests that tests begin with, and what they read out of errors.

use dashboard_store::grpc::proto;
use dashboard_store::grpc::proto::dashboard_service_client::DashboardServiceClient;
use dashboard_store::grpc::proto::dashboard_spec::Content;
use serde_json::json;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::channel::Channel;

/// The password of a datasource in documents, which is to be found there alone.
pub const DATASOURCE_PASSWORD: &str = "canary-datasource-password";

/// A document with this display name, and nothing in it but a datasource.
pub fn spec_named(display_name: &str) -> String {
    spec_with(display_name, &json!({ "password": DATASOURCE_PASSWORD }))
}

/// The same as a share link shows it.
pub fn shared_spec_named(display_name: &str) -> String {
    spec_with(display_name, &json!({}))
}

fn spec_with(display_name: &str, datasource: &serde_json::Value) -> String {
    let plugin = json!({ "kind": "PrometheusDatasource", "spec": datasource });
    json!({
        "display": { "name": display_name },
        "datasources": { "prom": { "default": true, "plugin": plugin } },
        "panels": {},
        "layouts": [],
    })
    .to_string()
}

/// A document of exactly `bytes` bytes.
pub fn spec_of_size(bytes: usize) -> String {
    let (before, after) = (r#"{"panels":{},"padding":""#, r#""}"#);
    let padding = "x".repeat(bytes - before.len() - after.len());
    format!("{before}{padding}{after}")
}

/// A document of `count` numbers: 2 bytes each as JSON, and 11 in a tree.
pub fn spec_of_numbers(count: usize) -> String {
    format!(r#"{{"panels":{{}},"numbers":[{}]}}"#, vec!["0"; count].join(","))
}

/// A document in which arrays and objects are nested so deep.
pub fn spec_of_levels(levels: usize) -> String {
    let (open, close) = (r#"{"a":"#.repeat(levels - 1), "}".repeat(levels - 1));
    format!(r#"{{"deep":{open}true{close},"panels":{{}}}}"#)
}

/// Whether the document of an answer is a tree.
pub fn is_tree(spec: Option<&proto::DashboardSpec>) -> bool {
    matches!(
        spec.and_then(|message| message.content.as_ref()),
        Some(Content::Structured(_))
    )
}

/// A document of a message, as JSON text.
pub fn json_spec(text: impl Into<String>) -> Option<proto::DashboardSpec> {
    Some(proto::DashboardSpec {
        content: Some(Content::Json(text.into())),
    })
}

/// The JSON text of the document of an answer.
pub fn json_text(spec: Option<proto::DashboardSpec>) -> String {
    match spec.and_then(|message| message.content) {
        Some(Content::Json(text)) => text,
        other => panic!("no JSON text but {other:?}"),
    }
}

/// Asks for `projects/p/dashboards/{id}` with a small document.
pub fn create_request(id: &str) -> proto::CreateDashboardRequest {
    proto::CreateDashboardRequest {
        parent: "projects/p".into(),
        dashboard_id: id.into(),
        dashboard: Some(proto::Dashboard {
            spec: json_spec(spec_named(id)),
            ..Default::default()
        }),
        ..Default::default()
    }
}

/// Creates `projects/p/dashboards/{id}` with a small document.
pub async fn create(client: &mut DashboardServiceClient<Channel>, id: &str) -> proto::Dashboard {
    let answer = client.create_dashboard(create_request(id)).await.unwrap();
    answer.into_inner().dashboard.unwrap()
}

/// Makes the dashboard `name` hold the document `spec`: creates it, or gives it a new revision.
pub async fn apply(
    client: &mut DashboardServiceClient<Channel>,
    name: &str,
    spec: impl Into<String>,
) -> proto::Dashboard {
    let request = proto::ApplyDashboardRequest {
        dashboard: Some(proto::Dashboard {
            name: name.into(),
            spec: json_spec(spec),
            ..Default::default()
        }),
        ..Default::default()
    };
    let answer = client.apply_dashboard(request).await.unwrap();
    answer.into_inner().dashboard.unwrap()
}

/// Soft-deletes the dashboard `name`, whatever its version.
pub async fn delete(client: &mut DashboardServiceClient<Channel>, name: &str) -> proto::Dashboard {
    let request = proto::DeleteDashboardRequest {
        name: name.into(),
        etag: "*".into(),
        ..Default::default()
    };
    let answer = client.delete_dashboard(request).await.unwrap();
    answer.into_inner().dashboard.unwrap()
}

/// Reads `projects/p/dashboards/{id}`.
pub async fn get(client: &mut DashboardServiceClient<Channel>, id: &str) -> proto::Dashboard {
    let request = proto::GetDashboardRequest {
        name: format!("projects/p/dashboards/{id}"),
        ..Default::default()
    };
    client
        .get_dashboard(request)
        .await
        .unwrap()
        .into_inner()
        .dashboard
        .unwrap()
}

/// Asks for the first page of the dashboards of `parent`.
pub fn list_request(parent: &str) -> proto::ListDashboardsRequest {
    proto::ListDashboardsRequest {
        parent: parent.into(),
        ..Default::default()
    }
}

/// The last segments of the names of dashboards.
pub fn ids(dashboards: &[proto::Dashboard]) -> Vec<&str> {
    let names = dashboards.iter().map(|dashboard| dashboard.name.as_str());
    names.map(|name| name.rsplit('/').next().unwrap()).collect()
}

/// The reason of an error, which every one has.
pub fn reason(status: &Status) -> String {
    let info = status
        .get_details_error_info()
        .unwrap_or_else(|| panic!("no ErrorInfo in {status:?}"));
    assert_eq!(info.domain, "dashboards.perses.dev");
    info.reason
}

/// Asserts the code and the reason of an error.
#[track_caller]
pub fn assert_refused(status: &Status, code: Code, expected_reason: &str) {
    assert_eq!(
        (status.code(), reason(status).as_str()),
        (code, expected_reason),
        "{status:?}"
    );
}

/// Asserts that an error is about these fields alone, each given with its reason; the first is the reason of the whole.
#[track_caller]
pub fn assert_invalid(status: &Status, fields: &[(&str, &str)]) {
    assert_refused(status, Code::InvalidArgument, fields[0].1);
    let found = violations(status);
    let found: Vec<(&str, &str)> = found.iter().map(|(field, reason)| (&**field, &**reason)).collect();
    assert_eq!(found, fields);
}

/// Asserts that an error is about the resource `name`.
#[track_caller]
pub fn assert_about(status: &Status, name: &str) {
    let resource = status.get_details_resource_info().unwrap();
    assert_eq!(
        (resource.resource_type.as_str(), resource.resource_name.as_str()),
        ("dashboards.perses.dev/Dashboard", name)
    );
}

/// The fields of a BadRequest, each with its reason.
pub fn violations(status: &Status) -> Vec<(String, String)> {
    let details = status.get_details_bad_request().map(|bad| bad.field_violations);
    details
        .unwrap_or_default()
        .into_iter()
        .map(|violation| (violation.field, violation.reason))
        .collect()
}

/// A request in the name of `user:{user}`.
pub fn as_user<T>(user: &str, message: T) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    request.metadata_mut().insert("x-remote-user", user.parse().unwrap());
    request
}

/// The revisions of `projects/p/dashboards/{id}` with their documents, newest first.
pub async fn list_revisions(client: &mut DashboardServiceClient<Channel>, id: &str) -> Vec<proto::DashboardRevision> {
    let request = proto::ListDashboardRevisionsRequest {
        parent: format!("projects/p/dashboards/{id}"),
        page_size: 500,
        view: proto::DashboardView::Full.into(),
        ..Default::default()
    };
    let page = client.list_dashboard_revisions(request).await.unwrap().into_inner();
    assert_eq!(page.next_page_token, "", "more revisions than one page holds");
    page.revisions
}
