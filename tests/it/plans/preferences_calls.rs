//! Calls that make the service run each statement about what users keep.

use dashboard_store::grpc::proto;

use crate::support::TestServer;
use crate::support::preferences::{self, Client, favorites_request, recents_request, update_request};

/// In the first of the loaded projects, and no favourite of anybody.
const LOADED: &str = "projects/project-1/dashboards/dashboard-0000001";

/// Runs every statement at least once, for a user with as many rows as there can be.
pub async fn each(server: &TestServer) {
    let mut client = server.preferences().await;
    write_preferences(&mut client).await;
    change_favorites(&mut client).await;
    list_favorites(&mut client).await;
    look_at_dashboards(&mut client).await;
    list_recents(&mut client).await;
}

/// Writes preferences first, and once more.
async fn write_preferences(client: &mut Client) {
    preferences::get(client).await;
    for theme in ["light", "dark"] {
        let request = update_request(proto::UserPreferences {
            theme: theme.into(),
            etag: "*".into(),
            ..Default::default()
        });
        preferences::update(client, request).await.unwrap();
    }
}

async fn change_favorites(client: &mut Client) {
    let add = proto::AddFavoriteRequest {
        parent: "users/me".into(),
        dashboard: LOADED.into(),
        ..Default::default()
    };
    client.add_favorite(add).await.unwrap();
    let remove = proto::RemoveFavoriteRequest {
        parent: "users/me".into(),
        dashboard: LOADED.into(),
        ..Default::default()
    };
    client.remove_favorite(remove).await.unwrap();
}

async fn list_favorites(client: &mut Client) {
    let mut request = favorites_request();
    let first = client.list_favorites(request.clone()).await.unwrap().into_inner();
    request.page_token = first.next_page_token;
    let second = client.list_favorites(request).await.unwrap().into_inner();
    assert_eq!(second.dashboards.len(), 50);
}

async fn look_at_dashboards(client: &mut Client) {
    let view = proto::RecordDashboardViewRequest {
        parent: "users/me".into(),
        dashboard: LOADED.into(),
        ..Default::default()
    };
    for _ in 0..2 {
        client.record_dashboard_view(view.clone()).await.unwrap();
    }
}

async fn list_recents(client: &mut Client) {
    let mut request = recents_request();
    let first = client
        .list_recent_dashboards(request.clone())
        .await
        .unwrap()
        .into_inner();
    request.page_token = first.next_page_token;
    let second = client.list_recent_dashboards(request).await.unwrap().into_inner();
    assert!(!second.recent_dashboards.is_empty());
}
