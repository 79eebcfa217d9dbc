//! ListDashboardRevisions.

use dashboard_store::grpc::proto;
use dashboard_store::grpc::proto::dashboard_service_client::DashboardServiceClient;
use dashboard_store::grpc::proto::dashboard_spec::Content;
use dashboard_store::grpc::proto::{DashboardView, SpecFormat};
use tonic::Code;

use crate::support::TestServer;
use crate::support::channel::Channel;
use crate::support::requests::{
    apply, assert_about, assert_invalid, assert_refused, create, create_request, delete, is_tree, json_spec, json_text,
    spec_named, spec_of_numbers, spec_of_size,
};

const PARENT: &str = "projects/p/dashboards/d";

fn list_request() -> proto::ListDashboardRevisionsRequest {
    proto::ListDashboardRevisionsRequest {
        parent: PARENT.into(),
        ..Default::default()
    }
}

async fn list(
    client: &mut DashboardServiceClient<Channel>,
    request: proto::ListDashboardRevisionsRequest,
) -> proto::ListDashboardRevisionsResponse {
    client.list_dashboard_revisions(request).await.unwrap().into_inner()
}

fn numbers(page: &proto::ListDashboardRevisionsResponse) -> Vec<i32> {
    page.revisions.iter().map(|revision| revision.revision).collect()
}

/// Writes revisions 1 to `count`.
async fn write_revisions(client: &mut DashboardServiceClient<Channel>, count: i32) {
    for revision in 1..=count {
        let written = apply(client, PARENT, spec_named(&revision.to_string())).await;
        assert_eq!(written.revision, revision);
    }
}

#[tokio::test]
async fn list_revisions_tells_who_changed_what_and_why() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    let first = create(&mut client, "d").await;
    let update = proto::UpdateDashboardRequest {
        dashboard: Some(proto::Dashboard {
            name: PARENT.into(),
            etag: first.etag.clone(),
            tags: vec!["gpu".into()],
            labels: [("team".to_owned(), "a".to_owned())].into(),
            spec: json_spec(r#"{ "panels": {} }"#),
            ..Default::default()
        }),
        change_note: "less is more".into(),
        ..Default::default()
    };
    let second = client
        .update_dashboard(update)
        .await
        .unwrap()
        .into_inner()
        .dashboard
        .unwrap();

    let page = list(&mut client, list_request()).await;

    let revisions = [
        proto::DashboardRevision {
            name: format!("{PARENT}/revisions/2"),
            revision: 2,
            tags: second.tags,
            labels: second.labels,
            spec_sha256: second.spec_sha256,
            spec_size_bytes: 16,
            change_note: "less is more".into(),
            author: "user:developer".into(),
            create_time: second.update_time,
            ..Default::default()
        },
        proto::DashboardRevision {
            name: format!("{PARENT}/revisions/1"),
            revision: 1,
            spec_sha256: first.spec_sha256,
            spec_size_bytes: first.spec_size_bytes,
            author: "user:developer".into(),
            create_time: first.create_time,
            ..Default::default()
        },
    ];
    assert_eq!(page.revisions, revisions);
    assert_eq!(page.next_page_token, "");
}

#[tokio::test]
async fn list_revisions_goes_from_the_newest_to_the_oldest_in_pages() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    write_revisions(&mut client, 5).await;
    let mut request = proto::ListDashboardRevisionsRequest {
        page_size: 2,
        ..list_request()
    };
    let first = list(&mut client, request.clone()).await;
    assert_eq!(numbers(&first), [5, 4]);

    // A revision that is written meanwhile belongs before the first page.
    apply(&mut client, PARENT, spec_named("6")).await;
    request.page_token = first.next_page_token;
    let second = list(&mut client, request.clone()).await;
    assert_eq!(numbers(&second), [3, 2]);

    request.page_token = second.next_page_token;
    let third = list(&mut client, request).await;
    assert_eq!(numbers(&third), [1]);
    assert_eq!(third.next_page_token, "");
}

#[tokio::test]
async fn list_revisions_takes_the_page_size_within_its_bounds() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    create(&mut client, "d").await;
    let copies = "WITH head AS (UPDATE dashboard SET revision = 501, generation = 501 RETURNING id)
        INSERT INTO dashboard_revision
        SELECT (jsonb_populate_record(r, jsonb_build_object('revision', n))).*
        FROM dashboard_revision AS r, generate_series(2, 501) AS n";
    server.sql().await.execute(copies, &[]).await.unwrap();
    for (page_size, expected) in [(0, 50), (1, 1), (500, 500), (501, 500), (i32::MAX, 500)] {
        let request = proto::ListDashboardRevisionsRequest {
            page_size,
            ..list_request()
        };
        let page = list(&mut client, request).await;
        assert_eq!(page.revisions.len(), expected, "page_size {page_size}");
        assert_eq!(page.revisions[0].revision, 501);
        assert!(!page.next_page_token.is_empty());
    }
}

#[tokio::test]
async fn list_revisions_answers_with_the_view_and_the_format_that_were_asked_for() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    write_revisions(&mut client, 2).await;
    let full = proto::ListDashboardRevisionsRequest {
        view: DashboardView::Full.into(),
        ..list_request()
    };
    let page = list(&mut client, full.clone()).await;
    let documents: Vec<String> = page
        .revisions
        .into_iter()
        .map(|revision| json_text(revision.spec))
        .collect();
    assert_eq!(documents, ["2", "1"].map(spec_named));

    for view in [DashboardView::Unspecified, DashboardView::Basic] {
        let request = proto::ListDashboardRevisionsRequest {
            view: view.into(),
            ..list_request()
        };
        let basic = list(&mut client, request).await;
        assert!(
            basic.revisions.iter().all(|revision| revision.spec.is_none()),
            "{view:?}"
        );
    }

    let structured = proto::ListDashboardRevisionsRequest {
        spec_format: SpecFormat::Structured.into(),
        ..full
    };
    let mut trees = list(&mut client, structured).await;
    let spec = trees.revisions.remove(0).spec.unwrap();
    assert!(matches!(spec.content, Some(Content::Structured(_))), "{spec:?}");
}

