//! The data directory: who uses it, its password, its log. The cluster in it belongs to `cluster`.
//!
//! ```text
//! <data_dir>/lock             held while a server uses the directory; our process id
//! <data_dir>/password         of the superuser, mode 0600
//! <data_dir>/postgresql.log   what the server logs, and postgresql.log.old
//! <data_dir>/cluster/         PGDATA
//! <data_dir>/socket/          where the server listens, mode 0700
//! ```
//! When we are root, all but `cluster` and `socket` stays root's: the account that PostgreSQL runs as can't redirect
//! what root writes.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process;
use std::thread;
use std::time::{Duration, Instant};

use rand::distr::{Alphanumeric, SampleString};
use secrecy::{ExposeSecret, SecretString};
use tempfile::TempDir;

use super::account::Account;
use super::error::EmbeddedError;
use super::installation::last_lines;

/// The length of generated passwords: 62^32 is more than 2^190.
const PASSWORD_CHARS: usize = 32;

/// A log longer than this is put aside at the next start.
const LOG_LIMIT_BYTES: u64 = 10 * 1024 * 1024;

/// How much of the end of the log is looked at for an error message.
const LOG_TAIL_BYTES: u64 = 8 * 1024;

/// The longest directory for a socket: its address has 104 bytes on macOS (108 on Linux), with `/.s.PGSQL.65535` and a
/// final NUL.
const MAX_SOCKET_DIR_BYTES: usize = 104 - 16;

/// A data directory that nobody else uses: the lock goes with the value, also when the process is killed.
#[derive(Debug)]
pub(super) struct DataDirectory {
    path: PathBuf,
    _lock: File,
}

impl DataDirectory {
    /// Makes the directory if need be, and takes its lock.
    ///
    /// # Errors
    /// When it can't be made or written, can't be reached by `account`, or is in use.
    pub(super) async fn open(path: &Path, account: &Account) -> Result<Self, EmbeddedError> {
        let unusable = |source| EmbeddedError::DataDirUnusable {
            path: path.to_owned(),
            source,
        };
        create_dir_all(path, account.passable_mode()).map_err(unusable)?;
        let canonical_path = fs::canonicalize(path).map_err(unusable)?;
        let lock = lock(&canonical_path)?;
        check_reachable(&canonical_path, account).await?;
        Ok(Self {
            path: canonical_path,
            _lock: lock,
        })
    }

    /// The directory, without links.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Where the log is.
    pub(super) fn log_path(&self) -> PathBuf {
        self.path.join("postgresql.log")
    }

    /// Where the password is.
    pub(super) fn password_path(&self) -> PathBuf {
        self.path.join("password")
    }

    /// Wraps an error about something in this directory.
    pub(super) fn unusable(path: &Path) -> impl FnOnce(io::Error) -> EmbeddedError + use<> {
        let path = path.to_owned();
        move |source| EmbeddedError::DataDirUnusable { path, source }
    }

    /// Reads the password, if there is one.
    pub(super) fn read_password(&self) -> Result<Option<SecretString>, EmbeddedError> {
        let path = self.password_path();
        match fs::read_to_string(&path) {
            Ok(password) => Ok(Some(password.trim_end().into())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Self::unusable(&path)(error)),
        }
    }

    /// Makes a new password and keeps it, whole or not at all.
    pub(super) fn create_password(&self) -> Result<SecretString, EmbeddedError> {
        let password = SecretString::from(Alphanumeric.sample_string(&mut rand::rng(), PASSWORD_CHARS));
        let unfinished = self.path.join("password.new");
        write_secret(&unfinished, &password)
            .and_then(|()| fs::rename(&unfinished, self.password_path()))
            .map_err(Self::unusable(&unfinished))?;
        Ok(password)
    }

