//! DiffDashboardRevisions.

use dashboard_store::grpc::proto;
use serde_json::{Value, json};
use tonic::Code;

use crate::support::TestServer;
use crate::support::requests::{
    apply, assert_about, assert_invalid, assert_refused, create, delete, json_spec, spec_named,
};

const NAME: &str = "projects/p/dashboards/d";

fn diff_request(from_revision: i32, to_revision: i32) -> proto::DiffDashboardRevisionsRequest {
    proto::DiffDashboardRevisionsRequest {
        name: NAME.into(),
        from_revision,
        to_revision,
    }
}

#[tokio::test]
async fn diff_turns_one_document_into_the_other() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    let documents = [
        json!({ "panels": {}, "display": { "name": "a" } }),
        json!({ "panels": {}, "display": { "name": "b", "description": "é/~\"" }, "list": [1, { "x": null }, 3] }),
        json!({ "panels": {}, "list": [{ "x": [] }], "a/b~c": true }),
    ];
    for document in &documents {
        apply(&mut client, NAME, document.to_string()).await;
    }
    for (from, to, expected) in [
        (1, 2, 1),
        (2, 1, 0),
        (2, 3, 2),
        (1, 3, 2),
        (3, 1, 0),
        (1, 0, 2),
        (3, 3, 2),
    ] {
        let answer = client.diff_dashboard_revisions(diff_request(from, to)).await.unwrap();
        let patch: json_patch::Patch = serde_json::from_str(&answer.into_inner().json_patch).unwrap();
        let mut document = documents[from as usize - 1].clone();
        json_patch::patch(&mut document, &patch).unwrap();
        assert_eq!(document, documents[expected], "from {from} to {to}");
    }
}

#[tokio::test]
async fn diff_says_no_more_than_what_changed() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    let first = r#"{"panels":{},"duration":"1h","n":12345678901234567890}"#;
    apply(&mut client, NAME, first).await;
    for text in [
        r#"{"panels":{},"duration":"2h","n":12345678901234567891}"#,
        r#"{ "n": 12345678901234567891.0, "duration": "2h", "panels": {} }"#,
    ] {
        // Not applied: that would take a document of the same value for no change.
        let request = proto::UpdateDashboardRequest {
            dashboard: Some(proto::Dashboard {
                name: NAME.into(),
                etag: "*".into(),
                spec: json_spec(text),
                ..Default::default()
            }),
            ..Default::default()
        };
        client.update_dashboard(request).await.unwrap();
    }
    let changed = r#"[{"op":"replace","path":"/duration","value":"2h"},{"op":"replace","path":"/n","value":12345678901234567891}]"#;
    for (from, to, expected) in [(1, 2, changed), (2, 3, "[]"), (1, 1, "[]"), (3, 0, "[]")] {
        let answer = client.diff_dashboard_revisions(diff_request(from, to)).await.unwrap();
        assert_eq!(answer.into_inner().json_patch, expected, "from {from} to {to}");
    }
}

#[tokio::test]
async fn diff_is_no_larger_than_the_document_it_makes() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    // Each operation would repeat the long key: 40 MB in all.
    let document = |digit: &str| {
        let numbers = vec![digit; 20_000].join(",");
        format!(r#"{{"panels":{{}},"{}":[{numbers}]}}"#, "k".repeat(2_000))
    };
    let (from, to) = (document("0"), document("1"));
    apply(&mut client, NAME, &from).await;
    apply(&mut client, NAME, &to).await;

    let answer = client.diff_dashboard_revisions(diff_request(1, 2)).await.unwrap();

    let whole = format!(r#"[{{"op":"replace","path":"","value":{to}}}]"#);
    assert_eq!(answer.into_inner().json_patch, whole);
}

#[tokio::test]
async fn diff_to_zero_arrives_at_the_head() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    for (display_name, expected) in [("2", "2"), ("3", "3")] {
        apply(&mut client, NAME, spec_named("1")).await;
        apply(&mut client, NAME, spec_named(display_name)).await;
        let answer = client.diff_dashboard_revisions(diff_request(1, 0)).await.unwrap();
        let patch: Value = serde_json::from_str(&answer.into_inner().json_patch).unwrap();
        assert_eq!(
            patch,
            json!([{ "op": "replace", "path": "/display/name", "value": expected }])
        );
    }
    delete(&mut client, NAME).await;
    assert!(client.diff_dashboard_revisions(diff_request(1, 0)).await.is_ok());
}

#[tokio::test]
async fn diff_tells_revisions_that_were_pruned_from_those_that_never_were() {
    let server = TestServer::start_with(|config| config.dashboards.revisions_kept = 3).await;
    let mut client = server.dashboards().await;
    for display_name in ["1", "2", "3", "4"] {
        apply(&mut client, NAME, spec_named(display_name)).await;
    }
    for (from, to, code, reason, missing) in [
        (1, 2, Code::OutOfRange, "REVISION_PRUNED", 1),
        (4, 1, Code::OutOfRange, "REVISION_PRUNED", 1),
        (2, 5, Code::NotFound, "REVISION_NOT_FOUND", 5),
        (6, 0, Code::NotFound, "REVISION_NOT_FOUND", 6),
    ] {
        let refused = client
            .diff_dashboard_revisions(diff_request(from, to))
            .await
            .unwrap_err();
        assert_refused(&refused, code, reason);
        assert_about(&refused, &format!("{NAME}/revisions/{missing}"));
    }
    assert!(client.diff_dashboard_revisions(diff_request(2, 4)).await.is_ok());
}

#[tokio::test]
async fn diff_of_a_dashboard_that_does_not_exist_is_not_found() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    create(&mut client, "other").await;
    let missing = client.diff_dashboard_revisions(diff_request(1, 0)).await.unwrap_err();
    assert_refused(&missing, Code::NotFound, "DASHBOARD_NOT_FOUND");
    assert_about(&missing, NAME);
}

#[tokio::test]
async fn diff_refuses_bad_fields() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    for (from, to, fields) in [
        (0, 1, &[("from_revision", "FIELD_OUT_OF_RANGE")][..]),
        (-1, 0, &[("from_revision", "FIELD_OUT_OF_RANGE")]),
        (1, -1, &[("to_revision", "FIELD_OUT_OF_RANGE")]),
        (
            i32::MIN,
            i32::MIN,
            &[
                ("from_revision", "FIELD_OUT_OF_RANGE"),
                ("to_revision", "FIELD_OUT_OF_RANGE"),
            ],
        ),
    ] {
        let refused = client
            .diff_dashboard_revisions(diff_request(from, to))
            .await
            .unwrap_err();
        assert_invalid(&refused, fields);
    }

    for (name, reason) in [
        ("", "FIELD_REQUIRED"),
        ("projects/p/dashboards/d/revisions/1", "INVALID_NAME"),
        ("projects/-/dashboards/d", "INVALID_NAME"),
        ("projects/p/dashboards/-", "INVALID_NAME"),
    ] {
        let request = proto::DiffDashboardRevisionsRequest {
            name: name.into(),
            ..diff_request(1, 0)
        };
        let refused = client.diff_dashboard_revisions(request).await.unwrap_err();
        assert_invalid(&refused, &[("name", reason)]);
    }
}
