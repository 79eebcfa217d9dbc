//! Calls that make the service run each of its statements.

use dashboard_store::grpc::proto;
use dashboard_store::grpc::proto::dashboard_service_client::DashboardServiceClient;
use tonic::Code;
use uuid::Uuid;

use crate::support::channel::Channel;
use crate::support::requests::{apply, as_user, assert_refused, delete, json_spec, spec_named};
use crate::support::transfer::{export, import, options, resource};

/// Live, in the first of the loaded projects.
const LOADED: &str = "projects/project-1/dashboards/dashboard-0000001";
/// Made by the calls.
const MADE: &str = "projects/project-1/dashboards/made";

type Client = DashboardServiceClient<Channel>;

/// Runs every statement but the lists of dashboards at least once.
pub async fn each(client: &mut Client) {
    read_dashboards(client).await;
    create(client).await;
    change(client).await;
    read_revisions(client).await;
    import_some(client).await;
    remove(client).await;
}

/// The names of 100 loaded dashboards of one project.
fn hundred_names() -> Vec<String> {
    let numbers = (0..100).map(|row| row * 20 + 1);
    numbers
        .map(|number| format!("projects/project-1/dashboards/dashboard-{number:07}"))
        .collect()
}

async fn read_dashboards(client: &mut Client) {
    let get = proto::GetDashboardRequest {
        name: LOADED.into(),
        ..Default::default()
    };
    client.get_dashboard(get.clone()).await.unwrap();
    client.get_dashboard(as_user("granted", get)).await.unwrap();

    let batch_get = proto::BatchGetDashboardsRequest {
        parent: "projects/project-1".into(),
        names: hundred_names(),
        ..Default::default()
    };
    client.batch_get_dashboards(batch_get.clone()).await.unwrap();

    let exported = export(client, "projects/project-1").await;
    assert!(exported.len() > 200, "several portions");

    let mut with_missing = batch_get;
    with_missing.names[99] = "projects/project-1/dashboards/missing".into();
    let refused = client.batch_get_dashboards(with_missing).await.unwrap_err();
    assert_refused(&refused, Code::NotFound, "DASHBOARD_NOT_FOUND");
}

/// Creates a dashboard, twice under one request id, and once more.
async fn create(client: &mut Client) {
    let mut request = proto::CreateDashboardRequest {
        parent: "projects/project-1".into(),
        dashboard_id: "made".into(),
        dashboard: Some(proto::Dashboard {
            spec: json_spec(spec_named("made")),
            ..Default::default()
        }),
        request_id: Uuid::new_v4().to_string(),
        ..Default::default()
    };
    client.create_dashboard(request.clone()).await.unwrap();
    client.create_dashboard(request.clone()).await.unwrap();
    request.request_id.clear();
    let refused = client.create_dashboard(request).await.unwrap_err();
    assert_refused(&refused, Code::AlreadyExists, "DASHBOARD_EXISTS");
}

/// Gives the dashboard a history of more than one page.
async fn change(client: &mut Client) {
    for revision in 2..=60 {
        apply(client, MADE, spec_named(&format!("revision {revision}"))).await;
    }
    let update = proto::UpdateDashboardRequest {
        dashboard: Some(proto::Dashboard {
            name: MADE.into(),
            etag: "*".into(),
            tags: vec!["changed".into()],
            ..Default::default()
        }),
        ..Default::default()
    };
    client.update_dashboard(update).await.unwrap();
    let restore = proto::RestoreDashboardRevisionRequest {
        name: format!("{MADE}/revisions/1"),
        etag: "*".into(),
        ..Default::default()
    };
    client.restore_dashboard_revision(restore).await.unwrap();
}

/// Imports more dashboards than are written at the same time, so that some are written together; then the same among others.
async fn import_some(client: &mut Client) {
    const DASHBOARDS: usize = 50;
    let texts = |step| (0..DASHBOARDS).map(move |number| resource("imported", &format!("d-{}", number * step), "d"));
    for step in [2, 1] {
        let into_its_own = proto::ImportOptions {
            parent: "projects/imported".into(),
            ..options()
        };
        let answers = import(client, into_its_own, texts(step).collect()).await;
        assert_eq!(answers.len(), DASHBOARDS);
    }
}

async fn read_revisions(client: &mut Client) {
    let mut list = proto::ListDashboardRevisionsRequest {
        parent: MADE.into(),
        ..Default::default()
    };
    let first = client
        .list_dashboard_revisions(list.clone())
        .await
        .unwrap()
        .into_inner();
    list.page_token = first.next_page_token;
    let second = client.list_dashboard_revisions(list).await.unwrap().into_inner();
    assert!(!second.revisions.is_empty());

    let get = proto::GetDashboardRevisionRequest {
        name: format!("{MADE}/revisions/7"),
        ..Default::default()
    };
    client.get_dashboard_revision(get).await.unwrap();

    let diff = proto::DiffDashboardRevisionsRequest {
        name: MADE.into(),
        from_revision: 1,
        to_revision: 0,
    };
    client.diff_dashboard_revisions(diff).await.unwrap();
}

async fn remove(client: &mut Client) {
    delete(client, MADE).await;
    let undelete = proto::UndeleteDashboardRequest {
        name: MADE.into(),
        etag: "*".into(),
        ..Default::default()
    };
    client.undelete_dashboard(undelete).await.unwrap();
    delete(client, MADE).await;
    let purge = proto::PurgeDashboardRequest {
        name: MADE.into(),
        etag: "*".into(),
        ..Default::default()
    };
    client.purge_dashboard(purge).await.unwrap();
}
