//! What is read of many dashboards is exactly what the caller may read.

use dashboard_store::grpc::proto;
use dashboard_store::grpc::proto::dashboard_service_client::DashboardServiceClient;
use futures_util::TryStreamExt as _;
use proto::Role;
use tonic::{Code, Status};

use crate::support::TestServer;
use crate::support::access::grant;
use crate::support::channel::Channel;
use crate::support::preferences;
use crate::support::requests::{apply, as_user, assert_refused, delete, ids, list_request, reason, spec_named};
use crate::support::templates;

type Client = DashboardServiceClient<Channel>;

/// Dashboards of three projects. `user:reader` may read `a` and one of `b`, `user:guest` that one alone, `user:nobody` none.
async fn start() -> (TestServer, Client) {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    for (project, id) in [("a", "a1"), ("a", "a2"), ("b", "b1"), ("b", "b2"), ("c", "c1")] {
        let name = format!("projects/{project}/dashboards/{id}");
        apply(&mut client, &name, spec_named("GPU")).await;
    }
    grant(&server, "projects/a", "user:reader", Role::Viewer).await;
    for subject in ["user:reader", "user:guest"] {
        grant(&server, "projects/b/dashboards/b1", subject, Role::Viewer).await;
    }
    (server, client)
}

/// Who reads what of all projects.
const READABLE: [(&str, &[&str]); 4] = [
    ("developer", &["a1", "a2", "b1", "b2", "c1"]),
    ("reader", &["a1", "a2", "b1"]),
    ("guest", &["b1"]),
    ("nobody", &[]),
];

async fn list(client: &mut Client, user: &str, parent: &str) -> Result<Vec<String>, Status> {
    let page = client
        .list_dashboards(as_user(user, list_request(parent)))
        .await?
        .into_inner();
    Ok(ids(&page.dashboards).into_iter().map(str::to_owned).collect())
}

#[tokio::test]
async fn a_list_of_all_projects_has_what_the_caller_may_read() {
    let (_server, mut client) = start().await;
    for (user, expected) in READABLE {
        assert_eq!(list(&mut client, user, "projects/-").await.unwrap(), expected, "{user}");
    }
}

#[tokio::test]
async fn a_list_in_every_order_goes_on_where_its_page_ended() {
    let (_server, mut client) = start().await;
    for order_by in ["name", "name desc", "display_name", "create_time desc", "update_time"] {
        for (user, expected) in READABLE {
            let mut request = proto::ListDashboardsRequest {
                page_size: 1,
                order_by: order_by.into(),
                ..list_request("projects/-")
            };
            let mut found = Vec::new();
            loop {
                let page = client
                    .list_dashboards(as_user(user, request.clone()))
                    .await
                    .unwrap()
                    .into_inner();
                found.extend(ids(&page.dashboards).into_iter().map(str::to_owned));
                request.page_token = page.next_page_token;
                if request.page_token.is_empty() {
                    break;
                }
            }
            found.sort();
            assert_eq!(found, expected, "{user} by {order_by}");
        }
    }
}

#[tokio::test]
async fn a_list_of_a_project_has_the_dashboards_of_their_own() {
    let (_server, mut client) = start().await;
    for user in ["reader", "guest"] {
        assert_eq!(list(&mut client, user, "projects/b").await.unwrap(), ["b1"]);
    }
    for (user, parent) in [
        ("guest", "projects/a"),
        ("reader", "projects/c"),
        ("reader", "projects/empty"),
        ("nobody", "projects/a"),
    ] {
        let refused = list(&mut client, user, parent).await.unwrap_err();
        assert_refused(&refused, Code::PermissionDenied, "PERMISSION_DENIED");
    }
}

#[tokio::test]
async fn a_search_finds_what_the_caller_may_read() {
    let (_server, mut client) = start().await;
    // The second one is too short for an index.
    for query in ["gpu", "GP"] {
        for (user, expected) in READABLE {
            let request = proto::SearchDashboardsRequest {
                parent: "projects/-".into(),
                query: query.into(),
                ..Default::default()
            };
            let answer = client
                .search_dashboards(as_user(user, request))
                .await
                .unwrap()
                .into_inner();
            let found: Vec<proto::Dashboard> = answer
                .results
                .into_iter()
                .filter_map(|result| result.dashboard)
                .collect();
            assert_eq!(ids(&found), expected, "{user} for {query}");
            assert!(!answer.truncated);
        }
    }
}

#[tokio::test]
async fn an_export_holds_what_the_caller_may_read() {
    let (_server, mut client) = start().await;
    for (user, expected) in READABLE {
        let request = proto::ExportDashboardsRequest {
            parent: "projects/-".into(),
            ..Default::default()
        };
        let answers = client
            .export_dashboards(as_user(user, request))
            .await
            .unwrap()
            .into_inner();
        let exported: Vec<_> = answers.try_collect().await.unwrap();
        assert_eq!(exported.len(), expected.len(), "{user}");
    }
}

