//! `dashboard-store maintain`: runs every task of maintenance now, and tells what each did.

use std::io::{self, Write};

use std::time::Duration;

use crate::config::{DashboardsConfig, MaintainConfig};
use crate::store::maintenance::{Outcome, TASKS, When};
use crate::store::{Retention, Store};

/// Why the command failed.
#[derive(Debug, thiserror::Error)]
pub enum MaintainFailure {
    /// Tasks failed; what went wrong is already printed.
    #[error("{failed} of {of} tasks failed")]
    Tasks {
        /// How many.
        failed: usize,
        /// Of how many.
        of: usize,
    },
    /// The output could not be written.
    #[error("the output could not be written: {0}")]
    Output(#[from] io::Error),
}

/// Keeps all: for commands that remove nothing.
pub const KEEP_ALL: Retention = Retention {
    revisions_kept: i32::MAX,
    deleted_dashboards: Duration::MAX,
};

/// How much is kept: every revision, unless the number was given. When a deleted dashboard is purged is written beside it.
pub fn retention(config: &MaintainConfig) -> Retention {
    let kept = config.revisions_kept.map(i32::try_from);
    Retention {
        revisions_kept: kept.and_then(Result::ok).unwrap_or(i32::MAX),
        deleted_dashboards: DashboardsConfig::default().deleted_retention,
    }
}

/// Seals the audit log where there is a key, runs each task, also after one has failed, and writes a line for each to `out`.
///
/// # Errors
/// A [`MaintainFailure`], whose text is one line for the person who ran the command.
pub async fn run(store: &Store, out: &mut (impl Write + Send)) -> Result<(), MaintainFailure> {
    let mut outcomes = Vec::new();
    if let Some(outcome) = seal(store).await {
        outcomes.push(tell(out, "audit_seals", outcome)?);
    }
    for task in TASKS {
        let outcome = match store.maintain(task, When::Now).await {
            Ok(Outcome::Done(done)) => Ok(format!("{} {}", done.rows, task.done)),
            Ok(Outcome::AnotherWorks | Outcome::NotDue) => Err("another run of maintenance does not end".to_owned()),
            Err(error) => Err(error.to_string()),
        };
        outcomes.push(tell(out, task.name, outcome)?);
    }
    let of = outcomes.len();
    match outcomes.into_iter().filter(|succeeded| !succeeded).count() {
        0 => Ok(()),
        failed => Err(MaintainFailure::Tasks { failed, of }),
    }
}

/// Seals what no server has sealed; none without a key. Retention, which follows, drops what is sealed alone.
async fn seal(store: &Store) -> Option<Result<String, String>> {
    match store.seal_backlog().await {
        Ok(events) => events.map(|events| Ok(format!("{events} audit events sealed"))),
        Err(error) => Some(Err(error.causes())),
    }
}

/// Writes the line of a task, and gives whether it succeeded.
fn tell(out: &mut impl Write, task: &str, outcome: Result<String, String>) -> io::Result<bool> {
    let succeeded = outcome.is_ok();
    match outcome {
        Ok(done) => writeln!(out, "{task}: {done}")?,
        Err(why) => writeln!(out, "{task}: failed: {why}")?,
    }
    out.flush()?;
    Ok(succeeded)
}
