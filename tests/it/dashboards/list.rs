//! ListDashboards: what is listed, in which form and which order.

use dashboard_store::grpc::proto;
use dashboard_store::grpc::proto::dashboard_service_client::DashboardServiceClient;
use dashboard_store::grpc::proto::dashboard_spec::Content;
use dashboard_store::grpc::proto::{DashboardView, SpecFormat};

use crate::support::TestServer;
use crate::support::channel::Channel;
use crate::support::requests::{apply, assert_invalid, create, delete, ids, json_text, list_request, spec_named};
use crate::support::rows::copy_dashboard;

async fn list(
    client: &mut DashboardServiceClient<Channel>,
    request: proto::ListDashboardsRequest,
) -> proto::ListDashboardsResponse {
    client.list_dashboards(request).await.unwrap().into_inner()
}

#[tokio::test]
async fn list_takes_the_page_size_within_its_bounds() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    create(&mut client, "d").await;
    copy_dashboard(&server.sql().await, "d", 501).await;
    for (page_size, expected) in [(0, 50), (1, 1), (499, 499), (500, 500), (501, 500), (i32::MAX, 500)] {
        let request = proto::ListDashboardsRequest {
            page_size,
            ..list_request("projects/p")
        };
        let page = list(&mut client, request).await;
        assert_eq!(page.dashboards.len(), expected, "page_size {page_size}");
        assert!(!page.next_page_token.is_empty());
    }
}

#[tokio::test]
async fn list_of_nothing_is_one_empty_page() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    for parent in ["projects/p", "projects/-"] {
        assert_eq!(
            list(&mut client, list_request(parent)).await,
            proto::ListDashboardsResponse::default()
        );
    }
}

#[tokio::test]
async fn list_gives_no_token_on_a_last_page_that_is_full() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    create(&mut client, "a").await;
    create(&mut client, "b").await;
    let request = proto::ListDashboardsRequest {
        page_size: 2,
        ..list_request("projects/p")
    };
    let page = list(&mut client, request).await;
    assert_eq!((page.dashboards.len(), page.next_page_token.as_str()), (2, ""));
}

#[tokio::test]
async fn list_is_of_one_project_or_of_all() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    for name in [
        "projects/q/dashboards/a",
        "projects/P/dashboards/z",
        "projects/p/dashboards/b",
        "projects/p/dashboards/C",
    ] {
        apply(&mut client, name, spec_named(name)).await;
    }
    for (parent, expected) in [
        ("projects/p", &["p/C", "p/b"][..]),
        ("projects/P", &["P/z"]),
        ("projects/x", &[]),
        ("projects/-", &["P/z", "p/C", "p/b", "q/a"]),
    ] {
        let page = list(&mut client, list_request(parent)).await;
        let names: Vec<String> = page
            .dashboards
            .iter()
            .map(|dashboard| {
                dashboard
                    .name
                    .replacen("projects/", "", 1)
                    .replacen("/dashboards/", "/", 1)
            })
            .collect();
        assert_eq!(names, expected, "{parent}");
    }
}

#[tokio::test]
async fn list_leaves_deleted_dashboards_out_unless_asked() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    for id in ["a", "b", "c"] {
        create(&mut client, id).await;
    }
    let deleted = delete(&mut client, "projects/p/dashboards/b").await;

    let live = list(&mut client, list_request("projects/p")).await;
    assert_eq!(ids(&live.dashboards), ["a", "c"]);

    for parent in ["projects/p", "projects/-"] {
        let request = proto::ListDashboardsRequest {
            show_deleted: true,
            ..list_request(parent)
        };
        let all = list(&mut client, request).await;
        assert_eq!(ids(&all.dashboards), ["a", "b", "c"]);
        assert_eq!(all.dashboards[1].delete_time, deleted.delete_time);
    }
}

#[tokio::test]
async fn list_answers_with_the_view_and_the_format_that_were_asked_for() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    let created = create(&mut client, "d").await;
    for (view, has_document) in [
        (DashboardView::Unspecified, false),
        (DashboardView::Basic, false),
        (DashboardView::Full, true),
    ] {
        let request = proto::ListDashboardsRequest {
            view: view.into(),
            ..list_request("projects/p")
        };
        let expected = proto::Dashboard {
            spec: created.spec.clone().filter(|_| has_document),
            ..created.clone()
        };
        assert_eq!(list(&mut client, request).await.dashboards, [expected], "{view:?}");
    }

    let structured = proto::ListDashboardsRequest {
        view: DashboardView::Full.into(),
        spec_format: SpecFormat::Structured.into(),
        ..list_request("projects/p")
    };
    let mut page = list(&mut client, structured).await;
    let spec = page.dashboards.remove(0).spec.unwrap();
    assert!(matches!(spec.content, Some(Content::Structured(_))), "{spec:?}");
}

