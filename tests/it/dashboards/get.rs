//! GetDashboard.

use dashboard_store::domain::spec::SpecLimits;
use dashboard_store::grpc::proto;
use dashboard_store::grpc::proto::dashboard_spec::Content;
use dashboard_store::grpc::proto::{DashboardView, SpecFormat};
use dashboard_store::grpc::structured::WireStruct;
use serde_json::{Value, json};
use tonic::Code;

use crate::support::TestServer;
use crate::support::requests::{
    apply, assert_about, assert_invalid, assert_refused, create, delete, json_text, spec_named, spec_of_levels,
    spec_of_numbers,
};

const NAME: &str = "projects/p/dashboards/d";

fn get_request(name: &str) -> proto::GetDashboardRequest {
    proto::GetDashboardRequest {
        name: name.into(),
        ..Default::default()
    }
}

fn structured(name: &str) -> proto::GetDashboardRequest {
    proto::GetDashboardRequest {
        spec_format: SpecFormat::Structured.into(),
        ..get_request(name)
    }
}

#[tokio::test]
async fn get_answers_with_the_view_that_was_asked_for() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    let created = create(&mut client, "d").await;
    let basic = proto::Dashboard {
        spec: None,
        ..created.clone()
    };
    for (view, expected) in [
        (DashboardView::Unspecified, &created),
        (DashboardView::Full, &created),
        (DashboardView::Basic, &basic),
    ] {
        let request = proto::GetDashboardRequest {
            view: view.into(),
            ..get_request(NAME)
        };
        let answer = client.get_dashboard(request).await.unwrap().into_inner();
        assert_eq!(answer.dashboard.as_ref(), Some(expected), "{view:?}");
    }
}

#[tokio::test]
async fn get_structured_answers_with_the_same_document_as_a_tree() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    let document = json!({
        "display": { "name": "GPU – Überblick" },
        "panels": {},
        "unknown": { "deep": [1, -2.5, 9_007_199_254_740_992_u64, null, true, "", {}, [], { "é\"\\": "\n" }] },
    });
    apply(&mut client, NAME, document.to_string()).await;

    let answer = client.get_dashboard(structured(NAME)).await.unwrap().into_inner();

    let Some(Content::Structured(tree)) = answer.dashboard.unwrap().spec.unwrap().content else {
        panic!("no tree");
    };
    let text = tree.to_json(&SpecLimits::default()).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), document);
}

#[tokio::test]
async fn get_structured_answers_with_json_where_a_tree_would_change_a_number() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    for number in ["9007199254740993", "-9007199254740993", "12345678901234567890"] {
        let text = format!(r#"{{"panels":{{}},"id":{number}}}"#);
        apply(&mut client, NAME, &text).await;
        let answer = client.get_dashboard(structured(NAME)).await.unwrap().into_inner();
        assert_eq!(json_text(answer.dashboard.unwrap().spec), text);
    }
}

#[tokio::test]
async fn get_structured_answers_with_json_where_a_tree_would_be_too_large() {
    let server = TestServer::start_with(|config| config.dashboards.spec_max_bytes = 3 * 1024 * 1024).await;
    let mut client = server.dashboards().await;
    let padding = "x".repeat(2_800_000);
    let text = spec_of_numbers(90_000).replacen('{', &format!(r#"{{"padding":"{padding}","#), 1);
    apply(&mut client, NAME, &text).await;

    let answer = client.get_dashboard(structured(NAME)).await.unwrap().into_inner();

    assert_eq!(json_text(answer.dashboard.unwrap().spec), text);
}

#[tokio::test]
async fn get_structured_answers_with_json_where_clients_could_not_read_a_tree_so_deep() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    for (levels, is_tree) in [(32, true), (33, false), (64, false)] {
        let text = spec_of_levels(levels);
        apply(&mut client, NAME, &text).await;

        let answer = client.get_dashboard(structured(NAME)).await.unwrap().into_inner();

        let content = answer.dashboard.unwrap().spec.unwrap().content;
        let expected = match is_tree {
            true => WireStruct::from_json(&text).map(Content::Structured),
            false => Some(Content::Json(text)),
        };
        assert_eq!(content, expected, "{levels}");
    }
}

#[tokio::test]
async fn get_reads_a_deleted_dashboard() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    create(&mut client, "d").await;
    let deleted = delete(&mut client, NAME).await;

    let answer = client.get_dashboard(get_request(NAME)).await.unwrap().into_inner();

    let read = answer.dashboard.unwrap();
    assert_eq!(read, deleted);
    assert_eq!(read.state(), proto::DashboardState::Deleted);
    assert!(read.delete_time.is_some() && read.purge_time.is_some());
    assert_eq!(json_text(read.spec), spec_named("d"));
}

#[tokio::test]
async fn get_of_what_does_not_exist_is_not_found() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    create(&mut client, "d").await;
    for name in [
        "projects/p/dashboards/e",
        "projects/p/dashboards/D",
        "projects/q/dashboards/d",
    ] {
        let missing = client.get_dashboard(get_request(name)).await.unwrap_err();
        assert_refused(&missing, Code::NotFound, "DASHBOARD_NOT_FOUND");
        assert_about(&missing, name);
    }
}

#[tokio::test]
async fn get_refuses_names_that_are_not_one_dashboards() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    let too_long = format!("projects/p/dashboards/{}", "x".repeat(76));
    for (name, reason) in [
        ("", "FIELD_REQUIRED"),
        ("d", "INVALID_NAME"),
        ("projects/p", "INVALID_NAME"),
        ("projects/p/dashboards/", "INVALID_NAME"),
        ("projects/p/dashboards/a..b", "INVALID_NAME"),
        ("projects/p/dashboards/a b", "INVALID_NAME"),
        ("projects/p/dashboards/d/", "INVALID_NAME"),
        ("projects/p/dashboards/d/revisions/1", "INVALID_NAME"),
        ("projects/p/dashboards/-", "INVALID_NAME"),
        ("projects/-/dashboards/d", "INVALID_NAME"),
        ("/projects/p/dashboards/d", "INVALID_NAME"),
        (&too_long, "INVALID_NAME"),
    ] {
        let refused = client.get_dashboard(get_request(name)).await.unwrap_err();
        assert_invalid(&refused, &[("name", reason)]);
    }
}

#[tokio::test]
async fn get_refuses_unknown_enums_both_at_once() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    let request = proto::GetDashboardRequest {
        view: 3,
        spec_format: -1,
        ..get_request(NAME)
    };
    let refused = client.get_dashboard(request).await.unwrap_err();
    assert_invalid(&refused, &[("view", "ENUM_UNKNOWN"), ("spec_format", "ENUM_UNKNOWN")]);
}
