//! ListDashboards: walking page by page, and the tokens that lead on.

use dashboard_store::grpc::proto;
use dashboard_store::grpc::proto::dashboard_service_client::DashboardServiceClient;
use dashboard_store::grpc::proto::{DashboardView, SpecFormat};

use crate::support::TestServer;
use crate::support::channel::Channel;
use crate::support::requests::{
    apply, assert_invalid, create, delete, ids, is_tree, json_text, list_request, spec_named, spec_of_numbers,
    spec_of_size,
};

/// Makes another query of a request.
type Change = fn(&mut proto::ListDashboardsRequest);

const ORDERS: [&str; 8] = [
    "name",
    "name desc",
    "display_name",
    "display_name desc",
    "create_time",
    "create_time desc",
    "update_time",
    "update_time desc",
];

async fn list(
    client: &mut DashboardServiceClient<Channel>,
    request: &proto::ListDashboardsRequest,
) -> proto::ListDashboardsResponse {
    client.list_dashboards(request.clone()).await.unwrap().into_inner()
}

/// Follows the tokens to the end; the pages.
async fn walk(
    client: &mut DashboardServiceClient<Channel>,
    request: &proto::ListDashboardsRequest,
) -> Vec<Vec<proto::Dashboard>> {
    let mut next = request.clone();
    let mut pages = Vec::new();
    loop {
        let page = list(client, &next).await;
        pages.push(page.dashboards);
        if page.next_page_token.is_empty() {
            return pages;
        }
        assert!(pages.len() < 100, "the walk does not end");
        next.page_token = page.next_page_token;
    }
}

/// Dashboards with display names that are equal, absent, and too long to be compared whole; some deleted, some changed.
async fn create_a_mixed_lot(client: &mut DashboardServiceClient<Channel>) -> usize {
    let long = "ü".repeat(200);
    let display_names = [
        "same",
        "same",
        "same",
        "",
        "",
        &long,
        &format!("{long}b"),
        &format!("{long}a"),
        "Z",
    ];
    for project in ["p", "q"] {
        for (number, display_name) in display_names.iter().enumerate() {
            let name = format!("projects/{project}/dashboards/d{}", 7 * number % 10);
            apply(client, &name, spec_named(display_name)).await;
        }
        delete(client, &format!("projects/{project}/dashboards/d7")).await;
        let changed = format!(r#"{{"panels":{{}},"display":{{"name":"{long}c"}}}}"#);
        apply(client, &format!("projects/{project}/dashboards/d0"), changed).await;
    }
    display_names.len()
}

#[tokio::test]
async fn pages_hold_every_dashboard_once_in_every_order() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    let of_one_project = create_a_mixed_lot(&mut client).await;
    for (parent, show_deleted, expected) in [
        ("projects/p", false, of_one_project - 1),
        ("projects/p", true, of_one_project),
        ("projects/-", false, 2 * (of_one_project - 1)),
    ] {
        for order_by in ORDERS {
            let mut request = proto::ListDashboardsRequest {
                show_deleted,
                order_by: order_by.into(),
                ..list_request(parent)
            };
            let whole = list(&mut client, &request).await.dashboards;
            assert_eq!(whole.len(), expected, "{parent} by {order_by}");
            for page_size in [1, 2, 3] {
                request.page_size = page_size;
                let pages = walk(&mut client, &request).await;
                let full_pages = &pages[..pages.len() - 1];
                assert!(full_pages.iter().all(|page| page.len() == page_size as usize));
                assert_eq!(pages.concat(), whole, "{parent} by {order_by}, {page_size} a page");
            }
        }
    }
}

#[tokio::test]
async fn opposite_orders_are_the_reverse_of_each_other() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    create_a_mixed_lot(&mut client).await;
    for order_by in ["name", "display_name", "create_time", "update_time"] {
        let mut request = proto::ListDashboardsRequest {
            order_by: order_by.into(),
            ..list_request("projects/-")
        };
        let upwards = list(&mut client, &request).await.dashboards;
        request.order_by = format!("{order_by} desc");
        let mut downwards = list(&mut client, &request).await.dashboards;
        downwards.reverse();
        assert_eq!(upwards, downwards, "{order_by}");
    }
}

