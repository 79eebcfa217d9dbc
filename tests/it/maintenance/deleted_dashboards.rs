//! Purging soft-deleted dashboards whose time has come.

use super::*;
use crate::support::TestServer;
use crate::support::audit::{AuditEvent, events};
use crate::support::preferences::add_request;
use crate::support::requests::{apply, create, delete, spec_named};
use crate::support::rows::copy_dashboard;

/// Sets when a soft-deleted dashboard is purged, in seconds from now.
async fn set_purge_at(sql: &Client, id: &str, seconds: f64) {
    let statement = "UPDATE dashboard SET purge_at = now() + make_interval(secs => $2) WHERE name = $1";
    assert_eq!(sql.execute(statement, &[&id, &seconds]).await.unwrap(), 1);
}

#[tokio::test]
async fn those_whose_time_has_come_go_with_all_that_belongs_to_them() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    for id in ["live", "due", "later"] {
        create(&mut client, id).await;
    }
    let name = "projects/p/dashboards/due";
    let head = apply(&mut client, name, spec_named("second")).await;
    let add = add_request("due");
    server.preferences().await.add_favorite(add).await.unwrap();
    delete(&mut client, name).await;
    delete(&mut client, "projects/p/dashboards/later").await;
    let sql = server.sql().await;
    set_purge_at(&sql, "due", -1.0).await;
    set_purge_at(&sql, "later", 60.0).await;
    let before = events(&server).await;

    let store = store(server.database(), 100);
    assert_eq!(run(&store, "deleted_dashboards").await.rows, 1);

    assert_eq!(dashboards(&sql).await, ["later", "live"]);
    assert_eq!(count(&sql, "dashboard_revision").await, 2);
    assert_eq!(count(&sql, "dashboard_favorite").await, 0);
    let expected = AuditEvent {
        actor: "system:dashboard-store".into(),
        method: "perses.dashboards.v1.DashboardService/PurgeDashboard".into(),
        permission: "dashboards.purge".into(),
        resource: name.into(),
        uid: head.uid,
        revision_before: Some(2),
        revision_after: None,
        sha256_before: Some(head.spec_sha256),
        sha256_after: None,
        changed_paths: vec!["state".into()],
        result: "success".into(),
    };
    assert_eq!(events(&server).await[before.len()..], [expected]);
    assert_eq!(run(&store, "deleted_dashboards").await.rows, 0);
}

#[tokio::test]
async fn many_are_purged_in_batches_and_one_that_is_in_use_is_not_waited_for() {
    let server = TestServer::start().await;
    create(&mut server.dashboards().await, "d").await;
    let sql = server.sql().await;
    copy_dashboard(&sql, "d", 119).await;
    let expire = "UPDATE dashboard SET state = 'deleted', deleted_at = now(), purge_at = now()";
    sql.execute(expire, &[]).await.unwrap();
    let events_before = events(&server).await.len();
    let holder = server.sql().await;
    let hold = "BEGIN; SELECT FROM dashboard WHERE name = 'd-7' FOR UPDATE";
    holder.batch_execute(hold).await.unwrap();

    let store = store(server.database(), 100);
    let done = run(&store, "deleted_dashboards").await;

    assert_eq!((done.rows, done.batches), (119, 3));
    assert_eq!(dashboards(&sql).await, ["d-7"]);
    holder.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(run(&store, "deleted_dashboards").await.rows, 1);
    assert_eq!(events(&server).await.len(), events_before + 120);
    let ids = "(SELECT DISTINCT correlation_id FROM audit_log WHERE actor = 'system:dashboard-store') AS runs";
    assert_eq!(count(&sql, ids).await, 2, "the events of a run have its id");
}
