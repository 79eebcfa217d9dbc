//! Who reads which events.

use tonic::Code;

use super::*;
use crate::support::requests::{assert_refused, list_request as list_dashboards};

async fn may_list(client: &mut Client, user: &str, parent: &str) -> bool {
    match client.list_audit_events(as_user(user, list_request(parent, ""))).await {
        Ok(_) => true,
        Err(refused) => {
            assert_refused(&refused, Code::PermissionDenied, "PERMISSION_DENIED");
            false
        }
    }
}

#[tokio::test]
async fn admins_have_their_project_and_auditors_everything() {
    let server = TestServer::start().await;
    let sql = server.sql().await;
    grant(&sql, "user:pia", "admin", Some("p")).await;
    grant(&sql, "user:eve", "editor", Some("p")).await;
    grant(&sql, "user:otto", "auditor", None).await;
    let mut client = client(&server).await;
    for (user, expected) in [
        ("pia", [true, false, false]),
        ("eve", [false, false, false]),
        ("otto", [true, true, true]),
        ("nobody", [false, false, false]),
    ] {
        for (parent, allowed) in ["projects/p", "projects/q", "platform"].into_iter().zip(expected) {
            assert_eq!(may_list(&mut client, user, parent).await, allowed, "{user} {parent}");
        }
    }
}

#[tokio::test]
async fn an_auditor_reads_nothing_else() {
    let server = TestServer::start().await;
    grant(&server.sql().await, "user:otto", "auditor", None).await;
    let mut dashboards = server.dashboards().await;
    let refused = dashboards
        .list_dashboards(as_user("otto", list_dashboards("projects/p")))
        .await
        .unwrap_err();
    assert_refused(&refused, Code::PermissionDenied, "PERMISSION_DENIED");
}

#[tokio::test]
async fn only_whoever_reads_everything_verifies() {
    let server = TestServer::start().await;
    grant(&server.sql().await, "user:pia", "admin", Some("p")).await;
    let mut client = client(&server).await;
    let request = proto::VerifyAuditLogRequest::default();
    let refused = client.verify_audit_log(as_user("pia", request)).await.unwrap_err();
    assert_refused(&refused, Code::PermissionDenied, "PERMISSION_DENIED");
}
