//! CreateTemplate.

use dashboard_store::grpc::proto;
use dashboard_store::grpc::proto::TemplateParameterType;
use tonic::Code;
use uuid::Uuid;

use crate::support::TestServer;
use crate::support::audit::{AuditEvent, events, stored};
use crate::support::requests::{as_user, assert_invalid, assert_refused, json_spec, json_text, violations};
use crate::support::templates::{
    SPEC, assert_about_template, create, create_request, get, optional, parameters, required,
};

/// A request for a template of this document and these parameters.
fn request_with(spec: &str, declared: Vec<proto::TemplateParameter>) -> proto::CreateTemplateRequest {
    let mut request = create_request("gpu");
    let template = request.template.as_mut().unwrap();
    template.spec = json_spec(spec);
    template.parameters = declared;
    request
}

#[tokio::test]
async fn create_answers_with_the_template_and_get_reads_it_back() {
    let server = TestServer::start().await;
    let mut client = server.templates().await;
    let window = proto::TemplateParameter {
        display_name: "Window".into(),
        description: "How far back".into(),
        allowed_values: vec!["5m".into(), "1h".into()],
        default_value: Some("5m".into()),
        minimum: Some(60.0),
        maximum: Some(3600.0),
        ..required("window", TemplateParameterType::Duration)
    };
    let limit = proto::TemplateParameter {
        default_value: Some("9223372036854775807".into()),
        minimum: Some(0.5),
        ..required("limit", TemplateParameterType::Int)
    };
    let mut request = create_request("gpu");
    let declared = [parameters(), vec![window, limit]].concat();
    let template = request.template.as_mut().unwrap();
    template.description = "Cards".into();
    template.parameters = declared.clone();

    let answer = client.create_template(as_user("alice", request)).await.unwrap();

    let created = answer.into_inner().template.unwrap();
    assert_eq!(created.name, "projects/p/templates/gpu");
    assert_eq!(
        (created.display_name.as_str(), created.description.as_str()),
        ("Template gpu", "Cards")
    );
    assert_eq!(created.category(), proto::TemplateCategory::ModelServing);
    assert_eq!(created.parameters, declared);
    assert_eq!(json_text(created.spec.clone()), SPEC);
    assert_eq!(created.spec_size_bytes as usize, SPEC.len());
    assert!(!created.is_system);
    assert_eq!((created.revision, created.usage_count), (1, 0));
    assert_eq!(created.last_use_time, None);
    assert_eq!(
        (created.created_by.as_str(), created.updated_by.as_str()),
        ("user:alice", "user:alice")
    );
    assert_eq!(created.create_time, created.update_time);
    assert_eq!(Uuid::parse_str(&created.uid).unwrap().get_version_num(), 7);
    assert_eq!(get(&mut client, &created.name).await.unwrap(), created);
}

#[tokio::test]
async fn create_takes_a_name_once() {
    let server = TestServer::start().await;
    let mut client = server.templates().await;
    let created = create(&mut client, "gpu").await;
    let taken = client.create_template(create_request("gpu")).await.unwrap_err();
    assert_refused(&taken, Code::AlreadyExists, "TEMPLATE_EXISTS");
    assert_about_template(&taken, &created.name);

    let elsewhere = proto::CreateTemplateRequest {
        parent: "projects/q".into(),
        ..create_request("gpu")
    };
    client.create_template(elsewhere).await.unwrap();
}

