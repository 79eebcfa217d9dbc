//! UpdateDashboard: which fields the update mask selects.

use std::collections::HashMap;

use dashboard_store::grpc::proto;
use dashboard_store::grpc::proto::dashboard_service_client::DashboardServiceClient;
use prost_types::FieldMask;
use tonic::{Code, Status};

use crate::support::TestServer;
use crate::support::audit::stored;
use crate::support::channel::Channel;
use crate::support::requests::{create_request, json_spec, json_text, reason, spec_named, violations};

/// A dashboard `gpu` with the tag `old`, the labels `team=a` and `app.io/tier=1`, and a document named `old`.
async fn dashboard(client: &mut DashboardServiceClient<Channel>) -> proto::Dashboard {
    let request = proto::CreateDashboardRequest {
        dashboard: Some(proto::Dashboard {
            tags: vec!["old".into()],
            labels: labels(&[("team", "a"), ("app.io/tier", "1")]),
            spec: json_spec(spec_named("old")),
            ..Default::default()
        }),
        ..create_request("gpu")
    };
    let answer = client.create_dashboard(request).await.unwrap();
    answer.into_inner().dashboard.unwrap()
}

fn labels(pairs: &[(&str, &str)]) -> HashMap<String, String> {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

/// Updates `gpu` with `content` as the mask of `paths` says; without paths there is no mask.
async fn update(
    client: &mut DashboardServiceClient<Channel>,
    paths: &[&str],
    content: proto::Dashboard,
) -> Result<proto::Dashboard, Status> {
    let request = proto::UpdateDashboardRequest {
        dashboard: Some(proto::Dashboard {
            name: "projects/p/dashboards/gpu".into(),
            etag: "*".into(),
            ..content
        }),
        update_mask: (!paths.is_empty()).then(|| FieldMask {
            paths: paths.iter().map(|path| (*path).to_owned()).collect(),
        }),
        ..Default::default()
    };
    let answer = client.update_dashboard(request).await?;
    Ok(answer.into_inner().dashboard.unwrap())
}

/// Other content in every field.
fn new_content() -> proto::Dashboard {
    proto::Dashboard {
        tags: vec!["new".into()],
        labels: labels(&[("team", "b")]),
        spec: json_spec(spec_named("new")),
        ..Default::default()
    }
}

#[tokio::test]
async fn update_without_a_mask_takes_the_populated_fields() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    let old = dashboard(&mut client).await;

    let labels_alone = proto::Dashboard {
        labels: labels(&[("team", "b")]),
        ..Default::default()
    };
    let updated = update(&mut client, &[], labels_alone).await.unwrap();
    assert_eq!(updated.labels, labels(&[("team", "b")]));
    assert_eq!((updated.tags, updated.spec), (old.tags, old.spec));

    let updated = update(&mut client, &[], new_content()).await.unwrap();
    assert_eq!(updated.tags, ["new"]);
    assert_eq!(json_text(updated.spec), spec_named("new"));
}

#[tokio::test]
async fn update_with_an_empty_mask_takes_the_populated_fields() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    let old = dashboard(&mut client).await;
    let request = proto::UpdateDashboardRequest {
        dashboard: Some(proto::Dashboard {
            name: old.name,
            etag: old.etag,
            tags: vec!["new".into()],
            ..Default::default()
        }),
        update_mask: Some(FieldMask::default()),
        ..Default::default()
    };
    let updated = client
        .update_dashboard(request)
        .await
        .unwrap()
        .into_inner()
        .dashboard
        .unwrap();
    assert_eq!(updated.tags, ["new"]);
    assert_eq!((updated.labels, updated.spec), (old.labels, old.spec));
}

#[tokio::test]
async fn update_with_a_star_mask_replaces_everything() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    dashboard(&mut client).await;
    let spec_alone = proto::Dashboard {
        spec: json_spec(spec_named("new")),
        ..Default::default()
    };
    let updated = update(&mut client, &["*"], spec_alone).await.unwrap();
    assert_eq!(json_text(updated.spec), spec_named("new"));
    assert_eq!(updated.tags, [] as [&str; 0]);
    assert_eq!(updated.labels, HashMap::new());
}

#[tokio::test]
async fn update_with_a_mask_takes_the_named_fields_alone() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    let old = dashboard(&mut client).await;

    let spec_changed = update(&mut client, &["spec"], new_content()).await.unwrap();
    assert_eq!(json_text(spec_changed.spec.clone()), spec_named("new"));
    assert_eq!((&spec_changed.tags, &spec_changed.labels), (&old.tags, &old.labels));

    let tags_changed = update(&mut client, &["tags"], new_content()).await.unwrap();
    assert_eq!(tags_changed.tags, ["new"]);
    assert_eq!(
        (&tags_changed.labels, &tags_changed.spec),
        (&old.labels, &spec_changed.spec)
    );

    let labels_changed = update(&mut client, &["labels"], new_content()).await.unwrap();
    assert_eq!(labels_changed.labels, labels(&[("team", "b")]));
    assert_eq!(labels_changed.revision, 4);
}

