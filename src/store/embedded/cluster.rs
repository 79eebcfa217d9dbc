//! The database cluster (PGDATA): made whole or not at all, of one major version, and run by one server.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use secrecy::SecretString;
use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::{Instant, sleep};

use super::account::Account;
use super::data_directory::{DataDirectory, create_dir_all, write_secret};
use super::error::EmbeddedError;
use super::installation::{Installation, Wanted, last_lines, parse_major};
use super::supervisor::supervised;
use super::{Durability, SUPERUSER};

/// How long a server may take for a fast shutdown: it writes what is in its buffers.
pub(super) const STOP_TIMEOUT: Duration = Duration::from_secs(60);

/// How long it may take to end without writing anything.
const QUIT_TIMEOUT: Duration = Duration::from_secs(10);

/// How often a process is looked for that should end.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// The cluster of one data directory.
#[derive(Debug, Clone)]
pub(super) struct Cluster {
    path: PathBuf,
}

impl Cluster {
    /// The cluster of `directory`, whether it exists yet or not.
    pub(super) fn of(directory: &DataDirectory) -> Self {
        Self {
            path: directory.path().join("cluster"),
        }
    }

    /// PGDATA.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it was made.
    pub(super) fn exists(&self) -> bool {
        self.path.exists()
    }

    /// The version that can run this cluster.
    ///
    /// # Errors
    /// When an existing cluster is not the account's, or of another version than `asked`.
    pub(super) fn wanted(&self, asked: Option<u16>, account: &Account) -> Result<Wanted, EmbeddedError> {
        let asked = asked.map_or(Wanted::Any, Wanted::Major);
        if !self.exists() {
            return Ok(asked);
        }
        let owner = self.path.metadata().map_err(DataDirectory::unusable(&self.path))?.uid();
        if owner != account.uid() {
            return Err(EmbeddedError::WrongOwner {
                path: self.path.clone(),
                owner,
                account: account.uid(),
            });
        }
        let version_path = self.path.join("PG_VERSION");
        let found = fs::read_to_string(&version_path).map_err(DataDirectory::unusable(&version_path))?;
        let Some(found) = parse_major(found.trim()) else {
            let garbled = io::Error::new(io::ErrorKind::InvalidData, "it holds no version");
            return Err(DataDirectory::unusable(&version_path)(garbled));
        };
        if asked.accepts(found) {
            return Ok(Wanted::Major(found));
        }
        Err(EmbeddedError::WrongVersion {
            path: self.path.clone(),
            found,
            wanted: asked,
        })
    }

    /// Makes the cluster beside its place and renames it when it is whole: a kill leaves nothing that a later start
    /// would take for a cluster.
    ///
    /// # Errors
    /// [`EmbeddedError::InitialisationFailed`] with the end of what `initdb` printed, or what the disk says.
    pub(super) async fn initialise(
        &self,
        installation: &Installation,
        account: &Account,
        password: &SecretString,
        durability: Durability,
    ) -> Result<(), EmbeddedError> {
        let unfinished =
            Unfinished::create(&self.path, account, password).map_err(DataDirectory::unusable(&self.path))?;
        let program = installation.program("initdb");
        let mut initdb = supervised(account, Path::new(""), &program);
        initdb
            .args(["--encoding=UTF8", "--locale=C", "--data-checksums"])
            .args(["--auth=scram-sha-256", "--username", SUPERUSER])
            .arg("--pwfile")
            .arg(&unfinished.password_file)
            .arg("--pgdata")
            .arg(unfinished.pgdata())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        if durability == Durability::Ephemeral {
            initdb.arg("--no-sync");
        }
        let not_executable = |source| EmbeddedError::NotExecutable { program, source };
        let output = run_to_end(initdb).await.map_err(not_executable)?;
        if !output.status.success() {
            let output = last_lines(&output.stderr);
            return Err(EmbeddedError::InitialisationFailed { output });
        }
        unfinished
            .finish(&self.path)
            .map_err(DataDirectory::unusable(&self.path))
    }

    /// Stops a server that outlived its service, as it may for a moment after the service was killed.
    ///
    /// To be called by the holder of the data directory's lock only.
    ///
    /// # Errors
    /// [`EmbeddedError::WillNotStop`] when it survives.
    pub(super) async fn stop_leftover(&self) -> Result<(), EmbeddedError> {
        let Some(pid) = read_pid(&self.pid_path()) else {
            return Ok(());
        };
        if !self.is_server(pid).await {
            return Ok(());
        }
        let process = pid.as_raw();
        tracing::warn!(process, "stopping a postgresql that outlived its service");
        self.stop(pid).await
    }

