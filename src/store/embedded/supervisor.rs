//! The server process, tied to ours: it stops when we let go of it, and also when we are killed.
//!
//! A shell stands between: its standard input is a pipe that we hold open. When the pipe closes, for whatever reason, it
//! asks the server for a fast shutdown. This needs neither `unsafe` nor anything of one operating system.

use std::ffi::OsString;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, ChildStdin, Command};
use tokio::time::{Instant, sleep, timeout};
use tokio_postgres::NoTls;
use tokio_postgres::error::SqlState;

use super::account::Account;
use super::cluster::{Cluster, STOP_TIMEOUT};
use super::data_directory::{ServerLog, SocketDir};
use super::error::EmbeddedError;
use super::installation::Installation;
use super::{Durability, EmbeddedEndpoint, MAX_CONNECTIONS};

/// How long the server may give no sign of life; one that says that it recovers is waited for.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(60);

/// How often it is tried to connect.
const CONNECT_INTERVAL: Duration = Duration::from_millis(20);

/// The server takes lock files with this process id for stale, even if a process has it: by now another one, or a zombie.
/// (`pg_ctl` sets it, to the same end; see PostgreSQL's `miscinit.c`.) Unlike removing the files, it leaves the server's
/// check that no child of its predecessor is left.
const FORGIVEN_PID: &str = "PG_GRANDPARENT_PID";

/// What the server says when children of a killed predecessor have not all ended yet; they do within moments.
const PREDECESSOR_REMAINS: &str = "pre-existing shared memory block";

/// How often, and after which pause, the start is then repeated.
const REPEATED_STARTS: u32 = 20;
const REPEAT_INTERVAL: Duration = Duration::from_millis(250);

/// POSIX says that it is there.
const SHELL: &str = "/bin/sh";

/// The shell that starts a program and interrupts it when its own standard input ends.
///
/// `$1` is a directory to remove afterwards, or empty; the rest is the command line. The shell ignores signals once the
/// program is started (which sets its own handlers): only the end of the input and of the program count.
const SUPERVISOR: &str = r#"
remove=$1; shift
exec 3<&0 </dev/null
"$@" 3<&- &
program=$!
trap '' HUP INT TERM
{ read -r _ <&3; kill -INT "$program"; } &
watcher=$!
exec 3<&-
wait "$program"; status=$?
kill -KILL "$watcher" 2>/dev/null
[ -z "$remove" ] || rm -rf -- "$remove"
exit "$status"
"#;

/// Prepares to run `program` under the supervisor; whoever spawns it must hold its standard input as long as it is to run.
pub(super) fn supervised(account: &Account, removed_afterwards: &Path, program: &Path) -> Command {
    let mut command = account.command(Path::new(SHELL));
    command
        .args(["-c", SUPERVISOR, "dashboard-store-postgresql"])
        .arg(removed_afterwards)
        .arg(program)
        .stdin(Stdio::piped())
        // Ctrl-C in a terminal reaches the whole group: the server must outlive our own shutdown.
        .process_group(0);
    command
}

/// What a server is started with.
pub(super) struct ServerCommand<'a> {
    pub(super) installation: &'a Installation,
    pub(super) account: &'a Account,
    pub(super) cluster: &'a Cluster,
    pub(super) socket_dir: &'a SocketDir,
    pub(super) tcp_port: Option<u16>,
    pub(super) durability: Durability,
}

impl ServerCommand<'_> {
    fn spawn(&self, port: u16, log: &ServerLog) -> Result<SupervisedServer, EmbeddedError> {
        let removed_afterwards = match self.socket_dir {
            SocketDir::Kept(_) => Path::new(""),
            SocketDir::Temporary(directory) => directory.path(),
        };
        let mut command = supervised(self.account, removed_afterwards, &self.installation.program("postgres"));
        command
            .arg("-D")
            .arg(self.cluster.path())
            .args(self.settings(port))
            .stdout(log.writer()?)
            .stderr(log.writer()?);
        if let Some(pid) = self.cluster.stale_pid() {
            command.env(FORGIVEN_PID, pid.to_string());
        }
        let mut supervisor = command.spawn().map_err(|source| EmbeddedError::NotExecutable {
            program: SHELL.into(),
            source,
        })?;
        let lifeline = supervisor.stdin.take();
        Ok(SupervisedServer { supervisor, lifeline })
    }

    /// The settings, as arguments: they win over the files in the cluster.
    fn settings(&self, port: u16) -> Vec<OsString> {
        let mut settings: Vec<OsString> = [
            "timezone=UTC",
            "log_timezone=UTC",
            "log_line_prefix=%m [%p] %q%u@%d ",
            "password_encryption=scram-sha-256",
        ]
        .map(OsString::from)
        .to_vec();
        settings.push(format!("max_connections={MAX_CONNECTIONS}").into());
        let addresses = self.tcp_port.map_or("", |_| "127.0.0.1");
        settings.push(format!("listen_addresses={addresses}").into());
        settings.push(format!("port={port}").into());
        settings.push(socket_setting(self.socket_dir.path()));
        let durable = self.durability == Durability::Durable;
        let switches = ["fsync", "full_page_writes", "synchronous_commit"];
        settings.extend(switches.map(|name| format!("{name}={}", if durable { "on" } else { "off" }).into()));
        settings
            .into_iter()
            .flat_map(|setting| [OsString::from("-c"), setting])
            .collect()
    }
}