#[tokio::test]
async fn pages_lose_nothing_when_dashboards_come_and_go() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    for order_by in ["name", "display_name"] {
        let project = format!("projects/{order_by}");
        for id in ["b1", "b2", "d1", "d2", "f1", "f2"] {
            apply(&mut client, &format!("{project}/dashboards/{id}"), spec_named(id)).await;
        }
        let mut request = proto::ListDashboardsRequest {
            page_size: 2,
            order_by: order_by.into(),
            ..list_request(&project)
        };
        let first = list(&mut client, &request).await;
        assert_eq!(ids(&first.dashboards), ["b1", "b2"]);

        // The one that the token stands on goes, as does one that is still to come; new ones come on both sides.
        for id in ["b2", "d1"] {
            delete(&mut client, &format!("{project}/dashboards/{id}")).await;
        }
        for id in ["a", "e"] {
            apply(&mut client, &format!("{project}/dashboards/{id}"), spec_named(id)).await;
        }
        request.page_token = first.next_page_token;
        let second = list(&mut client, &request).await;
        assert_eq!(ids(&second.dashboards), ["d2", "e"], "{order_by}");

        request.page_token = second.next_page_token;
        let third = list(&mut client, &request).await;
        assert_eq!(ids(&third.dashboards), ["f1", "f2"], "{order_by}");
        assert_eq!(third.next_page_token, "");
    }
}

#[tokio::test]
async fn pages_of_documents_end_at_three_mebibytes_and_go_on() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    let mib = 1024 * 1024;
    // Three that fill a page with the little that each takes beside its document, then a bit more than a page.
    for (id, bytes) in [
        ("a", mib - 1024),
        ("b", mib - 1024),
        ("c", mib - 1024),
        ("d", mib - 1024),
        ("e", mib - 1024),
        ("f", mib - 1024),
        ("g", 3 * 1024),
        ("h", 100),
    ] {
        apply(&mut client, &format!("projects/p/dashboards/{id}"), spec_of_size(bytes)).await;
    }
    let request = proto::ListDashboardsRequest {
        view: DashboardView::Full.into(),
        ..list_request("projects/p")
    };

    let pages = walk(&mut client, &request).await;

    let listed: Vec<Vec<&str>> = pages.iter().map(|page| ids(page)).collect();
    assert_eq!(listed, [vec!["a", "b", "c"], vec!["d", "e", "f"], vec!["g", "h"]]);
    for dashboard in pages.into_iter().flatten() {
        assert_eq!(json_text(dashboard.spec).len(), dashboard.spec_size_bytes as usize);
    }

    let basic = list(&mut client, &list_request("projects/p")).await;
    assert_eq!(basic.dashboards.len(), 8);
}

#[tokio::test]
async fn pages_of_trees_hold_json_where_they_would_be_too_large() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    let documents = ["a", "b", "c", "d", "e"];
    for id in documents {
        apply(
            &mut client,
            &format!("projects/p/dashboards/{id}"),
            spec_of_numbers(90_000),
        )
        .await;
    }
    let request = proto::ListDashboardsRequest {
        view: DashboardView::Full.into(),
        spec_format: SpecFormat::Structured.into(),
        ..list_request("projects/p")
    };

    let page = list(&mut client, &request).await;

    assert_eq!(ids(&page.dashboards), documents);
    let are_trees: Vec<bool> = page.dashboards.iter().map(|each| is_tree(each.spec.as_ref())).collect();
    assert_eq!(are_trees, [true, true, false, false, false]);
    assert_eq!(json_text(page.dashboards[2].spec.clone()), spec_of_numbers(90_000));
}

#[tokio::test]
async fn pages_may_change_their_size_and_their_form() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    for id in ["a", "b", "c", "d"] {
        create(&mut client, id).await;
    }
    let request = proto::ListDashboardsRequest {
        page_size: 1,
        filter: "name != x".into(),
        order_by: "name".into(),
        ..list_request("projects/p")
    };
    let first = list(&mut client, &request).await;
    let other_form = proto::ListDashboardsRequest {
        page_size: 2,
        page_token: first.next_page_token,
        filter: "  name != x ".into(),
        order_by: " name  asc".into(),
        view: DashboardView::Full.into(),
        ..request
    };
    let second = list(&mut client, &other_form).await;
    assert_eq!(ids(&second.dashboards), ["b", "c"]);
    assert!(second.dashboards.iter().all(|dashboard| dashboard.spec.is_some()));
}

