//! ExportAuditEvents.

use tonic::Code;

use super::*;
use crate::support::requests::{assert_invalid, assert_refused};
use crate::support::transfer::read_all;

async fn export(client: &mut Client, parent: &str, filter: &str) -> Vec<proto::ExportAuditEventsResponse> {
    let request = proto::ExportAuditEventsRequest {
        parent: parent.into(),
        filter: filter.into(),
    };
    let answers = client.export_audit_events(as_user("alice", request)).await.unwrap();
    let (read, end) = read_all(answers.into_inner()).await;
    end.unwrap();
    read
}

#[tokio::test]
async fn an_export_has_what_the_list_has_in_its_order() {
    let server = TestServer::start().await;
    // More than the export reads at once.
    insert_events(&server.sql().await, 1, 1100).await;
    let mut client = client(&server).await;
    let exported = export(&mut client, "platform", "actor = user:ada").await;
    let listed = list_pages(&mut client, list_request("platform", "actor = user:ada")).await;
    assert_eq!(listed.len(), 1100);
    let events: Vec<_> = exported
        .iter()
        .map(|answer| answer.audit_event.clone().unwrap())
        .collect();
    assert_eq!(events, listed);
}

#[tokio::test]
async fn each_line_is_the_event_as_json() {
    let server = TestServer::start().await;
    insert_events(&server.sql().await, 1, 2).await;
    let exported = export(&mut client(&server).await, "projects/p", "method = test").await;
    let [answer] = exported.as_slice() else {
        panic!("one event: {exported:?}");
    };
    let event = answer.audit_event.clone().unwrap();
    let line: serde_json::Value = serde_json::from_str(&answer.json_line).unwrap();
    assert!(!answer.json_line.contains('\n'));
    assert_eq!(line["type"], "unsealed");
    assert_eq!(format!("auditEvents/{}", line["id"].as_str().unwrap()), event.name);
    assert_eq!((&line["resource"], &line["project"]), (&"tests/1".into(), &"p".into()));
}

#[tokio::test]
async fn an_export_is_for_whoever_may_read_all_of_it() {
    let server = TestServer::start().await;
    grant(&server.sql().await, "user:pia", "admin", Some("p")).await;
    let mut client = client(&server).await;
    let request = |parent: &str, filter: &str| proto::ExportAuditEventsRequest {
        parent: parent.into(),
        filter: filter.into(),
    };
    let own = client
        .export_audit_events(as_user("pia", request("projects/p", "")))
        .await;
    assert!(own.is_ok());
    let all = client
        .export_audit_events(as_user("pia", request("platform", "")))
        .await;
    assert_refused(&all.unwrap_err(), Code::PermissionDenied, "PERMISSION_DENIED");
    let wrong = client
        .export_audit_events(as_user("pia", request("projects/p", "x")))
        .await;
    assert_invalid(&wrong.unwrap_err(), &[("filter", "INVALID_FILTER")]);
}
