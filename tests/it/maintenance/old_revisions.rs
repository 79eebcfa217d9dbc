//! Pruning revisions after the number of those that are kept was lowered.

use super::*;
use crate::support::TestServer;
use crate::support::requests::{apply, create, list_revisions, spec_named};
use crate::support::rows::copy_dashboard;

#[tokio::test]
async fn the_newest_are_kept_of_each_dashboard() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    for (id, revisions) in [("few", 3), ("many", 5)] {
        create(&mut client, id).await;
        for revision in 2..=revisions {
            let spec = spec_named(&format!("revision {revision}"));
            apply(&mut client, &format!("projects/p/dashboards/{id}"), spec).await;
        }
    }
    let every = run(&store(server.database(), i32::MAX), "old_revisions").await;
    assert_eq!(every.rows, 0);

    assert_eq!(run(&store(server.database(), 3), "old_revisions").await.rows, 2);

    for (id, kept) in [("few", vec![3, 2, 1]), ("many", vec![5, 4, 3])] {
        let revisions = list_revisions(&mut client, id).await;
        let numbers: Vec<i32> = revisions.iter().map(|revision| revision.revision).collect();
        assert_eq!(numbers, kept, "{id}");
    }
}

#[tokio::test]
async fn all_dashboards_are_looked_at_in_batches() {
    let server = TestServer::start().await;
    create(&mut server.dashboards().await, "d").await;
    let sql = server.sql().await;
    copy_dashboard(&sql, "d", 1200).await;
    let write = "UPDATE dashboard SET revision = 3, generation = 3;
        DELETE FROM dashboard_revision;
        INSERT INTO dashboard_revision (dashboard_id, revision, display_name, description, metadata, spec, spec_sha256,
            spec_size_bytes, spec_value_sha256, author, created_at)
        SELECT id, n, display_name, description, metadata, spec, spec_sha256, spec_size_bytes, spec_value_sha256, updated_by,
            updated_at FROM dashboard, generate_series(1, 3) AS n";
    sql.batch_execute(write).await.unwrap();

    let done = run(&store(server.database(), 1), "old_revisions").await;

    assert_eq!(done.rows, 2 * 1201);
    assert!(done.batches > 3, "{done:?}");
    let left = "(SELECT FROM dashboard_revision WHERE revision = 3) AS newest";
    assert_eq!(count(&sql, left).await, 1201);
    assert_eq!(count(&sql, "dashboard_revision").await, 1201);
}
