//! RenderTemplate.

use std::collections::HashMap;

use dashboard_store::grpc::proto;
use dashboard_store::grpc::proto::TemplateParameterType;
use prost_types::Value;
use tonic::Code;

use crate::support::TestServer;
use crate::support::audit::stored;
use crate::support::requests::{assert_invalid, assert_refused, is_tree, json_spec, json_text};
use crate::support::templates::{Client, assert_about_template, create, create_request, required, values};

const HOSTILE: &str = r#"a"b\c{$x}${y}"#;

fn render_request(parameters: HashMap<String, Value>) -> proto::RenderTemplateRequest {
    proto::RenderTemplateRequest {
        name: "projects/p/templates/gpu".into(),
        parameters,
        ..Default::default()
    }
}

/// Creates a template with one STRING `x`.
async fn create_with(client: &mut Client, spec: &str) {
    let mut request = create_request("gpu");
    let template = request.template.as_mut().unwrap();
    template.spec = json_spec(spec);
    template.parameters = vec![required("x", TemplateParameterType::String)];
    client.create_template(request).await.unwrap();
}

#[tokio::test]
async fn render_fills_in_values_and_defaults_and_stores_nothing() {
    let server = TestServer::start().await;
    let mut client = server.templates().await;
    create(&mut client, "gpu").await;
    let before = stored(&server).await;

    let request = render_request(values(&[("namespace", "prod")]));
    let answer = client.render_template(request.clone()).await.unwrap().into_inner();

    let expected = r#"{"display":{"name":"Untitled"},"panels":{},"x":{"job":"up{namespace=\"prod\"}","n":1.50}}"#;
    assert_eq!(json_text(answer.spec), expected);
    let structured = proto::RenderTemplateRequest {
        spec_format: proto::SpecFormat::Structured.into(),
        ..request
    };
    let answer = client.render_template(structured).await.unwrap().into_inner();
    assert!(is_tree(answer.spec.as_ref()));
    assert_eq!(stored(&server).await, before);
}

#[tokio::test]
async fn a_hostile_value_stays_in_the_slots_that_take_it() {
    let server = TestServer::start().await;
    let mut client = server.templates().await;
    let spec = r#"{"panels":{},"text":"%{x:text}","label":"%{x:label}","regex":"%{x:regex}","value":{"$param":"x"}}"#;
    create_with(&mut client, spec).await;
    let answer = client
        .render_template(render_request(values(&[("x", HOSTILE)])))
        .await
        .unwrap();
    let document: serde_json::Value = serde_json::from_str(&json_text(answer.into_inner().spec)).unwrap();
    assert_eq!(
        (&document["text"], &document["value"]),
        (&HOSTILE.into(), &HOSTILE.into())
    );
    assert_eq!(document["label"], r#"a\"b\\c{\x24x}\x24{y}"#);
    assert_eq!(document["regex"], r#"a\"b\\\\c\\{\\\x24x\\}\\\x24\\{y\\}"#);
}

#[tokio::test]
async fn a_plain_slot_refuses_a_hostile_value_with_its_path() {
    let server = TestServer::start().await;
    let mut client = server.templates().await;
    create_with(
        &mut client,
        r#"{"panels":{},"list":[{"q":"%{x}"}],"other":"%{x:text}"}"#,
    )
    .await;
    let refused = client
        .render_template(render_request(values(&[("x", HOSTILE)])))
        .await
        .unwrap_err();
    assert_invalid(&refused, &[("spec/list/0/q", "SLOT_INVALID")]);
}

#[tokio::test]
async fn render_reports_every_wrong_value_at_once() {
    let server = TestServer::start().await;
    let mut client = server.templates().await;
    let mut request = create_request("gpu");
    let replicas = proto::TemplateParameter {
        minimum: Some(1.0),
        ..required("replicas", TemplateParameterType::Int)
    };
    let flag = required("flag", TemplateParameterType::Bool);
    request.template.as_mut().unwrap().parameters.extend([replicas, flag]);
    client.create_template(request).await.unwrap();

    let mut given = values(&[("flag", "yes"), ("nobody", "a")]);
    given.insert("replicas".into(), 0.0.into());
    let refused = client.render_template(render_request(given)).await.unwrap_err();
    assert_invalid(
        &refused,
        &[
            ("parameters.namespace", "FIELD_REQUIRED"),
            ("parameters.replicas", "PARAMETER_INVALID"),
            ("parameters.flag", "PARAMETER_INVALID"),
            ("parameters.nobody", "PARAMETER_UNKNOWN"),
        ],
    );

    let lists = HashMap::from([("namespace".to_owned(), Value::from(vec!["a".into()]))]);
    let refused = client.render_template(render_request(lists)).await.unwrap_err();
    assert_invalid(&refused, &[("parameters.namespace", "PARAMETER_INVALID")]);
}

#[tokio::test]
async fn the_result_goes_through_the_intake_of_dashboards() {
    let server = TestServer::start().await;
    let mut client = server.templates().await;
    let spec = r#"{"panels":{"a":{"kind":"Panel","spec":{"plugin":{"kind":"%{x}"}}}}}"#;
    create_with(&mut client, spec).await;
    let refused = client
        .render_template(render_request(values(&[("x", "")])))
        .await
        .unwrap_err();
    assert_invalid(&refused, &[("spec/panels/a/spec/plugin/kind", "SPEC_INVALID")]);
}

#[tokio::test]
async fn render_of_what_does_not_exist_is_not_found() {
    let server = TestServer::start().await;
    let mut client = server.templates().await;
    let refused = client
        .render_template(render_request(HashMap::new()))
        .await
        .unwrap_err();
    assert_refused(&refused, Code::NotFound, "TEMPLATE_NOT_FOUND");
    assert_about_template(&refused, "projects/p/templates/gpu");
}
