//! DeleteDashboard.

use std::time::Duration;

use dashboard_store::grpc::proto;
use time::OffsetDateTime;
use tonic::Code;

use crate::support::TestServer;
use crate::support::blocking::wait_for_locks;
use crate::support::mutation::{Call, Mutation, Scene};
use crate::support::requests::{create, create_request, get, json_text, reason};

#[tokio::test]
async fn delete_marks_the_dashboard_and_keeps_its_content() {
    let Scene { mut client, head, .. } = Mutation::Delete.scene().await;
    let call = Call::on("gpu", &head.etag);
    let deleted = Mutation::Delete.call(&mut client, call).await.unwrap().unwrap();

    assert_eq!(deleted.state(), proto::DashboardState::Deleted);
    assert_ne!(deleted.etag, head.etag);
    assert_eq!(deleted.updated_by, "user:developer");
    assert!(seconds(deleted.update_time) >= seconds(head.update_time));
    let unchanged = proto::Dashboard {
        state: head.state,
        etag: head.etag.clone(),
        updated_by: head.updated_by.clone(),
        update_time: head.update_time,
        delete_time: None,
        purge_time: None,
        ..deleted.clone()
    };
    assert_eq!(unchanged, head);
    assert_eq!(get(&mut client, "gpu").await, deleted);
}

#[tokio::test]
async fn delete_sets_the_purge_time_to_the_retention_after_the_delete_time() {
    let retention = Duration::from_secs(36 * 3600);
    let server = TestServer::start_with(|config| config.dashboards.deleted_retention = retention).await;
    let mut client = server.dashboards().await;
    let created = create(&mut client, "gpu").await;
    assert_eq!((created.delete_time, created.purge_time), (None, None));

    let call = Call::on("gpu", &created.etag);
    let deleted = Mutation::Delete.call(&mut client, call).await.unwrap().unwrap();

    assert!(seconds(deleted.delete_time) >= seconds(created.create_time));
    assert_eq!(
        seconds(deleted.purge_time) - seconds(deleted.delete_time),
        36 * 3600,
        "{deleted:?}"
    );
}

#[tokio::test]
async fn delete_keeps_the_name_taken() {
    let Scene { mut client, head, .. } = Mutation::Delete.scene().await;
    Mutation::Delete
        .call(&mut client, Call::on("gpu", &head.etag))
        .await
        .unwrap();
    for (id, expected) in [
        ("gpu", "DASHBOARD_SOFT_DELETED"),
        ("GPU", "DASHBOARD_EXISTS_IN_OTHER_CASE"),
    ] {
        let taken = client.create_dashboard(create_request(id)).await.unwrap_err();
        assert_eq!((taken.code(), reason(&taken).as_str()), (Code::AlreadyExists, expected));
    }
}

#[tokio::test]
async fn delete_refuses_a_deleted_dashboard() {
    Mutation::Delete
        .refuses_what_is_for(Mutation::Undelete, "DASHBOARD_DELETED")
        .await;
}

#[tokio::test]
async fn delete_writes_no_revision() {
    let Scene {
        server,
        mut client,
        head,
        ..
    } = Mutation::Delete.scene().await;
    Mutation::Delete.call(&mut client, Call::on("gpu", "*")).await.unwrap();
    let sql = "SELECT count(*) FROM dashboard_revision";
    let revisions: i64 = server.sql().await.query_one(sql, &[]).await.unwrap().get(0);
    assert_eq!(revisions, i64::from(head.revision));
}

#[tokio::test]
async fn delete_answers_with_the_document() {
    let Scene { mut client, head, .. } = Mutation::Delete.scene().await;
    let call = Call::on("gpu", &head.etag);
    let deleted = Mutation::Delete.call(&mut client, call).await.unwrap().unwrap();
    assert_eq!(json_text(deleted.spec), json_text(head.spec));
}

#[tokio::test]
async fn delete_with_validate_only_checks_and_stores_nothing() {
    Mutation::Delete.checks_and_stores_nothing_with_validate_only().await;
}

#[tokio::test]
async fn delete_with_the_same_request_id_answers_the_same() {
    Mutation::Delete.answers_the_same_to_a_replay().await;
}

#[tokio::test]
async fn delete_with_a_stale_etag_is_refused() {
    Mutation::Delete.refuses_a_stale_etag().await;
}

#[tokio::test]
async fn delete_without_an_etag_is_refused() {
    Mutation::Delete.requires_an_etag().await;
}

#[tokio::test]
async fn delete_of_what_does_not_exist_is_not_found() {
    Mutation::Delete.does_not_find(&["cpu", "GPU"]).await;
}

#[tokio::test]
async fn delete_writes_one_audit_event() {
    Mutation::Delete
        .writes_one_audit_event("DeleteDashboard", "dashboards.delete", &["state"])
        .await;
}

fn seconds(time: Option<prost_types::Timestamp>) -> i64 {
    time.unwrap().seconds
}

#[tokio::test]
async fn delete_comes_after_the_change_that_it_waited_for() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    create(&mut client, "gpu").await;
    let mut sql = server.sql().await;
    let change = sql.transaction().await.unwrap();
    change.execute("SELECT FROM dashboard FOR UPDATE", &[]).await.unwrap();
    let request = proto::DeleteDashboardRequest {
        name: "projects/p/dashboards/gpu".into(),
        etag: "*".into(),
        ..Default::default()
    };
    let deletion = tokio::spawn(async move { client.delete_dashboard(request).await });
    let observer = server.sql().await;
    wait_for_locks(&observer, "lock_dashboard_head", 1).await;
    let touch = "UPDATE dashboard SET generation = generation + 1 RETURNING updated_at";
    let touched_at: OffsetDateTime = change.query_one(touch, &[]).await.unwrap().get(0);
    change.commit().await.unwrap();
    deletion.await.unwrap().unwrap();

    let row = observer
        .query_one("SELECT deleted_at FROM dashboard", &[])
        .await
        .unwrap();
    let deleted_at: OffsetDateTime = row.get(0);
    assert!(deleted_at >= touched_at, "{deleted_at} {touched_at}");
}
