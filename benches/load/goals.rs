//! The goals, and how near we come.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use super::Outcome;
use super::report::{Measured, Report, quantile};
use super::stage::f64_of;
use super::transfers::{self, Peaks};
use super::workloads::Workload;

/// One figure with its goal.
#[derive(Debug, Serialize)]
pub struct Figure {
    /// The number of the goal in `docs/performance.md`.
    goal: u8,
    name: &'static str,
    value: f64,
    unit: &'static str,
    target: f64,
    met: bool,
}

/// Which side of the target is good.
#[derive(Debug, Clone, Copy)]
pub enum Target {
    AtLeast(f64),
    AtMost(f64),
}

const MEBIBYTE: f64 = 1024.0 * 1024.0;

/// Compares what was measured with the goals.
pub fn check(report: &Report) -> Vec<Figure> {
    use Target::{AtLeast, AtMost};
    use Workload::{
        BatchGet, CopyImported, Echo, Get, GetAuthenticated, GetStruct, Import, List, ListAuditEvents,
        ListAuditEventsAtTimes, ListRecents, PgbenchGet, PgbenchList, PgbenchUpdate, RecordView, ResolveLink,
        ResolveLinkAtTimes, Search, Update, UpdateSealed, VerifyExport, VerifyLog,
    };
    let rate = |workload| report.rate(workload);
    let postgres_cpu = |workload| report.median(workload, |measured| measured.postgres_cpu);
    let spread = |measured: &Measured| Some(quantile(measured, 0.99)? / quantile(measured, 0.5)?);
    let p50 = |measured: &Measured| quantile(measured, 0.5);
    let slower = |workload| report.median(workload, p50) / report.small_median(workload, p50);
    let within = |workload, part| report.median(workload, |measured: &Measured| quantile(measured, part));
    let loaded_bytes = report.median(Get, |measured| measured.resident_bytes.map(f64_of));
    #[rustfmt::skip]
    let figures = [
        figure(1, "Get / echo", rate(Get) / rate(Echo), "ratio", AtLeast(0.4)),
        figure(2, "Get / pgbench", rate(Get) / rate(PgbenchGet), "ratio", AtLeast(0.38)),
        figure(3, "List / pgbench", rate(List) / rate(PgbenchList), "ratio", AtLeast(0.36)),
        figure(4, "Struct / JSON", rate(GetStruct) / rate(Get), "ratio", AtLeast(0.55)),
        figure(5, "PostgreSQL CPU, Get / pgbench", postgres_cpu(Get) / postgres_cpu(PgbenchGet), "ratio", AtMost(1.5)),
        figure(6, "p99 / p50 of Get", report.median(Get, spread), "ratio", AtMost(3.5)),
        figure(7, "Update / pgbench", rate(Update) / rate(PgbenchUpdate), "ratio", AtLeast(0.55)),
        figure(8, "List, all dashboards / 500", report.growth(List), "ratio", AtMost(1.5)),
        figure(8, "BatchGet, all dashboards / 500", report.growth(BatchGet), "ratio", AtMost(1.5)),
        figure(8, "p50 of Search, all dashboards / 500", slower(Search), "ratio", AtMost(1.5)),
        figure(8, "p50 of ResolveShareLink, all events / 1,000", slower(ResolveLink), "ratio", AtMost(1.5)),
        figure(8, "p50 of ListAuditEvents, all events / 1,000", slower(ListAuditEvents), "ratio", AtMost(1.5)),
        figure(11, "memory, idle", f64_of(report.idle_bytes()) / MEBIBYTE, "MiB", AtMost(40.0)),
        figure(11, "memory, 50 streams", loaded_bytes / MEBIBYTE, "MiB", AtMost(100.0)),
        figure(12, "time of an import / of COPY", rate(CopyImported) / rate(Import), "ratio", AtMost(3.0)),
        figure(13, "p50 of RecordDashboardView, 50 users", within(RecordView, 0.5), "ms", AtMost(20.0)),
        figure(13, "p99 of RecordDashboardView, 50 users", within(RecordView, 0.99), "ms", AtMost(20.0)),
        figure(13, "p50 of ListRecentDashboards, 50 users", within(ListRecents, 0.5), "ms", AtMost(20.0)),
        figure(13, "p99 of ListRecentDashboards, 50 users", within(ListRecents, 0.99), "ms", AtMost(20.0)),
        figure(15, "Get with tokens and grants / without", rate(GetAuthenticated) / rate(Get), "ratio", AtLeast(0.9)),
        figure(16, "p50 of ResolveShareLink, 50 users", within(ResolveLinkAtTimes, 0.5), "ms", AtMost(5.0)),
        figure(16, "p99 of ResolveShareLink, 50 users", within(ResolveLinkAtTimes, 0.99), "ms", AtMost(5.0)),
        figure(17, "p50 of ListAuditEvents, 50 users", within(ListAuditEventsAtTimes, 0.5), "ms", AtMost(30.0)),
        figure(17, "p99 of ListAuditEvents, 50 users", within(ListAuditEventsAtTimes, 0.99), "ms", AtMost(30.0)),
        figure(18, "Update with sealing / without", rate(UpdateSealed) / rate(Update), "ratio", AtLeast(0.95)),
        figure(19, "verified in the database", rate(VerifyLog), "events/s", AtLeast(200_000.0)),
        figure(19, "verified in an export", rate(VerifyExport), "events/s", AtLeast(200_000.0)),
    ];
    // Where only some workloads were measured, others have no rate.
    figures.into_iter().filter(|figure| figure.value.is_finite()).collect()
}

