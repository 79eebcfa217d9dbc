//! Calls of PreferencesService that tests begin with.

use dashboard_store::grpc::proto;
use dashboard_store::grpc::proto::preferences_service_client::PreferencesServiceClient;
use dashboard_store::grpc::structured::WireStruct;
use tonic::Status;

use super::channel::Channel;
use super::requests::ids;

pub type Client = PreferencesServiceClient<Channel>;

/// A message of settings, given as JSON text.
pub fn settings(text: &str) -> Option<WireStruct> {
    Some(WireStruct::from_json(text).unwrap())
}

/// The preferences `users/me/preferences`.
pub async fn get(client: &mut Client) -> proto::UserPreferences {
    let request = proto::GetPreferencesRequest {
        name: "users/me/preferences".into(),
    };
    let answer = client.get_preferences(request).await.unwrap();
    answer.into_inner().preferences.unwrap()
}

/// Asks for the fields that `preferences` populates, of the caller and in whatever version it names.
pub fn update_request(preferences: proto::UserPreferences) -> proto::UpdatePreferencesRequest {
    proto::UpdatePreferencesRequest {
        preferences: Some(proto::UserPreferences {
            name: "users/me/preferences".into(),
            ..preferences
        }),
        ..Default::default()
    }
}

pub async fn update(
    client: &mut Client,
    request: impl tonic::IntoRequest<proto::UpdatePreferencesRequest>,
) -> Result<proto::UserPreferences, Status> {
    let answer = client.update_preferences(request).await?;
    Ok(answer.into_inner().preferences.unwrap())
}

/// Asks for `projects/p/dashboards/{id}` to be a favourite of the caller.
pub fn add_request(id: &str) -> proto::AddFavoriteRequest {
    proto::AddFavoriteRequest {
        parent: "users/me".into(),
        dashboard: format!("projects/p/dashboards/{id}"),
        ..Default::default()
    }
}

/// Makes each of `projects/p/dashboards/{id}` a favourite of the caller.
pub async fn add(client: &mut Client, ids: &[&str]) {
    for id in ids {
        client.add_favorite(add_request(id)).await.unwrap();
    }
}

/// Asks for `projects/p/dashboards/{id}` to be no favourite of the caller.
pub fn remove_request(id: &str) -> proto::RemoveFavoriteRequest {
    proto::RemoveFavoriteRequest {
        parent: "users/me".into(),
        dashboard: format!("projects/p/dashboards/{id}"),
        ..Default::default()
    }
}

/// Asks for the first page of the favourites of the caller.
pub fn favorites_request() -> proto::ListFavoritesRequest {
    proto::ListFavoritesRequest {
        parent: "users/me".into(),
        ..Default::default()
    }
}

/// The ids of the favourites of the caller.
pub async fn favorites(client: &mut Client) -> Vec<String> {
    let page = client.list_favorites(favorites_request()).await.unwrap().into_inner();
    ids(&page.dashboards).into_iter().map(str::to_owned).collect()
}

/// Tells that the caller looks at `projects/p/dashboards/{id}`.
pub fn view_request(id: &str) -> proto::RecordDashboardViewRequest {
    proto::RecordDashboardViewRequest {
        parent: "users/me".into(),
        dashboard: format!("projects/p/dashboards/{id}"),
        ..Default::default()
    }
}

/// Tells that the caller looks at `projects/p/dashboards/{id}`, one after the other.
pub async fn view(client: &mut Client, ids: &[&str]) {
    for id in ids {
        client.record_dashboard_view(view_request(id)).await.unwrap();
    }
}

/// Asks for the first page of what the caller looked at.
pub fn recents_request() -> proto::ListRecentDashboardsRequest {
    proto::ListRecentDashboardsRequest {
        parent: "users/me".into(),
        ..Default::default()
    }
}

/// The ids of the dashboards of a page.
pub fn recent_ids(page: &proto::ListRecentDashboardsResponse) -> Vec<String> {
    let dashboards = page.recent_dashboards.iter();
    let dashboards: Vec<_> = dashboards.map(|recent| recent.dashboard.clone().unwrap()).collect();
    ids(&dashboards).into_iter().map(str::to_owned).collect()
}

/// The ids of what the caller looked at, at most 500 of them.
pub async fn recents(client: &mut Client) -> Vec<String> {
    let request = proto::ListRecentDashboardsRequest {
        page_size: 500,
        ..recents_request()
    };
    let page = client.list_recent_dashboards(request).await.unwrap().into_inner();
    recent_ids(&page)
}
