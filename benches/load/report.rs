//! The table: medians over the rounds.

use std::fmt::Write as _;

use super::client::Latencies;
use super::stage::Stage;
use super::workloads::Workload;

/// What one round of a workload gave.
#[derive(Debug, Clone)]
pub struct Measured {
    /// Calls or transactions a second.
    pub rate: f64,
    /// CPU time of the server that was called, in microseconds for each call.
    pub server_cpu: Option<f64>,
    /// CPU time of PostgreSQL, in microseconds for each call.
    pub postgres_cpu: Option<f64>,
    /// How long the calls took.
    pub latencies: Option<Latencies>,
    /// The memory of the service right afterwards.
    pub resident_bytes: Option<u64>,
}

/// All that was measured.
pub struct Report {
    postgres_version: String,
    idle_bytes: u64,
    /// How many rounds were asked for.
    asked: usize,
    rounds: Vec<(Workload, Measured)>,
    /// The same when there were few dashboards, of the workloads whose growth counts.
    small_rounds: Vec<(Workload, Measured)>,
}

impl Report {
    /// Begins a report.
    pub fn new(stage: &Stage, asked: usize) -> Self {
        Self {
            postgres_version: stage.postgres_version().to_owned(),
            idle_bytes: stage.idle_bytes(),
            asked,
            rounds: Vec::new(),
            small_rounds: Vec::new(),
        }
    }

    /// Adds a round.
    pub fn add(&mut self, workload: Workload, measured: Measured) {
        self.rounds.push((workload, measured));
    }

    /// Adds a round among few dashboards.
    pub fn add_small(&mut self, workload: Workload, measured: Measured) {
        self.small_rounds.push((workload, measured));
    }

    /// The memory of the service before its first call, in bytes.
    pub fn idle_bytes(&self) -> u64 {
        self.idle_bytes
    }

    /// The median of what `read` takes from the rounds of a workload; not a number where there is nothing.
    pub fn median(&self, workload: Workload, read: impl Fn(&Measured) -> Option<f64>) -> f64 {
        median_of(&self.rounds, workload, read)
    }

    /// The same of the rounds among few dashboards.
    pub fn small_median(&self, workload: Workload, read: impl Fn(&Measured) -> Option<f64>) -> f64 {
        median_of(&self.small_rounds, workload, read)
    }

    /// The median rate of a workload, in calls a second.
    pub fn rate(&self, workload: Workload) -> f64 {
        self.median(workload, |measured| Some(measured.rate))
    }

    /// How many times as long a workload takes among all dashboards as among few.
    pub fn growth(&self, workload: Workload) -> f64 {
        self.small_median(workload, |measured| Some(measured.rate)) / self.rate(workload)
    }

    /// The table for people.
    pub fn table(&self) -> String {
        let mut table = format!(
            "PostgreSQL {}; medians of {} rounds\n\n",
            self.postgres_version, self.asked
        );
        table +=
            "| what | calls/s | server CPU us | PostgreSQL CPU us | p50 ms | p99 ms |\n|---|--:|--:|--:|--:|--:|\n";
        let measured_at_all = |workload: &Workload| self.rate(*workload).is_finite();
        for workload in Workload::ALL.into_iter().filter(measured_at_all) {
            // Writing to a String does not fail.
            let _ = writeln!(
                table,
                "| {} | {} | {} | {} | {} | {} |",
                workload.title(),
                shown(self.rate(workload), 0),
                shown(self.median(workload, |measured| measured.server_cpu), 0),
                shown(self.median(workload, |measured| measured.postgres_cpu), 0),
                shown(self.median(workload, |measured| quantile(measured, 0.5)), 2),
                shown(self.median(workload, |measured| quantile(measured, 0.99)), 2),
            );
        }
        table
    }
}

/// How long the given part of the calls took at the most, in milliseconds.
pub fn quantile(measured: &Measured, part: f64) -> Option<f64> {
    let latencies = measured.latencies.as_ref()?;
    let nanoseconds = latencies.histogram.value_at_quantile(part);
    Some(super::stage::f64_of(nanoseconds) / 1e6)
}

fn shown(number: f64, digits: usize) -> String {
    if number.is_finite() {
        format!("{number:.digits$}")
    } else {
        String::new()
    }
}

fn median_of(rounds: &[(Workload, Measured)], workload: Workload, read: impl Fn(&Measured) -> Option<f64>) -> f64 {
    let of_workload = rounds.iter().filter(|(of, _)| *of == workload);
    median(of_workload.filter_map(|(_, measured)| read(measured)).collect())
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(f64::NAN)
}
