//! ListRecentDashboards.

use dashboard_store::grpc::proto;
use time::OffsetDateTime;

use crate::support::TestServer;
use crate::support::preferences::{favorites_request, recent_ids, recents, recents_request, view};
use crate::support::requests::{assert_invalid, create, delete, get};

const B: &str = "projects/p/dashboards/b";

#[tokio::test]
async fn recent_dashboards_come_without_their_documents_and_with_the_time_of_the_view() {
    let server = TestServer::start().await;
    let mut client = server.preferences().await;
    create(&mut server.dashboards().await, "a").await;
    view(&mut client, &["a"]).await;
    let viewed_at = "SELECT viewed_at FROM dashboard_recent";
    let time: OffsetDateTime = server.sql().await.query_one(viewed_at, &[]).await.unwrap().get(0);

    let page = client
        .list_recent_dashboards(recents_request())
        .await
        .unwrap()
        .into_inner();

    let dashboard = proto::Dashboard {
        spec: None,
        ..get(&mut server.dashboards().await, "a").await
    };
    let view_time = prost_types::Timestamp {
        seconds: time.unix_timestamp(),
        nanos: time.nanosecond().cast_signed(),
    };
    let expected = proto::RecentDashboard {
        dashboard: Some(dashboard),
        view_time: Some(view_time),
    };
    assert_eq!(page.recent_dashboards, [expected]);
    assert_eq!(page.next_page_token, "");
}

#[tokio::test]
async fn deleted_dashboards_are_left_out_until_they_are_undeleted() {
    let server = TestServer::start().await;
    let mut client = server.preferences().await;
    let mut dashboards = server.dashboards().await;
    for id in ["a", "b", "c"] {
        create(&mut dashboards, id).await;
    }
    view(&mut client, &["a", "b", "c"]).await;
    delete(&mut dashboards, B).await;
    assert_eq!(recents(&mut client).await, ["c", "a"]);

    let undelete = proto::UndeleteDashboardRequest {
        name: B.into(),
        etag: "*".into(),
        ..Default::default()
    };
    dashboards.undelete_dashboard(undelete).await.unwrap();
    assert_eq!(recents(&mut client).await, ["c", "b", "a"]);

    delete(&mut dashboards, B).await;
    let purge = proto::PurgeDashboardRequest {
        name: B.into(),
        etag: "*".into(),
        ..Default::default()
    };
    dashboards.purge_dashboard(purge).await.unwrap();
    create(&mut dashboards, "b").await;
    assert_eq!(recents(&mut client).await, ["c", "a"]);
}

#[tokio::test]
async fn pages_follow_each_other_also_among_views_of_the_same_time() {
    let server = TestServer::start().await;
    let mut client = server.preferences().await;
    for id in ["a", "b", "c", "d", "e"] {
        create(&mut server.dashboards().await, id).await;
    }
    view(&mut client, &["a", "b", "c", "d", "e"]).await;
    let same_time =
        "UPDATE dashboard_recent SET viewed_at = now() FROM dashboard WHERE id = dashboard_id AND name <> 'e'";
    server.sql().await.execute(same_time, &[]).await.unwrap();
    let all = recents(&mut client).await;
    assert_eq!(all.len(), 5);

    let mut paged = Vec::new();
    let mut request = proto::ListRecentDashboardsRequest {
        page_size: 2,
        ..recents_request()
    };
    loop {
        let page = client
            .list_recent_dashboards(request.clone())
            .await
            .unwrap()
            .into_inner();
        paged.extend(recent_ids(&page));
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    assert_eq!(paged, all);
}

#[tokio::test]
async fn a_size_or_a_token_that_is_not_valid_is_refused() {
    let server = TestServer::start().await;
    let mut client = server.preferences().await;
    let negative = proto::ListRecentDashboardsRequest {
        page_size: -1,
        ..recents_request()
    };
    let refused = client.list_recent_dashboards(negative).await.unwrap_err();
    assert_invalid(&refused, &[("page_size", "FIELD_OUT_OF_RANGE")]);

    for id in ["a", "b"] {
        create(&mut server.dashboards().await, id).await;
    }
    view(&mut client, &["a", "b"]).await;
    let one = proto::ListRecentDashboardsRequest {
        page_size: 1,
        ..recents_request()
    };
    let page = client.list_recent_dashboards(one).await.unwrap().into_inner();
    // A token of this list is none of another.
    let of_favorites = proto::ListFavoritesRequest {
        page_token: page.next_page_token,
        ..favorites_request()
    };
    let refused = client.list_favorites(of_favorites).await.unwrap_err();
    assert_invalid(&refused, &[("page_token", "INVALID_PAGE_TOKEN")]);
}