#[tokio::test]
async fn update_clears_a_field_that_the_mask_names_and_the_message_leaves_empty() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    let old = dashboard(&mut client).await;
    let cleared = update(&mut client, &["tags", "labels"], proto::Dashboard::default())
        .await
        .unwrap();
    assert_eq!(cleared.tags, [] as [&str; 0]);
    assert_eq!(cleared.labels, HashMap::new());
    assert_eq!(cleared.spec, old.spec);
}

#[tokio::test]
async fn update_sets_and_clears_single_labels() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    dashboard(&mut client).await;

    let set = proto::Dashboard {
        labels: labels(&[("team", "b"), ("env", "prod"), ("not-named", "x")]),
        ..Default::default()
    };
    let updated = update(&mut client, &["labels.team", "labels.env"], set).await.unwrap();
    assert_eq!(
        updated.labels,
        labels(&[("team", "b"), ("env", "prod"), ("app.io/tier", "1")])
    );

    let paths = ["labels.`app.io/tier`", "labels.env", "labels.was-never-there"];
    let cleared = update(&mut client, &paths, proto::Dashboard::default()).await.unwrap();
    assert_eq!(cleared.labels, labels(&[("team", "b")]));
}

#[tokio::test]
async fn update_never_leaves_more_labels_than_a_dashboard_may_have() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    dashboard(&mut client).await;
    let before = stored(&server).await;
    let many: Vec<String> = (0..63).map(|number| format!("l{number}")).collect();
    let paths: Vec<String> = many.iter().map(|key| format!("labels.{key}")).collect();
    let content = proto::Dashboard {
        labels: many.iter().map(|key| (key.clone(), "x".to_owned())).collect(),
        ..Default::default()
    };
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let refused = update(&mut client, &paths, content).await.unwrap_err();
    assert_eq!(
        violations(&refused),
        [("dashboard.labels".to_owned(), "FIELD_TOO_LONG".to_owned())]
    );
    assert_eq!(stored(&server).await, before);
}

#[tokio::test]
async fn update_ignores_output_only_fields_in_mask_and_message() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    let old = dashboard(&mut client).await;
    let content = proto::Dashboard {
        uid: "x".into(),
        display_name: "x".into(),
        description: "x".into(),
        spec_sha256: "x".into(),
        spec_size_bytes: 7,
        state: proto::DashboardState::Deleted.into(),
        revision: 70,
        created_by: "user:x".into(),
        updated_by: "user:x".into(),
        create_time: Some(prost_types::Timestamp::default()),
        delete_time: Some(prost_types::Timestamp::default()),
        ..new_content()
    };
    let paths = [
        "name",
        "uid",
        "display_name",
        "description",
        "spec_sha256",
        "spec_size_bytes",
        "state",
        "revision",
        "created_by",
        "updated_by",
        "create_time",
        "update_time",
        "delete_time",
        "purge_time",
        "etag",
    ];
    let untouched = update(&mut client, &paths, content.clone()).await.unwrap();
    assert_eq!(untouched, old);

    let updated = update(&mut client, &["tags", "uid", "revision"], content)
        .await
        .unwrap();
    assert_eq!(updated.tags, ["new"]);
    assert_eq!((updated.uid, updated.revision, updated.state), (old.uid, 2, old.state));
    assert_eq!(
        (updated.created_by, updated.create_time),
        (old.created_by, old.create_time)
    );
}

#[tokio::test]
async fn update_refuses_masks_that_contradict_themselves_or_name_no_field() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    dashboard(&mut client).await;
    let before = stored(&server).await;
    for paths in [
        &["*", "tags"][..],
        &["labels", "labels.team"],
        &["labels.team", "labels"],
        &["labels."],
        &["labels.``"],
        &["spec.panels"],
        &["spec.json"],
        &["tags.0"],
        &["uid.x"],
        &["nonsense"],
        &["Tags"],
        &[""],
    ] {
        let refused = update(&mut client, paths, new_content()).await.unwrap_err();
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::InvalidArgument, "INVALID_UPDATE_MASK"),
            "{paths:?}"
        );
        assert_eq!(violations(&refused)[0].0, "update_mask", "{paths:?}");
    }
    assert_eq!(stored(&server).await, before);
}

#[tokio::test]
async fn update_refuses_to_clear_the_document() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    dashboard(&mut client).await;
    let before = stored(&server).await;
    for mask in ["spec", "*"] {
        let refused = update(&mut client, &[mask], proto::Dashboard::default())
            .await
            .unwrap_err();
        assert_eq!(
            violations(&refused),
            [("dashboard.spec".to_owned(), "FIELD_REQUIRED".to_owned())]
        );
    }
    assert_eq!(stored(&server).await, before);
}

#[tokio::test]
async fn update_does_not_check_fields_that_the_mask_leaves_out() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    dashboard(&mut client).await;
    let content = proto::Dashboard {
        tags: vec!["new".into()],
        labels: labels(&[("no legal key", "x")]),
        spec: json_spec("no JSON"),
        ..Default::default()
    };
    let updated = update(&mut client, &["tags"], content).await.unwrap();
    assert_eq!(updated.tags, ["new"]);
}
