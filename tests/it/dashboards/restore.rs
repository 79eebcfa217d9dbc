//! RestoreDashboardRevision.

use dashboard_store::grpc::proto;
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::support::TestServer;
use crate::support::audit::stored;
use crate::support::mutation::{Call, Mutation, Scene};
use crate::support::requests::{
    as_user, create, create_request, get, json_spec, json_text, list_revisions, reason, spec_named, violations,
};

fn restore_request(revision: &str) -> proto::RestoreDashboardRevisionRequest {
    proto::RestoreDashboardRevisionRequest {
        name: format!("projects/p/dashboards/gpu/revisions/{revision}"),
        etag: "*".into(),
        ..Default::default()
    }
}

#[tokio::test]
async fn restore_makes_an_old_revision_the_head_again_byte_for_byte() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    let text = "{ \"panels\": {}, \"display\": {\"name\":\"old\", \"description\":\"words\"},\n\t\"x\": [1.50, 2e3] }";
    let original = proto::CreateDashboardRequest {
        dashboard: Some(proto::Dashboard {
            tags: vec!["a".into()],
            labels: [("team".to_owned(), "a".to_owned())].into(),
            spec: json_spec(text),
            ..Default::default()
        }),
        ..create_request("gpu")
    };
    client.create_dashboard(original).await.unwrap();
    let changed = Mutation::Update
        .call(&mut client, Call::on("gpu", "*"))
        .await
        .unwrap()
        .unwrap();
    let history = list_revisions(&mut client, "gpu").await;

    let request = proto::RestoreDashboardRevisionRequest {
        etag: changed.etag.clone(),
        change_note: "back to what worked".into(),
        ..restore_request("1")
    };
    let answer = client
        .restore_dashboard_revision(as_user("bob", request))
        .await
        .unwrap();

    let head = answer.into_inner().dashboard.unwrap();
    assert_eq!(json_text(head.spec.clone()), text);
    assert_eq!(
        (head.display_name.as_str(), head.description.as_str()),
        ("old", "words")
    );
    assert_eq!(head.tags, ["a"]);
    assert_eq!(head.labels, [("team".to_owned(), "a".to_owned())].into());
    assert_eq!((head.revision, head.updated_by.as_str()), (3, "user:bob"));
    assert_ne!(head.etag, changed.etag);
    assert_eq!(get(&mut client, "gpu").await, head);

    let revisions = list_revisions(&mut client, "gpu").await;
    let (newest, older) = revisions.split_first().unwrap();
    assert_eq!(older, history, "history is never rewritten");
    assert_eq!((newest.revision, newest.restored_from), (3, 1));
    assert_eq!(newest.change_note, "back to what worked");
    assert_eq!(newest.author, "user:bob");
    assert_eq!(json_text(newest.spec.clone()), text);
    assert_eq!(newest.spec_sha256, head.spec_sha256);
    assert_eq!(newest.create_time, head.update_time);
}

#[tokio::test]
async fn restore_of_the_head_repeats_it_as_a_new_revision() {
    let Scene { mut client, head, .. } = Mutation::Restore.scene().await;
    let answer = client.restore_dashboard_revision(restore_request("2")).await.unwrap();
    let restored = answer.into_inner().dashboard.unwrap();
    assert_eq!(restored.revision, 3);
    assert_eq!(json_text(restored.spec), json_text(head.spec));
    assert_eq!(list_revisions(&mut client, "gpu").await[0].restored_from, 2);
}

