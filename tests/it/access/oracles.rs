//! What somebody who may not see something can learn of it all the same: nothing.

use crate::support::channel::Channel;
use dashboard_store::grpc::proto;
use dashboard_store::grpc::proto::dashboard_service_client::DashboardServiceClient;
use proto::Role;
use tonic::metadata::MetadataMap;
use tonic::{Code, Status};

use super::matrix::{insert_what_has_ids, methods, requests};
use crate::support::TestServer;
use crate::support::access::grant;
use crate::support::raw;
use crate::support::requests::{apply, as_user, delete, ids, list_request, spec_named};
use crate::support::templates;

type Client = DashboardServiceClient<Channel>;

/// All of an error that depends on what was asked for.
fn told(status: &Status) -> (Code, String, Vec<u8>) {
    (status.code(), status.message().to_owned(), status.details().to_vec())
}

/// Callers who have something elsewhere, or too little here.
async fn grant_too_little(server: &TestServer) {
    for (user, parent, role) in [
        ("viewer", "projects/p", Role::Viewer),
        ("editor", "projects/p", Role::Editor),
        ("stranger", "projects/q", Role::Admin),
        ("auditor", "platform", Role::Auditor),
        ("gateway", "platform", Role::Gateway),
    ] {
        grant(server, parent, &format!("user:{user}"), role).await;
    }
}

/// How each method is refused to each of these callers; none where it is not denied.
async fn denials(server: &TestServer) -> Vec<(String, Option<(Code, String, Vec<u8>)>)> {
    let channel = server.channel().await;
    let mut denials = Vec::new();
    for method in methods() {
        for user in ["nobody", "viewer", "editor", "stranger", "auditor", "gateway"] {
            let mut metadata = MetadataMap::new();
            metadata.insert("x-remote-user", user.parse().unwrap());
            let called = raw::call(channel.clone(), &method, metadata, requests::of(&method)).await;
            let denied = called.err().filter(|status| status.code() == Code::PermissionDenied);
            denials.push((format!("{method} by {user}"), denied.as_ref().map(told)));
        }
    }
    denials
}

/// The same calls where everything is there that they ask for, and where nothing is.
#[tokio::test]
async fn no_method_tells_a_denied_caller_what_there_is() {
    let full = TestServer::start().await;
    let mut client = full.dashboards().await;
    apply(&mut client, "projects/p/dashboards/d", spec_named("d")).await;
    apply(&mut client, "projects/p/dashboards/gone", spec_named("gone")).await;
    delete(&mut client, "projects/p/dashboards/gone").await;
    templates::create(&mut full.templates().await, "t").await;
    insert_what_has_ids(&full.sql().await).await;
    let empty = TestServer::start().await;
    for server in [&full, &empty] {
        grant_too_little(server).await;
    }
    let (where_all_is, where_nothing_is) = (denials(&full).await, denials(&empty).await);
    let denied = where_all_is.iter().filter(|(_, denial)| denial.is_some()).count();
    assert!(denied > 150, "{denied}");
    for ((call, denial), (_, of_nothing)) in where_all_is.iter().zip(&where_nothing_is) {
        if denial.is_some() {
            assert_eq!(denial, of_nothing, "{call}");
        }
    }
}

/// Dashboards of two projects; `user:guest` may read `b1` alone.
async fn start() -> (TestServer, Client) {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    for (project, id) in [("a", "a1"), ("b", "b0"), ("b", "b1"), ("b", "b2"), ("c", "c1")] {
        let name = format!("projects/{project}/dashboards/{id}");
        apply(&mut client, &name, spec_named("GPU")).await;
    }
    delete(&mut client, "projects/b/dashboards/b0").await;
    grant(&server, "projects/b/dashboards/b1", "user:guest", Role::Viewer).await;
    (server, client)
}

/// A page of the list as the guest sees it: the ids, and the token of the next page.
async fn page_of_guest(client: &mut Client, request: proto::ListDashboardsRequest) -> (Vec<String>, String) {
    let page = client.list_dashboards(as_user("guest", request)).await.unwrap();
    let page = page.into_inner();
    let found = ids(&page.dashboards).into_iter().map(str::to_owned).collect();
    (found, page.next_page_token)
}

