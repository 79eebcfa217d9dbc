//! The pool against a real server, on good days and bad ones.

mod reach;
mod statements;

use std::fmt::Debug;
use std::time::Duration;

use dashboard_store::config::PoolConfig;
use dashboard_store::domain::reason::Reason;
use dashboard_store::error::Error;
use dashboard_store::store::pool::{Pool, PooledConnection, QueryError};
use tokio::sync::OnceCell;
use tokio::time::{sleep, timeout};
use tokio_postgres::IsolationLevel;
use tokio_postgres::types::Type;

use crate::support::cluster::TestDatabase;
use crate::support::network::{Gateway, Traffic};
use crate::support::waiting::{LIMIT, UNREACHED, found, in_time, until};

/// The database of every test that leaves the server alone.
async fn database() -> &'static TestDatabase {
    static DATABASE: OnceCell<TestDatabase> = OnceCell::const_new();
    DATABASE.get_or_init(TestDatabase::create_empty).await
}

/// Limits that no test runs into.
fn pool_config(max_open: u32) -> PoolConfig {
    PoolConfig {
        max_open,
        max_idle: max_open,
        acquire_timeout: LIMIT,
        query_timeout: UNREACHED,
        ..PoolConfig::default()
    }
}

async fn pool_with(config: PoolConfig) -> Pool {
    Pool::connect_lazy(database().await.config().clone(), config).unwrap()
}

async fn pool_of(max_open: u32) -> Pool {
    pool_with(pool_config(max_open)).await
}

async fn backend_pid(connection: &mut PooledConnection) -> i32 {
    connection.query("SELECT pg_backend_pid()", &[]).await.unwrap()[0].get(0)
}

/// A connection of a pool that does not wait long for one, however long it takes to be opened.
async fn lent(pool: &Pool) -> PooledConnection {
    found("a connection", async || pool.get().await.ok()).await
}

fn reason<T>(result: Result<T, Error>) -> Option<Reason> {
    match result {
        Err(Error::Unavailable { reason, .. }) => Some(reason),
        _ => None,
    }
}

/// Whether a backend runs a statement that contains `marker`.
async fn is_running(marker: &str) -> bool {
    let observer = database().await.connect().await;
    let sql =
        "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE $1 AND pid <> pg_backend_pid()";
    let pattern = format!("%{marker}%");
    let row = observer.query_typed_one(sql, &[(&pattern, Type::TEXT)]).await.unwrap();
    row.get::<_, i64>(0) > 0
}

/// Drops a statement that contains `marker`, and would take long, while the database runs it.
async fn drop_while_running<T: Debug>(statement: impl Future<Output = T>, marker: &str) {
    tokio::select! {
        ended = statement => panic!("it ended: {ended:?}"),
        () = until("the statement begins", async || is_running(marker).await) => {}
    }
}

#[tokio::test]
async fn a_connection_is_lent_and_comes_back() {
    let pool = pool_of(2).await;
    assert_eq!(pool.stats().open, 0);
    let mut connection = pool.get().await.unwrap();
    let rows = connection
        .query("SELECT $1::int + 1", &[(&41_i32, Type::INT4)])
        .await
        .unwrap();
    assert_eq!(rows[0].get::<_, i32>(0), 42);
    let stats = pool.stats();
    assert_eq!((stats.open, stats.idle, stats.in_use), (1, 0, 1));
    drop(connection);
    let stats = pool.stats();
    assert_eq!((stats.open, stats.idle, stats.in_use, stats.created), (1, 1, 0, 1));
}

#[tokio::test]
async fn a_failed_statement_does_not_cost_the_connection() {
    let pool = pool_of(1).await;
    let mut connection = pool.get().await.unwrap();
    let pid = backend_pid(&mut connection).await;
    let failed = connection.query("SELECT 1/0", &[]).await;
    assert!(
        matches!(failed, Err(QueryError::Database(error)) if error.code().is_some_and(|code| code.code() == "22012"))
    );
    drop(connection);
    assert_eq!(backend_pid(&mut pool.get().await.unwrap()).await, pid);
    assert_eq!(pool.stats().created, 1);
}