/// Compares the memory of streams with the goal: what a stream takes does not depend on its length.
pub fn check_streams(few: Peaks, many: Peaks) -> [Figure; 2] {
    let growth = |few_bytes, many_bytes| (f64_of(many_bytes) - f64_of(few_bytes)) / MEBIBYTE;
    let target = Target::AtMost(transfers::MOST_GROWTH);
    #[rustfmt::skip]
    let figures = [
        figure(14, "import memory growth, 1,000 to 10,000", growth(few.import, many.import), "MiB", target),
        figure(14, "export memory growth, 1,000 to 10,000", growth(few.export, many.export), "MiB", target),
    ];
    figures
}

/// Compares one figure with its goal.
pub fn figure(goal: u8, name: &'static str, value: f64, unit: &'static str, target: Target) -> Figure {
    let (limit, met) = match target {
        Target::AtLeast(least) => (least, value >= least),
        Target::AtMost(most) => (most, value <= most),
    };
    Figure {
        goal,
        name,
        value,
        unit,
        target: limit,
        met,
    }
}

/// The table for people.
pub fn table(figures: &[Figure]) -> String {
    let mut table = "\n| goal | what | value | target | |\n|--:|---|--:|--:|---|\n".to_owned();
    for figure in figures {
        let verdict = if figure.met { "met" } else { "missed" };
        // Writing to a String does not fail.
        let _ = writeln!(
            table,
            "| {} | {} ({}) | {:.2} | {:.2} | {verdict} |",
            figure.goal, figure.name, figure.unit, figure.value, figure.target
        );
    }
    table
}

/// Writes the figures into a list of JSON objects. Those that are there already stay, except of the same goals.
pub fn write(figures: &[Figure], path: &Path) -> Outcome<()> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    let mut list = match path.exists() {
        true => serde_json::from_str::<Vec<Value>>(&fs::read_to_string(path)?)?,
        false => Vec::new(),
    };
    list.retain(|old| !figures.iter().any(|figure| old["goal"] == figure.goal));
    for figure in figures {
        list.push(serde_json::to_value(figure)?);
    }
    list.sort_by_key(|figure| figure["goal"].as_u64());
    Ok(fs::write(path, serde_json::to_string_pretty(&list)?)?)
}
