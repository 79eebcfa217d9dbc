//! What the role of the service may do in the database, and what not.

use tokio_postgres::error::SqlState;

use super::*;
use crate::support::TestServer;
use crate::support::requests::create;

/// A connection as the service has them, to a database with an event and a seal.
async fn service() -> (TestDatabase, Client) {
    let (database, sql, sealed) = start().await;
    append(&sql, 1).await;
    sealed.seal(1).await;
    let service = dashboard_store::store::connect::connect(&database.service_config())
        .await
        .unwrap();
    (database, service.client)
}

#[tokio::test]
async fn it_can_change_neither_the_audit_log_nor_the_schema() {
    let (database, service) = service().await;
    let partition = partitions(&database.connect().await).await.remove(0);
    let mut forbidden = vec![
        "INSERT INTO audit_log (xid, actor, auth_method, method, permission, resource, correlation_id)
            VALUES ('4', 'a', 'a', 'a', 'a', 'a', gen_random_uuid())"
            .to_owned(),
        "INSERT INTO audit_log (event_time, actor, auth_method, method, permission, resource, correlation_id)
            VALUES (now() - interval '1 hour', 'a', 'a', 'a', 'a', 'a', gen_random_uuid())"
            .to_owned(),
        "SELECT setval('audit_log_seq', 1)".to_owned(),
        "ALTER TABLE dashboard ADD COLUMN x integer".to_owned(),
        "DROP TABLE mutation_request".to_owned(),
        "CREATE TABLE mine (id integer)".to_owned(),
        "CREATE OR REPLACE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'"
            .to_owned(),
        "DROP INDEX idx_audit_order".to_owned(),
        "UPDATE schema_version SET description = ''".to_owned(),
        "UPDATE dashboard_revision SET spec = '{}'".to_owned(),
        "INSERT INTO audit_checkpoint SELECT '2026-01', 1, root, 1, now(), '', signature FROM audit_seal".to_owned(),
        "SET session_replication_role = replica".to_owned(),
        format!("INSERT INTO {partition} SELECT * FROM audit_log"),
        "SELECT drop_audit_partition('2026-11')".to_owned(),
    ];
    for table in ["audit_log", partition.as_str(), "audit_seal", "audit_checkpoint"] {
        let column = if table.starts_with("audit_log") {
            "actor"
        } else {
            "key_id"
        };
        forbidden.extend([
            format!("UPDATE {table} SET {column} = ''"),
            format!("DELETE FROM {table}"),
            format!("TRUNCATE {table}"),
            format!("ALTER TABLE {table} DISABLE TRIGGER ALL"),
            format!("DROP TABLE {table}"),
        ]);
    }
    for statement in forbidden {
        let refused = service.batch_execute(&statement).await.unwrap_err();
        let code = refused.code().unwrap();
        // Some are refused because the partition is no longer of this month.
        assert_eq!(code, &SqlState::INSUFFICIENT_PRIVILEGE, "{statement}: {refused:?}");
    }
}

#[tokio::test]
async fn it_reads_every_table_and_no_table_was_forgotten() {
    let (_, service) = service().await;
    let tables =
        "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
        AND NOT relispartition";
    for row in service.query(tables, &[]).await.unwrap() {
        let table: String = row.get(0);
        service
            .batch_execute(&format!("SELECT FROM {table} LIMIT 1"))
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn servers_of_the_tests_log_in_as_this_role() {
    let server = TestServer::start().await;
    create(&mut server.dashboards().await, "d").await;
    let users = "SELECT DISTINCT usename::text FROM pg_stat_activity
        WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()";
    let rows = server.sql().await.query(users, &[]).await.unwrap();
    let users: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(users, ["dashboard_store_service"]);
}
