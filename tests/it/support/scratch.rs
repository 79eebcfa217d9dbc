//! A PostgreSQL server for one test run, and an empty database for each test.

use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tokio_postgres::{Client, NoTls};

/// Where Debian keeps the programs of PostgreSQL.
const PROGRAMS: &str = "/usr/lib/postgresql/15/bin";

/// Starts the server, waits until this process is gone (its end of the pipe closes then), and cleans up.
const GUARD: &str = r#""$1/postgres" -D "$2/data" -k "$2" -h '' -F -c log_min_messages=panic & server=$!
cat >/dev/null; kill -QUIT $server; wait $server; rm -rf "$2""#;

static SERVER: OnceLock<ScratchServer> = OnceLock::new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// The server of this test run; it ends with the process.
struct ScratchServer {
    directory: PathBuf,
    /// Keeps the pipe open that the guard waits on.
    _guard: Child,
}

/// An empty database of one test.
pub(crate) struct ScratchDatabase {
    name: String,
}

impl ScratchDatabase {
    /// Creates a database, and starts the server if this is the first one.
    pub(crate) async fn create() -> Self {
        let name = format!("scratch_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
        let admin = connect("postgres").await;
        admin.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
        Self { name }
    }

    /// Opens a connection of its own.
    pub(crate) async fn connect(&self) -> Client {
        connect(&self.name).await
    }
}

async fn connect(database: &str) -> Client {
    let server = tokio::task::spawn_blocking(|| SERVER.get_or_init(ScratchServer::start))
        .await
        .unwrap();
    let mut config = tokio_postgres::Config::new();
    config.host_path(&server.directory).user("postgres").dbname(database);
    let (client, connection) = config.connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

impl ScratchServer {
    fn start() -> Self {
        let directory = std::env::temp_dir().join(format!("dashboard-store-test-{}", std::process::id()));
        fs::create_dir(&directory).unwrap();
        let owner = unprivileged_user();
        if let Some((user, group)) = owner {
            chown(&directory, Some(user), Some(group)).unwrap();
        }
        let command = |program: &Path| {
            let mut command = Command::new(program);
            if let Some((user, group)) = owner {
                command.uid(user).gid(group);
            }
            command
                .current_dir(&directory)
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            command
        };
        let initdb = command(&Path::new(PROGRAMS).join("initdb"))
            .args([
                "--no-sync",
                "--auth=trust",
                "--username=postgres",
                "--encoding=UTF8",
                "--locale=C",
                "--pgdata",
            ])
            .arg(directory.join("data"))
            .status();
        assert!(initdb.unwrap().success(), "initdb failed");
        let guard = command(Path::new("/bin/sh"))
            .args(["-c", GUARD, "guard", PROGRAMS])
            .arg(&directory)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        // The socket is there before the server takes connections.
        let state = || fs::read_to_string(directory.join("data/postmaster.pid")).unwrap_or_default();
        let deadline = Instant::now() + Duration::from_secs(10);
        while !state().trim_end().ends_with("ready") {
            assert!(Instant::now() < deadline, "PostgreSQL did not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self {
            directory,
            _guard: guard,
        }
    }
}

/// PostgreSQL refuses to run as root: then the user `postgres` of the machine runs it.
fn unprivileged_user() -> Option<(u32, u32)> {
    let id = |option: &str, user: &[&str]| -> u32 {
        let output = Command::new("id").arg(option).args(user).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
    };
    (id("-u", &[]) == 0).then(|| (id("-u", &["postgres"]), id("-g", &["postgres"])))
}