#[tokio::test]
async fn restore_of_a_pruned_revision_is_out_of_range() {
    let server = TestServer::start_with(|config| config.dashboards.revisions_kept = 2).await;
    let mut client = server.dashboards().await;
    create(&mut client, "gpu").await;
    for tag in ["two", "three"] {
        let update = proto::UpdateDashboardRequest {
            dashboard: Some(proto::Dashboard {
                name: "projects/p/dashboards/gpu".into(),
                etag: "*".into(),
                tags: vec![tag.into()],
                ..Default::default()
            }),
            ..Default::default()
        };
        client.update_dashboard(update).await.unwrap();
    }
    let before = stored(&server).await;

    let pruned = client
        .restore_dashboard_revision(restore_request("1"))
        .await
        .unwrap_err();

    assert_eq!(
        (pruned.code(), reason(&pruned).as_str()),
        (Code::OutOfRange, "REVISION_PRUNED")
    );
    let resource = pruned.get_details_resource_info().unwrap();
    assert_eq!(resource.resource_name, "projects/p/dashboards/gpu/revisions/1");
    assert_eq!(stored(&server).await, before);

    // The oldest that is left is pruned by the very revision that repeats it.
    let answer = client.restore_dashboard_revision(restore_request("2")).await.unwrap();
    let restored = answer.into_inner().dashboard.unwrap();
    assert_eq!((restored.revision, restored.tags), (4, vec!["two".to_owned()]));
    let kept: Vec<i32> = list_revisions(&mut client, "gpu")
        .await
        .iter()
        .map(|r| r.revision)
        .collect();
    assert_eq!(kept, [4, 3]);
}

#[tokio::test]
async fn restore_of_a_revision_that_never_was_is_not_found() {
    let Scene { server, mut client, .. } = Mutation::Restore.scene().await;
    let before = stored(&server).await;
    let missing = client
        .restore_dashboard_revision(restore_request("3"))
        .await
        .unwrap_err();
    assert_eq!(
        (missing.code(), reason(&missing).as_str()),
        (Code::NotFound, "REVISION_NOT_FOUND")
    );
    for malformed in ["0", "-1", "01", "x", "99999999999"] {
        let refused = client
            .restore_dashboard_revision(restore_request(malformed))
            .await
            .unwrap_err();
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::InvalidArgument, "INVALID_NAME")
        );
        assert_eq!(violations(&refused)[0].0, "name");
    }
    assert_eq!(stored(&server).await, before);
}

#[tokio::test]
async fn restore_into_a_deleted_dashboard_is_refused() {
    let Scene { server, mut client, .. } = Mutation::Undelete.scene().await;
    let before = stored(&server).await;
    let refused = client
        .restore_dashboard_revision(restore_request("1"))
        .await
        .unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::FailedPrecondition, "DASHBOARD_DELETED")
    );
    assert_eq!(stored(&server).await, before);
}

#[tokio::test]
async fn restore_answers_a_replay_with_the_revision_of_then() {
    let Scene { mut client, .. } = Mutation::Restore.scene().await;
    let call = Call::on("gpu", "*").repeatable();
    let first = Mutation::Restore.call(&mut client, call.clone()).await.unwrap();
    Mutation::Update.call(&mut client, Call::on("gpu", "*")).await.unwrap();

    let replayed = Mutation::Restore.call(&mut client, call).await.unwrap();

    assert_eq!(replayed, first);
    assert_eq!(json_text(replayed.unwrap().spec), spec_named("gpu"));
    assert_eq!(get(&mut client, "gpu").await.revision, 4);
}

#[tokio::test]
async fn restore_with_validate_only_checks_and_stores_nothing() {
    Mutation::Restore.checks_and_stores_nothing_with_validate_only().await;
}

#[tokio::test]
async fn restore_with_the_same_request_id_answers_the_same() {
    Mutation::Restore.answers_the_same_to_a_replay().await;
}

#[tokio::test]
async fn restore_with_a_stale_etag_is_refused() {
    Mutation::Restore.refuses_a_stale_etag().await;
}

#[tokio::test]
async fn restore_without_an_etag_is_refused() {
    Mutation::Restore.requires_an_etag().await;
}

#[tokio::test]
async fn restore_of_what_does_not_exist_is_not_found() {
    Mutation::Restore.does_not_find(&["cpu", "GPU"]).await;
}

#[tokio::test]
async fn restore_writes_one_audit_event() {
    Mutation::Restore
        .writes_one_audit_event("RestoreDashboardRevision", "dashboards.restore", &["spec", "tags"])
        .await;
}
