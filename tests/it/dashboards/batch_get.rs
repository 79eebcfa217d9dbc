//! BatchGetDashboards.

use dashboard_store::grpc::proto;
use dashboard_store::grpc::proto::dashboard_service_client::DashboardServiceClient;
use dashboard_store::grpc::proto::{DashboardView, SpecFormat};
use tonic::{Code, Status};

use crate::support::TestServer;
use crate::support::channel::Channel;
use crate::support::requests::{
    apply, assert_about, assert_invalid, assert_refused, create, delete, is_tree, json_text, spec_named,
    spec_of_numbers, spec_of_size,
};
use crate::support::rows::copy_dashboard;

const MIB: usize = 1024 * 1024;

fn batch_request(names: &[&str]) -> proto::BatchGetDashboardsRequest {
    proto::BatchGetDashboardsRequest {
        parent: "projects/p".into(),
        names: names.iter().copied().map(Into::into).collect(),
        ..Default::default()
    }
}

fn with_documents(names: &[&str]) -> proto::BatchGetDashboardsRequest {
    proto::BatchGetDashboardsRequest {
        view: DashboardView::Full.into(),
        ..batch_request(names)
    }
}

async fn batch_get(
    client: &mut DashboardServiceClient<Channel>,
    request: proto::BatchGetDashboardsRequest,
) -> Result<Vec<proto::Dashboard>, Status> {
    let answer = client.batch_get_dashboards(request).await?;
    Ok(answer.into_inner().dashboards)
}

#[tokio::test]
async fn batch_get_answers_in_the_order_of_the_request_without_documents() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    for id in ["a", "b", "c"] {
        create(&mut client, id).await;
    }
    delete(&mut client, "projects/p/dashboards/a").await;
    let wanted = [
        "projects/p/dashboards/c",
        "projects/p/dashboards/a",
        "projects/p/dashboards/b",
    ];

    let found = batch_get(&mut client, batch_request(&wanted)).await.unwrap();

    let names: Vec<&str> = found.iter().map(|dashboard| dashboard.name.as_str()).collect();
    assert_eq!(names, wanted);
    assert!(found.iter().all(|dashboard| dashboard.spec.is_none()));
    assert_eq!(found[1].state(), proto::DashboardState::Deleted);

    let full = batch_get(&mut client, with_documents(&wanted)).await.unwrap();
    let documents: Vec<String> = full.into_iter().map(|dashboard| json_text(dashboard.spec)).collect();
    assert_eq!(documents, ["c", "a", "b"].map(spec_named));
}

#[tokio::test]
async fn batch_get_is_all_or_nothing() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    create(&mut client, "a").await;
    let wanted = [
        "projects/p/dashboards/a",
        "projects/p/dashboards/x",
        "projects/p/dashboards/y",
    ];

    let missing = batch_get(&mut client, batch_request(&wanted)).await.unwrap_err();

    assert_refused(&missing, Code::NotFound, "DASHBOARD_NOT_FOUND");
    assert_about(&missing, "projects/p/dashboards/x");
}

#[tokio::test]
async fn batch_get_of_all_projects_takes_names_of_any() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    let wanted = ["projects/q/dashboards/d", "projects/p/dashboards/d"];
    for name in wanted {
        apply(&mut client, name, spec_named(name)).await;
    }

    let request = proto::BatchGetDashboardsRequest {
        parent: "projects/-".into(),
        ..batch_request(&wanted)
    };
    let found = batch_get(&mut client, request).await.unwrap();

    let display_names: Vec<&str> = found.iter().map(|dashboard| dashboard.display_name.as_str()).collect();
    assert_eq!(display_names, wanted);
}

#[tokio::test]
async fn batch_get_takes_one_to_a_hundred_names() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    create(&mut client, "d").await;
    copy_dashboard(&server.sql().await, "d", 101).await;
    let names: Vec<String> = (1..=101).map(|n| format!("projects/p/dashboards/d-{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();

    let found = batch_get(&mut client, batch_request(&names[..100])).await.unwrap();
    assert_eq!(found.len(), 100);

    let too_many = batch_get(&mut client, batch_request(&names)).await.unwrap_err();
    assert_invalid(&too_many, &[("names", "FIELD_TOO_LONG")]);
    let none = batch_get(&mut client, batch_request(&[])).await.unwrap_err();
    assert_invalid(&none, &[("names", "FIELD_REQUIRED")]);
}

#[tokio::test]
async fn batch_get_refuses_each_name_that_is_wrong() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    let names = [
        "projects/p/dashboards/d",
        "projects/q/dashboards/d",
        "",
        "projects/p/dashboards/d",
        "projects/-/dashboards/d",
        "projects/p/dashboards/a b",
    ];
    let request = proto::BatchGetDashboardsRequest {
        view: 7,
        ..batch_request(&names)
    };

    let refused = batch_get(&mut client, request).await.unwrap_err();

    assert_invalid(
        &refused,
        &[
            ("view", "ENUM_UNKNOWN"),
            ("names[1]", "INVALID_NAME"),
            ("names[2]", "FIELD_REQUIRED"),
            ("names[3]", "FIELD_INVALID"),
            ("names[4]", "INVALID_NAME"),
            ("names[5]", "INVALID_NAME"),
        ],
    );
}

#[tokio::test]
async fn batch_get_refuses_bad_parents() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    for (parent, reason) in [
        ("", "FIELD_REQUIRED"),
        ("p", "INVALID_NAME"),
        ("projects/", "INVALID_NAME"),
        ("projects/p/dashboards/d", "INVALID_NAME"),
    ] {
        let request = proto::BatchGetDashboardsRequest {
            parent: parent.into(),
            ..batch_request(&["projects/p/dashboards/d"])
        };
        let refused = batch_get(&mut client, request).await.unwrap_err();
        assert_invalid(&refused, &[("parent", reason)]);
    }
}

#[tokio::test]
async fn batch_get_holds_three_mebibytes() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    let large = [
        "projects/p/dashboards/a",
        "projects/p/dashboards/b",
        "projects/p/dashboards/c",
    ];
    for name in large {
        // Beside its document each takes a little.
        apply(&mut client, name, spec_of_size(MIB - 1024)).await;
    }
    apply(&mut client, "projects/p/dashboards/small", spec_of_size(3 * 1024)).await;
    let and_a_small_one = [&large[..], &["projects/p/dashboards/small"]].concat();

    let full = batch_get(&mut client, with_documents(&large)).await.unwrap();
    assert!(full.iter().all(|dashboard| dashboard.spec.is_some()));

    let too_large = batch_get(&mut client, with_documents(&and_a_small_one))
        .await
        .unwrap_err();
    assert_invalid(&too_large, &[("names", "BATCH_TOO_LARGE")]);

    let basic = batch_get(&mut client, batch_request(&and_a_small_one)).await.unwrap();
    assert_eq!(basic.len(), 4);
}

#[tokio::test]
async fn batch_get_answers_with_json_where_trees_would_be_too_large() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    let names: Vec<String> = (0..5).map(|n| format!("projects/p/dashboards/{n}")).collect();
    for name in &names {
        apply(&mut client, name, spec_of_numbers(90_000)).await;
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let request = proto::BatchGetDashboardsRequest {
        spec_format: SpecFormat::Structured.into(),
        ..with_documents(&names)
    };

    let found = batch_get(&mut client, request).await.unwrap();

    let are_trees: Vec<bool> = found.iter().map(|each| is_tree(each.spec.as_ref())).collect();
    assert_eq!(are_trees, [true, true, false, false, false]);
}
