//! The audit log: appended to and nothing else, sealed, verified, exported, dropped when its time is over, and the rights of the
//! role that writes it.

mod append_only;
mod command;
mod format;
mod full_disk;
mod hidden;
mod restore;
mod retention;
mod rights;
mod sealing;
mod servers;
mod tampering;
mod walk;

use std::sync::Arc;
use std::time::Duration;

use dashboard_store::config::{AuditConfig, ConnectConfig, PoolConfig};
use dashboard_store::domain::audit::{Head, Report};
use dashboard_store::error::Error;
use dashboard_store::signing::{PublicKeys, SigningKey};
use dashboard_store::store::pool::Pool;
use dashboard_store::store::{NewSeal, Retention, Sealing, Store};
use tokio_postgres::Client;
use uuid::Uuid;

use crate::support::audit::{disable_guards, partitions};
use crate::support::cluster::{TestDatabase, directory};
use crate::support::waiting::{found, in_time, until};

/// A new key.
fn new_key() -> Arc<SigningKey> {
    let path = directory().join(format!("key-{}.pem", Uuid::new_v4()));
    Arc::new(SigningKey::read_or_create(&path).unwrap())
}

/// A store whose audit log is sealed, and the key.
struct Sealed {
    store: Store,
    key: Arc<SigningKey>,
}

impl Sealed {
    fn new(connect: &ConnectConfig) -> Self {
        Self::with_key(connect, new_key())
    }

    fn with_key(connect: &ConnectConfig, key: Arc<SigningKey>) -> Self {
        Self::with_pool(connect, key, PoolConfig::default())
    }

    fn with_pool(connect: &ConnectConfig, key: Arc<SigningKey>, pool_config: PoolConfig) -> Self {
        let pool = Pool::connect_lazy(connect.clone(), pool_config).unwrap();
        let retention = Retention {
            revisions_kept: 100,
            deleted_dashboards: Duration::from_secs(3600),
        };
        let audit = AuditConfig {
            key: Some(Arc::clone(&key)),
            ..AuditConfig::default()
        };
        Self {
            store: Store::new(pool, retention).with_audit(audit),
            key,
        }
    }

    /// Makes the seals that can be made now.
    async fn seal_once(&self) -> Vec<NewSeal> {
        let mut made = Vec::new();
        loop {
            match self.store.seal_audit_log(&self.key).await.unwrap() {
                Sealing::Sealed { seals, is_behind } => {
                    made.extend(seals);
                    if !is_behind {
                        return made;
                    }
                }
                Sealing::AnotherSeals => panic!("nobody else seals here"),
            }
        }
    }

    /// Makes the seals of one round, once there is something to seal: other tests hold that back until their transactions end.
    async fn seal_round(&self) -> Vec<NewSeal> {
        found("something to seal", async || {
            match self.store.seal_audit_log(&self.key).await.unwrap() {
                Sealing::Sealed { seals, .. } if !seals.is_empty() => Some(seals),
                Sealing::Sealed { .. } | Sealing::AnotherSeals => None,
            }
        })
        .await
    }

    /// Makes seals until so many more events are sealed.
    async fn seal(&self, events: usize) -> Vec<NewSeal> {
        let mut made = Vec::new();
        until(format_args!("{events} events sealed"), async || {
            made.extend(self.seal_once().await);
            made.iter().map(|seal: &NewSeal| seal.events).sum::<usize>() >= events
        })
        .await;
        made
    }

    /// Waits until sealing fails, which others may hold back.
    async fn sealing_error(&self) -> Error {
        found("an error", async || self.store.seal_audit_log(&self.key).await.err()).await
    }

    async fn verify(&self) -> Report {
        self.verify_against(None).await
    }

    async fn verify_against(&self, expected: Option<Head>) -> Report {
        let keys = PublicKeys::default().with(&self.key);
        self.store.verify_audit_log(keys, expected).await.unwrap()
    }
}

/// Appends so many events in one transaction, and gives their ids in order.
async fn append(sql: &Client, events: i32) -> Vec<Uuid> {
    append_at(sql, events, "now()").await
}

/// Appends so many events of a time, an expression of SQL.
async fn append_at(sql: &Client, events: i32, time: &str) -> Vec<Uuid> {
    let statement = format!(
        "INSERT INTO audit_log (event_time, actor, auth_method, method, permission, resource, correlation_id)
        SELECT {time}, 'user:ada', 'jwt', 'test', 'test', 'tests/' || n, gen_random_uuid() FROM generate_series(1, $1) AS n
        RETURNING id"
    );
    let rows = sql.query(&statement, &[&events]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// How many rows a table has.
async fn count(sql: &Client, table: &str) -> i64 {
    let statement = format!("SELECT count(*) FROM {table}");
    sql.query_one(&statement, &[]).await.unwrap().get(0)
}

/// Attaches the partition of a month, such as `2019-01`, as `ensure_audit_partitions` does.
async fn make_partition(sql: &Client, month: &str) {
    let partition = format!("audit_log_{}", month.replace('-', "_"));
    let statement = format!(
        "CREATE TABLE {partition} (LIKE audit_log INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES);
        ALTER TABLE audit_log ATTACH PARTITION {partition}
            FOR VALUES FROM ('{month}-01T00:00:00Z') TO (timestamptz '{month}-01T00:00:00Z' + interval '1 month')"
    );
    sql.batch_execute(&statement).await.unwrap();
}

/// A database, a connection of its superuser, and what seals it.
async fn start() -> (TestDatabase, Client, Sealed) {
    let database = TestDatabase::create().await;
    let sql = database.connect().await;
    let sealed = Sealed::new(&database.service_config());
    (database, sql, sealed)
}