#[tokio::test]
async fn list_comes_in_the_order_that_was_asked_for() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    // By name a B c is B a c, bytewise; they are created as c, a, B and changed last in the order B, c, a.
    for (id, display_name) in [("c", "2"), ("a", "3"), ("B", "x")] {
        apply(
            &mut client,
            &format!("projects/p/dashboards/{id}"),
            spec_named(display_name),
        )
        .await;
    }
    for (id, display_name) in [("B", "1"), ("c", "2 "), ("a", "3 ")] {
        apply(
            &mut client,
            &format!("projects/p/dashboards/{id}"),
            spec_named(display_name),
        )
        .await;
    }
    for (order_by, expected) in [
        ("", ["B", "a", "c"]),
        ("name", ["B", "a", "c"]),
        ("name desc", ["c", "a", "B"]),
        ("display_name", ["B", "c", "a"]),
        ("display_name desc", ["a", "c", "B"]),
        ("create_time asc", ["c", "a", "B"]),
        ("create_time desc", ["B", "a", "c"]),
        (" update_time ", ["B", "c", "a"]),
        ("update_time  desc", ["a", "c", "B"]),
    ] {
        for parent in ["projects/p", "projects/-"] {
            for view in [DashboardView::Basic, DashboardView::Full] {
                let request = proto::ListDashboardsRequest {
                    order_by: order_by.into(),
                    view: view.into(),
                    ..list_request(parent)
                };
                let page = list(&mut client, request).await;
                assert_eq!(ids(&page.dashboards), expected, "{order_by:?} of {parent}, {view:?}");
            }
        }
    }
}

#[tokio::test]
async fn list_of_documents_gives_each_dashboard_its_own() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    for id in ["a", "b", "c"] {
        create(&mut client, id).await;
    }
    let request = proto::ListDashboardsRequest {
        view: DashboardView::Full.into(),
        order_by: "create_time desc".into(),
        ..list_request("projects/p")
    };
    let page = list(&mut client, request).await;
    let documents: Vec<String> = page.dashboards.into_iter().map(|item| json_text(item.spec)).collect();
    assert_eq!(documents, ["c", "b", "a"].map(spec_named));
}

#[tokio::test]
async fn list_refuses_unknown_orders() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    for order_by in [
        "title",
        "Name",
        "name DESC",
        "-name",
        "name,create_time",
        "name desc desc",
        "name;--",
        "desc",
    ] {
        let request = proto::ListDashboardsRequest {
            order_by: order_by.into(),
            ..list_request("projects/p")
        };
        let refused = client.list_dashboards(request).await.unwrap_err();
        assert_invalid(&refused, &[("order_by", "INVALID_ORDER_BY")]);
    }
}

#[tokio::test]
async fn list_refuses_all_wrong_fields_at_once() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    let request = proto::ListDashboardsRequest {
        page_size: -1,
        filter: "name".into(),
        order_by: "size".into(),
        view: 3,
        spec_format: 3,
        ..list_request("projects/p")
    };
    let refused = client.list_dashboards(request).await.unwrap_err();
    assert_invalid(
        &refused,
        &[
            ("view", "ENUM_UNKNOWN"),
            ("spec_format", "ENUM_UNKNOWN"),
            ("page_size", "FIELD_OUT_OF_RANGE"),
            ("filter", "INVALID_FILTER"),
            ("order_by", "INVALID_ORDER_BY"),
        ],
    );
}

#[tokio::test]
async fn list_refuses_bad_parents() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    let too_long = format!("projects/{}", "x".repeat(76));
    for (parent, reason) in [
        ("", "FIELD_REQUIRED"),
        ("-", "INVALID_NAME"),
        ("projects", "INVALID_NAME"),
        ("projects/", "INVALID_NAME"),
        ("projects/p/", "INVALID_NAME"),
        ("projects/p.", "INVALID_NAME"),
        ("projects/p/dashboards/-", "INVALID_NAME"),
        (&too_long, "INVALID_NAME"),
    ] {
        let refused = client.list_dashboards(list_request(parent)).await.unwrap_err();
        assert_invalid(&refused, &[("parent", reason)]);
    }
}
