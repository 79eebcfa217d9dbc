//! InstantiateTemplate, and where a dashboard says that it came from.

use dashboard_store::grpc::proto;
use tonic::Code;
use uuid::Uuid;

use crate::support::TestServer;
use crate::support::audit::{events, stored};
use crate::support::requests::{
    as_user, assert_invalid, assert_refused, create as create_dashboard, ids, json_spec, json_text, list_request,
    spec_named,
};
use crate::support::templates::{
    assert_about_template, create, get, instantiate, instantiate_request, make_system_template, values,
};

const TEMPLATE: &str = "projects/p/templates/gpu";

async fn get_dashboard(server: &TestServer, name: &str) -> proto::Dashboard {
    let request = proto::GetDashboardRequest {
        name: name.into(),
        ..Default::default()
    };
    let answer = server.dashboards().await.get_dashboard(request).await.unwrap();
    answer.into_inner().dashboard.unwrap()
}

#[tokio::test]
async fn instantiate_makes_a_dashboard_that_says_where_it_came_from() {
    let server = TestServer::start().await;
    let mut client = server.templates().await;
    create(&mut client, "gpu").await;
    let request = proto::InstantiateTemplateRequest {
        tags: vec!["ml".into(), "gpu".into()],
        change_note: "first".into(),
        ..instantiate_request(TEMPLATE, "made")
    };

    let answer = client.instantiate_template(as_user("alice", request)).await.unwrap();

    let made = answer.into_inner().dashboard.unwrap();
    assert_eq!(made.name, "projects/q/dashboards/made");
    let text = r#"{"display":{"name":"Untitled"},"panels":{},"x":{"job":"up{namespace=\"prod\"}","n":1.50}}"#;
    assert_eq!(json_text(made.spec.clone()), text);
    assert_eq!((made.display_name.as_str(), made.revision), ("Untitled", 1));
    assert_eq!(made.tags, ["gpu", "ml"]);
    assert_eq!(made.created_by, "user:alice");
    let origin = proto::TemplateOrigin {
        template: TEMPLATE.into(),
        template_revision: 1,
        parameters: values(&[("namespace", "prod"), ("title", "Untitled")]),
    };
    assert_eq!(made.template_origin, Some(origin));
    assert_eq!(get_dashboard(&server, &made.name).await, made);

    let event = events(&server).await.pop().unwrap();
    assert_eq!(event.method, "perses.dashboards.v1.TemplateService/InstantiateTemplate");
    assert_eq!(
        (event.permission.as_str(), event.resource, event.uid),
        ("templates.instantiate", made.name, made.uid)
    );
    assert_eq!(
        (event.sha256_after, event.revision_after),
        (Some(made.spec_sha256), Some(1))
    );
}

#[tokio::test]
async fn the_origin_stays_through_changes_of_the_dashboard_and_the_end_of_the_template() {
    let server = TestServer::start().await;
    let mut client = server.templates().await;
    let template = create(&mut client, "gpu").await;
    let made = instantiate(&mut client, TEMPLATE, "made").await;
    let mut dashboards = server.dashboards().await;

    let update = proto::UpdateDashboardRequest {
        dashboard: Some(proto::Dashboard {
            spec: json_spec(spec_named("changed")),
            template_origin: None,
            ..made.clone()
        }),
        ..Default::default()
    };
    let updated = dashboards.update_dashboard(update).await.unwrap().into_inner();
    assert_eq!(updated.dashboard.unwrap().template_origin, made.template_origin);

    let delete = proto::DeleteTemplateRequest {
        name: TEMPLATE.into(),
        etag: template.etag,
        ..Default::default()
    };
    client.delete_template(delete).await.unwrap();
    let request = proto::DeleteDashboardRequest {
        name: made.name.clone(),
        etag: "*".into(),
        ..Default::default()
    };
    dashboards.delete_dashboard(request).await.unwrap();
    let request = proto::UndeleteDashboardRequest {
        name: made.name.clone(),
        etag: "*".into(),
        ..Default::default()
    };
    dashboards.undelete_dashboard(request).await.unwrap();
    assert_eq!(
        get_dashboard(&server, &made.name).await.template_origin,
        made.template_origin
    );
}

