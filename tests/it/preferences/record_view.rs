//! RecordDashboardView.

use dashboard_store::grpc::proto;
use tonic::Code;
use uuid::Uuid;

use crate::support::TestServer;
use crate::support::audit::stored;
use crate::support::preferences::{recents, view, view_request};
use crate::support::requests::{as_user, assert_about, assert_invalid, assert_refused, create, delete, get};
use crate::support::rows::copy_dashboard;

#[tokio::test]
async fn a_view_puts_the_dashboard_in_front_and_is_kept_once() {
    let server = TestServer::start().await;
    let mut client = server.preferences().await;
    for id in ["a", "b", "c"] {
        create(&mut server.dashboards().await, id).await;
    }
    view(&mut client, &["a", "b", "c", "a"]).await;
    assert_eq!(recents(&mut client).await, ["a", "c", "b"]);
}

#[tokio::test]
async fn reading_a_dashboard_is_no_view() {
    let server = TestServer::start().await;
    create(&mut server.dashboards().await, "a").await;
    get(&mut server.dashboards().await, "a").await;
    assert_eq!(recents(&mut server.preferences().await).await, [""; 0]);
}

#[tokio::test]
async fn a_view_writes_no_audit_event_and_keeps_no_request_id() {
    let server = TestServer::start().await;
    let mut client = server.preferences().await;
    create(&mut server.dashboards().await, "a").await;
    let count = "SELECT (SELECT count(*) FROM audit_log) + (SELECT count(*) FROM mutation_request)";
    let sql = server.sql().await;
    let before: i64 = sql.query_one(count, &[]).await.unwrap().get(0);
    let request = proto::RecordDashboardViewRequest {
        request_id: Uuid::new_v4().to_string(),
        ..view_request("a")
    };
    let first = client
        .record_dashboard_view(request.clone())
        .await
        .unwrap()
        .into_inner();
    let again = client.record_dashboard_view(request).await.unwrap().into_inner();
    assert_eq!(first, again);
    assert_eq!(sql.query_one(count, &[]).await.unwrap().get::<_, i64>(0), before);
    assert_eq!(recents(&mut client).await, ["a"]);
}

#[tokio::test]
async fn the_100_dashboards_that_were_looked_at_last_are_kept() {
    let server = TestServer::start().await;
    let mut client = server.preferences().await;
    create(&mut server.dashboards().await, "a").await;
    let sql = server.sql().await;
    copy_dashboard(&sql, "a", 130).await;
    client
        .record_dashboard_view(as_user("alice", view_request("a-1")))
        .await
        .unwrap();
    for number in 1..=100 {
        view(&mut client, &[&format!("a-{number}")]).await;
    }
    // One that is there already pushes nothing out.
    view(&mut client, &["a-1", "a-2"]).await;
    assert_eq!(recents(&mut client).await.len(), 100);
    view(&mut client, &["a-101"]).await;

    let kept = recents(&mut client).await;
    assert_eq!(kept.len(), 100);
    assert_eq!(kept[..4], ["a-101", "a-2", "a-1", "a-100"]);
    assert_eq!(kept.last().unwrap(), "a-4");
    let others = "SELECT count(*) FROM dashboard_recent WHERE subject = 'user:alice'";
    assert_eq!(sql.query_one(others, &[]).await.unwrap().get::<_, i64>(0), 1);
}

/// Gives `user:developer` a view of each of `count` dashboards `a-1`, `a-2` and so on, the first one the longest ago.
async fn fill(server: &TestServer, count: i32) {
    create(&mut server.dashboards().await, "a").await;
    let sql = server.sql().await;
    copy_dashboard(&sql, "a", count).await;
    let fill = "INSERT INTO dashboard_recent (dashboard_id, subject, viewed_at)
        SELECT id, 'user:developer', now() - make_interval(days => 1000 - split_part(name, '-', 2)::integer)
        FROM dashboard WHERE name <> 'a'";
    sql.execute(fill, &[]).await.unwrap();
}

