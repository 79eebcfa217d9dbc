//! Links to one revision.

use dashboard_store::grpc::proto;
use dashboard_store::store::maintenance::{Outcome, TASKS, When};
use dashboard_store::store::{Retention, Store};

use crate::support::TestServer;
use crate::support::requests::{apply, delete, json_text, list_revisions, shared_spec_named, spec_named};
use crate::support::sharing::{D, for_uses, resolve, share, start_with};

fn to_revision(revision: i32) -> proto::ShareLink {
    proto::ShareLink {
        pinned_revision: Some(revision),
        ..for_uses(100)
    }
}

async fn revisions(server: &TestServer) -> Vec<i32> {
    let listed = list_revisions(&mut server.dashboards().await, "d").await;
    listed.into_iter().map(|revision| revision.revision).collect()
}

/// Runs a task of maintenance that keeps so many revisions; how many rows it changed.
async fn maintain(server: &TestServer, name: &str, revisions_kept: i32) -> u64 {
    let retention = Retention {
        revisions_kept,
        deleted_dashboards: std::time::Duration::ZERO,
    };
    let store = Store::new(server.pool().clone(), retention);
    let task = TASKS.iter().find(|task| task.name == name).unwrap();
    match store.maintain(task, When::Now).await.unwrap() {
        Outcome::Done(done) => done.rows,
        other => panic!("it did not run: {other:?}"),
    }
}

#[tokio::test]
async fn a_pinned_revision_is_shown_and_not_pruned_by_writes() {
    let (server, mut client) = start_with(|config| config.dashboards.revisions_kept = 2).await;
    let (_, token) = share(&mut client, to_revision(1)).await;
    let mut dashboards = server.dashboards().await;
    for text in ["second", "third", "fourth"] {
        apply(&mut dashboards, D, spec_named(text)).await;
    }
    assert_eq!(revisions(&server).await, [4, 3, 1]);
    let shown = resolve(&mut client, &token).await.unwrap().dashboard.unwrap();
    assert_eq!((shown.revision, shown.display_name.as_str()), (1, "first"));
    assert_eq!(json_text(shown.spec), shared_spec_named("first"));
}

#[tokio::test]
async fn maintenance_prunes_around_a_pinned_revision_until_the_link_is_gone() {
    let (server, mut client) = start_with(|_| {}).await;
    let mut dashboards = server.dashboards().await;
    for text in ["second", "third", "fourth"] {
        apply(&mut dashboards, D, spec_named(text)).await;
    }
    let (_, token) = share(&mut client, to_revision(2)).await;
    assert_eq!(maintain(&server, "old_revisions", 1).await, 2);
    assert_eq!(revisions(&server).await, [4, 2]);
    resolve(&mut client, &token).await.unwrap();

    let expire = "UPDATE share_token SET created_at = now() - interval '2 days', expires_at = now() - interval '1 day'";
    server.sql().await.execute(expire, &[]).await.unwrap();
    assert_eq!(maintain(&server, "expired_share_links", 1).await, 1);
    assert_eq!(maintain(&server, "old_revisions", 1).await, 1);
    assert_eq!(revisions(&server).await, [4]);
}

#[tokio::test]
async fn cleaning_up_removes_what_expired_and_nothing_else() {
    let (server, mut client) = start_with(|_| {}).await;
    let (kept, _) = share(&mut client, for_uses(1)).await;
    share(&mut client, for_uses(1)).await;
    let sql = server.sql().await;
    let expire = "UPDATE share_token SET created_at = now() - interval '2 days', expires_at = now() - interval '1 day',
        revoked_at = now(), revoked_by = 'user:ada' WHERE id::text <> $1";
    let id = kept.name.rsplit('/').next().unwrap();
    sql.execute(expire, &[&id]).await.unwrap();
    for expected in [1, 0] {
        let removed: i32 = sql
            .query_one("SELECT cleanup_expired_tokens()", &[])
            .await
            .unwrap()
            .get(0);
        assert_eq!(removed, expected);
    }
    let left: String = sql
        .query_one("SELECT id::text FROM share_token", &[])
        .await
        .unwrap()
        .get(0);
    assert_eq!(left, id);
}

#[tokio::test]
async fn links_go_with_their_dashboard_also_where_they_pin() {
    let (server, mut client) = start_with(|_| {}).await;
    share(&mut client, to_revision(1)).await;
    share(&mut client, for_uses(1)).await;
    let mut dashboards = server.dashboards().await;
    delete(&mut dashboards, D).await;
    let purge = proto::PurgeDashboardRequest {
        name: D.into(),
        etag: "*".into(),
        ..Default::default()
    };
    dashboards.purge_dashboard(purge).await.unwrap();
    let count = "SELECT count(*) FROM share_token";
    let sql = server.sql().await;
    assert_eq!(sql.query_one(count, &[]).await.unwrap().get::<_, i64>(0), 0);

    apply(&mut dashboards, D, spec_named("again")).await;
    share(&mut client, to_revision(1)).await;
    let purge_project = proto::PurgeProjectRequest {
        name: "projects/p".into(),
        ..Default::default()
    };
    dashboards.purge_project(purge_project).await.unwrap();
    assert_eq!(sql.query_one(count, &[]).await.unwrap().get::<_, i64>(0), 0);
}
