//! A dump of the log in another cluster, where transaction ids begin again.

use std::pin::pin;

use dashboard_store::command::audit::{self, AuditFailure};
use dashboard_store::domain::audit::Finding;
use dashboard_store::store::connect;
use futures_util::{SinkExt as _, TryStreamExt as _};

use super::*;
use crate::support::blocking::wait_for_locks;
use crate::support::cluster::migrate;
use crate::support::postgres::OwnPostgres;

/// A younger cluster with a copy of a log, and what seals there.
struct Restored {
    younger: OwnPostgres,
    sql: Client,
    sealed: Sealed,
}

impl Restored {
    async fn of(old: &Client, sealed: &Sealed) -> Self {
        let younger = OwnPostgres::start().await;
        let config = younger.socket_config();
        migrate(&config).await;
        let sql = connect::connect(&config).await.unwrap().client;
        copy_log(old, &sql).await;
        Self {
            younger,
            sql,
            sealed: Sealed::with_key(&config, Arc::clone(&sealed.key)),
        }
    }

    async fn connect(&self) -> Client {
        connect::connect(&self.younger.socket_config()).await.unwrap().client
    }

    /// Uses up transaction ids until they are higher than those of all seals.
    async fn catch_up(&self) {
        let statement = "SELECT pg_snapshot_xmax(pg_current_snapshot()) > max(to_xid) FROM audit_seal";
        while !self.sql.query_one(statement, &[]).await.unwrap().get::<_, bool>(0) {
            burn_transaction_ids(&self.sql).await;
        }
    }
}

/// A log with a seal over five events, whose transaction ids a younger cluster has not given yet.
async fn old_log() -> (TestDatabase, Client, Sealed) {
    let (database, old, sealed) = start().await;
    burn_transaction_ids(&old).await;
    append(&old, 5).await;
    sealed.seal(5).await;
    (database, old, sealed)
}

/// The number, the epoch and how many events of each seal.
fn told(seals: &[NewSeal]) -> Vec<(i64, i32, usize)> {
    let each = seals.iter().map(|seal| (seal.head.number, seal.epoch, seal.events));
    each.collect()
}

/// Uses up transaction ids.
async fn burn_transaction_ids(sql: &Client) {
    let statement = "CREATE TEMPORARY TABLE IF NOT EXISTS burnt (id integer);
        DO $$ BEGIN FOR i IN 1..20000 LOOP BEGIN INSERT INTO burnt VALUES (i); EXCEPTION WHEN division_by_zero THEN END;
        END LOOP; END $$";
    sql.batch_execute(statement).await.unwrap();
}

/// Copies what `pg_dump` would: rows as they are, and where the sequence stands.
async fn copy_log(from: &Client, to: &Client) {
    for table in ["audit_log", "audit_seal"] {
        let mut rows = pin!(
            from.copy_out(&format!("COPY (SELECT * FROM {table}) TO STDOUT"))
                .await
                .unwrap()
        );
        let mut copy = pin!(to.copy_in(&format!("COPY {table} FROM STDIN")).await.unwrap());
        while let Some(chunk) = rows.try_next().await.unwrap() {
            copy.send(chunk).await.unwrap();
        }
        copy.finish().await.unwrap();
    }
    let position: i64 = from
        .query_one("SELECT last_value FROM audit_log_seq", &[])
        .await
        .unwrap()
        .get(0);
    to.query_one("SELECT setval('audit_log_seq', $1)", &[&position])
        .await
        .unwrap();
}

#[tokio::test]
async fn after_a_restore_a_new_epoch_begins_behind_what_was_restored() {
    let (_, old, sealed) = start().await;
    burn_transaction_ids(&old).await;
    for _ in 0..2 {
        append(&old, 5).await;
        sealed.seal(5).await;
    }
    // The last round ends inside a transaction.
    append(&old, 10_003).await;
    sealed.seal_round().await;
    let restored = Restored::of(&old, &sealed).await;
    let (new, restored) = (&restored.sql, &restored.sealed);
    append(new, 4).await;
    let report = restored.verify().await;
    assert_eq!((report.events, report.unsealed, report.finding), (10_010, 7, None));
    assert!(restored.store.sealing_lag().await.unwrap() > Duration::ZERO);

    let seals = restored.seal_once().await;

    assert_eq!(told(&seals), [(4, 1, 3), (5, 2, 0), (6, 2, 4)]);
    // Events of the old epoch have higher transaction ids than the last seal, and are no longer waited for.
    assert_eq!(restored.store.sealing_lag().await.unwrap(), Duration::ZERO);
    append(new, 2).await;
    assert!(restored.store.sealing_lag().await.unwrap() > Duration::ZERO);
    assert_eq!(told(&restored.seal_once().await), [(7, 2, 2)]);
    let report = restored.verify().await;
    assert_eq!(
        (report.seals, report.events, report.unsealed, report.finding),
        (7, 10_019, 0, None)
    );

    // In both epochs, whatever their transaction ids.
    disable_guards(new).await;
    for resource in ["tests/5", "tests/4"] {
        let edit = format!(
            "UPDATE audit_log SET actor = actor || 'x' WHERE id = (
            SELECT id FROM audit_log WHERE resource = '{resource}' ORDER BY seq DESC LIMIT 1)"
        );
        assert_eq!(new.execute(&edit, &[]).await.unwrap(), 1);
        assert!(restored.verify().await.finding.is_some(), "{resource}");
        new.batch_execute("UPDATE audit_log SET actor = 'user:ada'")
            .await
            .unwrap();
        assert_eq!(restored.verify().await.finding, None);
    }
}

