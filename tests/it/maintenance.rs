//! Maintenance: what each task does and what it leaves alone, who runs it and when, and `dashboard-store maintain`.

mod audit_partitions;
mod command;
mod deleted_dashboards;
mod expired_request_ids;
mod old_revisions;
mod runs;
mod servers;

use std::time::Duration;

use dashboard_store::config::PoolConfig;
use dashboard_store::store::maintenance::{Done, Outcome, TASKS, Task, When};
use dashboard_store::store::pool::Pool;
use dashboard_store::store::{Retention, Store};
use tokio_postgres::Client;

use crate::support::cluster::TestDatabase;

/// The task of this name.
fn task(name: &str) -> &'static Task {
    TASKS.iter().find(|task| task.name == name).unwrap()
}

/// What a server keeps in `database` that keeps so many revisions.
fn store(database: &TestDatabase, revisions_kept: i32) -> Store {
    let pool = Pool::connect_lazy(database.config().clone(), PoolConfig::default()).unwrap();
    let retention = Retention {
        revisions_kept,
        deleted_dashboards: Duration::from_secs(3600),
    };
    Store::new(pool, retention)
}

/// Runs a task to its end.
async fn run(store: &Store, name: &str) -> Done {
    match store.maintain(task(name), When::Now).await.unwrap() {
        Outcome::Done(done) => done,
        other => panic!("it did not run: {other:?}"),
    }
}

/// The names of the dashboards, in order.
async fn dashboards(sql: &Client) -> Vec<String> {
    let rows = sql
        .query("SELECT name FROM dashboard ORDER BY name", &[])
        .await
        .unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// How many rows a table has.
async fn count(sql: &Client, table: &str) -> i64 {
    let statement = format!("SELECT count(*) FROM {table}");
    sql.query_one(&statement, &[]).await.unwrap().get(0)
}