#[tokio::test]
async fn no_filter_leads_out_of_what_may_be_read() {
    let (_server, mut client) = start().await;
    for parent in ["projects/-", "projects/b"] {
        for (filter, expected) in [
            ("", &["b1"][..]),
            (r#"name = "b2""#, &[]),
            (r#"NOT name = "b1""#, &[]),
            (r#"name = "b2" OR name = "b1""#, &["b1"]),
            (
                r#"(name = "b1" OR created_by = "user:developer") AND NOT name = "c1""#,
                &["b1"],
            ),
            (r#"state = DELETED OR state = ACTIVE"#, &["b1"]),
            (r#"display_name = "GPU" OR NOT display_name = "GPU""#, &["b1"]),
        ] {
            for page_size in [1, 50] {
                let request = proto::ListDashboardsRequest {
                    filter: filter.into(),
                    show_deleted: true,
                    page_size,
                    ..list_request(parent)
                };
                let (found, next) = page_of_guest(&mut client, request).await;
                assert_eq!(
                    (found, next),
                    (expected.iter().map(|id| (*id).to_owned()).collect(), String::new()),
                    "{parent} {filter}"
                );
            }
        }
    }
}

/// A token says where to go on, and not what may be read there.
#[tokio::test]
async fn a_page_token_of_somebody_else_shows_no_more() {
    let (_server, mut client) = start().await;
    for order_by in ["name", "name desc", "create_time", "update_time desc", "display_name"] {
        let mut request = proto::ListDashboardsRequest {
            page_size: 1,
            order_by: order_by.into(),
            show_deleted: true,
            ..list_request("projects/-")
        };
        let mut seen = 0;
        loop {
            let page = client.list_dashboards(request.clone()).await.unwrap().into_inner();
            request.page_token = page.next_page_token;
            if request.page_token.is_empty() {
                break;
            }
            let (found, next) = page_of_guest(&mut client, request.clone()).await;
            assert!(
                found.iter().all(|id| id == "b1") && next.is_empty(),
                "{order_by}: {found:?}"
            );
            seen += found.len();
        }
        assert!(seen > 0, "{order_by}");
    }
}

#[tokio::test]
async fn a_batch_is_refused_in_the_same_way_whatever_it_asks_for() {
    let (_server, mut client) = start().await;
    let mut refusals = Vec::new();
    for other in [
        "projects/b/dashboards/b2",
        "projects/b/dashboards/b0",
        "projects/b/dashboards/missing",
        "projects/c/dashboards/c1",
        "projects/nowhere/dashboards/x",
    ] {
        for names in [vec![other], vec!["projects/b/dashboards/b1", other]] {
            for view in [proto::DashboardView::Basic, proto::DashboardView::Full] {
                let request = proto::BatchGetDashboardsRequest {
                    parent: "projects/-".into(),
                    names: names.iter().map(|name| (*name).to_owned()).collect(),
                    view: view.into(),
                    ..Default::default()
                };
                let refused = client.batch_get_dashboards(as_user("guest", request)).await;
                refusals.push(told(&refused.unwrap_err()));
            }
        }
    }
    assert_eq!(refusals[0].0, Code::PermissionDenied);
    assert!(refusals.iter().all(|refusal| *refusal == refusals[0]), "{refusals:?}");
}

/// To forget a favourite takes no right to read it, and tells nothing of it.
#[tokio::test]
async fn a_favourite_that_is_not_there_is_removed_like_one_that_may_not_be_seen() {
    let (server, _client) = start().await;
    let mut preferences = server.preferences().await;
    for name in ["projects/b/dashboards/b2", "projects/b/dashboards/missing"] {
        let request = proto::RemoveFavoriteRequest {
            parent: "users/me".into(),
            dashboard: name.into(),
            ..Default::default()
        };
        preferences.remove_favorite(as_user("guest", request)).await.unwrap();
        let add = proto::AddFavoriteRequest {
            parent: "users/me".into(),
            dashboard: name.into(),
            ..Default::default()
        };
        let denied = preferences.add_favorite(as_user("guest", add)).await.unwrap_err();
        assert_eq!(denied.code(), Code::PermissionDenied, "{name}");
    }
}
