//! What the database holds: the audit log, and everything at once; and what a superuser does to it.

use dashboard_store::grpc::proto;
use tokio_postgres::Client;

use super::TestServer;

/// A row of the audit log, as far as it depends on the change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEvent {
    pub actor: String,
    pub method: String,
    pub permission: String,
    pub resource: String,
    pub uid: String,
    pub revision_before: Option<i32>,
    pub revision_after: Option<i32>,
    pub sha256_before: Option<String>,
    pub sha256_after: Option<String>,
    pub changed_paths: Vec<String>,
    pub result: String,
}

/// The events of what was done, oldest first (those of calls that failed come later, by themselves): the events of one dashboard are numbered under its lock.
pub async fn events(server: &TestServer) -> Vec<AuditEvent> {
    let sql = "SELECT actor, method, permission, resource, COALESCE(resource_uid::text, '') AS uid, revision_before, revision_after,
            encode(sha256_before, 'hex') AS sha256_before, encode(sha256_after, 'hex') AS sha256_after, changed_paths, result
        FROM audit_log WHERE result = 'success' ORDER BY seq";
    let rows = server.sql().await.query(sql, &[]).await.unwrap();
    rows.iter()
        .map(|row| AuditEvent {
            actor: row.get("actor"),
            method: row.get("method"),
            permission: row.get("permission"),
            resource: row.get("resource"),
            uid: row.get("uid"),
            revision_before: row.get("revision_before"),
            revision_after: row.get("revision_after"),
            sha256_before: row.get("sha256_before"),
            sha256_after: row.get("sha256_after"),
            changed_paths: row.get("changed_paths"),
            result: row.get("result"),
        })
        .collect()
}

/// All that mutations write, as text: equal before and after a call that stored nothing.
pub async fn stored(server: &TestServer) -> String {
    let sql = "SELECT concat_ws(E'\\n',
        (SELECT string_agg(t::text, E'\\n' ORDER BY id) FROM dashboard AS t),
        (SELECT string_agg(t::text, E'\\n' ORDER BY dashboard_id, revision) FROM dashboard_revision AS t),
        (SELECT string_agg(t::text, E'\\n' ORDER BY id) FROM user_preferences AS t),
        (SELECT string_agg(t::text, E'\\n' ORDER BY position) FROM dashboard_favorite AS t),
        (SELECT string_agg(t::text, E'\\n' ORDER BY subject, viewed_at) FROM dashboard_recent AS t),
        (SELECT string_agg(t::text, E'\\n' ORDER BY id) FROM dashboard_template AS t),
        (SELECT string_agg(t::text, E'\\n' ORDER BY id) FROM access_grant AS t),
        (SELECT string_agg(t::text, E'\\n' ORDER BY project) FROM project_purge AS t),
        (SELECT string_agg(t::text, E'\\n' ORDER BY id) FROM share_token AS t),
        (SELECT string_agg(t::text, E'\\n' ORDER BY request_id) FROM mutation_request AS t),
        (SELECT string_agg(t::text, E'\\n' ORDER BY id) FROM audit_log AS t WHERE result = 'success'))";
    server.sql().await.query_one(sql, &[]).await.unwrap().get(0)
}

/// The details of the same events, as JSON text.
pub async fn details(server: &TestServer) -> Vec<String> {
    let sql = "SELECT details::text FROM audit_log WHERE result = 'success' ORDER BY seq";
    let rows = server.sql().await.query(sql, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// The names of the partitions, in their order.
pub async fn partitions(sql: &Client) -> Vec<String> {
    let statement =
        "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'audit_log'::regclass ORDER BY 1";
    let rows = sql.query(statement, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// Asks for a page of 500 events.
pub fn list_request(parent: &str, filter: &str) -> proto::ListAuditEventsRequest {
    proto::ListAuditEventsRequest {
        parent: parent.into(),
        filter: filter.into(),
        page_size: 500,
        ..Default::default()
    }
}

/// Makes the database refuse each new row of `table` from now on, as PostgreSQL does when it can't extend a file.
pub async fn fill_disk(sql: &Client, table: &str) {
    let refuse = "CREATE FUNCTION refuse_for_want_of_room() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$";
    sql.batch_execute(refuse).await.unwrap();
    let trigger = format!(
        "CREATE TRIGGER no_room BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_for_want_of_room()"
    );
    sql.batch_execute(&trigger).await.unwrap();
}

/// Takes back what [`fill_disk`] did. Whoever writes an event locks the log before its partition; the triggers would go the other way.
pub async fn make_room(sql: &Client) {
    let free = "BEGIN; LOCK TABLE audit_log, audit_seal; DROP FUNCTION refuse_for_want_of_room() CASCADE; COMMIT";
    sql.batch_execute(free).await.unwrap();
}

/// Lets this superuser do what the triggers refuse.
pub async fn disable_guards(sql: &Client) {
    let tables = partitions(sql).await;
    let all = tables
        .iter()
        .map(String::as_str)
        .chain(["audit_log", "audit_seal", "audit_checkpoint"]);
    for table in all {
        let disable = format!("ALTER TABLE {table} DISABLE TRIGGER USER");
        sql.batch_execute(&disable).await.unwrap();
    }
}
