//! The statements that seal, verify and drop audit events, among 200,000 events and 20,000 seals.

use std::sync::Arc;
use std::time::Duration;

use dashboard_store::config::{AuditConfig, PoolConfig};
use dashboard_store::domain::audit::seal::first_previous_root;
use dashboard_store::domain::audit::{DigestedEvent, Month, SealContent};
use dashboard_store::domain::digest::Digest;
use dashboard_store::signing::SigningKey;
use dashboard_store::store::maintenance::{TASKS, When};
use dashboard_store::store::pool::Pool;
use dashboard_store::store::{Retention, Sealing, Store};
use tokio_postgres::Client;
use tokio_postgres::types::ToSql;

use super::check::{Check, Most, compare, worst_of_each};
use super::explained::ExplainedLog;
use super::statements::NO_INDEX;
use crate::support::cluster::{TestDatabase, directory};
use crate::support::waiting::until;

const LAST_SEAL: &[&str] = &["audit_seal_pkey"];
const EVENTS: &[&str] = &["audit_log_xid_seq_idx"];
const EVENTS_BEHIND_LAST_SEAL: &[&str] = &["audit_log_xid_seq_idx", "audit_seal_pkey"];
const SEALS_OF_MONTH: &[&str] = &["idx_audit_seal_month"];

/// What each uses, and the most rows that it reads. Where events of all months are merged, one of each month is read ahead.
pub const STATEMENTS: &[(&str, &[&str], Most)] = &[
    ("lock_audit_sealing", NO_INDEX, Most::Rows(0)),
    ("await_audit_sealing", NO_INDEX, Most::Rows(0)),
    ("keep_audit_order", NO_INDEX, Most::Rows(0)),
    ("find_audit_position", LAST_SEAL, Most::Rows(1)),
    ("read_unsealed_events", EVENTS, Most::Rows(2000 + 20)),
    ("insert_audit_seal", NO_INDEX, Most::Rows(0)),
    ("measure_sealing_lag", EVENTS_BEHIND_LAST_SEAL, Most::Rows(2 + 20)),
    ("find_audit_checkpoint", &["audit_checkpoint_pkey"], Most::Rows(1)),
    // The first and the last seal, each of which is looked up and then read.
    (
        "find_audit_landmarks",
        &["audit_seal_pkey", "idx_audit_seal_range"],
        Most::Rows(4),
    ),
    ("walk_audit_seals", LAST_SEAL, Most::Rows(32)),
    ("export_snapshot", NO_INDEX, Most::Rows(0)),
    // What seals cover and one event more, and the last event of the page before.
    ("walk_audit_events", EVENTS, Most::Rows(10_000 + 1 + 1)),
    ("find_unsealed_in_partition", EVENTS_BEHIND_LAST_SEAL, Most::Rows(3)),
    // All seals of the month, as entries of the index and as rows: it is asked for once, when the month goes.
    ("count_sealed_in_partition", SEALS_OF_MONTH, Most::Rows(2 * 1001)),
    ("insert_audit_checkpoint", NO_INDEX, Most::Rows(0)),
    ("drop_audit_partition", NO_INDEX, Most::Rows(0)),
    ("record_audit_retention", NO_INDEX, Most::Rows(0)),
];

/// An old month, and seals that nobody checks.
const LOAD: &str = "CREATE TABLE audit_log_2019_01 (LIKE audit_log INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES);
    ALTER TABLE audit_log ATTACH PARTITION audit_log_2019_01
        FOR VALUES FROM ('2019-01-01T00:00:00Z') TO ('2019-02-01T00:00:00Z');
    INSERT INTO audit_seal (number, epoch, after_seq, month, from_xid, to_xid, to_seq, last_seq, event_count,
            event_digests, previous_root, root, sealed_at, key_id, signature)
        SELECT n, 1, -9223372036854775808, to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM'), '0', '0', 0, 0, 1, sha256(''), sha256(''),
            sha256(''), now(), '', sha256('') || sha256('')
        FROM generate_series(1001, 20000) AS n;
    INSERT INTO audit_log (event_time, actor, auth_method, method, permission, resource, correlation_id)
        SELECT '2019-01-10T00:00:00Z', 'user:ada', 'jwt', 'test', 'test', 'tests/' || n, gen_random_uuid()
        FROM generate_series(1, 100) AS n";

