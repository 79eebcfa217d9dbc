//! GetTemplate.

use dashboard_store::grpc::proto;
use tonic::Code;

use crate::support::TestServer;
use crate::support::requests::{assert_invalid, assert_refused, is_tree};
use crate::support::templates::{assert_about_template, create, get};

#[tokio::test]
async fn get_leaves_the_document_out_where_it_is_not_asked_for() {
    let server = TestServer::start().await;
    let mut client = server.templates().await;
    let created = create(&mut client, "gpu").await;
    let mut request = proto::GetTemplateRequest {
        name: created.name.clone(),
        view: proto::DashboardView::Basic.into(),
        ..Default::default()
    };
    let basic = client.get_template(request.clone()).await.unwrap().into_inner();
    let expected = proto::Template { spec: None, ..created };
    assert_eq!(basic.template, Some(expected));

    request.view = proto::DashboardView::Unspecified.into();
    request.spec_format = proto::SpecFormat::Structured.into();
    let full = client.get_template(request).await.unwrap().into_inner();
    assert!(is_tree(full.template.unwrap().spec.as_ref()));
}

#[tokio::test]
async fn get_of_what_does_not_exist_is_not_found() {
    let server = TestServer::start().await;
    let mut client = server.templates().await;
    create(&mut client, "gpu").await;
    for name in ["projects/p/templates/GPU", "projects/q/templates/gpu", "templates/gpu"] {
        let refused = get(&mut client, name).await.unwrap_err();
        assert_refused(&refused, Code::NotFound, "TEMPLATE_NOT_FOUND");
        assert_about_template(&refused, name);
    }
}

#[tokio::test]
async fn get_refuses_a_malformed_name() {
    let server = TestServer::start().await;
    let mut client = server.templates().await;
    for (name, expected) in [
        ("", "FIELD_REQUIRED"),
        ("gpu", "INVALID_NAME"),
        ("projects/-/templates/gpu", "INVALID_NAME"),
        ("projects/p/dashboards/gpu", "INVALID_NAME"),
        ("templates/a/b", "INVALID_NAME"),
    ] {
        let refused = get(&mut client, name).await.unwrap_err();
        assert_invalid(&refused, &[("name", expected)]);
    }
}
