//! A scratch PostgreSQL server with the settings of one test.

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use dashboard_store::config::{ConnectConfig, DatabaseHost, PoolConfig, SslConfig};
use dashboard_store::store::connect::{self, Connected};
use secrecy::SecretString;

const PASSWORD: &str = "open sesame";
const START_LIMIT: Duration = Duration::from_secs(20);

/// Runs the server until a line or the end of its input comes. The end means that the test process is gone, however it
/// went: then nothing is left behind.
const UNTIL_INPUT_ENDS: &str = r#"
"$0" "$@" &
server=$!
read -r line
is_told=$?
kill -INT $server
wait $server
[ $is_told = 0 ] || rm -rf "$SCRATCH"
"#;

/// A running PostgreSQL server; stopped and deleted when dropped.
pub struct ScratchPostgres {
    directory: PathBuf,
    port: u16,
    server: Option<Child>,
}

impl ScratchPostgres {
    /// Starts a server that listens on a free port of 127.0.0.1 and on a Unix socket.
    pub fn start() -> Self {
        Self::start_with(&[], |_| {})
    }

    /// Starts a server with further lines in `postgresql.conf`, after `prepare` worked on its data directory.
    pub fn start_with(settings: &[&str], prepare: impl FnOnce(&Path)) -> Self {
        let directory = scratch_directory();
        let port = free_port();
        let data = directory.join("data");
        let password = directory.join("password");
        fs::write(&password, PASSWORD).unwrap();
        let initdb = unprivileged(&binary("initdb"))
            .args([
                "--no-sync",
                "--no-locale",
                "--encoding=UTF8",
                "--username=postgres",
                "--auth=scram-sha-256",
            ])
            .arg(format!("--pwfile={}", password.display()))
            .arg(&data)
            .output()
            .unwrap();
        assert!(initdb.status.success(), "{}", String::from_utf8_lossy(&initdb.stderr));
        let mut configuration = format!(
            "listen_addresses = '127.0.0.1'\nport = {port}\nunix_socket_directories = '{}'\n\
             fsync = off\nfull_page_writes = off\nsynchronous_commit = off\nmax_connections = 60\n",
            directory.display()
        );
        for setting in settings {
            configuration.push_str(setting);
            configuration.push('\n');
        }
        fs::write(data.join("postgresql.auto.conf"), configuration).unwrap();
        prepare(&data);
        let mut postgres = Self {
            directory,
            port,
            server: None,
        };
        postgres.resume();
        postgres
    }

    /// Where the server is, as a pool or a connection needs it.
    pub fn connect_config(&self) -> ConnectConfig {
        ConnectConfig {
            hosts: vec![self.host("127.0.0.1")],
            dbname: "postgres".to_owned(),
            user: "postgres".to_owned(),
            password: Some(SecretString::from(PASSWORD)),
            ssl: SslConfig::default(),
            connect_timeout: Duration::from_secs(5),
        }
    }

    /// The port of the server behind another name.
    pub fn host(&self, name: &str) -> DatabaseHost {
        DatabaseHost {
            host: name.to_owned(),
            port: self.port,
        }
    }

    /// The directory with the Unix socket.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Opens a connection beside every pool.
    pub async fn connect(&self) -> Connected {
        connect::connect(&self.connect_config()).await.unwrap()
    }

    /// Stops the server as an administrator would who does not wait for clients.
    pub fn stop(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.stdin.take().unwrap().write_all(b"stop\n").unwrap();
            server.wait().unwrap();
        }
    }

    /// Starts the server again on the same data and the same port.
    pub fn resume(&mut self) {
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(self.directory.join("log"))
            .unwrap();
        let server = unprivileged(Path::new("/bin/sh"))
            .args(["-c", UNTIL_INPUT_ENDS])
            .env("SCRATCH", &self.directory)
            .arg(binary("postgres"))
            .arg("-D")
            .arg(self.directory.join("data"))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.server = Some(server);
        let start = Instant::now();
        while !self.is_ready() {
            let log = fs::read_to_string(self.directory.join("log")).unwrap_or_default();
            assert!(start.elapsed() < START_LIMIT, "the server does not start: {log}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The server writes its state into the last line of this file.
    fn is_ready(&self) -> bool {
        let status = fs::read_to_string(self.directory.join("data/postmaster.pid"));
        status.is_ok_and(|text| text.trim_end().ends_with("ready"))
    }
}

impl Drop for ScratchPostgres {
    fn drop(&mut self) {
        self.stop();
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// Limits that let a test finish soon.
pub fn pool_config(max_open: u32) -> PoolConfig {
    PoolConfig {
        max_open,
        max_idle: max_open,
        acquire_timeout: Duration::from_secs(2),
        query_timeout: Duration::from_secs(10),
        ..PoolConfig::default()
    }
}

/// A directory that the server may use, though it does not run as root.
fn scratch_directory() -> PathBuf {
    let directory = std::env::temp_dir().join(format!("dashboard-store-it-{}", uuid::Uuid::new_v4()));
    fs::create_dir(&directory).unwrap();
    hand_over(&directory);
    directory
}

/// Gives a file or directory to the user that the server runs as.
pub fn hand_over(path: &Path) {
    if let Some((user, group)) = other_user() {
        std::os::unix::fs::chown(path, Some(user), Some(group)).unwrap();
    }
}

/// PostgreSQL refuses to run as root; as root we start it as the user `postgres`.
fn other_user() -> Option<(u32, u32)> {
    let id = |arguments: &[&str]| -> Option<u32> {
        let output = Command::new("id").args(arguments).output().ok()?;
        String::from_utf8(output.stdout).ok()?.trim().parse().ok()
    };
    match id(&["-u"]) {
        Some(0) => Some((id(&["-u", "postgres"])?, id(&["-g", "postgres"])?)),
        _ => None,
    }
}

fn unprivileged(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir("/");
    if let Some((user, group)) = other_user() {
        command.uid(user).gid(group);
    }
    command
}

/// A program of the newest installed PostgreSQL.
fn binary(name: &str) -> PathBuf {
    let installed = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = installed
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u16>().ok())
        .max();
    match newest {
        Some(major) => PathBuf::from(format!("/usr/lib/postgresql/{major}/bin/{name}")),
        None => PathBuf::from(name),
    }
}

/// A port that nothing listens on.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
