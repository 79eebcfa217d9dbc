//! UndeleteDashboard.

use dashboard_store::grpc::proto;

use crate::support::mutation::{Call, Mutation, Scene};
use crate::support::requests::{get, json_text, list_revisions};

#[tokio::test]
async fn undelete_brings_the_dashboard_back_with_its_history() {
    let Scene { mut client, head, .. } = Mutation::Undelete.scene().await;
    let history = list_revisions(&mut client, "gpu").await;
    assert_eq!(history.len(), 2);

    let call = Call::on("gpu", &head.etag);
    let live = Mutation::Undelete.call(&mut client, call).await.unwrap().unwrap();

    assert_eq!(live.state(), proto::DashboardState::Active);
    assert_eq!((live.delete_time, live.purge_time), (None, None));
    assert_ne!(live.etag, head.etag);
    assert_eq!(live.updated_by, "user:developer");
    assert_eq!((&live.uid, live.revision), (&head.uid, head.revision));
    assert_eq!((&live.tags, &live.labels), (&head.tags, &head.labels));
    assert_eq!(json_text(live.spec.clone()), json_text(head.spec));
    assert_eq!(get(&mut client, "gpu").await, live);
    assert_eq!(list_revisions(&mut client, "gpu").await, history);
}

#[tokio::test]
async fn undelete_gives_an_etag_that_no_earlier_state_had() {
    let Scene {
        mut client,
        first,
        head,
        ..
    } = Mutation::Undelete.scene().await;
    let mut seen = vec![first.etag, head.etag.clone()];
    let mut etag = head.etag;
    for mutation in [Mutation::Undelete, Mutation::Delete, Mutation::Undelete] {
        let call = Call::on("gpu", &etag);
        etag = mutation.call(&mut client, call).await.unwrap().unwrap().etag;
        assert!(!seen.contains(&etag), "{mutation:?} brought {etag} back");
        seen.push(etag.clone());
    }
}

#[tokio::test]
async fn undelete_refuses_a_live_dashboard() {
    Mutation::Undelete
        .refuses_what_is_for(Mutation::Update, "DASHBOARD_NOT_DELETED")
        .await;
}

#[tokio::test]
async fn undelete_with_validate_only_checks_and_stores_nothing() {
    Mutation::Undelete.checks_and_stores_nothing_with_validate_only().await;
}

#[tokio::test]
async fn undelete_with_the_same_request_id_answers_the_same() {
    Mutation::Undelete.answers_the_same_to_a_replay().await;
}

#[tokio::test]
async fn undelete_with_a_stale_etag_is_refused() {
    Mutation::Undelete.refuses_a_stale_etag().await;
}

#[tokio::test]
async fn undelete_without_an_etag_is_refused() {
    Mutation::Undelete.requires_an_etag().await;
}

#[tokio::test]
async fn undelete_of_what_does_not_exist_is_not_found() {
    Mutation::Undelete.does_not_find(&["cpu", "GPU"]).await;
}

#[tokio::test]
async fn undelete_writes_one_audit_event() {
    Mutation::Undelete
        .writes_one_audit_event("UndeleteDashboard", "dashboards.undelete", &["state"])
        .await;
}
