//! Reads as events: of the audit log always, all others where they are wanted.

use super::*;
use crate::support::requests::{create, get, list_request as list_dashboards};
use crate::support::{preferences, sharing};

const LIST: &str = "perses.dashboards.v1.AuditService/ListAuditEvents";

#[tokio::test]
async fn reading_the_log_leaves_an_event() {
    let server = TestServer::start().await;
    insert_events(&server.sql().await, 1, 1).await;
    let mut client = client(&server).await;
    let event = list(&mut client, "projects/p", "").await.remove(0);
    let read = proto::GetAuditEventRequest {
        name: event.name.clone(),
    };
    client.get_audit_event(as_user("bob", read)).await.unwrap();
    let export = proto::ExportAuditEventsRequest {
        parent: "platform".into(),
        filter: "result = DENIED".into(),
    };
    client.export_audit_events(as_user("bob", export)).await.unwrap();

    let seen = client
        .list_audit_events(list_request("platform", ""))
        .await
        .unwrap()
        .into_inner();
    let told: Vec<(&str, &str, &str)> = seen
        .audit_events
        .iter()
        .filter_map(|event| {
            let method = event.method.strip_prefix(OWN_METHODS)?;
            Some((
                event.actor.as_ref().unwrap().subject.as_str(),
                method,
                event.resource.as_str(),
            ))
        })
        .collect();
    assert_eq!(
        told,
        [
            ("user:bob", "ExportAuditEvents", "platform"),
            ("user:bob", "GetAuditEvent", event.name.as_str()),
            ("user:alice", "ListAuditEvents", "projects/p"),
        ]
    );
    assert_eq!(seen.audit_events[0].details, r#"{"filter": "result = DENIED"}"#);
}

#[tokio::test]
async fn who_may_read_a_project_sees_who_read_its_events() {
    let server = TestServer::start().await;
    let mut client = client(&server).await;
    list(&mut client, "projects/p", "").await;
    let request = list_request("projects/p", &format!("method = \"{LIST}\""));
    let seen = client.list_audit_events(request).await.unwrap().into_inner();
    assert_eq!(resources(&seen.audit_events), ["projects/p"]);
}

#[tokio::test]
async fn other_reads_are_no_events() {
    let server = TestServer::start().await;
    let mut dashboards = server.dashboards().await;
    create(&mut dashboards, "gpu").await;
    get(&mut dashboards, "gpu").await;
    assert_eq!(stored_after_stop(server).await, []);
}

#[tokio::test]
async fn other_reads_are_events_where_they_are_wanted() {
    let server = TestServer::start_with(|config| config.audit_reads = true).await;
    let mut dashboards = server.dashboards().await;
    create(&mut dashboards, "gpu").await;
    create(&mut dashboards, "cpu").await;
    for id in ["gpu", "gpu", "cpu"] {
        get(&mut dashboards, id).await;
    }
    dashboards.list_dashboards(list_dashboards("projects/p")).await.unwrap();

    let mut told: Vec<(String, String, i32)> = stored_after_stop(server)
        .await
        .into_iter()
        .map(|event| {
            assert_eq!(
                (event.result.as_str(), event.project.as_deref()),
                ("success", Some("p"))
            );
            (
                event.method.rsplit('/').next().unwrap().to_owned(),
                event.resource,
                event.count,
            )
        })
        .collect();
    // The first of a minute is written at once: of two, the second may be an event of its own.
    told.sort();
    let of_gpu: i32 = told
        .iter()
        .filter(|event| event.1.ends_with("gpu"))
        .map(|event| event.2)
        .sum();
    assert_eq!(of_gpu, 2);
    told.retain(|event| !event.1.ends_with("gpu"));
    assert_eq!(
        told,
        [
            ("GetDashboard".to_owned(), "projects/p/dashboards/cpu".to_owned(), 1),
            ("ListDashboards".to_owned(), "projects/p".to_owned(), 1),
        ]
    );
}

/// What a call asks for beside is not what it is about.
#[tokio::test]
async fn reads_of_share_links_and_of_what_users_keep_are_events_by_their_own_names() {
    let (server, mut client) = sharing::start_with(|config| config.audit_reads = true).await;
    let (link, _) = sharing::share(&mut client, sharing::for_uses(1)).await;
    sharing::get(&mut client, &link.name).await.unwrap();
    let list = proto::ListShareLinksRequest {
        parent: sharing::D.into(),
        ..Default::default()
    };
    client.list_share_links(list).await.unwrap();
    let mut own = server.preferences().await;
    preferences::favorites(&mut own).await;
    preferences::recents(&mut own).await;

    let mut told: Vec<_> = stored_after_stop(server)
        .await
        .into_iter()
        .filter(|event| event.result == "success")
        .map(|event| {
            let method = event.method.rsplit('/').next().unwrap().to_owned();
            (method, event.permission, event.resource)
        })
        .collect();
    told.sort();
    let expected = [
        ("GetShareLink", "share_links.get", link.name.as_str()),
        ("ListFavorites", "preferences.get", "users/developer"),
        ("ListRecentDashboards", "preferences.get", "users/developer"),
        ("ListShareLinks", "share_links.list", sharing::D),
    ];
    let expected = expected.map(|(method, permission, resource)| (method.into(), permission.into(), resource.into()));
    assert_eq!(told, expected);
}
