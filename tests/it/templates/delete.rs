//! DeleteTemplate.

use dashboard_store::grpc::proto;
use tonic::Code;
use uuid::Uuid;

use crate::support::TestServer;
use crate::support::audit::{events, stored};
use crate::support::requests::{as_user, assert_invalid, assert_refused};
use crate::support::templates::{assert_about_template, create, get};

fn delete_request(name: &str, etag: &str) -> proto::DeleteTemplateRequest {
    proto::DeleteTemplateRequest {
        name: name.into(),
        etag: etag.into(),
        ..Default::default()
    }
}

#[tokio::test]
async fn delete_removes_the_template_and_frees_its_name() {
    let server = TestServer::start().await;
    let mut client = server.templates().await;
    let created = create(&mut client, "gpu").await;
    let request = delete_request(&created.name, &created.etag);
    client.delete_template(as_user("bob", request)).await.unwrap();

    let gone = get(&mut client, &created.name).await.unwrap_err();
    assert_refused(&gone, Code::NotFound, "TEMPLATE_NOT_FOUND");
    let event = events(&server).await.pop().unwrap();
    assert_eq!(event.method, "perses.dashboards.v1.TemplateService/DeleteTemplate");
    assert_eq!(
        (event.actor.as_str(), event.permission.as_str(), event.uid.as_str()),
        ("user:bob", "templates.delete", created.uid.as_str())
    );
    assert_eq!((event.revision_before, event.revision_after), (Some(1), None));
    assert_eq!(
        (event.sha256_before, event.sha256_after),
        (Some(created.spec_sha256), None)
    );

    let again = create(&mut client, "gpu").await;
    assert_ne!(again.uid, created.uid);
    let old_life = client
        .delete_template(delete_request(&created.name, &created.etag))
        .await
        .unwrap_err();
    assert_refused(&old_life, Code::Aborted, "ETAG_MISMATCH");
}

#[tokio::test]
async fn delete_with_a_stale_or_a_missing_etag_is_refused() {
    let server = TestServer::start().await;
    let mut client = server.templates().await;
    let created = create(&mut client, "gpu").await;
    let before = stored(&server).await;
    for (etag, expected) in [("", "ETAG_REQUIRED"), ("1", "FIELD_INVALID")] {
        let refused = client
            .delete_template(delete_request(&created.name, etag))
            .await
            .unwrap_err();
        assert_invalid(&refused, &[("etag", expected)]);
    }
    assert_eq!(stored(&server).await, before);
}

#[tokio::test]
async fn delete_of_what_does_not_exist_is_not_found() {
    let server = TestServer::start().await;
    let mut client = server.templates().await;
    let name = "projects/p/templates/gpu";
    let refused = client.delete_template(delete_request(name, "*")).await.unwrap_err();
    assert_refused(&refused, Code::NotFound, "TEMPLATE_NOT_FOUND");
    assert_about_template(&refused, name);
}

#[tokio::test]
async fn delete_with_validate_only_deletes_nothing_and_a_replay_deletes_once() {
    let server = TestServer::start().await;
    let mut client = server.templates().await;
    let created = create(&mut client, "gpu").await;
    let before = stored(&server).await;
    let request = proto::DeleteTemplateRequest {
        request_id: Uuid::new_v4().to_string(),
        ..delete_request(&created.name, &created.etag)
    };
    let only_checked = proto::DeleteTemplateRequest {
        validate_only: true,
        ..request.clone()
    };
    client.delete_template(only_checked).await.unwrap();
    assert_eq!(stored(&server).await, before);

    client.delete_template(request.clone()).await.unwrap();
    client.delete_template(request.clone()).await.unwrap();
    assert_eq!(events(&server).await.len(), 2);
    let other_content = proto::DeleteTemplateRequest {
        etag: "*".into(),
        ..request
    };
    let refused = client.delete_template(other_content).await.unwrap_err();
    assert_invalid(&refused, &[("request_id", "REQUEST_ID_REUSED")]);
}
