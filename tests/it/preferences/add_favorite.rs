//! AddFavorite.

use dashboard_store::grpc::proto;
use tonic::Code;
use tonic_types::StatusExt as _;
use uuid::Uuid;

use crate::support::TestServer;
use crate::support::audit::{AuditEvent, events, stored};
use crate::support::blocking::wait_for_locks;
use crate::support::preferences::{add, add_request, favorites, get};
use crate::support::requests::{as_user, assert_about, assert_invalid, assert_refused, create, delete};
use crate::support::rows::copy_dashboard;

#[tokio::test]
async fn add_puts_a_dashboard_behind_the_favorites_and_leaves_the_etag_of_the_preferences() {
    let server = TestServer::start().await;
    let mut client = server.preferences().await;
    for id in ["a", "b", "c"] {
        create(&mut server.dashboards().await, id).await;
    }
    let before = get(&mut client).await;
    add(&mut client, &["b", "c", "a"]).await;
    assert_eq!(favorites(&mut client).await, ["b", "c", "a"]);
    assert_eq!(get(&mut client).await, before);
}

#[tokio::test]
async fn add_of_a_favorite_keeps_its_place_and_writes_nothing() {
    let server = TestServer::start().await;
    let mut client = server.preferences().await;
    for id in ["a", "b"] {
        create(&mut server.dashboards().await, id).await;
    }
    add(&mut client, &["a", "b"]).await;
    let rows = "SELECT string_agg(f::text, ' ') FROM dashboard_favorite AS f";
    let sql = server.sql().await;
    let before: String = sql.query_one(rows, &[]).await.unwrap().get(0);

    add(&mut client, &["a"]).await;

    assert_eq!(favorites(&mut client).await, ["a", "b"]);
    let after: String = sql.query_one(rows, &[]).await.unwrap().get(0);
    assert_eq!(after, before);
    let of_favorites = events(&server).await.into_iter();
    assert_eq!(
        of_favorites
            .filter(|event| event.permission == "preferences.update")
            .count(),
        2
    );
}

#[tokio::test]
async fn add_of_what_is_not_there_or_deleted_is_refused() {
    let server = TestServer::start().await;
    let mut client = server.preferences().await;
    create(&mut server.dashboards().await, "a").await;
    delete(&mut server.dashboards().await, "projects/p/dashboards/a").await;
    let before = stored(&server).await;
    for (id, code, reason) in [
        ("a", Code::FailedPrecondition, "DASHBOARD_DELETED"),
        ("b", Code::NotFound, "DASHBOARD_NOT_FOUND"),
        ("A", Code::NotFound, "DASHBOARD_NOT_FOUND"),
    ] {
        let refused = client.add_favorite(add_request(id)).await.unwrap_err();
        assert_refused(&refused, code, reason);
        assert_about(&refused, &format!("projects/p/dashboards/{id}"));
    }
    assert_eq!(stored(&server).await, before);
}

#[tokio::test]
async fn add_reports_every_violation_at_once() {
    let server = TestServer::start().await;
    let mut client = server.preferences().await;
    let request = proto::AddFavoriteRequest {
        dashboard: "projects/-/dashboards/a".into(),
        request_id: "1".into(),
        ..add_request("a")
    };
    let refused = client.add_favorite(request).await.unwrap_err();
    assert_invalid(
        &refused,
        &[("dashboard", "INVALID_NAME"), ("request_id", "FIELD_INVALID")],
    );
    let request = proto::AddFavoriteRequest {
        parent: "projects/p".into(),
        ..add_request("a")
    };
    let refused = client.add_favorite(request).await.unwrap_err();
    assert_invalid(&refused, &[("parent", "INVALID_NAME")]);
}

#[tokio::test]
async fn add_takes_500_favorites_deleted_ones_included() {
    let server = TestServer::start().await;
    let mut client = server.preferences().await;
    create(&mut server.dashboards().await, "a").await;
    let sql = server.sql().await;
    copy_dashboard(&sql, "a", 500).await;
    let fill = "INSERT INTO dashboard_favorite (dashboard_id, subject)
        SELECT id, 'user:developer' FROM dashboard WHERE name NOT IN ('a', 'a-500')";
    assert_eq!(sql.execute(fill, &[]).await.unwrap(), 499);
    delete(&mut server.dashboards().await, "projects/p/dashboards/a-1").await;

    add(&mut client, &["a-500"]).await;
    let refused = client.add_favorite(add_request("a")).await.unwrap_err();
    assert_refused(&refused, Code::FailedPrecondition, "TOO_MANY_FAVORITES");
    let resource = refused.get_details_resource_info().unwrap();
    assert_eq!(resource.resource_name, "users/developer/preferences");

    // What is there already is none too many, and others have room of their own.
    add(&mut client, &["a-500"]).await;
    client.add_favorite(as_user("alice", add_request("a"))).await.unwrap();
}

