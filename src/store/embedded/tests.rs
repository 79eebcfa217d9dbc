//! The embedded server as a whole, with real programs: those of `PG_VERSION` (downloaded if need be) or any installed.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::{Pid, Uid};
use tempfile::TempDir;

use super::*;

/// How long a test waits for what must happen; long, because it costs nothing where that happens.
const LIMIT: Duration = Duration::from_secs(60);

/// A directory that the account of the server can reach, also when the tests run as root.
fn reachable_tempdir() -> TempDir {
    let directory = tempfile::Builder::new().prefix("embedded-").tempdir_in("/tmp").unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o711)).unwrap();
    directory
}

fn options(data_dir: &Path) -> EmbeddedOptions {
    let version = std::env::var("PG_VERSION").ok().map(|version| version.parse().unwrap());
    EmbeddedOptions {
        version,
        ..EmbeddedOptions::new(data_dir, Durability::Ephemeral)
    }
}

fn durable_options(data_dir: &Path) -> EmbeddedOptions {
    EmbeddedOptions {
        durability: Durability::Durable,
        ..options(data_dir)
    }
}

async fn start(data_dir: &Path) -> Result<EmbeddedPostgres, EmbeddedError> {
    EmbeddedPostgres::start(options(data_dir)).await
}

/// Runs statements and gives the first column of the last row.
async fn query(postgres: &EmbeddedPostgres, database: &str, statements: &str) -> String {
    let (client, connection) = postgres.endpoint().config(database).connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    let messages = client.simple_query(statements).await.unwrap();
    let mut rows = messages.iter().filter_map(|message| match message {
        tokio_postgres::SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or_default().to_owned()),
        _ => None,
    });
    rows.next_back().unwrap_or_default()
}

fn server_pid(data_dir: &Path) -> Pid {
    let content = fs::read_to_string(data_dir.join("cluster/postmaster.pid")).unwrap();
    Pid::from_raw(content.lines().next().unwrap().parse().unwrap())
}

/// Whether it is gone or a zombie; in a container nobody may reap what was orphaned.
fn has_ended(pid: Pid) -> bool {
    let arguments = fs::read(format!("/proc/{pid}/cmdline"));
    kill(pid, None).is_err() || arguments.is_ok_and(|arguments| arguments.is_empty())
}

