//! The load tool of `make bench`: what a call costs beside what the wire and the database cost by themselves.
//!
//! It starts PostgreSQL, loads dashboards round the calls, starts the service, and measures in rounds: each workload in
//! turn, so that whatever else the machine does falls on all of them. Ratios are of one run and travel to other machines;
//! rates do not. `docs/performance.md` has the tables.

#![expect(clippy::print_stdout, reason = "a program whose output is a table")]

mod audit_log;
mod client;
mod credentials;
mod document;
mod echo;
mod goals;
mod instructions;
mod pgbench;
mod pool;
mod processes;
mod report;
mod running;
mod services;
mod stage;
mod statements;
mod transfers;
mod workloads;

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand};

use self::report::Report;
use self::stage::Stage;
use self::workloads::Workload;

/// What can go wrong is for the person who runs it to read.
type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Calls that are under way at any moment.
const STREAMS: usize = 50;

/// Measures the service beside what it is made of.
#[derive(Debug, Parser)]
#[command(name = "bench-load")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measures everything and prints the table.
    Run(Run),
    /// Counts the instructions of the calls that have a goal for it.
    Instructions(instructions::Arguments),
    /// Answers each call with its request: the control for the wire. Started by `run`.
    Echo,
}

/// What to measure, and for how long.
#[derive(Debug, clap::Args)]
struct Run {
    /// The program to measure.
    #[arg(long)]
    service: PathBuf,
    /// Where the figures go, as JSON.
    #[arg(long)]
    results: PathBuf,
    /// How long each workload runs before it is measured, in milliseconds.
    #[arg(long, default_value_t = 4_000)]
    warm_up: u64,
    /// How long it is measured, in milliseconds.
    #[arg(long, default_value_t = 5_000)]
    measure: u64,
    /// How often each workload is measured; the median counts.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// How many dashboards there are in the end.
    #[arg(long, default_value_t = 100_000)]
    dashboards: i32,
    /// How many dashboards are imported.
    #[arg(long, default_value_t = 5_000)]
    imported: usize,
    /// How many audit events there are in the end.
    #[arg(long, default_value_t = 1_000_000)]
    events: i32,
    /// Measures this workload alone; may be given several times. For a profiler beside it.
    #[arg(long)]
    only: Vec<Workload>,
}

impl Run {
    fn wants(&self, workload: Workload) -> bool {
        self.only.is_empty() || self.only.contains(&workload)
    }
}

/// How long a workload runs.
#[derive(Debug, Clone, Copy)]
struct Times {
    warm_up: Duration,
    measure: Duration,
}

#[tokio::main]
async fn main() -> Outcome<()> {
    match Arguments::parse().command {
        Command::Run(run) => measure_all(run).await,
        Command::Instructions(arguments) => instructions::count(&arguments).await,
        Command::Echo => echo::serve().await,
    }
}

/// Measures in the order of the table: a few dashboards first, then all.
async fn measure_all(run: Run) -> Outcome<()> {
    let times = Times {
        warm_up: Duration::from_millis(run.warm_up),
        measure: Duration::from_millis(run.measure),
    };
    let stage = Stage::set(&run.service, run.imported).await?;
    let mut report = Report::new(&stage, run.rounds);
    // The first calls of a service open its connections; no round is to pay for that.
    stage.measure(Workload::Get, times).await?;
    for _ in 0..run.rounds {
        for workload in Workload::GROWING.into_iter().filter(|workload| run.wants(*workload)) {
            if workload.is_about_events() {
                stage.have_few_events().await?;
            }
            report.add_small(workload, stage.measure(workload, times).await?);
        }
    }
    stage.load_up_to(run.dashboards).await?;
    if Workload::ALL
        .into_iter()
        .any(|workload| workload.is_about_events() && run.wants(workload))
    {
        stage.add_events(run.events).await?;
    }
    // Loading takes so long that the service has closed most of them.
    stage.measure(Workload::Get, times).await?;
    for round in 1..=run.rounds {
        eprintln!("round {round} of {}", run.rounds);
        for workload in Workload::ALL.into_iter().filter(|workload| run.wants(*workload)) {
            report.add(workload, stage.measure(workload, times).await?);
        }
    }
    print!("{}", report.table());
    let mut figures = goals::check(&report);
    if run.wants(Workload::Import) {
        let [few, many] = stage.measure_memory_of_streams().await?;
        figures.extend(goals::check_streams(few, many));
    }
    print!("{}", goals::table(&figures));
    goals::write(&figures, &run.results)?;
    println!("\nwritten to {}", run.results.display());
    stage.strike().await
}
