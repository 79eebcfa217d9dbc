//! The account that PostgreSQL runs as: our own, or an unprivileged one when we are root, whom PostgreSQL refuses.

use std::os::unix::fs::chown;
use std::path::Path;
use std::process::{Output, Stdio};
use std::{env, io};

use nix::unistd::{Uid, User};
use tokio::process::Command;

use super::error::EmbeddedError;

/// Who is tried, in this order, when this process is root's.
const UNPRIVILEGED: [&str; 2] = ["postgres", "nobody"];

/// What the programs of PostgreSQL get of our environment. The rest may hold secrets or, as `PG*`, would steer them.
const INHERITED_VARIABLES: [&str; 3] = ["PATH", "LD_LIBRARY_PATH", "TMPDIR"];

/// Who owns the cluster and runs the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Account {
    /// The account of this process.
    Own,
    /// Another one, since this process is root's.
    Unprivileged { name: String, uid: u32, gid: u32 },
}

impl Account {
    /// Keeps our own account unless it is root's.
    ///
    /// # Errors
    /// [`EmbeddedError::NoUnprivilegedAccount`] for root on a system without the usual users.
    pub(super) fn choose() -> Result<Self, EmbeddedError> {
        if !Uid::effective().is_root() {
            return Ok(Self::Own);
        }
        UNPRIVILEGED
            .iter()
            .find_map(|name| User::from_name(name).ok().flatten())
            .filter(|user| !user.uid.is_root())
            .map(|user| Self::Unprivileged {
                name: user.name,
                uid: user.uid.as_raw(),
                gid: user.gid.as_raw(),
            })
            .ok_or(EmbeddedError::NoUnprivilegedAccount)
    }

    /// The user id that owns the cluster.
    pub(super) fn uid(&self) -> u32 {
        match self {
            Self::Own => Uid::effective().as_raw(),
            Self::Unprivileged { uid, .. } => *uid,
        }
    }

    /// The mode of directories that both we and the account must pass: others may pass, not look.
    pub(super) fn passable_mode(&self) -> u32 {
        match self {
            Self::Own => 0o700,
            Self::Unprivileged { .. } => 0o711,
        }
    }

    /// Makes the account the owner of `path`.
    pub(super) fn own(&self, path: &Path) -> io::Result<()> {
        match self {
            Self::Own => Ok(()),
            Self::Unprivileged { uid, gid, .. } => chown(path, Some(*uid), Some(*gid)),
        }
    }

    /// Prepares to run `program` as this account, in `/` (ours may be closed to it), in English, without input.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        let inherited = INHERITED_VARIABLES
            .iter()
            .filter_map(|name| Some((name, env::var_os(name)?)));
        command
            .env_clear()
            .envs(inherited)
            .env("LC_ALL", "C")
            .current_dir("/")
            .stdin(Stdio::null());
        if let Self::Unprivileged { uid, gid, .. } = self {
            command.uid(*uid).gid(*gid);
        }
        command
    }

    /// Runs `program` with `arguments` to its end.
    ///
    /// # Errors
    /// Whatever keeps it from being started; its own failure is in the status.
    pub(super) async fn run(&self, program: &Path, arguments: &[&str]) -> io::Result<Output> {
        self.command(program).args(arguments).kill_on_drop(true).output().await
    }
}