#[tokio::test]
async fn pages_of_revisions_with_documents_end_at_three_mebibytes_and_go_on() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    let mib = 1024 * 1024;
    for bytes in [4000, mib - 1021, mib - 1022, mib - 1023, mib - 1024] {
        apply(&mut client, PARENT, spec_of_size(bytes)).await;
    }
    let mut request = proto::ListDashboardRevisionsRequest {
        view: DashboardView::Full.into(),
        ..list_request()
    };
    let first = list(&mut client, request.clone()).await;
    assert_eq!(numbers(&first), [5, 4, 3]);
    assert!(first.revisions.iter().all(|revision| revision.spec.is_some()));

    request.page_token = first.next_page_token;
    let second = list(&mut client, request).await;
    assert_eq!(numbers(&second), [2, 1]);
    assert_eq!(second.next_page_token, "");
}

#[tokio::test]
async fn pages_of_revisions_as_trees_hold_json_where_they_would_be_too_large() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    for count in [90_000, 90_001, 90_002, 90_003, 90_004] {
        apply(&mut client, PARENT, spec_of_numbers(count)).await;
    }
    let request = proto::ListDashboardRevisionsRequest {
        view: DashboardView::Full.into(),
        spec_format: SpecFormat::Structured.into(),
        ..list_request()
    };
    let page = list(&mut client, request).await;
    assert_eq!(numbers(&page), [5, 4, 3, 2, 1]);
    let are_trees: Vec<bool> = page.revisions.iter().map(|each| is_tree(each.spec.as_ref())).collect();
    assert_eq!(are_trees, [true, true, false, false, false]);
}

#[tokio::test]
async fn list_revisions_ends_where_older_ones_were_pruned() {
    let server = TestServer::start_with(|config| config.dashboards.revisions_kept = 3).await;
    let mut client = server.dashboards().await;
    write_revisions(&mut client, 4).await;
    let mut request = proto::ListDashboardRevisionsRequest {
        page_size: 2,
        ..list_request()
    };
    let first = list(&mut client, request.clone()).await;
    assert_eq!(numbers(&first), [4, 3]);

    let whole = list(&mut client, list_request()).await;
    assert_eq!(numbers(&whole), [4, 3, 2]);
    assert_eq!(whole.next_page_token, "");

    // All that is left of the second page is pruned before it is asked for.
    for display_name in ["5", "6"] {
        apply(&mut client, PARENT, spec_named(display_name)).await;
    }
    request.page_token = first.next_page_token;
    let second = list(&mut client, request).await;
    assert_eq!(second, proto::ListDashboardRevisionsResponse::default());
}

#[tokio::test]
async fn list_revisions_is_of_one_dashboard_and_of_a_deleted_one_too() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    write_revisions(&mut client, 2).await;
    create(&mut client, "other").await;
    delete(&mut client, PARENT).await;
    let page = list(&mut client, list_request()).await;
    assert_eq!(numbers(&page), [2, 1]);
}

#[tokio::test]
async fn list_revisions_of_what_does_not_exist_is_not_found() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    client.create_dashboard(create_request("other")).await.unwrap();
    let missing = client.list_dashboard_revisions(list_request()).await.unwrap_err();
    assert_refused(&missing, Code::NotFound, "DASHBOARD_NOT_FOUND");
    assert_about(&missing, PARENT);
}

#[tokio::test]
async fn list_revisions_refuses_bad_fields() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    for (parent, reason) in [
        ("", "FIELD_REQUIRED"),
        ("projects/p", "INVALID_NAME"),
        ("projects/-/dashboards/d", "INVALID_NAME"),
        ("projects/p/dashboards/-", "INVALID_NAME"),
        ("projects/p/dashboards/d/revisions", "INVALID_NAME"),
    ] {
        let request = proto::ListDashboardRevisionsRequest {
            parent: parent.into(),
            ..Default::default()
        };
        let refused = client.list_dashboard_revisions(request).await.unwrap_err();
        assert_invalid(&refused, &[("parent", reason)]);
    }

    let request = proto::ListDashboardRevisionsRequest {
        page_size: -1,
        view: 3,
        spec_format: 3,
        ..list_request()
    };
    let refused = client.list_dashboard_revisions(request).await.unwrap_err();
    assert_invalid(
        &refused,
        &[
            ("view", "ENUM_UNKNOWN"),
            ("spec_format", "ENUM_UNKNOWN"),
            ("page_size", "FIELD_OUT_OF_RANGE"),
        ],
    );
}

#[tokio::test]
async fn a_token_of_another_dashboards_revisions_is_refused() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    write_revisions(&mut client, 2).await;
    create(&mut client, "other").await;
    let request = proto::ListDashboardRevisionsRequest {
        page_size: 1,
        ..list_request()
    };
    let token = list(&mut client, request).await.next_page_token;
    for (parent, page_token) in [
        ("projects/p/dashboards/other", token.as_str()),
        (PARENT, &token[..token.len() - 1]),
        (PARENT, "1"),
    ] {
        let foreign = proto::ListDashboardRevisionsRequest {
            parent: parent.into(),
            page_token: page_token.into(),
            ..Default::default()
        };
        let refused = client.list_dashboard_revisions(foreign).await.unwrap_err();
        assert_invalid(&refused, &[("page_token", "INVALID_PAGE_TOKEN")]);
    }
}
