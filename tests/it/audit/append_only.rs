//! What the database itself refuses, and what it does when it can't append.

use tonic::Code;
use tonic_health::pb::health_check_response::ServingStatus;

use super::*;
use crate::support::TestServer;
use crate::support::requests::{create, create_request, reason};

#[tokio::test]
async fn nobody_changes_or_removes_events_and_seals() {
    let (_, sql, sealed) = start().await;
    append(&sql, 1).await;
    sealed.seal(1).await;
    // Those that are made later have their guards, too.
    let later: i32 = sql
        .query_one("SELECT ensure_audit_partitions(14)", &[])
        .await
        .unwrap()
        .get(0);
    assert_eq!(later, 2);
    let partitions = partitions(&sql).await;
    assert_eq!(partitions.len(), 15);
    // This setting turns ordinary triggers off.
    for session in [
        "SET session_replication_role = origin",
        "SET session_replication_role = replica",
    ] {
        sql.batch_execute(session).await.unwrap();
        let events = partitions.iter().map(|name| (name.as_str(), "actor = ''"));
        let others = [
            ("audit_log", "actor = ''"),
            ("audit_seal", "key_id = ''"),
            ("audit_checkpoint", "key_id = ''"),
        ];
        for (table, change) in events.chain(others) {
            for statement in [
                format!("UPDATE {table} SET {change}"),
                format!("DELETE FROM {table}"),
                format!("TRUNCATE {table}"),
            ] {
                let refused = sql.batch_execute(&statement).await.unwrap_err();
                let told = refused.as_db_error().unwrap().message().to_owned();
                assert!(told.contains("append-only"), "{statement}: {told}");
            }
        }
    }
    assert_eq!(sealed.verify().await.finding, None);
}

#[tokio::test]
async fn without_a_partition_a_mutation_fails_as_a_whole_and_nothing_is_served() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    create(&mut client, "before").await;
    let sql = server.sql().await;
    let partition = partitions(&sql).await.remove(0);
    sql.batch_execute(&format!("DROP TABLE {partition}")).await.unwrap();

    let refused = client.create_dashboard(create_request("after")).await.unwrap_err();

    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::Unavailable, "SCHEMA_NOT_READY")
    );
    for table in ["dashboard", "dashboard_revision", "mutation_request"] {
        assert_eq!(count(&sql, table).await, 1, "{table}");
    }
    server.wait_until(ServingStatus::NotServing).await;
}