#[tokio::test]
async fn lists_find_dashboards_by_their_template() {
    let server = TestServer::start().await;
    let mut client = server.templates().await;
    create(&mut client, "gpu").await;
    make_system_template(&server, "plain", r#"{"panels":{},"plain":true}"#).await;
    instantiate(&mut client, TEMPLATE, "made").await;
    let of_the_service = proto::InstantiateTemplateRequest {
        parameters: values(&[]),
        ..instantiate_request("templates/plain", "of-the-service")
    };
    client.instantiate_template(of_the_service).await.unwrap();
    let mut dashboards = server.dashboards().await;
    create_dashboard(&mut dashboards, "by-hand").await;

    for (filter, expected) in [
        (r#"template = "projects/p/templates/gpu""#, &["made"][..]),
        ("template = templates/plain", &["of-the-service"]),
        ("template = templates/gone", &[]),
        ("template:*", &["made", "of-the-service"]),
        ("NOT template:*", &["by-hand"]),
        ("template != templates/plain", &["by-hand", "made"]),
    ] {
        let request = proto::ListDashboardsRequest {
            filter: filter.into(),
            ..list_request("projects/-")
        };
        let page = dashboards.list_dashboards(request).await.unwrap().into_inner();
        assert_eq!(ids(&page.dashboards), expected, "{filter}");
    }
    let request = proto::ListDashboardsRequest {
        filter: "template = gpu".into(),
        ..list_request("projects/-")
    };
    let refused = dashboards.list_dashboards(request).await.unwrap_err();
    assert_invalid(&refused, &[("filter", "INVALID_FILTER")]);
}

#[tokio::test]
async fn instantiate_reports_every_violation_at_once_and_stores_nothing() {
    let server = TestServer::start().await;
    let mut client = server.templates().await;
    create(&mut client, "gpu").await;
    let before = stored(&server).await;
    let request = proto::InstantiateTemplateRequest {
        parameters: [("namespace".to_owned(), prost_types::Value { kind: None })].into(),
        tags: vec![" x".into()],
        change_note: "x".repeat(1001),
        request_id: "1".into(),
        ..instantiate_request(TEMPLATE, "a..b")
    };
    let refused = client.instantiate_template(request).await.unwrap_err();
    assert_invalid(
        &refused,
        &[
            ("dashboard_id", "INVALID_NAME"),
            ("parameters.namespace", "PARAMETER_INVALID"),
            ("tags[0]", "FIELD_INVALID"),
            ("change_note", "FIELD_TOO_LONG"),
            ("request_id", "FIELD_INVALID"),
        ],
    );

    let request = proto::InstantiateTemplateRequest {
        parameters: values(&[("nobody", "a")]),
        ..instantiate_request(TEMPLATE, "made")
    };
    let refused = client.instantiate_template(request).await.unwrap_err();
    assert_invalid(
        &refused,
        &[
            ("parameters.namespace", "FIELD_REQUIRED"),
            ("parameters.nobody", "PARAMETER_UNKNOWN"),
        ],
    );

    for (parent, expected) in [("", "FIELD_REQUIRED"), ("projects/-", "INVALID_NAME")] {
        let request = proto::InstantiateTemplateRequest {
            parent: parent.into(),
            ..instantiate_request(TEMPLATE, "made")
        };
        let refused = client.instantiate_template(request).await.unwrap_err();
        assert_invalid(&refused, &[("parent", expected)]);
    }
    assert_eq!(stored(&server).await, before);
}

#[tokio::test]
async fn instantiate_takes_a_free_name_and_a_template_that_is_there() {
    let server = TestServer::start().await;
    let mut client = server.templates().await;
    create(&mut client, "gpu").await;
    instantiate(&mut client, TEMPLATE, "made").await;
    for (id, expected) in [("made", "DASHBOARD_EXISTS"), ("Made", "DASHBOARD_EXISTS_IN_OTHER_CASE")] {
        let taken = client
            .instantiate_template(instantiate_request(TEMPLATE, id))
            .await
            .unwrap_err();
        assert_refused(&taken, Code::AlreadyExists, expected);
    }
    let missing = client
        .instantiate_template(instantiate_request("templates/gpu", "other"))
        .await
        .unwrap_err();
    assert_refused(&missing, Code::NotFound, "TEMPLATE_NOT_FOUND");
    assert_about_template(&missing, "templates/gpu");
}

#[tokio::test]
async fn a_replay_gets_the_first_answer_whatever_became_of_the_template() {
    let server = TestServer::start().await;
    let mut client = server.templates().await;
    create(&mut client, "gpu").await;
    let request = proto::InstantiateTemplateRequest {
        request_id: Uuid::new_v4().to_string(),
        ..instantiate_request(TEMPLATE, "made")
    };
    let first = client.instantiate_template(request.clone()).await.unwrap().into_inner();
    let delete = proto::DeleteTemplateRequest {
        name: TEMPLATE.into(),
        etag: "*".into(),
        ..Default::default()
    };
    client.delete_template(delete).await.unwrap();
    let before = stored(&server).await;

    let second = client.instantiate_template(request.clone()).await.unwrap().into_inner();
    assert_eq!(second, first);
    let other_content = proto::InstantiateTemplateRequest {
        parameters: values(&[("namespace", "test")]),
        ..request
    };
    let refused = client.instantiate_template(other_content).await.unwrap_err();
    assert_invalid(&refused, &[("request_id", "REQUEST_ID_REUSED")]);
    assert_eq!(stored(&server).await, before);
}

#[tokio::test]
async fn instantiate_with_validate_only_checks_and_stores_nothing() {
    let server = TestServer::start().await;
    let mut client = server.templates().await;
    create(&mut client, "gpu").await;
    let before = stored(&server).await;
    let request = proto::InstantiateTemplateRequest {
        validate_only: true,
        ..instantiate_request(TEMPLATE, "made")
    };
    let shown = client.instantiate_template(request).await.unwrap().into_inner();
    assert!(shown.dashboard.unwrap().template_origin.is_some());
    assert_eq!(stored(&server).await, before);
    assert_eq!(get(&mut client, TEMPLATE).await.unwrap().revision, 1);
}
