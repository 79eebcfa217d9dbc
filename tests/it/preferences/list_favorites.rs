//! ListFavorites.

use dashboard_store::grpc::proto;

use crate::support::TestServer;
use crate::support::preferences::{add, favorites, favorites_request, remove_request};
use crate::support::requests::{apply, assert_invalid, create, delete, get, ids, spec_named};
use crate::support::rows::copy_dashboard;

const B: &str = "projects/p/dashboards/b";

#[tokio::test]
async fn favorites_come_without_their_documents() {
    let server = TestServer::start().await;
    let mut client = server.preferences().await;
    create(&mut server.dashboards().await, "a").await;
    add(&mut client, &["a"]).await;
    let page = client.list_favorites(favorites_request()).await.unwrap().into_inner();
    let expected = proto::Dashboard {
        spec: None,
        ..get(&mut server.dashboards().await, "a").await
    };
    assert_eq!(page.dashboards, [expected]);
    assert_eq!(page.next_page_token, "");
}

#[tokio::test]
async fn a_deleted_favorite_leaves_the_list_and_is_in_its_place_again_when_it_is_undeleted() {
    let server = TestServer::start().await;
    let mut client = server.preferences().await;
    let mut dashboards = server.dashboards().await;
    for id in ["a", "b", "c"] {
        create(&mut dashboards, id).await;
    }
    add(&mut client, &["c", "b", "a"]).await;

    delete(&mut dashboards, B).await;
    assert_eq!(favorites(&mut client).await, ["c", "a"]);

    let undelete = proto::UndeleteDashboardRequest {
        name: B.into(),
        etag: "*".into(),
        ..Default::default()
    };
    dashboards.undelete_dashboard(undelete).await.unwrap();
    assert_eq!(favorites(&mut client).await, ["c", "b", "a"]);
}

#[tokio::test]
async fn a_purged_favorite_is_gone_also_when_its_name_comes_back() {
    let server = TestServer::start().await;
    let mut client = server.preferences().await;
    let mut dashboards = server.dashboards().await;
    for id in ["a", "b"] {
        create(&mut dashboards, id).await;
    }
    add(&mut client, &["b", "a"]).await;
    delete(&mut dashboards, B).await;
    let purge = proto::PurgeDashboardRequest {
        name: B.into(),
        etag: "*".into(),
        ..Default::default()
    };
    dashboards.purge_dashboard(purge).await.unwrap();
    create(&mut dashboards, "b").await;
    assert_eq!(favorites(&mut client).await, ["a"]);
    client.remove_favorite(remove_request("b")).await.unwrap();
    assert_eq!(favorites(&mut client).await, ["a"]);
}

#[tokio::test]
async fn favorites_of_several_projects_are_one_list() {
    let server = TestServer::start().await;
    let mut client = server.preferences().await;
    for name in ["projects/q/dashboards/x", "projects/p/dashboards/y"] {
        apply(&mut server.dashboards().await, name, spec_named("x")).await;
        let request = proto::AddFavoriteRequest {
            parent: "users/developer".into(),
            dashboard: name.into(),
            ..Default::default()
        };
        client.add_favorite(request).await.unwrap();
    }
    assert_eq!(favorites(&mut client).await, ["x", "y"]);
}

#[tokio::test]
async fn pages_follow_each_other_whatever_comes_and_goes_in_between() {
    let server = TestServer::start().await;
    let mut client = server.preferences().await;
    for id in ["a", "b", "c", "d", "e", "f"] {
        create(&mut server.dashboards().await, id).await;
    }
    add(&mut client, &["e", "d", "c", "b", "a"]).await;
    let mut request = proto::ListFavoritesRequest {
        page_size: 2,
        ..favorites_request()
    };
    let first = client.list_favorites(request.clone()).await.unwrap().into_inner();
    assert_eq!(ids(&first.dashboards), ["e", "d"]);

    // The last one of the page goes, another one comes.
    client.remove_favorite(remove_request("d")).await.unwrap();
    add(&mut client, &["f"]).await;
    request.page_token = first.next_page_token;
    let second = client.list_favorites(request.clone()).await.unwrap().into_inner();
    assert_eq!(ids(&second.dashboards), ["c", "b"]);
    request.page_token = second.next_page_token;
    let third = client.list_favorites(request).await.unwrap().into_inner();
    assert_eq!(
        (ids(&third.dashboards), third.next_page_token.as_str()),
        (vec!["a", "f"], "")
    );
}

#[tokio::test]
async fn a_page_has_the_size_that_was_asked_for_within_its_bounds_and_ends_at_3_mib() {
    let server = TestServer::start().await;
    let mut client = server.preferences().await;
    create(&mut server.dashboards().await, "a").await;
    let sql = server.sql().await;
    copy_dashboard(&sql, "a", 499).await;
    let fill = "INSERT INTO dashboard_favorite (dashboard_id, subject) SELECT id, 'user:developer' FROM dashboard";
    assert_eq!(sql.execute(fill, &[]).await.unwrap(), 500);
    for (page_size, expected) in [(0, 50), (1, 1), (500, 500), (i32::MAX, 500)] {
        let request = proto::ListFavoritesRequest {
            page_size,
            ..favorites_request()
        };
        let page = client.list_favorites(request).await.unwrap().into_inner();
        assert_eq!(page.dashboards.len(), expected, "{page_size}");
        assert_eq!(page.next_page_token.is_empty(), expected == 500);
    }

    let widen = "UPDATE dashboard SET description = repeat('x', 1000000)";
    sql.execute(widen, &[]).await.unwrap();
    let page = client.list_favorites(favorites_request()).await.unwrap().into_inner();
    assert_eq!(page.dashboards.len(), 3);
    assert!(!page.next_page_token.is_empty());
}

#[tokio::test]
async fn a_size_or_a_token_that_is_not_valid_is_refused() {
    let server = TestServer::start().await;
    let mut client = server.preferences().await;
    let negative = proto::ListFavoritesRequest {
        page_size: -1,
        ..favorites_request()
    };
    let refused = client.list_favorites(negative).await.unwrap_err();
    assert_invalid(&refused, &[("page_size", "FIELD_OUT_OF_RANGE")]);
    let foreign = proto::ListFavoritesRequest {
        page_token: "x".into(),
        ..favorites_request()
    };
    let refused = client.list_favorites(foreign).await.unwrap_err();
    assert_invalid(&refused, &[("page_token", "INVALID_PAGE_TOKEN")]);
}
