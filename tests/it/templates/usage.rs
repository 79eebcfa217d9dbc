//! `update_template_usage_stats()`.

use dashboard_store::grpc::proto;

use crate::support::TestServer;
use crate::support::audit::events;
use crate::support::requests::{create as create_dashboard, delete as delete_dashboard};
use crate::support::templates::{create, get, instantiate};

async fn count(server: &TestServer, batch_size: i32) -> i32 {
    let sql = server.sql().await;
    // A count that waits for a writer fails.
    sql.batch_execute("SET lock_timeout = '5s'").await.unwrap();
    let count = "SELECT update_template_usage_stats($1)";
    sql.query_one(count, &[&batch_size]).await.unwrap().get(0)
}

#[tokio::test]
async fn uses_are_counted_from_the_origins_of_dashboards() {
    let server = TestServer::start().await;
    let mut client = server.templates().await;
    let mut dashboards = server.dashboards().await;
    let used = create(&mut client, "used").await;
    let unused = create(&mut client, "unused").await;
    create_dashboard(&mut dashboards, "by-hand").await;
    instantiate(&mut client, &used.name, "a").await;
    let newest = instantiate(&mut client, &used.name, "b").await;
    let written = events(&server).await.len();

    assert_eq!(count(&server, 1000).await, 1);

    let counted = get(&mut client, &used.name).await.unwrap();
    assert_eq!((counted.usage_count, counted.last_use_time), (2, newest.create_time));
    // To count is no change.
    let expected = proto::Template {
        usage_count: 2,
        last_use_time: newest.create_time,
        ..used.clone()
    };
    assert_eq!(counted, expected);
    assert_eq!(get(&mut client, &unused.name).await.unwrap(), unused);
    assert_eq!(events(&server).await.len(), written);
    assert_eq!(count(&server, 1000).await, 0, "there is nothing new");

    delete_dashboard(&mut dashboards, &newest.name).await;
    assert_eq!(count(&server, 1000).await, 0, "one that is soft-deleted still counts");
    let purge = proto::PurgeDashboardRequest {
        name: newest.name,
        etag: "*".into(),
        ..Default::default()
    };
    dashboards.purge_dashboard(purge).await.unwrap();
    assert_eq!(count(&server, 1000).await, 1);
    let after_purge = get(&mut client, &used.name).await.unwrap();
    assert_eq!(
        (after_purge.usage_count, after_purge.last_use_time),
        (1, newest.create_time)
    );
}

#[tokio::test]
async fn uses_are_counted_in_batches_and_past_templates_that_are_being_written() {
    let server = TestServer::start().await;
    let mut client = server.templates().await;
    for id in ["a", "b", "c"] {
        let template = create(&mut client, id).await;
        instantiate(&mut client, &template.name, id).await;
    }
    let mut writer = server.sql().await;
    let writing = writer.transaction().await.unwrap();
    let lock = "SELECT FROM dashboard_template WHERE name = 'a' FOR UPDATE";
    writing.query_one(lock, &[]).await.unwrap();
    let counted = [
        count(&server, 1).await,
        count(&server, 1).await,
        count(&server, 1).await,
    ];
    assert_eq!(counted, [1, 1, 0]);
    writing.rollback().await.unwrap();
    assert_eq!([count(&server, 1).await, count(&server, 1).await], [1, 0]);
}

#[tokio::test]
async fn a_template_of_the_same_name_does_not_inherit_uses() {
    let server = TestServer::start().await;
    let mut client = server.templates().await;
    let first = create(&mut client, "gpu").await;
    instantiate(&mut client, &first.name, "a").await;
    let delete = proto::DeleteTemplateRequest {
        name: first.name.clone(),
        etag: first.etag,
        ..Default::default()
    };
    client.delete_template(delete).await.unwrap();
    create(&mut client, "gpu").await;
    assert_eq!(count(&server, 1000).await, 0);
    assert_eq!(get(&mut client, &first.name).await.unwrap().usage_count, 0);
}
