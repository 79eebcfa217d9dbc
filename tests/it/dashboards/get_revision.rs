//! GetDashboardRevision.

use dashboard_store::domain::spec::SpecLimits;
use dashboard_store::grpc::proto;
use dashboard_store::grpc::proto::SpecFormat;
use dashboard_store::grpc::proto::dashboard_spec::Content;
use tonic::Code;

use crate::support::TestServer;
use crate::support::requests::{
    apply, assert_about, assert_invalid, assert_refused, create, delete, json_text, spec_named,
};

const DASHBOARD: &str = "projects/p/dashboards/d";

fn get_request(revision: i32) -> proto::GetDashboardRevisionRequest {
    proto::GetDashboardRevisionRequest {
        name: format!("{DASHBOARD}/revisions/{revision}"),
        ..Default::default()
    }
}

#[tokio::test]
async fn get_revision_reads_what_was_written_then() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    let text = "{ \"panels\": {},\n \"x\": 1.50 }";
    let first = apply(&mut client, DASHBOARD, text).await;
    let second = apply(&mut client, DASHBOARD, spec_named("later")).await;
    delete(&mut client, DASHBOARD).await;
    for (written, note) in [(&first, "first"), (&second, "second")] {
        let answer = client
            .get_dashboard_revision(get_request(written.revision))
            .await
            .unwrap();
        let expected = proto::DashboardRevision {
            name: format!("{DASHBOARD}/revisions/{}", written.revision),
            revision: written.revision,
            spec: written.spec.clone(),
            spec_sha256: written.spec_sha256.clone(),
            spec_size_bytes: written.spec_size_bytes,
            author: written.updated_by.clone(),
            create_time: written.update_time,
            ..Default::default()
        };
        assert_eq!(answer.into_inner().revision, Some(expected), "{note}");
    }
    assert_eq!(json_text(first.spec), text);
}

#[tokio::test]
async fn get_revision_answers_structured_where_asked() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    create(&mut client, "d").await;
    let request = proto::GetDashboardRevisionRequest {
        spec_format: SpecFormat::Structured.into(),
        ..get_request(1)
    };
    let answer = client.get_dashboard_revision(request).await.unwrap().into_inner();
    let Some(Content::Structured(tree)) = answer.revision.unwrap().spec.unwrap().content else {
        panic!("no tree");
    };
    let text = tree.to_json(&SpecLimits::default()).unwrap();
    let read: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        read,
        serde_json::from_str::<serde_json::Value>(&spec_named("d")).unwrap()
    );
}

#[tokio::test]
async fn get_revision_tells_one_that_was_pruned_from_one_that_never_was() {
    let server = TestServer::start_with(|config| config.dashboards.revisions_kept = 3).await;
    let mut client = server.dashboards().await;
    for display_name in ["1", "2", "3", "4"] {
        apply(&mut client, DASHBOARD, spec_named(display_name)).await;
    }
    for (revision, code, reason) in [
        (1, Code::OutOfRange, "REVISION_PRUNED"),
        (5, Code::NotFound, "REVISION_NOT_FOUND"),
        (i32::MAX, Code::NotFound, "REVISION_NOT_FOUND"),
    ] {
        let request = get_request(revision);
        let name = request.name.clone();
        let refused = client.get_dashboard_revision(request).await.unwrap_err();
        assert_refused(&refused, code, reason);
        assert_about(&refused, &name);
    }
    for revision in [2, 3, 4] {
        assert!(
            client.get_dashboard_revision(get_request(revision)).await.is_ok(),
            "{revision}"
        );
    }
}

#[tokio::test]
async fn get_revision_of_a_dashboard_that_does_not_exist_is_not_found() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    create(&mut client, "other").await;
    let missing = client.get_dashboard_revision(get_request(1)).await.unwrap_err();
    assert_refused(&missing, Code::NotFound, "DASHBOARD_NOT_FOUND");
    assert_about(&missing, DASHBOARD);
}

#[tokio::test]
async fn get_revision_refuses_bad_fields() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    for (name, reason) in [
        ("", "FIELD_REQUIRED"),
        ("projects/p/dashboards/d", "INVALID_NAME"),
        ("projects/p/dashboards/d/revisions/", "INVALID_NAME"),
        ("projects/p/dashboards/d/revisions/0", "INVALID_NAME"),
        ("projects/p/dashboards/d/revisions/-1", "INVALID_NAME"),
        ("projects/p/dashboards/d/revisions/01", "INVALID_NAME"),
        ("projects/p/dashboards/d/revisions/head", "INVALID_NAME"),
        ("projects/p/dashboards/d/revisions/2147483648", "INVALID_NAME"),
        ("projects/-/dashboards/d/revisions/1", "INVALID_NAME"),
        ("projects/p/dashboards/-/revisions/1", "INVALID_NAME"),
    ] {
        let request = proto::GetDashboardRevisionRequest {
            name: name.into(),
            ..Default::default()
        };
        let refused = client.get_dashboard_revision(request).await.unwrap_err();
        assert_invalid(&refused, &[("name", reason)]);
    }

    let request = proto::GetDashboardRevisionRequest {
        spec_format: 3,
        ..get_request(1)
    };
    let refused = client.get_dashboard_revision(request).await.unwrap_err();
    assert_invalid(&refused, &[("spec_format", "ENUM_UNKNOWN")]);
}
