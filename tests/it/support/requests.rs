//! Requests that tests begin with, and what they read out of errors.

use dashboard_store::grpc::proto;
use dashboard_store::grpc::proto::dashboard_service_client::DashboardServiceClient;
use dashboard_store::grpc::proto::dashboard_spec::Content;
use tonic::Status;
use tonic::transport::Channel;
use tonic_types::StatusExt as _;

/// A document with this display name, and nothing in it.
pub fn spec_named(display_name: &str) -> String {
    serde_json::json!({ "display": { "name": display_name }, "panels": {}, "layouts": [] }).to_string()
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

/// The reason of an error, which every one has.
pub fn reason(status: &Status) -> String {
    let info = status
        .get_details_error_info()
        .unwrap_or_else(|| panic!("no ErrorInfo in {status:?}"));
    assert_eq!(info.domain, "dashboards.perses.dev");
    info.reason
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