/// Events stand in an export where the seals of epochs say: the fault in those is told, and not where events stand therefore.
#[tokio::test]
async fn a_fault_in_the_seal_of_an_epoch_is_named_also_in_an_export() {
    let (_database, old, sealed) = old_log().await;
    let restored = Restored::of(&old, &sealed).await;
    let (new, sealed) = (&restored.sql, &restored.sealed);
    append(new, 3).await;
    assert_eq!(told(&sealed.seal_once().await), [(2, 2, 0), (3, 2, 3)]);
    disable_guards(new).await;
    new.batch_execute("CREATE TABLE kept_seal AS TABLE audit_seal")
        .await
        .unwrap();
    for (edit, expected) in [
        ("", None),
        (
            "DELETE FROM audit_seal WHERE number = 2",
            Some(Finding::SealRemoved { number: 2 }),
        ),
        (
            "UPDATE audit_seal SET after_seq = after_seq - 1 WHERE number = 2",
            Some(Finding::SealEdited { number: 2 }),
        ),
        (
            "UPDATE audit_seal SET epoch = 1 WHERE epoch = 2",
            Some(Finding::SealEdited { number: 2 }),
        ),
    ] {
        new.batch_execute(edit).await.unwrap();
        assert_eq!(sealed.verify().await.finding, expected, "{edit}");
        let path = directory().join(format!("export-{}.jsonl", Uuid::new_v4()));
        audit::export(&sealed.store, &path, &mut Vec::new()).await.unwrap();
        let found = match audit::verify_file(&path, PublicKeys::default().with(&sealed.key), None, &mut Vec::new()) {
            Ok(()) => None,
            Err(AuditFailure::Changed(finding)) => Some(finding),
            Err(other) => panic!("no verdict: {other}"),
        };
        assert_eq!(found, expected, "{edit}");
        let put_back = "DELETE FROM audit_seal; INSERT INTO audit_seal TABLE kept_seal";
        new.batch_execute(put_back).await.unwrap();
    }
}

#[tokio::test]
async fn a_transaction_that_outlasts_the_start_of_the_epoch_costs_no_event_its_seal() {
    let (_database, old, sealed) = old_log().await;
    let restored = Restored::of(&old, &sealed).await;
    let (new, sealed) = (&restored.sql, &restored.sealed);
    let slow = restored.connect().await;
    slow.batch_execute("BEGIN; SELECT pg_current_xact_id()").await.unwrap();
    append(new, 3).await;
    // The epoch begins at once, whatever holds its events back.
    assert_eq!(told(&sealed.seal_once().await), [(2, 2, 0)]);
    let report = sealed.verify().await;
    assert_eq!((report.events, report.unsealed, report.finding), (5, 3, None));
    restored.catch_up().await;
    append(&slow, 1).await;
    slow.batch_execute("COMMIT").await.unwrap();
    append(new, 2).await;

    let seals = sealed.seal_once().await;

    assert_eq!(told(&seals), [(3, 2, 6)]);
    assert_eq!(sealed.store.sealing_lag().await.unwrap(), Duration::ZERO);
    let report = sealed.verify().await;
    assert_eq!((report.events, report.unsealed, report.finding), (11, 0, None));
}

#[tokio::test]
async fn what_is_written_while_the_old_epoch_ends_is_of_the_new_one() {
    let (_database, old, sealed) = old_log().await;
    append(&old, 3).await;
    let restored = Restored::of(&old, &sealed).await;
    let (new, sealed) = (&restored.sql, &restored.sealed);
    // The round has seen that transaction ids have begun again, and waits for the events.
    let writer = restored.connect().await;
    writer
        .batch_execute("BEGIN; LOCK TABLE audit_log IN ACCESS EXCLUSIVE MODE")
        .await
        .unwrap();
    let writing = async {
        wait_for_locks(new, "read_unsealed_events", 1).await;
        restored.catch_up().await;
        let write = "INSERT INTO audit_log (xid, actor, auth_method, method, permission, resource, correlation_id)
            SELECT pg_snapshot_xmax(pg_current_snapshot()), 'user:ada', 'jwt', 'test', 'test', 'tests', gen_random_uuid();
            COMMIT";
        writer.batch_execute(write).await.unwrap();
    };

    let (outcome, ()) = tokio::join!(sealed.store.seal_audit_log(&sealed.key), writing);

    let Sealing::Sealed { seals, .. } = outcome.unwrap() else {
        panic!("nobody else seals here");
    };
    assert_eq!(told(&seals), [(2, 1, 3), (3, 2, 0)]);
    append(new, 1).await;
    assert_eq!(told(&sealed.seal_once().await), [(4, 2, 2)]);
    let report = sealed.verify().await;
    assert_eq!((report.events, report.unsealed, report.finding), (10, 0, None));
}