#[tokio::test]
async fn views_at_the_same_time_stand_in_nobodys_way() {
    let server = TestServer::start().await;
    fill(&server, 200).await;
    let mut viewers = Vec::new();
    for viewer in 0..8 {
        let mut client = server.preferences().await;
        viewers.push(tokio::spawn(async move {
            for step in 0..20 {
                let id = format!("a-{}", 1 + (step * 8 + viewer * 7) % 60);
                client.record_dashboard_view(view_request(&id)).await.unwrap();
            }
        }));
    }
    for viewer in viewers {
        viewer.await.unwrap();
    }
    let mut client = server.preferences().await;
    view(&mut client, &["a"]).await;
    assert_eq!(recents(&mut client).await.len(), 100);
}

#[tokio::test]
async fn a_view_does_not_wait_for_what_it_would_forget() {
    let server = TestServer::start().await;
    let mut client = server.preferences().await;
    fill(&server, 100).await;
    let mut sql = server.sql().await;
    let other_view = sql.transaction().await.unwrap();
    let oldest = "SELECT FROM dashboard_recent ORDER BY viewed_at LIMIT 1 FOR UPDATE";
    other_view.execute(oldest, &[]).await.unwrap();

    view(&mut client, &["a"]).await;
    assert_eq!(recents(&mut client).await.len(), 101);

    other_view.rollback().await.unwrap();
    view(&mut client, &["a"]).await;
    assert_eq!(recents(&mut client).await.len(), 100);
}

#[tokio::test]
async fn a_clock_that_steps_back_takes_no_view_behind_an_earlier_one() {
    let server = TestServer::start().await;
    let mut client = server.preferences().await;
    for id in ["a", "b"] {
        create(&mut server.dashboards().await, id).await;
    }
    view(&mut client, &["a"]).await;
    let later = "UPDATE dashboard_recent SET viewed_at = now() + interval '1 hour'";
    server.sql().await.execute(later, &[]).await.unwrap();
    view(&mut client, &["a", "b"]).await;
    assert_eq!(recents(&mut client).await, ["a", "b"]);
}

#[tokio::test]
async fn a_view_of_what_is_not_there_or_deleted_is_refused_also_with_validate_only() {
    let server = TestServer::start().await;
    let mut client = server.preferences().await;
    create(&mut server.dashboards().await, "a").await;
    delete(&mut server.dashboards().await, "projects/p/dashboards/a").await;
    let before = stored(&server).await;
    for (id, code, reason) in [
        ("a", Code::FailedPrecondition, "DASHBOARD_DELETED"),
        ("b", Code::NotFound, "DASHBOARD_NOT_FOUND"),
    ] {
        for validate_only in [false, true] {
            let request = proto::RecordDashboardViewRequest {
                validate_only,
                ..view_request(id)
            };
            let refused = client.record_dashboard_view(request).await.unwrap_err();
            assert_refused(&refused, code, reason);
            assert_about(&refused, &format!("projects/p/dashboards/{id}"));
        }
    }
    assert_eq!(stored(&server).await, before);
}

#[tokio::test]
async fn a_view_with_validate_only_stores_nothing() {
    let server = TestServer::start().await;
    let mut client = server.preferences().await;
    create(&mut server.dashboards().await, "a").await;
    let before = stored(&server).await;
    let request = proto::RecordDashboardViewRequest {
        validate_only: true,
        ..view_request("a")
    };
    client.record_dashboard_view(request).await.unwrap();
    assert_eq!(stored(&server).await, before);
}

#[tokio::test]
async fn a_view_reports_every_violation_at_once() {
    let server = TestServer::start().await;
    let mut client = server.preferences().await;
    let request = proto::RecordDashboardViewRequest {
        dashboard: "a".into(),
        request_id: "1".into(),
        ..view_request("a")
    };
    let refused = client.record_dashboard_view(request).await.unwrap_err();
    assert_invalid(
        &refused,
        &[("dashboard", "INVALID_NAME"), ("request_id", "FIELD_INVALID")],
    );
}
