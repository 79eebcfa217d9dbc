//! The servers that the bench starts beside PostgreSQL.

use std::fs::File;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

use dashboard_store::config::ConnectConfig;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use secrecy::ExposeSecret as _;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStdout, Command};

use super::Outcome;

/// A server that was started for the bench; killed when dropped.
pub struct Running {
    child: Child,
    address: SocketAddr,
    /// Open, so that it can go on printing.
    _stdout: BufReader<ChildStdout>,
}

impl Running {
    /// Starts the service by a command that ends with its program, with its defaults but for `options`. What it logs goes to the
    /// file `log`.
    pub async fn service(
        mut command: Command,
        options: &[String],
        database: &ConnectConfig,
        log: &Path,
    ) -> Outcome<Self> {
        command
            .args(["serve", "--grpc-addr=127.0.0.1:0", "--http-addr=127.0.0.1:0"])
            .args(options)
            .env("DATABASE_URL", url(database)?)
            .stderr(File::create(log)?);
        Self::start(command).await
    }

    /// Starts this program as the echo.
    pub async fn echo() -> Outcome<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("echo");
        Self::start(command).await
    }

    async fn start(mut command: Command) -> Outcome<Self> {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let mut stdout = BufReader::new(child.stdout.take().ok_or("no output")?);
        let mut first = String::new();
        stdout.read_line(&mut first).await?;
        let address = first
            .trim()
            .strip_prefix("grpc: http://")
            .ok_or("it does not say where it listens")?;
        Ok(Self {
            address: address.parse()?,
            child,
            _stdout: stdout,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process.
    pub fn process(&self) -> Outcome<u32> {
        Ok(self.child.id().ok_or("it has ended")?)
    }

    /// Asks it to end, and waits until it has.
    pub async fn terminate(mut self) -> Outcome<()> {
        kill(Pid::from_raw(self.process()?.try_into()?), Signal::SIGTERM)?;
        let status = self.child.wait().await?;
        match status.success() {
            true => Ok(()),
            false => Err(format!("it ended with {status}").into()),
        }
    }
}

/// The database as the service is told of it.
pub fn url(database: &ConnectConfig) -> Outcome<String> {
    let host = database.hosts.first().ok_or("no host")?;
    let password = database.password.as_ref().ok_or("no password")?.expose_secret();
    Ok(format!(
        "host='{}' port={} dbname={} user={} password='{password}'",
        host.host, host.port, database.dbname, database.user
    ))
}
