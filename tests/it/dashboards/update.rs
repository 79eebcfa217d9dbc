//! UpdateDashboard: the change, its revision, its version. What a mask selects is tested in `update_mask`.

use dashboard_store::grpc::proto;
use tonic::Code;

use crate::support::TestServer;
use crate::support::audit::events;
use crate::support::mutation::{Call, Mutation, NEW_NAME, Scene};
use crate::support::requests::{
    as_user, create, get, json_spec, json_text, list_revisions, reason, spec_named, violations,
};

/// Replaces the document of `projects/p/dashboards/gpu`, whatever is there.
fn update_request(spec: &str) -> proto::UpdateDashboardRequest {
    proto::UpdateDashboardRequest {
        dashboard: Some(proto::Dashboard {
            name: "projects/p/dashboards/gpu".into(),
            etag: "*".into(),
            spec: json_spec(spec),
            ..Default::default()
        }),
        ..Default::default()
    }
}

#[tokio::test]
async fn update_changes_the_content_and_writes_a_revision() {
    let Scene { mut client, head, .. } = Mutation::Update.scene().await;
    let history = list_revisions(&mut client, "gpu").await;

    let call = Call::on("gpu", &head.etag);
    let updated = Mutation::Update
        .call_as(&mut client, "bob", call)
        .await
        .unwrap()
        .unwrap();

    assert_eq!(json_text(updated.spec.clone()), spec_named(NEW_NAME));
    assert_eq!(updated.display_name, NEW_NAME);
    assert_eq!(updated.tags, ["changed"]);
    assert_eq!(updated.labels, [("team".to_owned(), "a".to_owned())].into());
    assert_eq!(updated.revision, head.revision + 1);
    assert_ne!(updated.etag, head.etag);
    assert_eq!((&updated.uid, &updated.name), (&head.uid, &head.name));
    assert_eq!(updated.create_time, head.create_time);
    assert!(updated.update_time.unwrap().seconds >= head.update_time.unwrap().seconds);
    assert_eq!(
        (updated.created_by.as_str(), updated.updated_by.as_str()),
        ("user:developer", "user:bob")
    );
    assert_eq!(get(&mut client, "gpu").await, updated);

    let revisions = list_revisions(&mut client, "gpu").await;
    assert_eq!(revisions[1..], history);
    assert_eq!(
        (revisions[0].revision, revisions[0].restored_from),
        (updated.revision, 0)
    );
    assert_eq!(revisions[0].spec, updated.spec);
    assert_eq!(revisions[0].create_time, updated.update_time);
}

#[tokio::test]
async fn update_keeps_the_text_byte_for_byte() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    create(&mut client, "gpu").await;
    for text in [
        " {\"panels\" : {} ,\n\t\"z\": 1.0, \"a\": 1e2, \"u\": \"\\u00e9é\\/\"}\r\n",
        "{\"a\":100,\"panels\":{},\"u\":\"éé/\",\"z\":1}",
        "{\"panels\":{},\"digits\":0.123456789012345678901234567890123456789e-300}",
    ] {
        let answer = client.update_dashboard(update_request(text)).await.unwrap();
        let updated = answer.into_inner().dashboard.unwrap();
        assert_eq!(json_text(updated.spec.clone()), text);
        assert_eq!(updated.spec_size_bytes as usize, text.len());
        let read = get(&mut client, "gpu").await;
        assert_eq!(read, updated);
    }
    // Other text of the same JSON value is a change: what one wrote is what the next one reads.
    assert_eq!(get(&mut client, "gpu").await.revision, 4);
}

#[tokio::test]
async fn update_of_tags_alone_keeps_the_document() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    let text = "{ \"display\": {\"name\": \"kept\"}, \"panels\": {} }";
    create(&mut client, "gpu").await;
    let answer = client.update_dashboard(update_request(text)).await.unwrap();
    let before = answer.into_inner().dashboard.unwrap();

    let request = proto::UpdateDashboardRequest {
        dashboard: Some(proto::Dashboard {
            tags: vec!["new".into()],
            spec: None,
            ..update_request("").dashboard.unwrap()
        }),
        ..Default::default()
    };
    let answer = client.update_dashboard(request).await.unwrap();

    let updated = answer.into_inner().dashboard.unwrap();
    assert_eq!(updated.tags, ["new"]);
    assert_eq!(json_text(updated.spec.clone()), text);
    assert_eq!(
        (&updated.spec_sha256, &updated.display_name),
        (&before.spec_sha256, &before.display_name)
    );
    assert_eq!(updated.revision, before.revision + 1);
    assert_eq!(get(&mut client, "gpu").await, updated);
    assert_eq!(list_revisions(&mut client, "gpu").await[0].spec, updated.spec);
    assert_eq!(events(&server).await.last().unwrap().changed_paths, ["tags"]);
}

