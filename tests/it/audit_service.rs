//! AuditService, and the events of calls without a change. How the log is kept and sealed is tested in `audit`.

mod denials;
mod export;
mod failures;
mod filters;
mod get;
mod list;
mod reads;
mod roles;
mod rotation;
mod seals;
mod verify;

use std::sync::Arc;

use dashboard_store::config::ServeConfig;
use dashboard_store::grpc::proto;
use dashboard_store::grpc::proto::audit_service_client::AuditServiceClient;
use dashboard_store::signing::SigningKey;
use proto::verify_audit_log_response::Content;
use tokio_postgres::Client as Sql;
use tonic_health::pb::health_check_response::ServingStatus;
use uuid::Uuid;

use crate::support::TestServer;
use crate::support::audit::list_request;
use crate::support::channel::Channel;
use crate::support::cluster::{TestDatabase, directory};
use crate::support::requests::as_user;
use crate::support::transfer::read_all;
use crate::support::waiting::found;

type Client = AuditServiceClient<Channel>;

/// The service whose calls are events themselves.
const OWN_METHODS: &str = "perses.dashboards.v1.AuditService/";

async fn client(server: &TestServer) -> Client {
    AuditServiceClient::new(server.channel().await)
}

/// The events that a filter finds, newest first, without those of reading them.
async fn list(client: &mut Client, parent: &str, filter: &str) -> Vec<proto::AuditEvent> {
    let answer = client
        .list_audit_events(as_user("alice", list_request(parent, filter)))
        .await
        .unwrap();
    without_own(answer.into_inner().audit_events)
}

fn without_own(events: Vec<proto::AuditEvent>) -> Vec<proto::AuditEvent> {
    let is_other = |event: &proto::AuditEvent| !event.method.starts_with(OWN_METHODS);
    events.into_iter().filter(is_other).collect()
}

/// The events of all pages, from the one that is asked for on.
async fn list_pages(client: &mut Client, mut request: proto::ListAuditEventsRequest) -> Vec<proto::AuditEvent> {
    let mut events = Vec::new();
    loop {
        let page = client.list_audit_events(request.clone()).await.unwrap().into_inner();
        events.extend(page.audit_events);
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return events;
        }
    }
}

fn resources(events: &[proto::AuditEvent]) -> Vec<&str> {
    events.iter().map(|event| event.resource.as_str()).collect()
}

/// Inserts events about `tests/{from}` to `tests/{to}`, one a second, the last one now. Odd ones are about `projects/p`.
async fn insert_events(sql: &Sql, from: i32, to: i32) {
    let statement =
        "INSERT INTO audit_log (event_time, actor, auth_method, method, permission, project, resource, correlation_id)
        SELECT now() - ($2 - n) * interval '1 second', 'user:ada', 'jwt', 'test', 'test',
            CASE WHEN n % 2 = 1 THEN 'p' END, 'tests/' || n, gen_random_uuid()
        FROM generate_series($1::integer, $2::integer) AS n";
    sql.execute(statement, &[&from, &to]).await.unwrap();
}

/// A new key to seal with.
fn new_key() -> Arc<SigningKey> {
    let path = directory().join(format!("key-{}.pem", Uuid::new_v4()));
    Arc::new(SigningKey::read_or_create(&path).unwrap())
}

/// What VerifyAuditLog finds.
async fn verify(client: &mut Client, expected_head: &str) -> proto::VerifyVerdict {
    let request = proto::VerifyAuditLogRequest {
        expected_head: expected_head.into(),
    };
    let answers = client.verify_audit_log(as_user("alice", request)).await.unwrap();
    let (read, end) = read_all(answers.into_inner()).await;
    end.unwrap();
    match read.last().and_then(|answer| answer.content.clone()) {
        Some(Content::Verdict(verdict)) => verdict,
        other => panic!("no verdict: {other:?}"),
    }
}

/// The newest seals.
async fn list_seals(client: &mut Client, page_size: i32) -> Vec<proto::AuditSeal> {
    let request = proto::ListAuditSealsRequest {
        parent: "platform".into(),
        page_size,
        ..Default::default()
    };
    let answer = client.list_audit_seals(as_user("alice", request)).await.unwrap();
    answer.into_inner().audit_seals
}

/// Waits until the newest seal is by this key.
async fn wait_for_seal_by(client: &mut Client, key: &SigningKey) -> proto::AuditSeal {
    found("a seal by this key", async || {
        let newest = list_seals(client, 1).await.pop();
        newest.filter(|seal| seal.key_id == key.id())
    })
    .await
}

/// Starts a server on the database of another one, and waits until it serves.
async fn restart(stopped: TestServer, adjust: impl FnOnce(&mut ServeConfig)) -> TestServer {
    let database = stopped.database().clone();
    stopped.stop().await;
    let connect = database.service_config();
    let server = TestServer::launch(database, connect, adjust).await;
    server.wait_until(ServingStatus::Serving).await;
    server
}

/// Gives `subject` a role on a project, or on the platform.
async fn grant(sql: &Sql, subject: &str, role: &str, project: Option<&str>) {
    let statement = "INSERT INTO access_grant (id, project, subject, role, created_by)
        VALUES (gen_random_uuid(), $1, $2, $3, 'user:test')";
    sql.execute(statement, &[&project, &subject, &role]).await.unwrap();
}

/// An event of a call without a change, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stored {
    actor: String,
    method: String,
    permission: String,
    resource: String,
    project: Option<String>,
    result: String,
    reason: Option<String>,
    count: i32,
}

/// The events of calls without a change, oldest first.
async fn stored(database: &TestDatabase) -> Vec<Stored> {
    let statement = "SELECT actor, method, permission, resource, project, result, reason, event_count FROM audit_log
        WHERE result <> 'success' OR resource_uid IS NULL ORDER BY xid, seq";
    let rows = database.connect().await.query(statement, &[]).await.unwrap();
    rows.iter()
        .map(|row| Stored {
            actor: row.get("actor"),
            method: row.get("method"),
            permission: row.get("permission"),
            resource: row.get("resource"),
            project: row.get("project"),
            result: row.get("result"),
            reason: row.get("reason"),
            count: row.get("event_count"),
        })
        .collect()
}

/// Stops the server, which writes what waits, and gives the events of calls without a change.
async fn stored_after_stop(server: TestServer) -> Vec<Stored> {
    let database = server.database().clone();
    server.stop().await;
    stored(&database).await
}
