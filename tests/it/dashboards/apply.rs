//! ApplyDashboard.

use dashboard_store::grpc::proto;
use dashboard_store::grpc::proto::dashboard_service_client::DashboardServiceClient;
use proto::ApplyOutcome;
use tonic::Code;
use uuid::Uuid;

use crate::support::TestServer;
use crate::support::audit::{AuditEvent, events, stored};
use crate::support::channel::Channel;
use crate::support::mutation::{Call, Mutation, NEW_NAME, Scene};
use crate::support::requests::{as_user, create, get, json_spec, json_text, list_revisions, reason, violations};

const TEXT: &str = r#"{"display":{"name":"GPU"},"panels":{},"n":1,"list":[1,2]}"#;

/// Applies `spec` to `projects/p/dashboards/gpu`, with the tag `a`.
fn apply_request(spec: &str) -> proto::ApplyDashboardRequest {
    proto::ApplyDashboardRequest {
        dashboard: Some(proto::Dashboard {
            name: "projects/p/dashboards/gpu".into(),
            tags: vec!["a".into()],
            spec: json_spec(spec),
            ..Default::default()
        }),
        ..Default::default()
    }
}

async fn apply(
    client: &mut DashboardServiceClient<Channel>,
    request: proto::ApplyDashboardRequest,
) -> (proto::Dashboard, ApplyOutcome) {
    let answer = client.apply_dashboard(request).await.unwrap().into_inner();
    let outcome = answer.outcome();
    (answer.dashboard.unwrap(), outcome)
}

#[tokio::test]
async fn apply_creates_what_is_not_there() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    let request = proto::ApplyDashboardRequest {
        change_note: "first".into(),
        ..apply_request(TEXT)
    };

    let (created, outcome) = apply(&mut client, request).await;

    assert_eq!(outcome, ApplyOutcome::Created);
    assert_eq!((created.revision, created.tags.as_slice()), (1, &["a".to_owned()][..]));
    assert_eq!(json_text(created.spec.clone()), TEXT);
    assert_eq!(get(&mut client, "gpu").await, created);
    assert_eq!(list_revisions(&mut client, "gpu").await[0].change_note, "first");
    let expected = AuditEvent {
        actor: "user:developer".into(),
        method: "perses.dashboards.v1.DashboardService/ApplyDashboard".into(),
        permission: "dashboards.apply".into(),
        resource: created.name,
        uid: created.uid,
        revision_before: None,
        revision_after: Some(1),
        sha256_before: None,
        sha256_after: Some(created.spec_sha256),
        changed_paths: vec!["spec".into(), "tags".into(), "labels".into()],
        result: "success".into(),
    };
    assert_eq!(events(&server).await, [expected]);
}

#[tokio::test]
async fn apply_updates_what_differs() {
    let Scene { mut client, head, .. } = Mutation::Apply.scene().await;
    let (updated, outcome) = apply(&mut client, apply_request(TEXT)).await;
    assert_eq!(outcome, ApplyOutcome::Updated);
    assert_eq!(updated.revision, head.revision + 1);
    assert_eq!(updated.tags, ["a"], "the content is replaced whole");
    assert_eq!(json_text(updated.spec.clone()), TEXT);
    assert_eq!(get(&mut client, "gpu").await, updated);

    let without_tags = proto::ApplyDashboardRequest {
        dashboard: Some(proto::Dashboard {
            tags: Vec::new(),
            ..apply_request(TEXT).dashboard.unwrap()
        }),
        ..Default::default()
    };
    let (updated, outcome) = apply(&mut client, without_tags).await;
    assert_eq!((outcome, updated.tags.len()), (ApplyOutcome::Updated, 0));
    let other_number = proto::ApplyDashboardRequest {
        change_note: "other number".into(),
        ..apply_request(&TEXT.replace("\"n\":1", "\"n\":1.0000000000000000001"))
    };
    let (_, outcome) = apply(&mut client, other_number).await;
    assert_eq!(outcome, ApplyOutcome::Updated);
    assert_eq!(list_revisions(&mut client, "gpu").await[0].change_note, "other number");
}

#[tokio::test]
async fn apply_leaves_an_equal_dashboard_and_its_text_alone() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    let (created, _) = apply(&mut client, apply_request(TEXT)).await;

    for same_value in [
        TEXT.to_owned(),
        r#"{"list":[1,2],"n":1,"panels":{},"display":{"name":"GPU"}}"#.to_owned(),
        TEXT.replace(',', " ,\n\t"),
        TEXT.replace("\"n\":1", "\"n\":1.0"),
        TEXT.replace("\"n\":1", "\"n\":10e-1"),
        TEXT.replace("GPU", "\\u0047PU"),
    ] {
        let request = proto::ApplyDashboardRequest {
            change_note: "again".into(),
            ..apply_request(&same_value)
        };
        let (unchanged, outcome) = apply(&mut client, request).await;
        assert_eq!(
            (outcome, &unchanged),
            (ApplyOutcome::Unchanged, &created),
            "{same_value}"
        );
    }
    let repeated_tag = proto::ApplyDashboardRequest {
        dashboard: Some(proto::Dashboard {
            tags: vec!["a".into(), "a".into()],
            ..apply_request(TEXT).dashboard.unwrap()
        }),
        ..Default::default()
    };
    assert_eq!(apply(&mut client, repeated_tag).await.1, ApplyOutcome::Unchanged);

    assert_eq!(get(&mut client, "gpu").await, created);
    assert_eq!(list_revisions(&mut client, "gpu").await.len(), 1);
    assert_eq!(events(&server).await.len(), 1);
}