#[tokio::test]
async fn update_that_changes_nothing_writes_nothing() {
    let Scene {
        server,
        mut client,
        head,
        ..
    } = Mutation::Update.scene().await;
    let before = contents(&server).await;
    let current = proto::UpdateDashboardRequest {
        dashboard: Some(proto::Dashboard {
            etag: "*".into(),
            ..head.clone()
        }),
        change_note: "nothing".into(),
        ..Default::default()
    };
    let only_name_and_etag = proto::UpdateDashboardRequest {
        dashboard: Some(proto::Dashboard {
            name: head.name.clone(),
            etag: head.etag.clone(),
            ..Default::default()
        }),
        ..Default::default()
    };
    for request in [current, only_name_and_etag] {
        let answer = client.update_dashboard(request).await.unwrap().into_inner();
        assert_eq!(answer.dashboard, Some(head.clone()));
    }
    assert_eq!(contents(&server).await, before);
}

#[tokio::test]
async fn update_keeps_the_change_note_and_the_author_with_the_revision() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    create(&mut client, "gpu").await;
    let note = "é".repeat(1000);
    let request = proto::UpdateDashboardRequest {
        change_note: note.clone(),
        ..update_request(&spec_named("new"))
    };
    client.update_dashboard(as_user("alice", request)).await.unwrap();
    let newest = list_revisions(&mut client, "gpu").await.remove(0);
    assert_eq!((newest.change_note, newest.author.as_str()), (note, "user:alice"));

    for (wrong, expected) in [("é".repeat(1001), "FIELD_TOO_LONG"), ("a\0b".into(), "FIELD_INVALID")] {
        let request = proto::UpdateDashboardRequest {
            change_note: wrong,
            ..update_request(&spec_named("newer"))
        };
        let refused = client.update_dashboard(request).await.unwrap_err();
        assert_eq!(violations(&refused), [("change_note".to_owned(), expected.to_owned())]);
    }
    assert_eq!(get(&mut client, "gpu").await.revision, 2);
}

#[tokio::test]
async fn update_refuses_a_deleted_dashboard() {
    Mutation::Update
        .refuses_what_is_for(Mutation::Undelete, "DASHBOARD_DELETED")
        .await;
}

#[tokio::test]
async fn update_with_a_star_overwrites_whatever_is_there() {
    let Scene { mut client, head, .. } = Mutation::Update.scene().await;
    let call = Call::on("gpu", "*");
    let updated = Mutation::Update.call(&mut client, call).await.unwrap().unwrap();
    assert_eq!(updated.revision, head.revision + 1);
    assert_eq!(updated.display_name, NEW_NAME);
}

#[tokio::test]
async fn update_refuses_a_malformed_or_missing_name() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    for (name, expected) in [
        ("", "FIELD_REQUIRED"),
        ("gpu", "INVALID_NAME"),
        ("projects/p/dashboards/", "INVALID_NAME"),
        ("projects/p/dashboards/a..b", "INVALID_NAME"),
        ("projects/-/dashboards/gpu", "INVALID_NAME"),
        ("projects/p/dashboards/gpu/revisions/1", "INVALID_NAME"),
    ] {
        let mut request = update_request(&spec_named("new"));
        request.dashboard.as_mut().unwrap().name = name.into();
        let refused = client.update_dashboard(request).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{name}");
        assert_eq!(
            violations(&refused),
            [("dashboard.name".to_owned(), expected.to_owned())],
            "{name}"
        );
    }
    let empty = proto::UpdateDashboardRequest::default();
    let refused = client.update_dashboard(empty).await.unwrap_err();
    assert_eq!(reason(&refused), "FIELD_REQUIRED");
}

#[tokio::test]
async fn update_with_validate_only_checks_and_stores_nothing() {
    Mutation::Update.checks_and_stores_nothing_with_validate_only().await;
}

#[tokio::test]
async fn update_with_the_same_request_id_answers_the_same() {
    Mutation::Update.answers_the_same_to_a_replay().await;
}

#[tokio::test]
async fn update_with_a_stale_etag_is_refused() {
    Mutation::Update.refuses_a_stale_etag().await;
}

#[tokio::test]
async fn update_without_an_etag_is_refused() {
    Mutation::Update.requires_an_etag().await;
}

#[tokio::test]
async fn update_of_what_does_not_exist_is_not_found() {
    Mutation::Update.does_not_find(&["cpu", "GPU"]).await;
}

#[tokio::test]
async fn update_writes_one_audit_event() {
    Mutation::Update
        .writes_one_audit_event("UpdateDashboard", "dashboards.update", &["spec", "tags", "labels"])
        .await;
}

/// Heads, revisions and audit events: all that a call which changes nothing may not touch. Its request id is kept.
async fn contents(server: &TestServer) -> (String, usize) {
    let sql = "SELECT concat_ws(E'\\n',
        (SELECT string_agg(t::text, E'\\n' ORDER BY id) FROM dashboard AS t),
        (SELECT string_agg(t::text, E'\\n' ORDER BY revision) FROM dashboard_revision AS t))";
    let rows = server.sql().await.query_one(sql, &[]).await.unwrap();
    (rows.get(0), events(server).await.len())
}