    /// Makes the directory for the server's socket: below this one, or a temporary one where that path is too long.
    pub(super) fn create_socket_dir(&self, account: &Account) -> Result<SocketDir, EmbeddedError> {
        let below = self.path.join("socket");
        if below.as_os_str().as_bytes().len() <= MAX_SOCKET_DIR_BYTES {
            create_dir_all(&below, 0o700)
                .and_then(|()| account.own(&below))
                .map_err(Self::unusable(&below))?;
            return Ok(SocketDir::Kept(below));
        }
        let parent = Path::new("/tmp");
        let temporary = tempfile::Builder::new()
            .prefix("dashboard-store-")
            .tempdir_in(parent)
            .map_err(Self::unusable(parent))?;
        account
            .own(temporary.path())
            .map_err(Self::unusable(temporary.path()))?;
        Ok(SocketDir::Temporary(temporary))
    }

    /// Opens the log for appending, after putting a long one aside.
    pub(super) fn open_log(&self) -> Result<ServerLog, EmbeddedError> {
        let path = self.log_path();
        let is_long = fs::metadata(&path).is_ok_and(|metadata| metadata.len() > LOG_LIMIT_BYTES);
        if is_long {
            fs::rename(&path, path.with_extension("log.old")).map_err(Self::unusable(&path))?;
        }
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&path)
            .map_err(Self::unusable(&path))?;
        let start = file.metadata().map_err(Self::unusable(&path))?.len();
        Ok(ServerLog { path, file, start })
    }
}

/// Where the server's socket is.
#[derive(Debug)]
pub(super) enum SocketDir {
    /// In the data directory.
    Kept(PathBuf),
    /// Elsewhere, and removed with this value or by the supervisor.
    Temporary(TempDir),
}

impl SocketDir {
    /// The directory.
    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Kept(path) => path,
            Self::Temporary(directory) => directory.path(),
        }
    }
}

/// The server's log, as of one start.
#[derive(Debug)]
pub(super) struct ServerLog {
    path: PathBuf,
    file: File,
    start: u64,
}

impl ServerLog {
    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A handle for the server to write to.
    pub(super) fn writer(&self) -> Result<File, EmbeddedError> {
        self.file.try_clone().map_err(DataDirectory::unusable(&self.path))
    }

    /// The last lines since this start, as one.
    pub(super) fn last_lines(&self) -> String {
        self.tail()
            .map_or_else(|error| error.to_string(), |tail| last_lines(&tail))
    }

    fn tail(&self) -> io::Result<Vec<u8>> {
        let mut file = File::open(&self.path)?;
        let from = self.start.max(file.metadata()?.len().saturating_sub(LOG_TAIL_BYTES));
        file.seek(SeekFrom::Start(from))?;
        let mut tail = Vec::new();
        file.read_to_end(&mut tail)?;
        Ok(tail)
    }
}

/// Makes `path` and what is missing above it, all with `mode` whatever the umask; leaves what exists as it is.
pub(super) fn create_dir_all(path: &Path, mode: u32) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        create_dir_all(parent, mode)?;
    }
    match DirBuilder::new().mode(mode).create(path) {
        Ok(()) => fs::set_permissions(path, Permissions::from_mode(mode)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => Err(error),
    }
}

/// Writes a file that only its owner may read, and waits until it is on the disk.
pub(super) fn write_secret(path: &Path, secret: &SecretString) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    writeln!(file, "{}", secret.expose_secret())?;
    file.sync_all()
}

/// How long a lock may be held by nobody: a program that the last holder was starting has a copy of it until it runs.
const LOCK_PATIENCE: Duration = Duration::from_millis(500);

/// The time between two attempts to take it.
const LOCK_POLL: Duration = Duration::from_millis(10);

/// Takes the lock of the directory and leaves our process id in it. The operating system frees it when we die.
fn lock(directory: &Path) -> Result<File, EmbeddedError> {
    let path = directory.join("lock");
    let unusable = DataDirectory::unusable(&path);
    let mut file = match OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
    {
        Ok(file) => file,
        Err(error) => return Err(unusable(error)),
    };
    let give_up_at = Instant::now() + LOCK_PATIENCE;
    loop {
        match file.try_lock() {
            Ok(()) => break,
            Err(TryLockError::WouldBlock) if Instant::now() < give_up_at => thread::sleep(LOCK_POLL),
            Err(TryLockError::WouldBlock) => return Err(in_use(directory, file)),
            Err(TryLockError::Error(error)) => return Err(unusable(error)),
        }
    }
    file.set_len(0)
        .and_then(|()| writeln!(file, "{}", process::id()))
        .map_err(unusable)?;
    Ok(file)
}

