//! Pages of events, and what a page of them shows.

use std::collections::BTreeSet;

use tonic::Code;

use super::*;
use crate::support::requests::{assert_invalid, assert_refused, create};

#[tokio::test]
async fn events_come_newest_first_and_pages_stand_still_while_events_are_added() {
    let server = TestServer::start().await;
    let sql = server.sql().await;
    insert_events(&sql, 1, 7).await;
    let mut client = client(&server).await;
    let mut request = proto::ListAuditEventsRequest {
        page_size: 2,
        ..list_request("platform", "actor = user:ada")
    };
    let mut seen = Vec::new();
    loop {
        let page = client.list_audit_events(request.clone()).await.unwrap().into_inner();
        seen.extend(resources(&page.audit_events).into_iter().map(str::to_owned));
        insert_events(&sql, 8, 9).await;
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    assert_eq!(seen, [7, 6, 5, 4, 3, 2, 1].map(|n| format!("tests/{n}")));
}

#[tokio::test]
async fn pages_go_on_into_years_long_past() {
    let server = TestServer::start().await;
    let sql = server.sql().await;
    let long_past = "CREATE TABLE audit_log_2019_01 (LIKE audit_log INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
        ALTER TABLE audit_log ATTACH PARTITION audit_log_2019_01
            FOR VALUES FROM ('2019-01-01T00:00:00Z') TO ('2019-02-01T00:00:00Z');
        INSERT INTO audit_log (event_time, actor, auth_method, method, permission, resource, correlation_id)
        SELECT timestamptz '2019-01-10T00:00:00Z' + n * interval '1 second', 'user:ada', 'jwt', 'test', 'test',
            'tests/' || n, gen_random_uuid()
        FROM generate_series(1, 4) AS n";
    sql.batch_execute(long_past).await.unwrap();
    insert_events(&sql, 5, 7).await;
    let mut client = client(&server).await;
    for page_size in 1..=4 {
        let request = proto::ListAuditEventsRequest {
            page_size,
            ..list_request("platform", "actor = user:ada")
        };
        let events = list_pages(&mut client, request).await;
        assert_eq!(
            resources(&events),
            [7, 6, 5, 4, 3, 2, 1].map(|n| format!("tests/{n}")),
            "pages of {page_size}"
        );
    }
}

/// Verification names such rows; lists show them, and go on.
#[tokio::test]
async fn events_at_the_ends_of_time_are_listed_and_exported() {
    let server = TestServer::start().await;
    let sql = server.sql().await;
    insert_events(&sql, 1, 2).await;
    let insert = "CREATE TABLE audit_log_rest PARTITION OF audit_log DEFAULT;
        INSERT INTO audit_log (event_time, actor, auth_method, method, permission, resource, correlation_id)
        SELECT time, 'user:ada', 'jwt', 'test', 'test', 'tests/' || time, gen_random_uuid()
        FROM unnest(ARRAY['-infinity', '4000-01-01 00:00:00+00 BC', '200000-01-01 00:00:00+00', 'infinity']::timestamptz[]) AS time";
    sql.batch_execute(insert).await.unwrap();
    let mut client = client(&server).await;
    for order_by in ["time", "time desc"] {
        for page_size in [1, 50] {
            let request = proto::ListAuditEventsRequest {
                order_by: order_by.into(),
                page_size,
                ..list_request("platform", "actor = user:ada")
            };
            let events = list_pages(&mut client, request).await;
            let seen = resources(&events);
            // A cursor can't tell some of them from others: then one stands for them.
            let distinct: BTreeSet<&str> = seen.iter().copied().collect();
            assert_eq!(seen.len(), distinct.len(), "{order_by} {seen:?}");
            assert!(page_size == 1 || seen.len() == 6, "{order_by} {seen:?}");
            assert!(
                distinct.is_superset(&BTreeSet::from(["tests/1", "tests/2"])),
                "{order_by} {seen:?}"
            );
        }
    }
    let export = proto::ExportAuditEventsRequest {
        parent: "platform".into(),
        filter: "actor = user:ada".into(),
    };
    let answers = client.export_audit_events(export).await.unwrap();
    let (read, end) = read_all(answers.into_inner()).await;
    end.unwrap();
    assert_eq!(read.len(), 6);
}

#[tokio::test]
async fn the_oldest_come_first_where_the_caller_wants_it() {
    let server = TestServer::start().await;
    insert_events(&server.sql().await, 1, 5).await;
    let mut client = client(&server).await;
    let mut request = proto::ListAuditEventsRequest {
        order_by: "time".into(),
        page_size: 3,
        ..list_request("platform", "method = test")
    };
    let first = client.list_audit_events(request.clone()).await.unwrap().into_inner();
    request.page_token = first.next_page_token;
    let second = client.list_audit_events(request).await.unwrap().into_inner();
    assert_eq!(resources(&first.audit_events), ["tests/1", "tests/2", "tests/3"]);
    assert_eq!(resources(&second.audit_events), ["tests/4", "tests/5"]);
    assert_eq!(second.next_page_token, "");
}

#[tokio::test]
async fn a_project_has_its_events_alone() {
    let server = TestServer::start().await;
    insert_events(&server.sql().await, 1, 4).await;
    let mut client = client(&server).await;
    assert_eq!(
        resources(&list(&mut client, "projects/p", "").await),
        ["tests/3", "tests/1"]
    );
    assert_eq!(list(&mut client, "projects/q", "").await, []);
    // A filter does not lead out of it.
    let elsewhere = list(&mut client, "projects/q", "project = p OR actor = user:ada").await;
    assert_eq!(elsewhere, []);
}

#[tokio::test]
async fn an_event_tells_who_did_what_from_where() {
    let server = TestServer::start().await;
    let dashboard = create(&mut server.dashboards().await, "gpu").await;
    let events = list(&mut client(&server).await, "projects/p", "").await;
    let [event] = events.as_slice() else {
        panic!("one event: {events:?}");
    };
    assert!(event.name.starts_with("auditEvents/") && event.time.is_some());
    let actor = event.actor.clone().unwrap();
    assert_eq!(
        (actor.subject.as_str(), actor.auth_method.as_str()),
        ("user:developer", "development")
    );
    assert_eq!(event.method, "perses.dashboards.v1.DashboardService/CreateDashboard");
    assert_eq!(event.permission, "dashboards.create");
    assert_eq!(
        (event.resource.as_str(), event.resource_uid.as_str()),
        (&*dashboard.name, &*dashboard.uid)
    );
    assert_eq!((event.revision_before, event.revision_after), (None, Some(1)));
    assert_eq!(
        (event.sha256_before.as_str(), &event.sha256_after),
        ("", &dashboard.spec_sha256)
    );
    assert_eq!(event.result(), proto::AuditResult::Success);
    assert_eq!(
        (event.client_ip.as_str(), event.count, event.details.as_str()),
        ("127.0.0.1", 1, "{}")
    );
    assert!(event.user_agent.contains("tonic"), "{}", event.user_agent);
    assert_eq!(event.seal, "", "nothing is sealed without a key");
}

#[tokio::test]
async fn wrong_fields_are_told_of_at_once() {
    let server = TestServer::start().await;
    let mut client = client(&server).await;
    let wrong = proto::ListAuditEventsRequest {
        parent: "platform".into(),
        page_size: -1,
        filter: "who = ada".into(),
        order_by: "actor".into(),
        ..Default::default()
    };
    let refused = client.list_audit_events(wrong).await.unwrap_err();
    assert_invalid(
        &refused,
        &[
            ("page_size", "FIELD_OUT_OF_RANGE"),
            ("filter", "INVALID_FILTER"),
            ("order_by", "INVALID_ORDER_BY"),
        ],
    );
    let forgotten = client.list_audit_events(list_request("", "")).await.unwrap_err();
    assert_invalid(&forgotten, &[("parent", "FIELD_REQUIRED")]);
    let token = proto::ListAuditEventsRequest {
        page_token: "made-up".into(),
        ..list_request("platform", "")
    };
    let refused = client.list_audit_events(token).await.unwrap_err();
    assert_refused(&refused, Code::InvalidArgument, "INVALID_PAGE_TOKEN");
}

#[tokio::test]
async fn a_filter_that_no_event_can_match_is_no_failure() {
    let server = TestServer::start().await;
    insert_events(&server.sql().await, 1, 2).await;
    let mut client = client(&server).await;
    for filter in [
        "actor = \"user:\u{202e}ada\"",
        "actor = \"%\"",
        "resource = \"' OR true --\"",
        "method = \"\\\\\"",
    ] {
        assert_eq!(list(&mut client, "platform", filter).await, [], "{filter:?}");
    }
    for filter in ["actor = \"user:ada\0\"", "details.x = \"\0\""] {
        let refused = client
            .list_audit_events(list_request("platform", filter))
            .await
            .unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{filter:?} {refused:?}");
    }
}