#[tokio::test]
async fn add_at_the_same_time_never_exceeds_the_limit_and_gives_each_a_place() {
    let server = TestServer::start().await;
    create(&mut server.dashboards().await, "a").await;
    let sql = server.sql().await;
    copy_dashboard(&sql, "a", 510).await;
    let fill = "INSERT INTO dashboard_favorite (dashboard_id, subject)
        SELECT id, 'user:developer' FROM dashboard WHERE split_part(name, '-', 2) > '' LIMIT 495";
    sql.execute(fill, &[]).await.unwrap();
    let others = "SELECT name FROM dashboard WHERE id NOT IN (SELECT dashboard_id FROM dashboard_favorite) LIMIT 10";
    let mut calls = Vec::new();
    for row in sql.query(others, &[]).await.unwrap() {
        let mut client = server.preferences().await;
        let request = add_request(row.get(0));
        calls.push(tokio::spawn(async move { client.add_favorite(request).await }));
    }
    let mut added = 0;
    for call in calls {
        match call.await.unwrap() {
            Ok(_) => added += 1,
            Err(refused) => assert_refused(&refused, Code::FailedPrecondition, "TOO_MANY_FAVORITES"),
        }
    }
    assert_eq!(added, 5);
    let count = "SELECT count(*) FROM dashboard_favorite";
    assert_eq!(sql.query_one(count, &[]).await.unwrap().get::<_, i64>(0), 500);
}

#[tokio::test]
async fn add_with_validate_only_checks_and_stores_nothing() {
    let server = TestServer::start().await;
    let mut client = server.preferences().await;
    create(&mut server.dashboards().await, "a").await;
    let before = stored(&server).await;
    let validate_only = |id: &str| proto::AddFavoriteRequest {
        validate_only: true,
        ..add_request(id)
    };
    client.add_favorite(validate_only("a")).await.unwrap();
    let refused = client.add_favorite(validate_only("b")).await.unwrap_err();
    assert_refused(&refused, Code::NotFound, "DASHBOARD_NOT_FOUND");
    assert_eq!(stored(&server).await, before);
}

#[tokio::test]
async fn add_with_the_same_request_id_adds_once() {
    let server = TestServer::start().await;
    let mut client = server.preferences().await;
    for id in ["a", "b"] {
        create(&mut server.dashboards().await, id).await;
    }
    let request = proto::AddFavoriteRequest {
        request_id: Uuid::new_v4().to_string(),
        ..add_request("a")
    };
    client.add_favorite(request.clone()).await.unwrap();
    let sql = server.sql().await;
    sql.execute("DELETE FROM dashboard_favorite", &[]).await.unwrap();
    let after_first = stored(&server).await;
    client.add_favorite(request.clone()).await.unwrap();
    let other_content = proto::AddFavoriteRequest {
        request_id: request.request_id,
        ..add_request("b")
    };
    let refused = client.add_favorite(other_content).await.unwrap_err();
    assert_refused(&refused, Code::InvalidArgument, "REQUEST_ID_REUSED");
    assert_eq!(stored(&server).await, after_first);
}

#[tokio::test]
async fn add_and_remove_write_one_audit_event_each() {
    let server = TestServer::start().await;
    let mut client = server.preferences().await;
    let dashboard = create(&mut server.dashboards().await, "a").await;
    client.add_favorite(as_user("a/b", add_request("a"))).await.unwrap();
    let remove = crate::support::preferences::remove_request("a");
    client.remove_favorite(as_user("a/b", remove)).await.unwrap();

    let expected = |rpc: &str| AuditEvent {
        actor: "user:a/b".into(),
        method: format!("perses.dashboards.v1.PreferencesService/{rpc}"),
        permission: "preferences.update".into(),
        resource: "users/a%2Fb/favorites/projects/p/dashboards/a".into(),
        uid: dashboard.uid.clone(),
        revision_before: None,
        revision_after: None,
        sha256_before: None,
        sha256_after: None,
        changed_paths: vec!["favorites".into()],
        result: "success".into(),
    };
    let events = events(&server).await;
    assert_eq!(events[1..], [expected("AddFavorite"), expected("RemoveFavorite")]);
    let projects = "SELECT count(*) FROM audit_log WHERE project IS NULL";
    let personal: i64 = server.sql().await.query_one(projects, &[]).await.unwrap().get(0);
    assert_eq!(personal, 2);
}

#[tokio::test]
async fn add_of_what_is_purged_meanwhile_is_not_found() {
    let server = TestServer::start().await;
    let mut client = server.preferences().await;
    create(&mut server.dashboards().await, "a").await;
    let mut sql = server.sql().await;
    let purge = sql.transaction().await.unwrap();
    purge.execute("DELETE FROM dashboard", &[]).await.unwrap();
    let adding = tokio::spawn(async move { client.add_favorite(add_request("a")).await });
    wait_for_locks(&server.sql().await, "add_favorite", 1).await;
    purge.commit().await.unwrap();
    let refused = adding.await.unwrap().unwrap_err();
    assert_refused(&refused, Code::NotFound, "DASHBOARD_NOT_FOUND");
}