#[tokio::test]
async fn apply_brings_a_deleted_dashboard_back() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    let (created, _) = apply(&mut client, apply_request(TEXT)).await;

    Mutation::Delete.call(&mut client, Call::on("gpu", "*")).await.unwrap();
    let (restored, outcome) = apply(&mut client, apply_request(&TEXT.replace(':', ": "))).await;
    assert_eq!(outcome, ApplyOutcome::Restored);
    assert_eq!(restored.state(), proto::DashboardState::Active);
    assert_eq!((restored.delete_time, restored.purge_time), (None, None));
    assert_eq!((&restored.uid, restored.revision), (&created.uid, 1));
    assert_eq!(
        json_text(restored.spec),
        TEXT,
        "an equal document stays as it was written"
    );
    assert_eq!(events(&server).await.last().unwrap().changed_paths, ["state"]);

    Mutation::Delete.call(&mut client, Call::on("gpu", "*")).await.unwrap();
    let other = TEXT.replace("GPU", "GPU 2");
    let (changed, outcome) = apply(&mut client, apply_request(&other)).await;
    assert_eq!(outcome, ApplyOutcome::Restored);
    assert_eq!(changed.state(), proto::DashboardState::Active);
    assert_eq!((&changed.uid, changed.revision), (&created.uid, 2));
    assert_eq!(json_text(changed.spec.clone()), other);
    assert_eq!(get(&mut client, "gpu").await, changed);
    assert_eq!(events(&server).await.last().unwrap().changed_paths, ["spec", "state"]);
}

#[tokio::test]
async fn apply_takes_an_etag_and_does_without() {
    let Scene { mut client, head, .. } = Mutation::Apply.scene().await;
    let call = Call::on("gpu", &head.etag);
    let updated = Mutation::Apply.call(&mut client, call).await.unwrap().unwrap();
    assert_eq!((updated.revision, updated.display_name.as_str()), (3, NEW_NAME));
    let (updated, _) = apply(&mut client, apply_request(TEXT)).await;
    assert_eq!(updated.revision, 4);
}

#[tokio::test]
async fn apply_refuses_a_name_that_differs_in_case_alone() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    create(&mut client, "GPU").await;
    let before = stored(&server).await;
    let refused = client.apply_dashboard(apply_request(TEXT)).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::AlreadyExists, "DASHBOARD_EXISTS_IN_OTHER_CASE")
    );
    assert_eq!(stored(&server).await, before);
}

#[tokio::test]
async fn apply_requires_the_document() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    let without_spec = proto::ApplyDashboardRequest {
        dashboard: Some(proto::Dashboard {
            spec: None,
            ..apply_request(TEXT).dashboard.unwrap()
        }),
        ..Default::default()
    };
    let refused = client.apply_dashboard(without_spec).await.unwrap_err();
    assert_eq!(
        violations(&refused),
        [("dashboard.spec".to_owned(), "FIELD_REQUIRED".to_owned())]
    );
}

#[tokio::test]
async fn apply_with_the_same_request_id_answers_with_the_same_outcome() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    let other = TEXT.replace("GPU", "GPU 2");
    let steps = [
        (TEXT, ApplyOutcome::Created),
        (TEXT, ApplyOutcome::Unchanged),
        (other.as_str(), ApplyOutcome::Updated),
    ];
    let mut calls = Vec::new();
    for (text, expected) in steps {
        let request = proto::ApplyDashboardRequest {
            request_id: Uuid::new_v4().to_string(),
            ..apply_request(text)
        };
        let first = apply(&mut client, request.clone()).await;
        assert_eq!(first.1, expected);
        calls.push((request, first));
    }
    let before = stored(&server).await;
    for (request, first) in calls {
        assert_eq!(apply(&mut client, request).await, first);
    }
    assert_eq!(stored(&server).await, before);
}

#[tokio::test]
async fn apply_with_validate_only_tells_the_outcome_and_stores_nothing() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    let request = proto::ApplyDashboardRequest {
        validate_only: true,
        ..apply_request(TEXT)
    };
    assert_eq!(apply(&mut client, request.clone()).await.1, ApplyOutcome::Created);
    assert_eq!(stored(&server).await, "");
    apply(&mut client, apply_request(TEXT)).await;
    assert_eq!(apply(&mut client, request).await.1, ApplyOutcome::Unchanged);
    Mutation::Apply.checks_and_stores_nothing_with_validate_only().await;
}

#[tokio::test]
async fn apply_with_a_stale_etag_is_refused() {
    Mutation::Apply.refuses_a_stale_etag().await;
}

#[tokio::test]
async fn apply_with_an_etag_does_not_find_what_does_not_exist() {
    Mutation::Apply.does_not_find(&["cpu"]).await;
}

#[tokio::test]
async fn apply_with_the_same_request_id_and_other_content_is_refused() {
    Mutation::Apply.answers_the_same_to_a_replay().await;
}

#[tokio::test]
async fn apply_writes_one_audit_event() {
    Mutation::Apply
        .writes_one_audit_event("ApplyDashboard", "dashboards.apply", &["spec", "tags", "labels"])
        .await;
}

#[tokio::test]
async fn apply_names_the_author_of_the_change() {
    let Scene { mut client, .. } = Mutation::Apply.scene().await;
    let answer = client
        .apply_dashboard(as_user("alice", apply_request(TEXT)))
        .await
        .unwrap();
    assert_eq!(answer.into_inner().dashboard.unwrap().updated_by, "user:alice");
    assert_eq!(list_revisions(&mut client, "gpu").await[0].author, "user:alice");
}
