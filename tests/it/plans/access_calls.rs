//! Calls that make the service run each statement about grants, and lists of callers who may not read everything.

use dashboard_store::command::maintain::KEEP_ALL;
use dashboard_store::grpc::proto;
use dashboard_store::store::Store;
use proto::Role;
use tonic::Code;

use super::Loaded;
use super::check::{Check, Most, by_any_index, compare};
use super::lists::LIST;
use super::searches::{BY_WORDS, SEARCH};
use crate::support::TestServer;
use crate::support::access::{grant, grant_request, granted, revoke_request};
use crate::support::requests::{apply, as_user, assert_refused, list_request, spec_named};
use crate::support::templates;

/// In the first of the loaded projects.
const LOADED: &str = "projects/project-1/dashboards/dashboard-0000001";

/// Made and purged.
const PURGED: &str = "projects/purged";

/// Runs every statement at least once.
pub async fn each(server: &TestServer) {
    let mut client = server.sharing().await;
    for number in 0..60 {
        grant(server, LOADED, &format!("user:{number}"), Role::Viewer).await;
    }
    let again = client.grant_access(grant_request(LOADED, "user:1", Role::Viewer)).await;
    assert_refused(&again.unwrap_err(), Code::AlreadyExists, "ACCESS_GRANT_EXISTS");
    assert_eq!(granted(&mut client, LOADED).await.unwrap().len(), 50);

    grant(server, "platform", "user:first", Role::PlatformAdmin).await;
    let by_grant = as_user("first", grant_request(LOADED, "user:60", Role::Viewer));
    client.grant_access(by_grant).await.unwrap();
    let second = grant(server, "platform", "user:second", Role::PlatformAdmin).await;
    client.revoke_access(revoke_request(&second.name)).await.unwrap();
    let store = Store::new(server.pool().clone(), KEEP_ALL);
    assert!(store.has_platform_admin().await.unwrap());
    purge_project(server).await;
}

async fn purge_project(server: &TestServer) {
    let mut client = server.dashboards().await;
    for id in ["a", "b"] {
        apply(&mut client, &format!("{PURGED}/dashboards/{id}"), spec_named(id)).await;
        let create = proto::CreateTemplateRequest {
            parent: PURGED.into(),
            ..templates::create_request(id)
        };
        server.templates().await.create_template(create).await.unwrap();
        grant(server, PURGED, &format!("user:{id}"), Role::Viewer).await;
    }
    let purge = proto::PurgeProjectRequest {
        name: PURGED.into(),
        ..Default::default()
    };
    client.purge_project(purge).await.unwrap();
}

/// Lists and searches of `user:granted`, who may read one project in 20, and 10 dashboards of another: by which index, and how
/// many rows.
const RESTRICTED_LISTS: &[(&str, &str, &[&str], Most)] = &[
    ("projects/project-1", "name", &["idx_dashboard_active"], Most::Rows(71)),
    ("projects/project-2", "name", &["dashboard_pkey"], Most::Rows(2 * 10)),
    ("projects/-", "name", &["idx_dashboard_active"], Most::OneIn(10)),
    (
        "projects/-",
        "update_time desc",
        &["idx_dashboard_updated_at"],
        Most::OneIn(10),
    ),
];
/// A search whose word an index finds, by that index; and one whose word everything has: the latest are looked through until
/// there are enough that the caller may read, or all of those are sorted.
const RESTRICTED_SEARCHES: &[(&str, Option<&[&str]>, Most)] = &[
    ("loaded_0000001_total", Some(BY_WORDS), Most::Rows(2)),
    ("dashboard", None, Most::OneIn(4)),
];

/// Runs them.
pub async fn check_restricted(loaded: &mut Loaded) -> Vec<Check> {
    let mut checks = Vec::new();
    for &(parent, order_by, indexes, most) in RESTRICTED_LISTS {
        let request = proto::ListDashboardsRequest {
            order_by: order_by.into(),
            ..list_request(parent)
        };
        loaded.log.take();
        loaded
            .client
            .list_dashboards(as_user("granted", request))
            .await
            .unwrap();
        let run = loaded.log.take().into_iter().find(|run| run.is_of(LIST)).unwrap();
        checks.push(compare(
            format!("user:granted: {parent} by {order_by}"),
            run,
            indexes,
            most,
        ));
    }
    for &(query, indexes, most) in RESTRICTED_SEARCHES {
        let request = proto::SearchDashboardsRequest {
            parent: "projects/-".into(),
            query: query.into(),
            ..Default::default()
        };
        loaded.log.take();
        loaded
            .client
            .search_dashboards(as_user("granted", request))
            .await
            .unwrap();
        let run = loaded.log.take().into_iter().find(|run| run.is_of(SEARCH)).unwrap();
        let title = format!("user:granted: search for {query}");
        checks.push(match indexes {
            Some(names) => compare(title, run, names, most),
            None => by_any_index(title, run, most),
        });
    }
    checks
}
