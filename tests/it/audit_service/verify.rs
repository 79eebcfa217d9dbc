//! VerifyAuditLog. What is found of which change is tested in `audit::tampering`.

use tonic::Code;

use super::*;
use crate::support::audit::disable_guards;
use crate::support::requests::{assert_invalid, assert_refused, create};

/// A server that seals.
async fn sealing_server() -> TestServer {
    TestServer::start_with(|config| config.audit.key = Some(new_key())).await
}

/// Waits until the log has a sealed event.
async fn wait_for_seal(client: &mut Client) -> proto::AuditEvent {
    found("a sealed event", async || {
        let events = list(client, "platform", "permission = dashboards.create").await;
        events.into_iter().find(|event| !event.seal.is_empty())
    })
    .await
}

#[tokio::test]
async fn a_log_that_nobody_touched_is_intact_and_an_edited_event_is_named() {
    let server = sealing_server().await;
    create(&mut server.dashboards().await, "gpu").await;
    let mut client = client(&server).await;
    let event = wait_for_seal(&mut client).await;
    assert!(event.seal.starts_with("auditSeals/"), "{event:?}");

    let verdict = verify(&mut client, "").await;
    assert!(
        verdict.intact && verdict.finding.is_empty() && !verdict.head_checked,
        "{verdict:?}"
    );
    assert!(verdict.events > 0 && verdict.seals > 0, "{verdict:?}");
    assert!(verify(&mut client, &verdict.head).await.head_checked);

    let id = event.name.strip_prefix("auditEvents/").unwrap();
    let sql = server.sql().await;
    disable_guards(&sql).await;
    let edit = format!("UPDATE audit_log SET actor = 'user:somebody' WHERE id = '{id}'");
    assert_eq!(sql.execute(&edit, &[]).await.unwrap(), 1);
    let verdict = verify(&mut client, "").await;
    assert!(!verdict.intact && verdict.finding.contains(id), "{verdict:?}");
}

#[tokio::test]
async fn a_server_that_seals_nothing_says_so() {
    let server = TestServer::start().await;
    let mut client = client(&server).await;
    let request = proto::VerifyAuditLogRequest::default();
    let refused = client.verify_audit_log(as_user("alice", request)).await.unwrap_err();
    assert_refused(&refused, Code::FailedPrecondition, "AUDIT_LOG_NOT_SEALED");
    let wrong = proto::VerifyAuditLogRequest {
        expected_head: "seven".into(),
    };
    let refused = client.verify_audit_log(as_user("alice", wrong)).await.unwrap_err();
    assert_invalid(&refused, &[("expected_head", "FIELD_INVALID")]);
}
