//! What a run of all tests leaves behind, for the canary to search: with `CANARY_DIR`, and only then.
//!
//! Tests run in one process, so that there is one log for all the services in it. Beside it there are the output of the
//! programs that tests start, the errors that their clients are told, the metrics, and the secrets that they make. The
//! directory of the databases is kept too (see `cluster`).

use std::env;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde_json::json;
use tonic::Status;

/// What is logged. The canary's own test logs everything, in a process that no test's own statements are logged in.
pub const FILTER: &str = "info,dashboard_store=trace";

static RECORDING: LazyLock<Option<Recording>> = LazyLock::new(Recording::start);

/// The names of the files.
pub mod file {
    /// What the services in this process log.
    pub const LOG: &str = "log";
    /// What started programs print and log.
    pub const OUTPUT: &str = "output";
    /// The errors that clients are told, each after its service.
    pub const ERRORS: &str = "errors";
    /// What services counted.
    pub const METRICS: &str = "metrics";
    /// Kinds, names and texts of secrets, a line of JSON for each.
    pub const SECRETS: &str = "secrets";
    /// The directory of the databases.
    pub const RUN: &str = "run";
}

/// What kind of text a secret is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Any part of a token gives it away.
    Token,
    /// So does any line of a key in PEM.
    Key,
    /// A text.
    Text,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Token, Self::Key, Self::Text];

    /// How it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Key => "key",
            Self::Text => "text",
        }
    }
}

struct Recording {
    directory: PathBuf,
    output: File,
    errors: File,
    metrics: File,
    secrets: File,
}

impl Recording {
    fn start() -> Option<Self> {
        let directory = PathBuf::from(env::var_os("CANARY_DIR").filter(|name| !name.is_empty())?);
        let open = |name: &str| {
            let mut options = OpenOptions::new();
            options.append(true).create(true).open(directory.join(name)).unwrap()
        };
        tracing_subscriber::fmt()
            .with_env_filter(FILTER)
            .with_ansi(false)
            // Most tests run in a thread of their own, which has their name.
            .with_thread_names(true)
            .with_writer(open(file::LOG))
            .init();
        Some(Self {
            output: open(file::OUTPUT),
            errors: open(file::ERRORS),
            metrics: open(file::METRICS),
            secrets: open(file::SECRETS),
            directory,
        })
    }
}

/// Appends in one piece, since tests do so beside each other.
fn append(mut file: &File, text: &str) {
    file.write_all(text.as_bytes()).unwrap();
}

/// Begins to record if that was asked for: the directory to record into.
pub fn directory() -> Option<&'static Path> {
    RECORDING.as_ref().map(|recording| recording.directory.as_path())
}

/// Whether this run is recorded.
pub fn is_on() -> bool {
    RECORDING.is_some()
}

/// A test has made a secret: nobody may find it where it does not belong.
pub fn secret(kind: Kind, name: &str, text: &str) {
    if let Some(recording) = &*RECORDING {
        append(&recording.secrets, &format!("{}\n", json!([kind.as_str(), name, text])));
    }
}

/// A program has printed, logged, or answered over HTTP this.
pub fn output(text: &str) {
    if let Some(recording) = &*RECORDING {
        append(&recording.output, text);
    }
}

/// A client was told this by `service`.
pub fn error(service: &str, status: &Status) {
    if let Some(recording) = &*RECORDING {
        append(&recording.errors, &format!("{service} {}\n", said(status)));
    }
}

/// A service has counted this.
pub fn metrics(text: &str) {
    if let Some(recording) = &*RECORDING {
        append(&recording.metrics, text);
    }
}

/// All that an error says, in a line: its text, its headers, and its details as they are sent.
pub fn said(status: &Status) -> String {
    let details = String::from_utf8_lossy(status.details());
    format!("{status:?} {}", details.replace('\n', " "))
}
