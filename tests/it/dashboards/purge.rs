//! PurgeDashboard.

use dashboard_store::grpc::proto;

use crate::support::mutation::{Call, Mutation, Scene};
use crate::support::requests::{create, get, reason};

#[tokio::test]
async fn purge_removes_the_dashboard_with_its_history() {
    let Scene {
        server,
        mut client,
        head,
        ..
    } = Mutation::Purge.scene().await;
    Mutation::Purge
        .call(&mut client, Call::on("gpu", &head.etag))
        .await
        .unwrap();

    let request = proto::GetDashboardRequest {
        name: head.name.clone(),
        ..Default::default()
    };
    let gone = client.get_dashboard(request).await.unwrap_err();
    assert_eq!(reason(&gone), "DASHBOARD_NOT_FOUND");
    let sql = "SELECT (SELECT count(*) FROM dashboard) + (SELECT count(*) FROM dashboard_revision)";
    let rows: i64 = server.sql().await.query_one(sql, &[]).await.unwrap().get(0);
    assert_eq!(rows, 0);
}

#[tokio::test]
async fn purge_frees_the_name_for_another_life() {
    let Scene { mut client, head, .. } = Mutation::Purge.scene().await;
    Mutation::Purge
        .call(&mut client, Call::on("gpu", &head.etag))
        .await
        .unwrap();
    let next_life = create(&mut client, "gpu").await;
    assert_eq!(next_life.revision, 1);
    assert_ne!(next_life.uid, head.uid);
}

#[tokio::test]
async fn purge_leaves_no_etag_that_matches_the_next_life() {
    let Scene {
        mut client,
        first,
        head,
        ..
    } = Mutation::Purge.scene().await;
    Mutation::Purge
        .call(&mut client, Call::on("gpu", &head.etag))
        .await
        .unwrap();
    // As many writes as the first life saw: the generation is the same, the uid is not.
    let next_first = create(&mut client, "gpu").await;
    let call = Call::on("gpu", &first.etag);
    for mutation in [Mutation::Update, Mutation::Apply, Mutation::Delete, Mutation::Restore] {
        let refused = mutation.call(&mut client, call.clone()).await.unwrap_err();
        assert_eq!(reason(&refused), "ETAG_MISMATCH", "{mutation:?}");
    }
    assert_eq!(get(&mut client, "gpu").await, next_first);
}

#[tokio::test]
async fn purge_refuses_a_live_dashboard() {
    Mutation::Purge
        .refuses_what_is_for(Mutation::Update, "DASHBOARD_NOT_DELETED")
        .await;
}

#[tokio::test]
async fn purge_leaves_earlier_answers_without_what_their_documents_said() {
    let Scene { mut client, head, .. } = Mutation::Delete.scene().await;
    let delete = Call::on("gpu", &head.etag).repeatable();
    let deleted = Mutation::Delete
        .call(&mut client, delete.clone())
        .await
        .unwrap()
        .unwrap();
    Mutation::Purge
        .call(&mut client, Call::on("gpu", &deleted.etag))
        .await
        .unwrap();

    let replayed = Mutation::Delete.call(&mut client, delete).await.unwrap().unwrap();

    let expected = proto::Dashboard {
        spec: None,
        display_name: String::new(),
        ..deleted
    };
    assert_eq!(replayed, expected);
}

#[tokio::test]
async fn purge_with_validate_only_checks_and_removes_nothing() {
    Mutation::Purge.checks_and_stores_nothing_with_validate_only().await;
}

#[tokio::test]
async fn purge_with_the_same_request_id_answers_the_same() {
    Mutation::Purge.answers_the_same_to_a_replay().await;
}

#[tokio::test]
async fn purge_with_a_stale_etag_is_refused() {
    Mutation::Purge.refuses_a_stale_etag().await;
}

#[tokio::test]
async fn purge_without_an_etag_is_refused() {
    Mutation::Purge.requires_an_etag().await;
}

#[tokio::test]
async fn purge_of_what_does_not_exist_is_not_found() {
    Mutation::Purge.does_not_find(&["cpu", "GPU"]).await;
}

#[tokio::test]
async fn purge_writes_one_audit_event() {
    Mutation::Purge
        .writes_one_audit_event("PurgeDashboard", "dashboards.purge", &["state"])
        .await;
}
