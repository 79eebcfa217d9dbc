//! What is prepared, where it is not, and what happens when the schema changes behind it.

use std::net::SocketAddr;
use std::path::PathBuf;

use dashboard_store::config::{ConnectConfig, DatabaseHost, StatementMode};
use dashboard_store::store::pool::{Pool, PooledConnection};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::OwnedWriteHalf;
use tokio::net::unix::OwnedReadHalf;
use tokio::net::{TcpListener, UnixStream};

use super::{database, pool_config};
use crate::support::TestServer;
use crate::support::requests::{apply, create, get, json_text, spec_named};

const STATEMENT: &str = "SELECT 'prepared or not'";

/// How often [`STATEMENT`] is prepared on a connection.
async fn prepared(connection: &mut PooledConnection) -> i64 {
    let sql = "SELECT count(*) FROM pg_prepared_statements WHERE statement = 'SELECT ''prepared or not'''";
    connection.query_once(sql, &[]).await.unwrap()[0].get(0)
}

/// Runs [`STATEMENT`] twice on the only connection of a pool; how often it is prepared afterwards.
async fn prepared_after_two_runs(connect: ConnectConfig, statement_mode: StatementMode) -> i64 {
    let mut config = pool_config(1);
    config.statement_mode = statement_mode;
    let pool = Pool::connect_lazy(connect, config).unwrap();
    for _ in 0..2 {
        let rows = pool.get().await.unwrap().query(STATEMENT, &[]).await.unwrap();
        assert_eq!(rows[0].get::<_, String>(0), "prepared or not");
    }
    prepared(&mut pool.get().await.unwrap()).await
}

/// Stands before the database's Unix socket as a pooler does: with cancel keys of its own.
async fn start_pooler(config: &ConnectConfig) -> SocketAddr {
    let host = &config.hosts[0];
    let socket = PathBuf::from(&host.host).join(format!(".s.PGSQL.{}", host.port));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (client, _) = listener.accept().await.unwrap();
            let server = UnixStream::connect(&socket).await.unwrap();
            let (mut requests, answers_to) = client.into_split();
            let (answers, mut requests_to) = server.into_split();
            tokio::spawn(async move { tokio::io::copy(&mut requests, &mut requests_to).await });
            tokio::spawn(pass_answers_on(answers, answers_to));
        }
    });
    address
}

async fn pass_answers_on(mut server: OwnedReadHalf, mut client: OwnedWriteHalf) -> std::io::Result<()> {
    loop {
        let message_type = server.read_u8().await?;
        let length = server.read_u32().await?;
        let mut body = vec![0; length as usize - 4];
        server.read_exact(&mut body).await?;
        // BackendKeyData: the process id of the session, a secret.
        if message_type == b'K' {
            body[..4].copy_from_slice(&7_i32.to_be_bytes());
        }
        client.write_u8(message_type).await?;
        client.write_u32(length).await?;
        client.write_all(&body).await?;
    }
}

#[tokio::test]
async fn a_statement_is_prepared_once() {
    let connect = database().await.config().clone();
    assert_eq!(prepared_after_two_runs(connect.clone(), StatementMode::Auto).await, 1);
    assert_eq!(prepared_after_two_runs(connect, StatementMode::Named).await, 1);
}

#[tokio::test]
async fn unnamed_prepares_nothing() {
    let connect = database().await.config().clone();
    assert_eq!(prepared_after_two_runs(connect, StatementMode::Unnamed).await, 0);
}

#[tokio::test]
async fn behind_a_pooler_nothing_is_prepared_unless_told_to() {
    let mut connect = database().await.config().clone();
    let pooler = start_pooler(&connect).await;
    connect.hosts = vec![DatabaseHost {
        host: pooler.ip().to_string(),
        port: pooler.port(),
    }];
    assert_eq!(prepared_after_two_runs(connect.clone(), StatementMode::Auto).await, 0);
    assert_eq!(prepared_after_two_runs(connect, StatementMode::Named).await, 1);
}

#[tokio::test]
async fn a_statement_that_was_put_together_is_not_prepared() {
    let pool = Pool::connect_lazy(database().await.config().clone(), pool_config(1)).unwrap();
    let mut connection = pool.get().await.unwrap();
    for _ in 0..2 {
        connection.query_once(STATEMENT, &[]).await.unwrap();
    }
    assert_eq!(prepared(&mut connection).await, 0);
}

#[tokio::test]
async fn a_failed_statement_is_answered_as_the_database_answered() {
    let pool = Pool::connect_lazy(database().await.config().clone(), pool_config(1)).unwrap();
    let mut connection = pool.get().await.unwrap();
    for _ in 0..3 {
        let refused = connection.query("SELECT nothing FROM nowhere", &[]).await;
        assert!(format!("{:?}", refused.unwrap_err()).contains("42P01"));
    }
}

#[tokio::test]
async fn reads_and_writes_go_on_when_the_schema_changes_behind_them() {
    const NAME: &str = "projects/p/dashboards/d";
    let server = TestServer::start_with(|config| config.pool.max_open = 1).await;
    let (mut client, sql) = (server.dashboards().await, server.sql().await);
    create(&mut client, "d").await;
    for column_type in ["text", "varchar", "text"] {
        let change = format!("ALTER TABLE dashboard ALTER COLUMN updated_by TYPE {column_type}");
        sql.batch_execute(&change).await.unwrap();
        get(&mut client, "d").await;
        sql.batch_execute(&change.replace("updated_by", "created_by"))
            .await
            .unwrap();
        for turn in ["first", "second"] {
            let spec = spec_named(&format!("{column_type}, the {turn} time"));
            apply(&mut client, NAME, spec.clone()).await;
            assert_eq!(json_text(get(&mut client, "d").await.spec), spec);
        }
    }
}