/// The setting is a list of identifiers, in which a quoted one may hold any character.
fn socket_setting(directory: &Path) -> OsString {
    let quoted = directory.to_string_lossy().replace('"', r#""""#);
    format!("unix_socket_directories=\"{quoted}\"").into()
}

/// A running server and what keeps it running.
#[derive(Debug)]
pub(super) struct SupervisedServer {
    supervisor: Child,
    lifeline: Option<ChildStdin>,
}

impl SupervisedServer {
    /// Starts the server and waits until it accepts connections, however long it says that it recovers.
    ///
    /// # Errors
    /// With the end of its log: when it ends, is silent for a minute or refuses us.
    pub(super) async fn start(
        command: &ServerCommand<'_>,
        endpoint: &EmbeddedEndpoint,
        log: &ServerLog,
    ) -> Result<Self, EmbeddedError> {
        let mut repeated = 0;
        loop {
            let mut server = command.spawn(endpoint.port, log)?;
            let started = server.wait_until_ready(endpoint, log).await;
            match started {
                Ok(()) => return Ok(server),
                Err(EmbeddedError::Ended { lines, .. })
                    if lines.contains(PREDECESSOR_REMAINS) && repeated < REPEATED_STARTS =>
                {
                    repeated += 1;
                    sleep(REPEAT_INTERVAL).await;
                }
                Err(error) => {
                    if let Err(stop_error) = server.stop(command.cluster).await {
                        tracing::warn!(error = %stop_error, "postgresql failed to start and to stop");
                    }
                    return Err(error);
                }
            }
        }
    }

    async fn wait_until_ready(&mut self, endpoint: &EmbeddedEndpoint, log: &ServerLog) -> Result<(), EmbeddedError> {
        let config = endpoint.config("postgres");
        let mut deadline = Instant::now() + SILENCE_TIMEOUT;
        while Instant::now() < deadline {
            // Asked first: a connection that fails is normal, a server that ended is not.
            if let Ok(Some(_)) = self.supervisor.try_wait() {
                return Err(ended(log));
            }
            match config.connect(NoTls).await {
                Ok(_) => return Ok(()),
                Err(error) if error.code() == Some(&SqlState::CANNOT_CONNECT_NOW) => {
                    deadline = Instant::now() + SILENCE_TIMEOUT;
                }
                Err(error) if error.as_db_error().is_some() => return Err(error.into()),
                Err(error) => tracing::trace!(%error, "postgresql does not answer yet"),
            }
            sleep(CONNECT_INTERVAL).await;
        }
        Err(EmbeddedError::StartTimedOut {
            seconds: SILENCE_TIMEOUT.as_secs(),
            lines: log.last_lines(),
            log: log.path().to_owned(),
        })
    }

    /// Waits until the server ends by itself.
    pub(super) async fn ended(&mut self, log: &ServerLog) -> EmbeddedError {
        // An error means that there is no such child any more, which is what is waited for. `Child::wait` would close
        // the lifeline, had it not been taken.
        let _ = self.supervisor.wait().await;
        ended(log)
    }

    /// The shell, which leads a group with all that it started.
    #[cfg(test)]
    pub(super) fn supervisor_pid(&self) -> Option<nix::unistd::Pid> {
        let id = self.supervisor.id()?;
        i32::try_from(id).ok().map(nix::unistd::Pid::from_raw)
    }

    /// Lets go of the server and waits for its fast shutdown; ends it the hard way when that takes too long.
    pub(super) async fn stop(mut self, cluster: &Cluster) -> Result<(), EmbeddedError> {
        drop(self.lifeline.take());
        if timeout(STOP_TIMEOUT, self.supervisor.wait()).await.is_err() {
            tracing::warn!("postgresql takes too long to stop");
        }
        // Also when the supervisor was killed, the server may still be there.
        cluster.stop_leftover().await
    }
}

fn ended(log: &ServerLog) -> EmbeddedError {
    EmbeddedError::Ended {
        lines: log.last_lines(),
        log: log.path().to_owned(),
    }
}
