//! GetAuditEvent.

use tonic::Code;

use super::*;
use crate::support::requests::{assert_invalid, assert_refused, create};

async fn get(client: &mut Client, user: &str, name: &str) -> Result<proto::AuditEvent, tonic::Status> {
    let request = proto::GetAuditEventRequest { name: name.into() };
    let answer = client.get_audit_event(as_user(user, request)).await?;
    Ok(answer.into_inner().audit_event.unwrap())
}

#[tokio::test]
async fn an_event_is_read_by_its_name() {
    let server = TestServer::start().await;
    create(&mut server.dashboards().await, "gpu").await;
    let mut client = client(&server).await;
    let listed = list(&mut client, "platform", "permission = dashboards.create")
        .await
        .remove(0);
    assert_eq!(get(&mut client, "alice", &listed.name).await.unwrap(), listed);
}

#[tokio::test]
async fn what_is_not_there_is_not_found_by_whoever_may_read_everything() {
    let server = TestServer::start().await;
    let mut client = client(&server).await;
    let name = format!("auditEvents/{}", uuid::Uuid::new_v4());
    let refused = get(&mut client, "alice", &name).await.unwrap_err();
    assert_refused(&refused, Code::NotFound, "AUDIT_EVENT_NOT_FOUND");
    let malformed = get(&mut client, "alice", "auditEvents/7").await.unwrap_err();
    assert_invalid(&malformed, &[("name", "INVALID_NAME")]);
}

/// Makes an event about the platform and one of `p`, and sees that a user is given the one of `p`, and told nothing of the other.
async fn assert_reads_the_event_of_p_alone(sql: &Sql, client: &mut Client, user: &str) -> proto::AuditEvent {
    insert_events(sql, 1, 2).await;
    let both = list(client, "platform", "method = test").await;
    let [of_platform, in_project] = both.as_slice() else {
        panic!("two events: {both:?}");
    };
    assert_eq!(get(client, user, &in_project.name).await.unwrap(), *in_project);
    let invented = format!("auditEvents/{}", uuid::Uuid::new_v4());
    for name in [of_platform.name.as_str(), invented.as_str()] {
        let refused = get(client, user, name).await.unwrap_err();
        assert_refused(&refused, Code::PermissionDenied, "PERMISSION_DENIED");
    }
    in_project.clone()
}

#[tokio::test]
async fn an_admin_of_a_project_reads_its_events_and_is_told_nothing_of_others() {
    let server = TestServer::start().await;
    let sql = server.sql().await;
    grant(&sql, "user:pia", "admin", Some("p")).await;
    let mut client = client(&server).await;
    assert_reads_the_event_of_p_alone(&sql, &mut client, "pia").await;
}

#[tokio::test]
async fn an_admin_on_the_platform_reads_the_events_of_each_project_and_none_of_the_platform() {
    let server = TestServer::start().await;
    let sql = server.sql().await;
    grant(&sql, "user:ada", "admin", None).await;
    let mut client = client(&server).await;
    let in_project = assert_reads_the_event_of_p_alone(&sql, &mut client, "ada").await;
    // As in lists of the project.
    let purge = "INSERT INTO project_purge (project, purged_at) VALUES ('p', now())";
    sql.batch_execute(purge).await.unwrap();
    get(&mut client, "ada", &in_project.name).await.unwrap_err();
}