#[tokio::test]
async fn a_token_leads_on_in_its_own_list_alone() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    for id in ["a", "b"] {
        create(&mut client, id).await;
        apply(
            &mut client,
            &format!("projects/p/dashboards/{id}"),
            spec_named("changed"),
        )
        .await;
    }
    let own = proto::ListDashboardsRequest {
        page_size: 1,
        ..list_request("projects/p")
    };
    let token = list(&mut client, &own).await.next_page_token;
    let with_token = proto::ListDashboardsRequest {
        page_token: token.clone(),
        ..own
    };
    assert_eq!(ids(&list(&mut client, &with_token).await.dashboards), ["b"]);

    let changes: [(&str, Change); 7] = [
        ("another project", |request| request.parent = "projects/q".into()),
        ("all projects", |request| request.parent = "projects/-".into()),
        ("another filter", |request| request.filter = "name:a".into()),
        ("another order", |request| request.order_by = "create_time".into()),
        ("the opposite order", |request| request.order_by = "name desc".into()),
        ("deleted ones too", |request| request.show_deleted = true),
        ("no token at all", |request| request.page_token = "2".into()),
    ];
    for (what, change) in changes {
        let mut foreign = with_token.clone();
        change(&mut foreign);
        let refused = client.list_dashboards(foreign).await.expect_err(what);
        assert_invalid(&refused, &[("page_token", "INVALID_PAGE_TOKEN")]);
    }

    let revisions = proto::ListDashboardRevisionsRequest {
        parent: "projects/p/dashboards/a".into(),
        page_size: 1,
        ..Default::default()
    };
    let of_dashboards = proto::ListDashboardRevisionsRequest {
        page_token: token,
        ..revisions.clone()
    };
    let refused = client.list_dashboard_revisions(of_dashboards).await.unwrap_err();
    assert_invalid(&refused, &[("page_token", "INVALID_PAGE_TOKEN")]);

    let page = client.list_dashboard_revisions(revisions).await.unwrap().into_inner();
    let of_revisions = proto::ListDashboardsRequest {
        page_token: page.next_page_token,
        ..with_token
    };
    let refused = client.list_dashboards(of_revisions).await.unwrap_err();
    assert_invalid(&refused, &[("page_token", "INVALID_PAGE_TOKEN")]);
}

#[tokio::test]
async fn a_damaged_token_is_refused() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    create(&mut client, "a").await;
    create(&mut client, "b").await;
    let mut request = proto::ListDashboardsRequest {
        page_size: 1,
        ..list_request("projects/p")
    };
    let token = list(&mut client, &request).await.next_page_token;
    let middle = token.len() / 2;
    let other = if token.as_bytes()[middle] == b'A' { "B" } else { "A" };
    for damaged in [
        token[..token.len() - 1].to_owned(),
        token[..middle].to_owned(),
        token[1..].to_owned(),
        format!("{token}A"),
        format!("{}{other}{}", &token[..middle], &token[middle + 1..]),
        format!(" {token}"),
        "é".to_owned(),
        "AAAA".repeat(20),
        "x".repeat(100_000),
    ] {
        request.page_token.clone_from(&damaged);
        let refused = client.list_dashboards(request.clone()).await.expect_err(&damaged);
        assert_invalid(&refused, &[("page_token", "INVALID_PAGE_TOKEN")]);
    }
}

#[tokio::test]
async fn pages_without_documents_end_at_three_mebibytes_too() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    for id in ["a", "b", "c", "d", "e"] {
        let long_name = "x".repeat(900_000);
        apply(
            &mut client,
            &format!("projects/p/dashboards/{id}"),
            spec_named(&long_name),
        )
        .await;
    }

    let pages = walk(&mut client, &list_request("projects/-")).await;

    let listed: Vec<Vec<&str>> = pages.iter().map(|page| ids(page)).collect();
    assert_eq!(listed, [vec!["a", "b", "c"], vec!["d", "e"]]);
}
