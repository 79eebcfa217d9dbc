//! RemoveFavorite.

use dashboard_store::grpc::proto;
use tonic::Code;
use uuid::Uuid;

use crate::support::TestServer;
use crate::support::audit::{events, stored};
use crate::support::preferences::{add, favorites, remove_request};
use crate::support::requests::{assert_invalid, assert_refused, create, delete};

#[tokio::test]
async fn remove_takes_one_out_and_leaves_the_others_in_their_order() {
    let server = TestServer::start().await;
    let mut client = server.preferences().await;
    for id in ["a", "b", "c"] {
        create(&mut server.dashboards().await, id).await;
    }
    add(&mut client, &["c", "b", "a"]).await;
    client.remove_favorite(remove_request("b")).await.unwrap();
    assert_eq!(favorites(&mut client).await, ["c", "a"]);
    // Added again, it comes last.
    add(&mut client, &["b"]).await;
    assert_eq!(favorites(&mut client).await, ["c", "a", "b"]);
}

#[tokio::test]
async fn remove_of_what_is_no_favorite_or_not_there_succeeds_and_is_no_event() {
    let server = TestServer::start().await;
    let mut client = server.preferences().await;
    create(&mut server.dashboards().await, "a").await;
    let before = events(&server).await;
    for id in ["a", "b", "A"] {
        client.remove_favorite(remove_request(id)).await.unwrap();
    }
    assert_eq!(events(&server).await, before);
}

#[tokio::test]
async fn remove_takes_a_deleted_dashboard_too() {
    let server = TestServer::start().await;
    let mut client = server.preferences().await;
    create(&mut server.dashboards().await, "a").await;
    add(&mut client, &["a"]).await;
    delete(&mut server.dashboards().await, "projects/p/dashboards/a").await;
    client.remove_favorite(remove_request("a")).await.unwrap();
    let count = "SELECT count(*) FROM dashboard_favorite";
    let left: i64 = server.sql().await.query_one(count, &[]).await.unwrap().get(0);
    assert_eq!(left, 0);
}

#[tokio::test]
async fn remove_with_validate_only_stores_nothing() {
    let server = TestServer::start().await;
    let mut client = server.preferences().await;
    create(&mut server.dashboards().await, "a").await;
    add(&mut client, &["a"]).await;
    let before = stored(&server).await;
    let request = proto::RemoveFavoriteRequest {
        validate_only: true,
        ..remove_request("a")
    };
    client.remove_favorite(request).await.unwrap();
    assert_eq!(stored(&server).await, before);
}

#[tokio::test]
async fn remove_with_the_same_request_id_removes_once() {
    let server = TestServer::start().await;
    let mut client = server.preferences().await;
    for id in ["a", "b"] {
        create(&mut server.dashboards().await, id).await;
    }
    add(&mut client, &["a"]).await;
    let request = proto::RemoveFavoriteRequest {
        request_id: Uuid::new_v4().to_string(),
        ..remove_request("a")
    };
    client.remove_favorite(request.clone()).await.unwrap();
    add(&mut client, &["a"]).await;
    client.remove_favorite(request.clone()).await.unwrap();
    assert_eq!(favorites(&mut client).await, ["a"]);

    let other_content = proto::RemoveFavoriteRequest {
        request_id: request.request_id,
        ..remove_request("b")
    };
    let refused = client.remove_favorite(other_content).await.unwrap_err();
    assert_refused(&refused, Code::InvalidArgument, "REQUEST_ID_REUSED");
}

#[tokio::test]
async fn remove_reports_every_violation_at_once() {
    let server = TestServer::start().await;
    let mut client = server.preferences().await;
    let request = proto::RemoveFavoriteRequest {
        dashboard: String::new(),
        request_id: "1".into(),
        ..remove_request("a")
    };
    let refused = client.remove_favorite(request).await.unwrap_err();
    assert_invalid(
        &refused,
        &[("dashboard", "FIELD_REQUIRED"), ("request_id", "FIELD_INVALID")],
    );
}
