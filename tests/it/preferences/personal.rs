//! What a user keeps is for that user alone.

use dashboard_store::grpc::proto;
use tonic::{Code, Status};

use crate::support::TestServer;
use crate::support::audit::stored;
use crate::support::preferences::{
    Client, add, add_request, favorites, favorites_request, get, recents, recents_request, remove_request, update,
    update_request, view, view_request,
};
use crate::support::requests::{as_user, assert_refused, create};

/// What each RPC answers about `users/{user}` to `user:developer`.
async fn ask_each(client: &mut Client, user: &str) -> [Result<(), Status>; 7] {
    let parent = format!("users/{user}");
    let name = format!("{parent}/preferences");
    let get = proto::GetPreferencesRequest { name: name.clone() };
    let update = proto::UpdatePreferencesRequest {
        preferences: Some(proto::UserPreferences {
            name,
            theme: "no theme".into(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let add = proto::AddFavoriteRequest {
        parent: parent.clone(),
        ..add_request("no such")
    };
    let remove = proto::RemoveFavoriteRequest {
        parent: parent.clone(),
        ..remove_request("no such")
    };
    let list_favorites = proto::ListFavoritesRequest {
        parent: parent.clone(),
        page_size: -1,
        ..favorites_request()
    };
    let record = proto::RecordDashboardViewRequest {
        parent: parent.clone(),
        ..view_request("no such")
    };
    let list_recent = proto::ListRecentDashboardsRequest {
        parent,
        page_size: -1,
        ..recents_request()
    };
    [
        client.get_preferences(get).await.map(drop),
        client.update_preferences(update).await.map(drop),
        client.add_favorite(add).await.map(drop),
        client.remove_favorite(remove).await.map(drop),
        client.list_favorites(list_favorites).await.map(drop),
        client.record_dashboard_view(record).await.map(drop),
        client.list_recent_dashboards(list_recent).await.map(drop),
    ]
}

#[tokio::test]
async fn what_another_user_keeps_is_denied_before_anything_else_is_looked_at() {
    let server = TestServer::start().await;
    let mut client = server.preferences().await;
    let theme = proto::UserPreferences {
        theme: "dark".into(),
        etag: "*".into(),
        ..Default::default()
    };
    update(&mut client, as_user("alice", update_request(theme)))
        .await
        .unwrap();
    let before = stored(&server).await;

    // One who keeps something, and one who does not exist: nobody learns which is which.
    for user in ["alice", "nobody", "Developer"] {
        for refused in ask_each(&mut client, user).await {
            assert_refused(&refused.unwrap_err(), Code::PermissionDenied, "PERMISSION_DENIED");
        }
    }
    assert_eq!(stored(&server).await, before);
}

#[tokio::test]
async fn two_users_keep_what_they_keep_apart() {
    let server = TestServer::start().await;
    let mut client = server.preferences().await;
    for id in ["a", "b"] {
        create(&mut server.dashboards().await, id).await;
    }
    let before = get(&mut client).await;
    let light = proto::UserPreferences {
        theme: "light".into(),
        etag: "*".into(),
        ..Default::default()
    };
    update(&mut client, as_user("alice", update_request(light)))
        .await
        .unwrap();
    client.add_favorite(as_user("alice", add_request("a"))).await.unwrap();
    client
        .record_dashboard_view(as_user("alice", view_request("a")))
        .await
        .unwrap();
    add(&mut client, &["b"]).await;
    view(&mut client, &["b"]).await;

    assert_eq!(get(&mut client).await, before);
    assert_eq!(favorites(&mut client).await, ["b"]);
    assert_eq!(recents(&mut client).await, ["b"]);

    client
        .remove_favorite(as_user("alice", remove_request("b")))
        .await
        .unwrap();
    assert_eq!(favorites(&mut client).await, ["b"]);
}

#[tokio::test]
async fn a_page_token_of_another_user_is_refused() {
    let server = TestServer::start().await;
    let mut client = server.preferences().await;
    for id in ["a", "b"] {
        create(&mut server.dashboards().await, id).await;
        client.add_favorite(as_user("alice", add_request(id))).await.unwrap();
    }
    let first = proto::ListFavoritesRequest {
        page_size: 1,
        ..favorites_request()
    };
    let page = client.list_favorites(as_user("alice", first)).await.unwrap();
    let next = proto::ListFavoritesRequest {
        page_token: page.into_inner().next_page_token,
        ..favorites_request()
    };
    let refused = client.list_favorites(next).await.unwrap_err();
    assert_refused(&refused, Code::InvalidArgument, "INVALID_PAGE_TOKEN");
}