#[tokio::test]
async fn an_exhausted_pool_says_so() {
    let mut config = pool_config(1);
    config.acquire_timeout = Duration::from_millis(500);
    let pool = pool_with(config).await;
    let held = lent(&pool).await;
    let before = pool.stats();
    assert_eq!(reason(pool.get().await), Some(Reason::PoolTimeout));
    let abandoned = timeout(Duration::from_millis(20), pool.get()).await;
    assert!(abandoned.is_err());
    let stats = pool.stats();
    let more = (stats.wait_count - before.wait_count, stats.timeouts - before.timeouts);
    assert_eq!((stats.waiting, more), (0, (2, 1)));
    let waited = stats.wait_duration - before.wait_duration;
    assert!(waited >= Duration::from_millis(510), "{waited:?}");
    drop(held);
    lent(&pool).await;
}

#[tokio::test]
async fn a_dropped_statement_is_cancelled_in_the_database() {
    let pool = pool_of(1).await;
    let mut connection = pool.get().await.unwrap();
    let statement = connection.query("SELECT pg_sleep(1000) /* dropped statement */", &[]);
    drop_while_running(statement, "dropped statement").await;
    assert!(is_running("dropped statement").await);
    drop(connection);
    until("the statement ends", async || !is_running("dropped statement").await).await;
    let mut next = pool.get().await.unwrap();
    assert_eq!(next.query("SELECT 1", &[]).await.unwrap()[0].get::<_, i32>(0), 1);
    let stats = pool.stats();
    assert_eq!((stats.closed.cancelled, stats.created, stats.in_use), (1, 2, 1));
}

#[tokio::test]
async fn a_dropped_request_ends_its_statement() {
    let pool = pool_of(1).await;
    let borrower = pool.clone();
    let request = tokio::spawn(async move {
        let mut connection = borrower.get().await?;
        connection
            .query("SELECT pg_sleep(1000) /* dropped request */", &[])
            .await
            .map_err(Error::internal)
    });
    until("the statement begins", async || is_running("dropped request").await).await;
    request.abort();
    until("the statement ends", async || !is_running("dropped request").await).await;
    until("the place is free", async || pool.stats().in_use == 0).await;
}

#[tokio::test]
async fn cancelling_hits_nobody_else() {
    let pool = pool_of(2).await;
    for round in 0..60 {
        let mut connection = pool.get().await.unwrap();
        let pause = Duration::from_micros(round * 50);
        let _ = timeout(pause, connection.query("SELECT pg_sleep(0.002)", &[])).await;
        drop(connection);
        for _ in 0..3 {
            let mut innocent = pool.get().await.unwrap();
            innocent.query("SELECT pg_sleep(0.001)", &[]).await.unwrap();
        }
    }
    assert!(pool.stats().closed.cancelled > 0);
}

#[tokio::test]
async fn a_dropped_transaction_leaves_nothing_behind() {
    let pool = pool_of(1).await;
    let setup = database().await.connect().await;
    setup.batch_execute("CREATE TABLE left_behind (n int)").await.unwrap();
    let mut connection = pool.get().await.unwrap();
    let mut lease = connection.lease();
    let transaction = lease.begin(IsolationLevel::ReadCommitted).await.unwrap();
    transaction
        .execute("INSERT INTO left_behind VALUES (1)", &[])
        .await
        .unwrap();
    drop(transaction);
    drop(connection);
    let count = async || -> i64 {
        let mut connection = pool.get().await.unwrap();
        let rows = connection.query("SELECT count(*) FROM left_behind", &[]).await.unwrap();
        rows[0].get(0)
    };
    assert_eq!(count().await, 0);
    assert_eq!(pool.stats().closed.cancelled, 1);

    let mut connection = pool.get().await.unwrap();
    let mut lease = connection.lease();
    let transaction = lease.begin(IsolationLevel::ReadCommitted).await.unwrap();
    transaction
        .execute("INSERT INTO left_behind VALUES (1)", &[])
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    lease.settle();
    drop(connection);
    assert_eq!(count().await, 1);
    assert_eq!(pool.stats().closed.cancelled, 1);
}

#[tokio::test]
async fn a_statement_that_runs_too_long_is_cancelled() {
    let mut config = pool_config(1);
    config.query_timeout = Duration::from_millis(100);
    let pool = pool_with(config).await;
    let mut connection = pool.get().await.unwrap();
    let result = connection.query("SELECT pg_sleep(1000) /* too long */", &[]).await;
    assert!(matches!(result, Err(QueryError::TimedOut(limit)) if limit == Duration::from_millis(100)));
    drop(connection);
    until("the statement ends", async || !is_running("too long").await).await;
}

