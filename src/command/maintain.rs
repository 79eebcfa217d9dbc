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
    #[error("{failed} of {} tasks failed", TASKS.len())]
    Tasks {
        /// How many.
        failed: usize,
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

/// Runs each task, also after one has failed, and writes a line for each to `out`.
///
/// # Errors
/// A [`MaintainFailure`], whose text is one line for the person who ran the command.
pub async fn run(store: &Store, out: &mut (impl Write + Send)) -> Result<(), MaintainFailure> {
    let mut failed = 0;
    for task in TASKS {
        let ended = match store.maintain(task, When::Now).await {
            Ok(Outcome::Done(done)) => format!("{} {}", done.rows, task.done),
            Ok(Outcome::AnotherWorks | Outcome::NotDue) => {
                failed += 1;
                "failed: another run of maintenance does not end".to_owned()
            }
            Err(error) => {
                failed += 1;
                format!("failed: {error}")
            }
        };
        writeln!(out, "{}: {ended}", task.name)?;
        out.flush()?;
    }
    match failed {
        0 => Ok(()),
        _ => Err(MaintainFailure::Tasks { failed }),
    }
}
