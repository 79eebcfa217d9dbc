//! UpdateTemplate.

use dashboard_store::grpc::proto;
use prost_types::FieldMask;
use tonic::Code;
use tonic_types::StatusExt as _;
use uuid::Uuid;

use crate::support::TestServer;
use crate::support::audit::{events, stored};
use crate::support::requests::{as_user, assert_invalid, assert_refused, json_spec, json_text, violations};
use crate::support::templates::{SPEC, assert_about_template, create, get, optional, parameters};

const CHANGED: &str = r#"{"panels":{},"changed":"%{namespace}"}"#;

/// Replaces the document of a template.
fn update_request(name: &str, etag: &str) -> proto::UpdateTemplateRequest {
    proto::UpdateTemplateRequest {
        template: Some(proto::Template {
            name: name.into(),
            etag: etag.into(),
            spec: json_spec(CHANGED),
            ..Default::default()
        }),
        ..Default::default()
    }
}

fn mask(paths: &[&str]) -> Option<FieldMask> {
    let paths = paths.iter().map(|path| (*path).to_owned()).collect();
    Some(FieldMask { paths })
}

#[tokio::test]
async fn update_changes_the_content_and_raises_the_revision() {
    let server = TestServer::start().await;
    let mut client = server.templates().await;
    let created = create(&mut client, "gpu").await;

    let request = update_request(&created.name, &created.etag);
    let answer = client.update_template(as_user("bob", request)).await.unwrap();

    let updated = answer.into_inner().template.unwrap();
    assert_eq!(json_text(updated.spec.clone()), CHANGED);
    assert_eq!(updated.revision, 2);
    assert_ne!(updated.etag, created.etag);
    assert_eq!((&updated.uid, &updated.parameters), (&created.uid, &created.parameters));
    assert_eq!(
        (updated.created_by.as_str(), updated.updated_by.as_str()),
        ("user:developer", "user:bob")
    );
    assert_eq!(get(&mut client, &created.name).await.unwrap(), updated);

    let event = events(&server).await.pop().unwrap();
    assert_eq!(event.method, "perses.dashboards.v1.TemplateService/UpdateTemplate");
    assert_eq!(
        (event.actor.as_str(), event.permission.as_str()),
        ("user:bob", "templates.update")
    );
    assert_eq!((event.revision_before, event.revision_after), (Some(1), Some(2)));
    assert_eq!(
        (event.sha256_before, event.sha256_after),
        (Some(created.spec_sha256), Some(updated.spec_sha256))
    );
    assert_eq!(event.changed_paths, ["spec"]);
}

#[tokio::test]
async fn update_takes_what_the_mask_names_and_clears_what_is_empty() {
    let server = TestServer::start().await;
    let mut client = server.templates().await;
    let created = create(&mut client, "gpu").await;
    let request = proto::UpdateTemplateRequest {
        update_mask: mask(&["display_name", "description", "category", "usage_count"]),
        template: Some(proto::Template {
            description: "new".into(),
            usage_count: 7,
            ..update_request(&created.name, "*").template.unwrap()
        }),
        ..Default::default()
    };
    let answer = client.update_template(request).await.unwrap();
    let updated = answer.into_inner().template.unwrap();
    assert_eq!(
        (updated.display_name.as_str(), updated.description.as_str()),
        ("", "new")
    );
    assert_eq!(updated.category(), proto::TemplateCategory::General);
    assert_eq!(updated.usage_count, 0);
    assert_eq!(json_text(updated.spec), SPEC);
    let event = events(&server).await.pop().unwrap();
    assert_eq!(event.changed_paths, ["display_name", "description", "category"]);

    let unknown = proto::UpdateTemplateRequest {
        update_mask: mask(&["spec.panels"]),
        ..update_request(&created.name, "*")
    };
    let refused = client.update_template(unknown).await.unwrap_err();
    assert_invalid(&refused, &[("update_mask", "INVALID_UPDATE_MASK")]);
}