#[tokio::test]
async fn create_reports_every_violation_at_once_and_stores_nothing() {
    let server = TestServer::start().await;
    let mut client = server.templates().await;
    let before = stored(&server).await;
    let broken = proto::TemplateParameter {
        pattern: "[a-z]+".into(),
        default_value: Some("A1".into()),
        ..required("a", TemplateParameterType::String)
    };
    let of_no_type = required("b", TemplateParameterType::Unspecified);
    let of_null = proto::TemplateParameter {
        default_value: Some(prost_types::Value { kind: None }),
        ..required("c", TemplateParameterType::String)
    };
    let request = proto::CreateTemplateRequest {
        template_id: "a..b".into(),
        request_id: "1".into(),
        template: Some(proto::Template {
            display_name: "x".repeat(201),
            category: 99,
            parameters: vec![broken, of_no_type, of_null, required("1", TemplateParameterType::Enum)],
            spec: json_spec(r#"{"panels":{},"a":"%{x:json}"}"#),
            ..Default::default()
        }),
        ..create_request("")
    };

    let refused = client.create_template(request).await.unwrap_err();

    assert_invalid(
        &refused,
        &[
            ("template_id", "INVALID_NAME"),
            ("template.display_name", "FIELD_TOO_LONG"),
            ("template.category", "ENUM_UNKNOWN"),
            ("template.parameters[1].type", "FIELD_REQUIRED"),
            ("template.parameters[2].default_value", "PARAMETER_INVALID"),
            ("template.parameters[0].default_value", "PARAMETER_INVALID"),
            ("template.parameters[3].name", "FIELD_INVALID"),
            ("template.parameters[3].allowed_values", "FIELD_REQUIRED"),
            ("template.spec/a", "SLOT_INVALID"),
            ("request_id", "FIELD_INVALID"),
        ],
    );
    assert_eq!(stored(&server).await, before);
}

#[tokio::test]
async fn create_refuses_a_document_that_no_dashboard_can_have() {
    let server = TestServer::start().await;
    let mut client = server.templates().await;
    let x = || vec![optional("x", "v")];
    for (spec, declared, field, expected) in [
        (r#"{"panels":{},"a":"%{y}"}"#, x(), "template.spec/a", "SLOT_INVALID"),
        (
            r#"{"panels":{},"a":{"$param":"X"}}"#,
            x(),
            "template.spec/a",
            "SLOT_INVALID",
        ),
        (
            r#"{"panels":{},"timezone":"%{x}"}"#,
            x(),
            "template.spec/timezone",
            "SPEC_INVALID",
        ),
        (
            r#"{"panels":{},"a":"%{x}"}"#,
            vec![optional("x", "${v}")],
            "template.spec/a",
            "SLOT_INVALID",
        ),
        ("{}", x(), "template.spec", "SPEC_INVALID"),
        (r#"{"$param":"x"}"#, x(), "template.spec", "SPEC_MALFORMED"),
        ("[]", x(), "template.spec", "SPEC_MALFORMED"),
    ] {
        let refused = client.create_template(request_with(spec, declared)).await.unwrap_err();
        assert_eq!(
            violations(&refused),
            [(field.to_owned(), expected.to_owned())],
            "{spec}"
        );
    }
}

#[tokio::test]
async fn create_refuses_a_parent_that_is_no_project() {
    let server = TestServer::start().await;
    let mut client = server.templates().await;
    for (parent, expected) in [
        ("", "FIELD_REQUIRED"),
        ("platform", "INVALID_NAME"),
        ("projects/-", "INVALID_NAME"),
        ("templates", "INVALID_NAME"),
    ] {
        let request = proto::CreateTemplateRequest {
            parent: parent.into(),
            ..create_request("gpu")
        };
        let refused = client.create_template(request).await.unwrap_err();
        assert_invalid(&refused, &[("parent", expected)]);
    }
}

#[tokio::test]
async fn create_writes_one_audit_event() {
    let server = TestServer::start().await;
    let mut client = server.templates().await;
    let created = create(&mut client, "gpu").await;
    let expected = AuditEvent {
        actor: "user:developer".into(),
        method: "perses.dashboards.v1.TemplateService/CreateTemplate".into(),
        permission: "templates.create".into(),
        resource: created.name,
        uid: created.uid,
        revision_before: None,
        revision_after: Some(1),
        sha256_before: None,
        sha256_after: Some(created.spec_sha256),
        changed_paths: ["display_name", "description", "category", "parameters", "spec"]
            .map(str::to_owned)
            .into(),
        result: "success".into(),
    };
    assert_eq!(events(&server).await, [expected]);
}

#[tokio::test]
async fn create_with_the_same_request_id_answers_the_same_and_creates_once() {
    let server = TestServer::start().await;
    let mut client = server.templates().await;
    let request = proto::CreateTemplateRequest {
        request_id: Uuid::new_v4().to_string(),
        ..create_request("gpu")
    };
    let first = client.create_template(request.clone()).await.unwrap().into_inner();
    let second = client.create_template(request.clone()).await.unwrap().into_inner();
    assert_eq!(first, second);
    assert_eq!(events(&server).await.len(), 1);

    let mut other_default = request;
    other_default.template.as_mut().unwrap().parameters[1].default_value = Some("Other".into());
    let refused = client.create_template(other_default).await.unwrap_err();
    assert_invalid(&refused, &[("request_id", "REQUEST_ID_REUSED")]);
}

#[tokio::test]
async fn create_with_validate_only_checks_and_stores_nothing() {
    let server = TestServer::start().await;
    let mut client = server.templates().await;
    let before = stored(&server).await;
    let request = proto::CreateTemplateRequest {
        validate_only: true,
        ..create_request("gpu")
    };
    let shown = client.create_template(request.clone()).await.unwrap().into_inner();
    assert_eq!(json_text(shown.template.unwrap().spec), SPEC);
    assert_eq!(stored(&server).await, before);

    create(&mut client, "gpu").await;
    let taken = client.create_template(request).await.unwrap_err();
    assert_refused(&taken, Code::AlreadyExists, "TEMPLATE_EXISTS");
}