fn in_use(directory: &Path, mut lock: File) -> EmbeddedError {
    let mut content = String::new();
    let read = lock.read_to_string(&mut content);
    let holder = match (read, content.trim().parse::<u32>()) {
        (Ok(_), Ok(process)) => format!("process {process}"),
        _ => "another process".to_owned(),
    };
    EmbeddedError::DataDirInUse {
        path: directory.to_owned(),
        holder,
    }
}

/// Checks that the account can enter the directory; one of those above it may be closed to it.
async fn check_reachable(directory: &Path, account: &Account) -> Result<(), EmbeddedError> {
    let Account::Unprivileged { name, .. } = account else {
        return Ok(());
    };
    let shell = Path::new("/bin/sh");
    let status = account
        .command(shell)
        .args(["-c", r#"cd -- "$1" 2>/dev/null"#, "sh"])
        .arg(directory)
        .status()
        .await
        .map_err(|source| EmbeddedError::NotExecutable {
            program: shell.to_owned(),
            source,
        })?;
    if status.success() {
        return Ok(());
    }
    Err(EmbeddedError::DataDirUnreachable {
        path: directory.to_owned(),
        account: name.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory(parent: &TempDir) -> DataDirectory {
        let path = parent.path().to_owned();
        let lock = lock(&path).unwrap();
        DataDirectory { path, _lock: lock }
    }

    #[test]
    fn the_lock_is_exclusive_and_goes_with_its_holder() {
        let parent = tempfile::tempdir().unwrap();
        let holder = directory(&parent);
        let refused = lock(parent.path()).unwrap_err().to_string();
        assert!(refused.contains(&format!("process {}", process::id())), "{refused}");
        drop(holder);
        assert!(lock(parent.path()).is_ok());
    }

    #[test]
    fn passwords_are_kept_and_differ() {
        let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (first, second) = (directory(&first), directory(&second));
        assert!(first.read_password().unwrap().is_none());
        let created = first.create_password().unwrap();
        let read = first.read_password().unwrap().unwrap();
        assert_eq!(created.expose_secret(), read.expose_secret());
        let other = second.create_password().unwrap();
        assert_ne!(created.expose_secret(), other.expose_secret());
        assert_eq!(created.expose_secret().len(), PASSWORD_CHARS);
    }

    #[test]
    fn a_long_log_is_put_aside_and_only_new_lines_are_quoted() {
        let parent = tempfile::tempdir().unwrap();
        let directory = directory(&parent);
        fs::write(directory.log_path(), "old\n").unwrap();
        let log = directory.open_log().unwrap();
        assert_eq!(log.last_lines(), "it printed nothing");
        writeln!(log.writer().unwrap(), "a\n\n b\nc\nd\ne").unwrap();
        assert_eq!(log.last_lines(), "b / c / d / e");

        let long = File::options().write(true).open(directory.log_path()).unwrap();
        long.set_len(LOG_LIMIT_BYTES + 1).unwrap();
        directory.open_log().unwrap();
        assert_eq!(fs::metadata(directory.log_path()).unwrap().len(), 0);
        let aside = fs::metadata(parent.path().join("postgresql.log.old")).unwrap();
        assert_eq!(aside.len(), LOG_LIMIT_BYTES + 1);
    }

    #[test]
    fn missing_directories_are_made_with_the_mode_and_others_kept() {
        let parent = tempfile::tempdir().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let (above, below) = (parent.path().join("a"), parent.path().join("a/b"));
        create_dir_all(&below, 0o711).unwrap();
        assert_eq!((mode(&above), mode(&below)), (0o711, 0o711));
        create_dir_all(&below, 0o700).unwrap();
        assert_eq!(mode(&below), 0o711);
    }
}
