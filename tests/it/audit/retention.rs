//! Events whose time is over.

use dashboard_store::domain::audit::Finding;
use dashboard_store::store::maintenance::{MaintenanceError, Outcome, TASKS, When};

use super::*;

/// Runs the task as the owner, and gives how many partitions it dropped.
async fn drop_old(owner: &Sealed) -> Result<u64, MaintenanceError> {
    let task = TASKS.iter().find(|task| task.name == "audit_retention").unwrap();
    match owner.store.maintain(task, When::Now).await? {
        Outcome::Done(done) => Ok(done.rows),
        other => panic!("it did not run: {other:?}"),
    }
}

/// A log of events from 2019 on, sealed.
async fn old_log() -> (TestDatabase, Client, Sealed) {
    let database = TestDatabase::create().await;
    let sql = database.connect().await;
    let owner = Sealed::new(database.config());
    for month in ["2019-01", "2019-02"] {
        make_partition(&sql, month).await;
        append_at(&sql, 3, &format!("timestamptz '{month}-10T00:00:00Z'")).await;
        owner.seal(3).await;
    }
    append(&sql, 2).await;
    owner.seal(2).await;
    (database, sql, owner)
}

#[tokio::test]
async fn partitions_that_are_too_old_go_with_a_checkpoint_and_an_event_that_says_so() {
    let (_, sql, owner) = old_log().await;
    let before = owner.verify().await;
    assert_eq!((before.seals, before.events, before.kept_from), (3, 8, None));
    let head = before.head;

    assert_eq!(drop_old(&owner).await.unwrap(), 2);

    assert_eq!(partitions(&sql).await.len(), 13);
    let said =
        "SELECT actor, resource, details->>'dropped_events' FROM audit_log WHERE method = 'maintenance/audit_retention'
        ORDER BY seq";
    let said: Vec<(String, String, String)> = sql
        .query(said, &[])
        .await
        .unwrap()
        .iter()
        .map(|row| (row.get(0), row.get(1), row.get(2)))
        .collect();
    let expected = ["audit_log_2019_01", "audit_log_2019_02"].map(|partition| {
        (
            "system:dashboard-store".to_owned(),
            format!("auditPartitions/{partition}"),
            "3".to_owned(),
        )
    });
    assert_eq!(said, expected);
    owner.seal(2).await;
    let report = owner.verify_against(head).await;
    // The two events that say so have one seal or two.
    assert_eq!((report.events, report.finding), (4, None));
    assert!(report.kept_from.is_some() && report.is_head_checked);
    assert_eq!(drop_old(&owner).await.unwrap(), 0);

    disable_guards(&sql).await;
    sql.batch_execute("UPDATE audit_checkpoint SET dropped_events = 1")
        .await
        .unwrap();
    assert_eq!(owner.verify().await.finding, Some(Finding::CheckpointEdited));
    // Without it, what was dropped is missed.
    sql.batch_execute("DELETE FROM audit_checkpoint").await.unwrap();
    assert!(matches!(
        owner.verify().await.finding,
        Some(Finding::EventRemoved { seal: 1, .. })
    ));
}

#[tokio::test]
async fn a_partition_with_an_event_that_is_not_sealed_stays() {
    let (database, sql, owner) = old_log().await;
    // Whatever is written meanwhile must not be sealed before the task looks.
    let holder = database.connect().await;
    holder
        .batch_execute("BEGIN; SELECT pg_current_xact_id()")
        .await
        .unwrap();
    append_at(&sql, 1, "timestamptz '2019-01-11T00:00:00Z'").await;
    let refused = drop_old(&owner).await.unwrap_err().to_string();
    assert!(
        refused.contains("audit_log_2019_01") && refused.contains("not sealed"),
        "{refused}"
    );
    assert_eq!(partitions(&sql).await.len(), 15);
    holder.batch_execute("COMMIT").await.unwrap();
    owner.seal(1).await;
    assert_eq!(drop_old(&owner).await.unwrap(), 2);
    owner.seal(2).await;
    assert_eq!(owner.verify().await.finding, None);
}

#[tokio::test]
async fn without_a_key_nothing_is_dropped_and_a_service_may_not() {
    let (database, sql, owner) = old_log().await;
    let service = Sealed::new(&database.service_config());
    let refused = drop_old(&service).await.unwrap_err();
    assert!(matches!(refused, MaintenanceError::NotAllowed(_)), "{refused}");
    let keyless = Sealed {
        store: owner.store.clone().with_audit(AuditConfig::default()),
        key: new_key(),
    };
    assert_eq!(drop_old(&keyless).await.unwrap(), 0);
    assert_eq!(partitions(&sql).await.len(), 15);
}