async fn batch(client: &mut Client, user: &str, names: &[&str]) -> Result<Vec<String>, Status> {
    let request = proto::BatchGetDashboardsRequest {
        parent: "projects/-".into(),
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        ..Default::default()
    };
    let answer = client.batch_get_dashboards(as_user(user, request)).await?.into_inner();
    Ok(ids(&answer.dashboards).into_iter().map(str::to_owned).collect())
}

#[tokio::test]
async fn a_batch_is_read_whole_or_refused_without_telling_what_exists() {
    let (_server, mut client) = start().await;
    let own = ["projects/b/dashboards/b1", "projects/a/dashboards/a1"];
    assert_eq!(batch(&mut client, "reader", &own).await.unwrap(), ["b1", "a1"]);
    for (other, expected) in [
        ("projects/b/dashboards/b2", "PERMISSION_DENIED"),
        ("projects/b/dashboards/missing", "PERMISSION_DENIED"),
        ("projects/c/dashboards/c1", "PERMISSION_DENIED"),
        ("projects/a/dashboards/missing", "DASHBOARD_NOT_FOUND"),
    ] {
        let refused = batch(&mut client, "reader", &[own[0], other]).await.unwrap_err();
        assert_eq!(reason(&refused), expected, "{other}");
    }
}

#[tokio::test]
async fn favourites_that_may_not_be_read_any_more_are_left_out() {
    let (server, mut client) = start().await;
    let mut preferences = server.preferences().await;
    for name in ["projects/a/dashboards/a1", "projects/b/dashboards/b1"] {
        let request = proto::AddFavoriteRequest {
            parent: "users/me".into(),
            dashboard: name.into(),
            ..Default::default()
        };
        preferences.add_favorite(as_user("reader", request)).await.unwrap();
    }
    let view = proto::RecordDashboardViewRequest {
        parent: "users/me".into(),
        dashboard: "projects/b/dashboards/b2".into(),
        ..Default::default()
    };
    let refused = preferences
        .record_dashboard_view(as_user("reader", view))
        .await
        .unwrap_err();
    assert_refused(&refused, Code::PermissionDenied, "PERMISSION_DENIED");
    delete(&mut client, "projects/b/dashboards/b1").await;
    let request = as_user("reader", preferences::favorites_request());
    let page = preferences.list_favorites(request).await.unwrap().into_inner();
    assert_eq!(ids(&page.dashboards), ["a1"]);
}

#[tokio::test]
async fn templates_of_projects_are_listed_to_their_viewers_and_system_templates_to_everybody() {
    let (server, _client) = start().await;
    let mut client = server.templates().await;
    for project in ["a", "b"] {
        let request = proto::CreateTemplateRequest {
            parent: format!("projects/{project}"),
            ..templates::create_request(project)
        };
        client.create_template(request).await.unwrap();
    }
    templates::make_system_template(&server, "system", &spec_named("system")).await;
    for (user, expected) in [
        (
            "developer",
            &["projects/a/templates/a", "projects/b/templates/b", "templates/system"][..],
        ),
        ("reader", &["projects/a/templates/a", "templates/system"]),
        ("guest", &["templates/system"]),
        ("nobody", &["templates/system"]),
    ] {
        let request = proto::ListTemplatesRequest {
            parent: "projects/-".into(),
            ..Default::default()
        };
        let page = client
            .list_templates(as_user(user, request))
            .await
            .unwrap()
            .into_inner();
        let names: Vec<&str> = page.templates.iter().map(|template| template.name.as_str()).collect();
        assert_eq!(names, expected, "{user}");
    }
    let get = proto::GetTemplateRequest {
        name: "templates/system".into(),
        ..Default::default()
    };
    client.get_template(as_user("nobody", get)).await.unwrap();
}

#[tokio::test]
async fn unknown_and_forbidden_look_the_same() {
    let (_server, mut client) = start().await;
    let mut refusals = Vec::new();
    for name in [
        "projects/b/dashboards/b2",
        "projects/b/dashboards/missing",
        "projects/nowhere/dashboards/x",
    ] {
        let request = proto::GetDashboardRequest {
            name: name.into(),
            ..Default::default()
        };
        let refused = client.get_dashboard(as_user("guest", request)).await.unwrap_err();
        refusals.push((refused.code(), refused.message().to_owned(), refused.details().to_vec()));
    }
    assert_eq!(refusals[0].0, Code::PermissionDenied);
    assert!(refusals.iter().all(|refused| *refused == refusals[0]), "{refusals:?}");
}

#[tokio::test]
async fn authorisation_comes_before_validation() {
    let (_server, mut client) = start().await;
    let request = proto::CreateDashboardRequest {
        parent: "projects/a".into(),
        dashboard_id: "not an id".into(),
        request_id: "x".into(),
        ..Default::default()
    };
    let refused = client.create_dashboard(as_user("reader", request)).await.unwrap_err();
    assert_refused(&refused, Code::PermissionDenied, "PERMISSION_DENIED");
}