async fn wait_for_end(pid: Pid) {
    let deadline = Instant::now() + LIMIT;
    while !has_ended(pid) {
        assert!(Instant::now() < deadline, "process {pid} does not end");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn data_and_password_survive_a_restart() {
    let directory = reachable_tempdir();
    let data_dir = directory.path().join("a/data");
    let first = start(&data_dir).await.unwrap();
    first.create_database_if_missing("perses_dashboard").await.unwrap();
    first.create_database_if_missing("perses_dashboard").await.unwrap();
    query(&first, "perses_dashboard", "CREATE TABLE t AS SELECT 42 AS n").await;
    let pid = server_pid(&data_dir);
    first.stop().await.unwrap();
    assert!(has_ended(pid) && !data_dir.join("cluster/postmaster.pid").exists());

    let second = start(&data_dir).await.unwrap();
    assert_eq!(query(&second, "perses_dashboard", "SELECT n FROM t").await, "42");
    query(&second, "perses_dashboard", "CREATE EXTENSION pg_trgm").await;
    second.stop().await.unwrap();
}

#[tokio::test]
async fn the_cluster_is_private_and_set_up_as_promised() {
    let directory = reachable_tempdir();
    let postgres = start(directory.path()).await.unwrap();
    for (setting, value) in [
        ("listen_addresses", ""),
        ("fsync", "off"),
        ("full_page_writes", "off"),
        ("synchronous_commit", "off"),
        ("data_checksums", "on"),
        ("server_encoding", "UTF8"),
        ("lc_messages", "C"),
        ("TimeZone", "UTC"),
        ("max_connections", "120"),
    ] {
        let found = query(&postgres, "postgres", &format!("SHOW {setting}")).await;
        assert_eq!(found, value, "{setting}");
    }
    for (path, mode) in [
        ("password", 0o600),
        ("postgresql.log", 0o600),
        ("socket", 0o700),
        ("cluster", 0o700),
    ] {
        let found = fs::metadata(directory.path().join(path)).unwrap().mode() & 0o777;
        assert_eq!(found, mode, "{path}: {found:o}");
    }
    let mut stranger = postgres.endpoint().clone();
    stranger.password = "guess".into();
    let refused = stranger
        .config("postgres")
        .connect(NoTls)
        .await
        .map(|_| ())
        .unwrap_err();
    assert_eq!(refused.code(), Some(&SqlState::INVALID_PASSWORD));
    postgres.stop().await.unwrap();
}

#[tokio::test]
async fn a_port_is_listened_on_if_asked_for() {
    let directory = reachable_tempdir();
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let mut with_port = options(directory.path());
    with_port.tcp_port = Some(free.port());
    let postgres = EmbeddedPostgres::start(with_port).await.unwrap();
    assert_eq!(query(&postgres, "postgres", "SHOW port").await, free.port().to_string());
    std::net::TcpStream::connect(free).unwrap();
    postgres.stop().await.unwrap();
}

#[tokio::test]
async fn a_killed_server_is_noticed_and_recovers() {
    let directory = reachable_tempdir();
    let durable = durable_options(directory.path());
    let mut first = EmbeddedPostgres::start(durable.clone()).await.unwrap();
    query(&first, "postgres", "CREATE TABLE t AS SELECT 42 AS n").await;
    assert_eq!(query(&first, "postgres", "SHOW fsync").await, "on");
    kill(server_pid(directory.path()), Signal::SIGKILL).unwrap();
    let ended = tokio::time::timeout(LIMIT, first.ended()).await.unwrap();
    assert!(matches!(ended, EmbeddedError::Ended { .. }), "{ended}");
    drop(first);

    let second = EmbeddedPostgres::start(durable).await.unwrap();
    assert_eq!(query(&second, "postgres", "SELECT n FROM t").await, "42");
    second.stop().await.unwrap();
}

#[tokio::test]
async fn a_server_with_its_supervisor_killed_recovers() {
    let directory = reachable_tempdir();
    let durable = durable_options(directory.path());
    let first = EmbeddedPostgres::start(durable.clone()).await.unwrap();
    query(&first, "postgres", "CREATE TABLE t AS SELECT 42 AS n").await;
    killpg(first.server.supervisor_pid().unwrap(), Signal::SIGKILL).unwrap();
    drop(first);
    let second = EmbeddedPostgres::start(durable).await.unwrap();
    assert_eq!(query(&second, "postgres", "SELECT n FROM t").await, "42");
    second.stop().await.unwrap();
}

#[tokio::test]
async fn letting_go_stops_the_server_and_loses_nothing() {
    let directory = reachable_tempdir();
    let first = start(directory.path()).await.unwrap();
    query(&first, "postgres", "CREATE TABLE t AS SELECT 42 AS n").await;
    let pid = server_pid(directory.path());
    drop(first);
    // At once: what still runs must not be in the way.
    let second = start(directory.path()).await.unwrap();
    assert!(has_ended(pid));
    assert_eq!(query(&second, "postgres", "SELECT n FROM t").await, "42");

    let pid = server_pid(directory.path());
    drop(second);
    wait_for_end(pid).await;
}

/// The members of a process group, from the fifth field of `/proc/N/stat`.
#[cfg(target_os = "linux")]
fn processes_of_group(group: Pid) -> Vec<Pid> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let is_member = |number: &i32| {
        let stat = fs::read_to_string(format!("/proc/{number}/stat")).unwrap_or_default();
        let after_name = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
        after_name.split(' ').nth(2) == Some(&group.to_string())
    };
    numbers.filter(is_member).map(Pid::from_raw).collect()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_server_without_supervisor_is_stopped_before_the_next_starts() {
    let directory = reachable_tempdir();
    let first = start(directory.path()).await.unwrap();
    let pid = server_pid(directory.path());
    // Neither the shell nor its watcher is left to stop the server.
    for process in processes_of_group(first.server.supervisor_pid().unwrap()) {
        if fs::read(format!("/proc/{process}/cmdline"))
            .unwrap()
            .starts_with(b"/bin/sh")
        {
            kill(process, Signal::SIGKILL).unwrap();
        }
    }
    drop(first);
    assert!(!has_ended(pid));
    let second = start(directory.path()).await.unwrap();
    assert!(has_ended(pid));
    second.stop().await.unwrap();
}

#[tokio::test]
async fn a_second_server_on_the_same_directory_is_refused() {
    let directory = reachable_tempdir();
    let first = start(directory.path()).await.unwrap();
    let refused = start(directory.path()).await.unwrap_err().to_string();
    let expected = format!("is in use by process {}", std::process::id());
    assert!(refused.contains(&expected) && !refused.contains('\n'), "{refused}");
    assert_eq!(query(&first, "postgres", "SELECT 1").await, "1");
    first.stop().await.unwrap();
}

#[tokio::test]
async fn a_directory_without_permission_is_named() {
    let directory = reachable_tempdir();
    let closed = directory.path().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    let refused = start(&closed.join("data")).await.unwrap_err();
    let line = refused.to_string();
    match refused {
        EmbeddedError::DataDirUnreachable { .. } => assert!(Uid::effective().is_root(), "{line}"),
        EmbeddedError::DataDirUnusable { .. } => assert!(line.contains("Permission denied"), "{line}"),
        _ => panic!("{line}"),
    }
    assert!(line.contains("closed/data") && !line.contains('\n'), "{line}");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();

    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    let refused = start(&file).await.unwrap_err();
    assert!(matches!(refused, EmbeddedError::DataDirUnusable { .. }), "{refused}");
}

#[tokio::test]
async fn a_cluster_of_another_version_is_refused() {
    let directory = reachable_tempdir();
    let cluster = directory.path().join("cluster");
    fs::create_dir(&cluster).unwrap();
    Account::choose().unwrap().own(&cluster).unwrap();
    fs::write(cluster.join("PG_VERSION"), "12\n").unwrap();
    let refused = start(directory.path()).await.unwrap_err();
    assert!(
        matches!(refused, EmbeddedError::WrongVersion { found: 12, .. }),
        "{refused}"
    );

    fs::write(cluster.join("PG_VERSION"), "16\n").unwrap();
    let mut other = options(directory.path());
    other.version = Some(17);
    let refused = EmbeddedPostgres::start(other).await.unwrap_err().to_string();
    assert!(
        refused.contains("made by PostgreSQL 16, but PostgreSQL 17"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_cluster_without_its_password_is_refused() {
    let directory = reachable_tempdir();
    start(directory.path()).await.unwrap().stop().await.unwrap();
    fs::remove_file(directory.path().join("password")).unwrap();
    let refused = start(directory.path()).await.unwrap_err();
    assert!(matches!(refused, EmbeddedError::PasswordMissing { .. }), "{refused}");
}

#[tokio::test]
async fn an_interrupted_initialisation_is_cleared() {
    let directory = reachable_tempdir();
    let unfinished = directory.path().join("cluster.unfinished-killed");
    fs::create_dir_all(unfinished.join("cluster/base")).unwrap();
    start(directory.path()).await.unwrap().stop().await.unwrap();
    assert!(!unfinished.exists());
}

#[tokio::test]
async fn a_reused_process_id_is_not_in_the_way() {
    let directory = reachable_tempdir();
    let first = start(directory.path()).await.unwrap();
    let pid = server_pid(directory.path());
    kill(pid, Signal::SIGKILL).unwrap();
    drop(first);
    wait_for_end(pid).await;

    // Somebody else has the number now, here we; both lock files name it.
    let reused = std::process::id().to_string();
    for lock_file in ["cluster/postmaster.pid", "socket/.s.PGSQL.5432.lock"] {
        let path = directory.path().join(lock_file);
        let content = fs::read_to_string(&path).unwrap();
        let (_, rest) = content.split_once('\n').unwrap();
        fs::write(&path, format!("{reused}\n{rest}")).unwrap();
    }
    start(directory.path()).await.unwrap().stop().await.unwrap();
}

#[tokio::test]
async fn a_broken_setting_is_reported_with_the_servers_own_words() {
    let directory = reachable_tempdir();
    start(directory.path()).await.unwrap().stop().await.unwrap();
    let configuration = directory.path().join("cluster/postgresql.conf");
    fs::write(configuration, "no_such_setting = 1\n").unwrap();
    let refused = start(directory.path()).await.unwrap_err();
    let line = refused.to_string();
    assert!(matches!(refused, EmbeddedError::Ended { .. }), "{line}");
    assert!(line.contains("no_such_setting") && !line.contains('\n'), "{line}");
}

#[tokio::test]
async fn a_long_path_gets_a_socket_elsewhere() {
    let directory = reachable_tempdir();
    let data_dir = directory.path().join("long".repeat(30));
    let postgres = start(&data_dir).await.unwrap();
    assert_eq!(query(&postgres, "postgres", "SELECT 1").await, "1");
    let socket_dir = postgres.endpoint().socket_dir.clone();
    assert!(socket_dir.exists() && !socket_dir.starts_with(&data_dir));
    postgres.stop().await.unwrap();
    assert!(!socket_dir.exists());
}
