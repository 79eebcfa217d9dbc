//! `dashboard-store export`: the dashboards of a running service as files.
//!
//! `layout` says which file holds a dashboard, and what is in it; `target` writes it.

mod layout;
mod target;

use std::collections::BTreeSet;
use std::io::{self, IsTerminal as _, Write};
use std::path::PathBuf;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::signal;

use self::layout::Layout;
use self::target::Target;
use crate::client::{Client, ClientError, ExportRequest, Exported};
use crate::config::ExportConfig;
use crate::domain::name::DashboardName;

/// How the bar looks: nobody knows how many dashboards there will be.
const BAR: &str = "exporting {spinner} {pos} dashboards {elapsed}";

/// Why the command failed. Nothing was written then, unless a file could not be moved to its place.
#[derive(Debug, thiserror::Error)]
pub enum ExportFailure {
    /// The service can't be reached, or the export broke off.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The folder holds something.
    #[error("{} is not empty: name another folder, or give --overwrite to replace files of the same name", .0.display())]
    NotEmpty(PathBuf),
    /// Two dashboards would be one file.
    #[error(
        "{0} and another dashboard differ in case alone, and would be one file: give --layout files, or export one --project \
         at a time"
    )]
    SameFile(DashboardName),
    /// The service sent something that is no dashboard.
    #[error("{name} can't be written: {why}")]
    Unwritable {
        /// Which.
        name: DashboardName,
        /// Why.
        why: String,
    },
    /// A file can't be written.
    #[error("{} can't be written: {source}", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The person has ended it.
    #[error("interrupted: nothing was written")]
    Interrupted,
    /// The output could not be written.
    #[error("the output could not be written: {0}")]
    Output(#[from] io::Error),
}

/// Exports what `config` says, and tells `out` how much it was.
///
/// # Errors
/// An [`ExportFailure`], whose lines are for the person who ran the command.
pub async fn run(config: ExportConfig, out: &mut (impl Write + Send)) -> Result<(), ExportFailure> {
    let layout = Layout::of(&config);
    Target::check(&config.directory, config.may_overwrite)?;
    let client = Client::connect(&config.client).await?;
    let request = ExportRequest {
        parent: config.parent,
        filter: config.filter,
    };
    let exported = client.export(request).await?;
    let mut target = Target::open(&config.directory)?;
    let counts = tokio::select! {
        counts = write_all(exported, &layout, &mut target) => counts?,
        _ = signal::ctrl_c() => return Err(ExportFailure::Interrupted),
    };
    let others = target.put_in_place()?;
    writeln!(
        out,
        "{} dashboards of {} projects are in {}",
        counts.dashboards,
        counts.projects,
        config.directory.display()
    )?;
    if counts.renamed > 0 {
        writeln!(
            out,
            "{} of them have names in lower case there, as Perses wants it",
            counts.renamed
        )?;
    }
    if others > 0 {
        writeln!(out, "{others} other files there were left as they are")?;
    }
    Ok(())
}

/// How much was exported.
#[derive(Debug, Default)]
struct Counts {
    dashboards: usize,
    projects: usize,
    renamed: usize,
}

async fn write_all(mut exported: Exported, layout: &Layout, target: &mut Target) -> Result<Counts, ExportFailure> {
    let bar = progress();
    let mut counts = Counts::default();
    let mut projects = BTreeSet::new();
    while let Some((name, text)) = exported.next().await? {
        let file = layout.dashboard(&name, &text)?;
        counts.renamed += usize::from(file.is_renamed);
        let is_new = target.write(&file.path, &file.text)?;
        if !is_new {
            return Err(ExportFailure::SameFile(name));
        }
        projects.insert(file.project);
        counts.dashboards += 1;
        bar.inc(1);
    }
    counts.projects = projects.len();
    for project in &projects {
        if let Some((path, text)) = layout.project(project) {
            target.write(&path, &text)?;
        }
    }
    bar.finish_and_clear();
    Ok(counts)
}

/// A bar on a terminal, which shows nothing elsewhere.
fn progress() -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template(BAR).unwrap_or_else(|_| ProgressStyle::default_spinner());
    ProgressBar::new_spinner().with_style(style)
}
