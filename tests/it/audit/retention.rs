//! Events whose time is over.

use std::cell::Cell;
use std::pin::pin;

use dashboard_store::domain::audit::Finding;
use dashboard_store::store::maintenance::{MaintenanceError, Outcome, TASKS, When};
use futures_util::future::{Either, select};

use super::command::{audit, told};
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
    let service = Sealed::with_key(&database.service_config(), Arc::clone(&owner.key));
    let refused = drop_old(&service).await.unwrap_err();
    assert!(matches!(refused, MaintenanceError::NotAllowed(_)), "{refused}");
    let keyless = Sealed {
        store: owner.store.clone().with_audit(AuditConfig::default()),
        key: new_key(),
    };
    assert_eq!(drop_old(&keyless).await.unwrap(), 0);
    assert_eq!(partitions(&sql).await.len(), 15);
}

#[tokio::test]
async fn no_checkpoint_is_signed_over_what_a_superuser_made_of_the_seals() {
    let (_database, sql, owner) = old_log().await;
    let head = owner.verify().await.head;
    disable_guards(&sql).await;
    let of_this_month = "SELECT month FROM audit_seal WHERE number = 3";
    let this_month: String = sql.query_one(of_this_month, &[]).await.unwrap().get(0);
    let edit = "UPDATE audit_seal SET month = $1 WHERE number = 3";
    sql.execute(edit, &[&"2019-01"]).await.unwrap();
    // The first month goes as it should; with the second, the events of this month would be of no account.
    let refused = drop_old(&owner).await.unwrap_err().to_string();
    assert!(
        refused.contains("audit_log_2019_02 stays: seal 3 was edited"),
        "{refused}"
    );
    assert_eq!(partitions(&sql).await.len(), 14);
    sql.execute(edit, &[&this_month]).await.unwrap();

    // A month that went without a checkpoint is missed, whatever is dropped.
    sql.batch_execute("DROP TABLE audit_log_2019_02").await.unwrap();
    assert_eq!(drop_old(&owner).await.unwrap(), 0);
    let found = owner.verify_against(head).await.finding;
    assert!(
        matches!(found, Some(Finding::EventRemoved { seal: 2, .. })),
        "{found:?}"
    );

    // One that was dropped is not dropped again.
    make_partition(&sql, "2019-01").await;
    let refused = drop_old(&owner).await.unwrap_err().to_string();
    assert!(
        refused.contains("audit_log_2019_01 stays: it was dropped before"),
        "{refused}"
    );
}

#[tokio::test]
async fn seals_of_a_key_that_is_not_known_hold_their_events() {
    let (_database, _sql, owner) = old_log().await;
    let key = new_key();
    let mut audit = AuditConfig {
        key: Some(Arc::clone(&key)),
        ..AuditConfig::default()
    };
    let rotated = |audit: &AuditConfig| Sealed {
        store: owner.store.clone().with_audit(audit.clone()),
        key: Arc::clone(&key),
    };
    let refused = drop_old(&rotated(&audit)).await.unwrap_err().to_string();
    assert!(refused.contains("AUDIT_PUBLIC_KEYS_FILE"), "{refused}");
    audit.earlier_keys = PublicKeys::default().with(&owner.key);
    assert_eq!(drop_old(&rotated(&audit)).await.unwrap(), 2);
}

/// Retention has the log for itself from when it takes a partition out until it is done; a verification that begins meanwhile waits.
#[tokio::test]
async fn a_verification_that_begins_while_events_go_finds_nothing_amiss() {
    let (database, sql, owner) = old_log().await;
    let holder = database.connect().await;
    let waits =
        "SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 'audit_log'::regclass AND mode = $1 AND granted = $2
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))";
    let is_over = Cell::new(false);
    let wait_for = async |mode: &str, granted: bool| {
        until(mode, async || {
            is_over.get() || sql.query_one(waits, &[&mode, &granted]).await.unwrap().get(0)
        })
        .await;
    };
    let verified = async {
        loop {
            let hold = "BEGIN; LOCK TABLE audit_checkpoint IN SHARE MODE";
            holder.batch_execute(hold).await.unwrap();
            let verifying = async {
                wait_for("AccessExclusiveLock", true).await;
                let releasing = async {
                    wait_for("AccessShareLock", false).await;
                    holder.batch_execute("COMMIT").await.unwrap();
                };
                tokio::join!(owner.verify(), releasing).0
            };
            is_over.set(false);
            let dropping = async {
                let dropped = drop_old(&owner).await;
                is_over.set(true);
                dropped
            };
            let (dropped, report) = tokio::join!(dropping, verifying);
            assert_eq!(report.finding, None);
            // It waits for a lock no longer than a second, which may be too short here.
            if dropped.is_ok() {
                break;
            }
        }
    };
    in_time("both done", verified).await;
    assert_eq!(partitions(&sql).await.len(), 13);
}

#[tokio::test]
async fn a_head_from_before_what_is_kept_proves_nothing_and_fails() {
    let (database, sql, owner) = old_log().await;
    let first = "SELECT '1:' || encode(root, 'hex') FROM audit_seal WHERE number = 1";
    let first: String = sql.query_one(first, &[]).await.unwrap().get(0);
    assert_eq!(drop_old(&owner).await.unwrap(), 2);
    let keys = directory().join(format!("public-{}.pem", Uuid::new_v4()));
    std::fs::write(&keys, owner.key.public_pem()).unwrap();
    let (code, text) = told(&audit(Some(&database), &["verify", "--expected-head", &first], Some(&keys)).await);
    assert!(code == 1 && text.contains("is older than what is kept"), "{text}");
    assert!(text.contains("are as they were sealed"), "{text}");
}

#[tokio::test]
async fn retention_waits_for_the_round_of_sealing_that_is_under_way() {
    let (database, sql, owner) = old_log().await;
    let sealer = database.connect().await;
    let key = i64::from_be_bytes(*b"dashseal");
    let hold = format!("BEGIN; SELECT pg_advisory_xact_lock({key})");
    sealer.batch_execute(&hold).await.unwrap();
    let waiting = "pg_locks JOIN pg_database AS here ON here.oid = database
        WHERE datname = current_database() AND locktype = 'advisory' AND NOT granted";
    let waits = pin!(until("it waits", async || count(&sql, waiting).await > 0));
    let dropping = pin!(drop_old(&owner));
    let Either::Right(((), dropping)) = select(dropping, waits).await else {
        panic!("it did not wait");
    };
    sealer.batch_execute("COMMIT").await.unwrap();
    assert_eq!(dropping.await.unwrap(), 2);
}