#[tokio::test]
async fn killed_connections_fail_nobody() {
    let pool = pool_of(3).await;
    let mut held = Vec::new();
    let mut pids = Vec::new();
    for _ in 0..3 {
        let mut connection = pool.get().await.unwrap();
        pids.push(backend_pid(&mut connection).await);
        held.push(connection);
    }
    drop(held);
    assert_eq!(pool.stats().idle, 3);
    let administrator = database().await.connect().await;
    let sql = "SELECT count(pg_terminate_backend(pid, 2000)) FROM unnest($1::int[]) pid";
    administrator
        .query_typed(sql, &[(&pids, Type::INT4_ARRAY)])
        .await
        .unwrap();
    for _ in 0..10 {
        let mut connection = pool.get().await.unwrap();
        assert!(!pids.contains(&backend_pid(&mut connection).await));
    }
    assert!(pool.stats().closed.broken >= 1);
}

#[tokio::test]
async fn a_discarded_connection_is_not_lent_again() {
    let pool = pool_of(1).await;
    let mut connection = pool.get().await.unwrap();
    let pid = backend_pid(&mut connection).await;
    connection.discard();
    drop(connection);
    assert_ne!(backend_pid(&mut pool.get().await.unwrap()).await, pid);
}

#[tokio::test]
async fn idle_connections_beyond_the_limit_are_closed() {
    let mut config = pool_config(8);
    config.max_idle = 2;
    let pool = pool_with(config).await;
    let mut held = Vec::new();
    for _ in 0..8 {
        held.push(pool.get().await.unwrap());
    }
    drop(held);
    assert_eq!(pool.stats().idle, 8);
    until("six are closed", async || pool.stats().idle == 2).await;
    let stats = pool.stats();
    assert_eq!((stats.open, stats.closed.max_idle, stats.closed.broken), (2, 6, 0));
}

#[tokio::test]
async fn old_and_unused_connections_are_closed() {
    let mut config = pool_config(2);
    config.max_lifetime = Some(Duration::from_millis(300));
    let pool = pool_with(config).await;
    let mut connection = pool.get().await.unwrap();
    let pid = backend_pid(&mut connection).await;
    sleep(Duration::from_millis(350)).await;
    drop(connection);
    assert_eq!(pool.stats().closed.max_lifetime, 1);
    assert_ne!(backend_pid(&mut pool.get().await.unwrap()).await, pid);

    let mut config = pool_config(2);
    config.max_idle_time = Some(Duration::from_millis(200));
    let pool = pool_with(config).await;
    drop(pool.get().await.unwrap());
    until("the idle one is closed", async || {
        pool.stats().closed.max_idle_time == 1
    })
    .await;
    assert_eq!(pool.stats().open, 0);
}

#[tokio::test]
async fn a_dropped_statement_is_cancelled_over_tcp() {
    let direct = database().await.config();
    let gateway = Gateway::before(direct, Traffic::Passes).await;
    let pool = Pool::connect_lazy(gateway.route(direct), pool_config(1)).unwrap();
    let mut connection = pool.get().await.unwrap();
    let statement = connection.query("SELECT pg_sleep(1000) /* over tcp */", &[]);
    drop_while_running(statement, "over tcp").await;
    drop(connection);
    until("the statement ends", async || !is_running("over tcp").await).await;
    assert!(pool.get().await.is_ok());
}

/// What a handler does with the connection must be `Send`, also with parameters that it owns.
#[tokio::test]
async fn a_request_may_move_between_threads() {
    let pool = pool_of(1).await;
    let request = tokio::spawn(async move {
        let name = String::from("a name");
        let mut connection = pool.get().await.unwrap();
        let rows = connection.query("SELECT $1", &[(&name, Type::TEXT)]).await.unwrap();
        let mut lease = connection.lease();
        let transaction = lease.begin(IsolationLevel::ReadCommitted).await.unwrap();
        transaction.query("SELECT $1", &[(&name, Type::TEXT)]).await.unwrap();
        transaction.commit().await.unwrap();
        lease.settle();
        rows[0].get::<_, String>(0)
    });
    assert_eq!(request.await.unwrap(), "a name");
}
