//! A pool whose database can't be reached, or can be in several places.

use dashboard_store::config::DatabaseHost;
use secrecy::ExposeSecret as _;

use super::*;
use crate::support::postgres::{OwnPostgres, free_port};

/// A place where no server is.
fn nobody() -> DatabaseHost {
    DatabaseHost {
        host: "127.0.0.1".to_owned(),
        port: free_port(),
    }
}

/// A pool that would wait for a connection for longer than a test: what comes in time has not waited for that.
fn patient(max_open: u32) -> PoolConfig {
    PoolConfig {
        acquire_timeout: 2 * LIMIT,
        ..pool_config(max_open)
    }
}

#[tokio::test]
async fn a_database_that_is_down_is_told_promptly() {
    let mut connect = database().await.config().clone();
    connect.hosts = vec![nobody()];
    let pool = Pool::connect_lazy(connect, patient(5)).unwrap();
    for _ in 0..20 {
        let refused = in_time("a refusal", pool.get()).await;
        let Err(Error::Unavailable {
            reason,
            cause,
            description,
        }) = refused
        else {
            panic!("a database that is down was reached");
        };
        assert_eq!(reason, Reason::DatabaseUnavailable);
        assert!(!description.contains("127.0.0.1"), "{description}");
        assert!(cause.unwrap().to_string().contains("127.0.0.1"));
    }
    let stats = pool.stats();
    assert_eq!((stats.open, stats.in_use, stats.unavailable), (0, 0, 20));
}

#[tokio::test]
async fn the_pool_recovers_when_the_database_comes_back() {
    let mut postgres = OwnPostgres::start().await;
    let pool = Pool::connect_lazy(postgres.tcp_config("127.0.0.1"), patient(4)).unwrap();
    let held = [pool.get().await.unwrap(), pool.get().await.unwrap()];
    drop(held);
    postgres.stop().await;
    // The pool must have had the chance to notice.
    sleep(Duration::from_millis(50)).await;
    let refused = in_time("a refusal", pool.get()).await;
    assert_eq!(reason(refused), Some(Reason::DatabaseUnavailable));
    sleep(Duration::from_millis(300)).await;
    postgres.resume().await;
    let mut connection = lent(&pool).await;
    assert_eq!(connection.query("SELECT 1", &[]).await.unwrap()[0].get::<_, i32>(0), 1);
}

#[tokio::test]
async fn a_server_that_stays_silent_does_not_hold_the_pool() {
    let direct = database().await.config();
    let gateway = Gateway::before(direct, Traffic::Vanishes).await;
    let mut connect = gateway.route(direct);
    connect.connect_timeout = Duration::from_millis(400);
    let pool = Pool::connect_lazy(connect, patient(2)).unwrap();
    for _ in 0..3 {
        let both = async { tokio::join!(pool.get(), pool.get()) };
        let (first, second) = in_time("two refusals", both).await;
        assert_eq!(reason(first), Some(Reason::DatabaseUnavailable));
        assert_eq!(reason(second), Some(Reason::DatabaseUnavailable));
    }
    gateway.set(Traffic::Passes);
    until("both are lent", async || {
        let (first, second) = tokio::join!(pool.get(), pool.get());
        first.is_ok() && second.is_ok()
    })
    .await;
}

#[tokio::test]
async fn a_database_that_opens_no_more_connections_in_time_is_not_called_away() {
    let direct = database().await.config();
    let gateway = Gateway::before(direct, Traffic::Passes).await;
    let mut connect = gateway.route(direct);
    connect.connect_timeout = 2 * LIMIT;
    let mut config = pool_config(2);
    config.acquire_timeout = Duration::from_millis(300);
    let pool = Pool::connect_lazy(connect, config).unwrap();
    let held = lent(&pool).await;
    let before = pool.stats();
    gateway.set(Traffic::Vanishes);
    assert_eq!(reason(pool.get().await), Some(Reason::PoolTimeout));
    let stats = pool.stats();
    assert_eq!((stats.timeouts - before.timeouts, stats.unavailable), (1, 0));
    gateway.set(Traffic::Passes);
    drop(held);
    lent(&pool).await;
}

#[tokio::test]
async fn of_several_hosts_the_first_that_answers_is_used() {
    let direct = database().await.config();
    let gateway = Gateway::before(direct, Traffic::Vanishes).await;
    let unknown = DatabaseHost {
        host: "does-not-exist.invalid".to_owned(),
        port: 5432,
    };
    let mut connect = direct.clone();
    connect.hosts = vec![unknown, nobody(), gateway.host(), direct.hosts[0].clone()];
    // The one that is silent has its share of it, and no more.
    connect.connect_timeout = Duration::from_secs(4);
    let pool = Pool::connect_lazy(connect, pool_config(2)).unwrap();
    assert!(pool.get().await.is_ok());
}

#[tokio::test]
async fn of_several_hosts_one_that_takes_no_writes_is_not_used() {
    let (read_only, writable) = tokio::join!(OwnPostgres::start(), OwnPostgres::start());
    read_only
        .execute("ALTER DATABASE postgres SET default_transaction_read_only = on")
        .await;
    let mut connect = read_only.tcp_config("127.0.0.1");
    let password = connect.password.as_ref().unwrap().expose_secret();
    writable
        .execute(&format!("ALTER ROLE {} PASSWORD '{password}'", connect.user))
        .await;
    let alone = Pool::connect_lazy(connect.clone(), pool_config(1)).unwrap();
    assert!(alone.get().await.is_ok());
    connect.hosts.extend(writable.tcp_config("127.0.0.1").hosts);
    let pool = Pool::connect_lazy(connect.clone(), pool_config(1)).unwrap();
    let mut connection = pool.get().await.unwrap();
    let rows = connection.query("SHOW port", &[]).await.unwrap();
    assert_eq!(rows[0].get::<_, String>(0), connect.hosts[1].port.to_string());
}