/// The events of one transaction.
const LOAD_EVENTS: &str = "INSERT INTO audit_log (actor, auth_method, method, permission, resource, correlation_id)
    SELECT 'user:ada', 'jwt', 'test', 'test', 'tests/' || n, gen_random_uuid() FROM generate_series(1, 2000) AS n";

/// Seals of the old month, which retention checks.
async fn load_old_seals(sql: &Client, key: &SigningKey) {
    let insert = "INSERT INTO audit_seal (number, epoch, after_seq, month, from_xid, to_xid, to_seq, last_seq, event_count, event_digests,
            previous_root, root, sealed_at, key_id, signature)
        VALUES ($1, 1, -9223372036854775808, '2019-01', '0', '0', 0, 0, 1, $2, $3, $4, '2019-01-10T00:00:00Z', $5, $6)";
    let insert = sql.prepare(insert).await.unwrap();
    let month = Month::parse("2019-01").unwrap();
    let digest = Digest::of(b"");
    let mut previous_root = first_previous_root();
    for number in 1..=1000_i64 {
        let content = SealContent {
            number,
            epoch: 1,
            after_seq: i64::MIN,
            month,
            from_xid: 0,
            to_xid: 0,
            to_seq: 0,
            last_seq: 0,
            event_digests: vec![digest],
            previous_root,
            sealed_at: month.start() + time::Duration::days(9),
        };
        let root = content.root();
        let signed = key.sign(&content.message(root));
        let values: [&(dyn ToSql + Sync); 6] = [
            &number,
            &digest.as_bytes(),
            &previous_root.as_bytes(),
            &root.as_bytes(),
            &signed.key_id,
            &signed.signature.0,
        ];
        sql.execute(&insert, &values).await.unwrap();
        previous_root = root;
    }
}

/// Runs every statement at least once.
async fn run_each(store: &Store, key: &SigningKey) {
    // Transactions of other tests hold it back.
    until("all is sealed", async || {
        while let Sealing::Sealed { is_behind: true, .. } = store.seal_audit_log(key).await.unwrap() {}
        store.sealing_lag().await.unwrap() == Duration::ZERO
    })
    .await;
    let mut walk = store.begin_audit_walk::<DigestedEvent>(2).await.unwrap();
    while walk.next_portion().await.unwrap().is_some() {}
    walk.end().await;
    let retention = TASKS.iter().find(|task| task.name == "audit_retention").unwrap();
    store.maintain(retention, When::Now).await.unwrap();
}

#[tokio::test]
#[ignore = "loads 200,000 events: make plans"]
async fn statements_of_the_audit_log_read_what_their_answers_need() {
    let database = TestDatabase::create().await;
    let sql = database.connect().await;
    let key = Arc::new(SigningKey::read_or_create(&directory().join("plans-key.pem")).unwrap());
    sql.batch_execute(LOAD).await.unwrap();
    load_old_seals(&sql, &key).await;
    for _ in 0..100 {
        sql.batch_execute(LOAD_EVENTS).await.unwrap();
    }
    sql.batch_execute("VACUUM (ANALYZE) audit_log, audit_seal")
        .await
        .unwrap();
    let mut log = ExplainedLog::of(&database).await;
    let pool = Pool::connect_lazy(database.config().clone(), PoolConfig::default()).unwrap();
    let retention = Retention {
        revisions_kept: 100,
        deleted_dashboards: Duration::ZERO,
    };
    let audit = AuditConfig {
        key: Some(Arc::clone(&key)),
        ..AuditConfig::default()
    };
    log.take();

    run_each(&Store::new(pool, retention).with_audit(audit), &key).await;

    let known = |name: &str| STATEMENTS.iter().find(|(statement, _, _)| *statement == name);
    let runs = log.take().into_iter().filter_map(|run| {
        let (name, indexes, most) = known(run.statement.as_deref()?)?;
        Some(compare((*name).to_owned(), run, indexes, *most))
    });
    let checks = worst_of_each(runs.collect());
    let reports: Vec<String> = checks.iter().map(Check::report).collect();
    eprintln!("{}", reports.join("\n"));
    assert_eq!(checks.len(), STATEMENTS.len());
    assert!(checks.iter().all(Check::is_met));
}
