//! What can go wrong with the embedded PostgreSQL: one line each, and what to do.

use std::io;
use std::path::PathBuf;

use super::installation::Wanted;

/// Why the embedded PostgreSQL can't be started, used or stopped.
///
/// Shown to whoever starts the service; never to its clients.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// The data directory, or a file in it, can't be made, read or written.
    #[error("data directory {path} can't be used: {source}; repair its permissions or choose another one", path = .path.display())]
    DataDirUnusable {
        /// The directory or the file in it.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The account that PostgreSQL runs as has no way into the data directory.
    #[error(
        "data directory {path} can't be reached by user {account}, as which PostgreSQL runs because it refuses root; \
         choose one under /var/lib, or start as another user than root", path = .path.display())]
    DataDirUnreachable {
        /// The directory.
        path: PathBuf,
        /// The user that lacks the permission to pass one of the directories above.
        account: String,
    },
    /// Another server holds the lock of the data directory.
    #[error("data directory {path} is in use by {holder}; stop it or choose another directory", path = .path.display())]
    DataDirInUse {
        /// The directory.
        path: PathBuf,
        /// `process N`, or `another process` when its number can't be read.
        holder: String,
    },
    /// The cluster belongs to another user than the one that PostgreSQL would run as.
    #[error(
        "database cluster {path} belongs to uid {owner}, but PostgreSQL would run as uid {account}; \
         start as the user that made it, or change the owner", path = .path.display())]
    WrongOwner {
        /// The cluster.
        path: PathBuf,
        /// Who owns it.
        owner: u32,
        /// Who should.
        account: u32,
    },
    /// The cluster was made by another major version than the one asked for.
    #[error(
        "database cluster {path} was made by PostgreSQL {found}, but {wanted} is asked for; \
         ask for {found}, or choose an empty data directory", path = .path.display())]
    WrongVersion {
        /// The cluster.
        path: PathBuf,
        /// The major version in its `PG_VERSION`.
        found: u16,
        /// What was asked for.
        wanted: Wanted,
    },
    /// There is a cluster, but the password of its superuser is gone.
    #[error("the password of the database cluster is missing: restore {path} from a backup", path = .path.display())]
    PasswordMissing {
        /// Where it should be.
        path: PathBuf,
    },
    /// This process is root's and there is no other user to run PostgreSQL as.
    #[error("PostgreSQL refuses to run as root and there is no user postgres or nobody; start as another user")]
    NoUnprivilegedAccount,
    /// No installed PostgreSQL will do, and none can be downloaded.
    #[error(
        "{wanted} with pg_trgm is not installed and can't be downloaded ({reason}); install it (Debian, Ubuntu: \
         postgresql; Fedora: postgresql-server and postgresql-contrib; Homebrew: postgresql@18) or start once with \
         access to Maven Central"
    )]
    NotInstalled {
        /// What was looked for.
        wanted: Wanted,
        /// Why the download failed.
        reason: String,
    },
    /// The directory for downloaded binaries can't be made or written.
    #[error("cache directory {path} can't be used: {source}; repair its permissions or install PostgreSQL", path = .path.display())]
    CacheUnusable {
        /// The directory.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// A program of PostgreSQL, or the shell, can't be run.
    #[error("{program} can't be run: {source}", program = .program.display())]
    NotExecutable {
        /// The program.
        program: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// `initdb` failed.
    #[error("the database cluster can't be initialised: {output}")]
    InitialisationFailed {
        /// The end of what it printed.
        output: String,
    },
    /// The server ended before it accepted a connection, or by itself later.
    #[error("PostgreSQL ended by itself: {lines} (more in {log})", log = .log.display())]
    Ended {
        /// The end of its log.
        lines: String,
        /// The whole log.
        log: PathBuf,
    },
    /// The server gave no sign of life in time.
    #[error("PostgreSQL does not answer after {seconds} s: {lines} (more in {log})", log = .log.display())]
    StartTimedOut {
        /// How long it was waited for.
        seconds: u64,
        /// The end of its log.
        lines: String,
        /// The whole log.
        log: PathBuf,
    },
    /// A server process survives every request to stop.
    #[error("PostgreSQL process {process} does not stop; end it with: kill -QUIT {process}")]
    WillNotStop {
        /// Its process id.
        process: i32,
    },
    /// The server refuses a connection or a statement of ours.
    #[error("the embedded PostgreSQL refuses: {}", database_message(.0))]
    Database(#[from] tokio_postgres::Error),
}

/// The server's own words where there are any; the driver's `Display` says only "db error".
fn database_message(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(answer) => answer.message().to_owned(),
        None => error.to_string(),
    }
}
