//! ListAccessGrants.

use dashboard_store::grpc::proto;
use proto::Role;
use tonic::Code;

use crate::support::TestServer;
use crate::support::access::{grant, granted, list_request};
use crate::support::requests::{assert_invalid, assert_refused, create};

const DASHBOARD: &str = "projects/p/dashboards/d";

#[tokio::test]
async fn each_resource_has_its_own_grants_in_order() {
    let server = TestServer::start().await;
    create(&mut server.dashboards().await, "d").await;
    for parent in ["platform", "projects/p", DASHBOARD, "projects/q"] {
        for (subject, role) in [
            ("user:b", Role::Viewer),
            ("group:z", Role::Viewer),
            ("user:b", Role::Editor),
        ] {
            grant(&server, parent, subject, role).await;
        }
    }
    let mut client = server.sharing().await;
    let expected = [
        ("group:z".to_owned(), Role::Viewer),
        ("user:b".to_owned(), Role::Editor),
        ("user:b".to_owned(), Role::Viewer),
    ];
    for parent in ["platform", "projects/p", DASHBOARD] {
        assert_eq!(granted(&mut client, parent).await.unwrap(), expected, "{parent}");
    }
}

#[tokio::test]
async fn a_resource_without_grants_has_an_empty_list() {
    let server = TestServer::start().await;
    create(&mut server.dashboards().await, "d").await;
    let mut client = server.sharing().await;
    for parent in ["platform", "projects/p", DASHBOARD] {
        assert_eq!(granted(&mut client, parent).await.unwrap(), [], "{parent}");
    }
    let refused = granted(&mut client, "projects/p/dashboards/missing").await.unwrap_err();
    assert_refused(&refused, Code::NotFound, "DASHBOARD_NOT_FOUND");
}

#[tokio::test]
async fn pages_hold_every_grant_once() {
    let server = TestServer::start().await;
    create(&mut server.dashboards().await, "d").await;
    let mut client = server.sharing().await;
    for parent in ["platform", DASHBOARD] {
        for number in 0..5 {
            grant(&server, parent, &format!("user:{number}"), Role::Viewer).await;
        }
        let mut request = proto::ListAccessGrantsRequest {
            page_size: 2,
            ..list_request(parent)
        };
        let (mut subjects, mut sizes) = (Vec::new(), Vec::new());
        loop {
            let page = client.list_access_grants(request.clone()).await.unwrap().into_inner();
            sizes.push(page.access_grants.len());
            subjects.extend(page.access_grants.into_iter().map(|grant| grant.subject));
            request.page_token = page.next_page_token;
            if request.page_token.is_empty() {
                break;
            }
        }
        assert_eq!(sizes, [2, 2, 1]);
        assert_eq!(subjects, ["user:0", "user:1", "user:2", "user:3", "user:4"]);
    }
}

#[tokio::test]
async fn a_token_of_another_list_is_refused() {
    let server = TestServer::start().await;
    for number in 0..2 {
        grant(&server, "projects/p", &format!("user:{number}"), Role::Viewer).await;
    }
    let mut client = server.sharing().await;
    let first = proto::ListAccessGrantsRequest {
        page_size: 1,
        ..list_request("projects/p")
    };
    let token = client
        .list_access_grants(first)
        .await
        .unwrap()
        .into_inner()
        .next_page_token;
    let other = proto::ListAccessGrantsRequest {
        page_token: token,
        ..list_request("projects/q")
    };
    let refused = client.list_access_grants(other).await.unwrap_err();
    assert_invalid(&refused, &[("page_token", "INVALID_PAGE_TOKEN")]);
}