    /// The process id that a killed server left behind; the number may be another process's by now.
    ///
    /// Meaningful only while no server runs.
    pub(super) fn stale_pid(&self) -> Option<Pid> {
        read_pid(&self.pid_path())
    }

    fn pid_path(&self) -> PathBuf {
        self.path.join("postmaster.pid")
    }

    /// Asks the server for a fast shutdown, and when that takes too long for an immediate one.
    async fn stop(&self, pid: Pid) -> Result<(), EmbeddedError> {
        for (signal, timeout) in [(Signal::SIGINT, STOP_TIMEOUT), (Signal::SIGQUIT, QUIT_TIMEOUT)] {
            // Fails only for a process that is gone or is not ours to stop; the wait tells the two apart.
            let _ = kill(pid, signal);
            let deadline = Instant::now() + timeout;
            while Instant::now() < deadline {
                if !self.is_server(pid).await {
                    return Ok(());
                }
                sleep(POLL_INTERVAL).await;
            }
        }
        Err(EmbeddedError::WillNotStop { process: pid.as_raw() })
    }

    /// Whether the process is alive and a server of this cluster: numbers are reused, and a zombie has no arguments.
    async fn is_server(&self, pid: Pid) -> bool {
        if kill(pid, None) == Err(nix::errno::Errno::ESRCH) {
            return false;
        }
        let path = self.path.to_string_lossy();
        command_line(pid).await.contains(path.as_ref())
    }
}

/// A cluster in the making, in a directory of a new name: the `initdb` of a killed service may still write to its own.
#[derive(Debug)]
struct Unfinished {
    directory: TempDir,
    password_file: PathBuf,
}

impl Unfinished {
    const PREFIX: &'static str = "cluster.unfinished-";

    /// Clears what interrupted attempts left, and makes what `initdb` needs, in the account's hands.
    fn create(cluster: &Path, account: &Account, password: &SecretString) -> io::Result<Self> {
        let parent = cluster.parent().unwrap_or(cluster);
        Self::clear(parent)?;
        let directory = tempfile::Builder::new().prefix(Self::PREFIX).tempdir_in(parent)?;
        let password_file = directory.path().join("password");
        write_secret(&password_file, password)?;
        account.own(&password_file)?;
        let unfinished = Self {
            directory,
            password_file,
        };
        create_dir_all(&unfinished.pgdata(), 0o700)?;
        account.own(&unfinished.pgdata())?;
        account.own(unfinished.directory.path())?;
        Ok(unfinished)
    }

    fn clear(parent: &Path) -> io::Result<()> {
        for entry in fs::read_dir(parent)? {
            let path = entry?.path();
            let is_unfinished = path
                .file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with(Self::PREFIX));
            if !is_unfinished {
                continue;
            }
            tracing::warn!(directory = %path.display(), "removing an unfinished database cluster");
            if let Err(error) = fs::remove_dir_all(&path) {
                tracing::warn!(directory = %path.display(), %error, "an unfinished database cluster remains");
            }
        }
        Ok(())
    }

    fn pgdata(&self) -> PathBuf {
        self.directory.path().join("cluster")
    }

    /// Puts the cluster into its place, and waits until that is on the disk.
    fn finish(self, cluster: &Path) -> io::Result<()> {
        fs::rename(self.pgdata(), cluster)?;
        match cluster.parent() {
            Some(parent) => File::open(parent)?.sync_all(),
            None => Ok(()),
        }
    }
}

/// Runs a supervised program to its end, and holds its lifeline meanwhile: `wait_with_output` alone would close it.
async fn run_to_end(mut command: Command) -> io::Result<Output> {
    let mut child = command.spawn()?;
    let lifeline = child.stdin.take();
    let output = child.wait_with_output().await;
    drop(lifeline);
    output
}

/// Reads the server's process id from the first line of `postmaster.pid`.
fn read_pid(path: &Path) -> Option<Pid> {
    let content = fs::read_to_string(path).ok()?;
    let number: i32 = content.lines().next()?.trim().parse().ok()?;
    (number > 0).then(|| Pid::from_raw(number))
}

/// The arguments of a process, from `/proc` or where there is none from `ps`; empty when it is gone.
async fn command_line(pid: Pid) -> String {
    if Path::new("/proc/self/cmdline").exists() {
        let arguments = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        return String::from_utf8_lossy(&arguments).into_owned();
    }
    let output = Command::new("ps")
        .args(["-ww", "-o", "args=", "-p", &pid.to_string()])
        .output()
        .await;
    output.map_or_else(
        |_| String::new(),
        |output| String::from_utf8_lossy(&output.stdout).into_owned(),
    )
}