#[tokio::test]
async fn update_checks_new_parts_with_those_that_stay() {
    let server = TestServer::start().await;
    let mut client = server.templates().await;
    let created = create(&mut client, "gpu").await;
    let before = stored(&server).await;

    let mut fewer_parameters = update_request(&created.name, "*");
    let template = fewer_parameters.template.as_mut().unwrap();
    (template.spec, template.parameters) = (None, vec![optional("title", "t")]);
    let refused = client.update_template(fewer_parameters).await.unwrap_err();
    assert_eq!(
        violations(&refused),
        [("template.spec/x/job".to_owned(), "SLOT_INVALID".to_owned())]
    );

    let mut other_document = update_request(&created.name, "*");
    other_document.template.as_mut().unwrap().spec = json_spec(r#"{"panels":{},"a":"%{nobody}"}"#);
    let refused = client.update_template(other_document).await.unwrap_err();
    assert_eq!(
        violations(&refused),
        [("template.spec/a".to_owned(), "SLOT_INVALID".to_owned())]
    );
    assert_eq!(stored(&server).await, before);

    let mut both = update_request(&created.name, "*");
    both.template.as_mut().unwrap().parameters = [parameters(), vec![optional("more", "m")]].concat();
    let answer = client.update_template(both).await.unwrap();
    assert_eq!(answer.into_inner().template.unwrap().parameters.len(), 3);
}

#[tokio::test]
async fn update_that_changes_nothing_writes_nothing() {
    let server = TestServer::start().await;
    let mut client = server.templates().await;
    let created = create(&mut client, "gpu").await;
    let request = proto::UpdateTemplateRequest {
        template: Some(created.clone()),
        update_mask: mask(&["*"]),
        ..Default::default()
    };
    let answer = client.update_template(request).await.unwrap();
    assert_eq!(answer.into_inner().template, Some(created));
    assert_eq!(events(&server).await.len(), 1);
}

#[tokio::test]
async fn update_with_a_stale_or_a_missing_etag_is_refused() {
    let server = TestServer::start().await;
    let mut client = server.templates().await;
    let created = create(&mut client, "gpu").await;
    let request = update_request(&created.name, &created.etag);
    client.update_template(as_user("alice", request)).await.unwrap();
    let before = stored(&server).await;

    let stale = update_request(&created.name, &created.etag);
    let refused = client.update_template(stale).await.unwrap_err();
    assert_refused(&refused, Code::Aborted, "ETAG_MISMATCH");
    assert_about_template(&refused, &created.name);
    let metadata = refused.get_details_error_info().unwrap().metadata;
    assert_eq!(
        (
            metadata["current_revision"].as_str(),
            metadata["current_author"].as_str()
        ),
        ("2", "user:alice")
    );

    for (etag, expected) in [("", "ETAG_REQUIRED"), ("1", "FIELD_INVALID")] {
        let request = update_request(&created.name, etag);
        let refused = client.update_template(request).await.unwrap_err();
        assert_invalid(&refused, &[("template.etag", expected)]);
    }
    assert_eq!(stored(&server).await, before);
}

#[tokio::test]
async fn update_of_what_does_not_exist_is_not_found() {
    let server = TestServer::start().await;
    let mut client = server.templates().await;
    for name in ["projects/p/templates/gpu", "templates/gpu"] {
        let refused = client.update_template(update_request(name, "*")).await.unwrap_err();
        assert_refused(&refused, Code::NotFound, "TEMPLATE_NOT_FOUND");
        assert_about_template(&refused, name);
    }
    let refused = client.update_template(update_request("", "*")).await.unwrap_err();
    assert_invalid(&refused, &[("template.name", "FIELD_REQUIRED")]);
}

#[tokio::test]
async fn update_with_validate_only_checks_and_stores_nothing() {
    let server = TestServer::start().await;
    let mut client = server.templates().await;
    let created = create(&mut client, "gpu").await;
    let before = stored(&server).await;
    let request = proto::UpdateTemplateRequest {
        validate_only: true,
        ..update_request(&created.name, &created.etag)
    };
    let shown = client.update_template(request).await.unwrap().into_inner().template;
    assert_eq!(json_text(shown.unwrap().spec), CHANGED);
    assert_eq!(stored(&server).await, before);
}

/// Templates have no history: what a change has overwritten does not come again.
#[tokio::test]
async fn a_replay_has_the_document_as_long_as_the_revision_is_there() {
    let server = TestServer::start().await;
    let mut client = server.templates().await;
    let created = create(&mut client, "gpu").await;
    let request = proto::UpdateTemplateRequest {
        request_id: Uuid::new_v4().to_string(),
        ..update_request(&created.name, &created.etag)
    };
    let first = client.update_template(request.clone()).await.unwrap().into_inner();
    let second = client.update_template(request.clone()).await.unwrap().into_inner();
    assert_eq!(second, first);

    let mut other = update_request(&created.name, "*");
    other.template.as_mut().unwrap().spec = json_spec(SPEC);
    client.update_template(other).await.unwrap();
    let events_before = events(&server).await.len();
    let third = client.update_template(request).await.unwrap().into_inner();
    let expected = proto::Template {
        parameters: vec![],
        spec: None,
        ..first.template.unwrap()
    };
    assert_eq!(third.template, Some(expected));
    assert_eq!(events(&server).await.len(), events_before);
}
