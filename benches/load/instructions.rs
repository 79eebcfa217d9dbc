//! How many instructions the service executes for a call, counted by callgrind: a figure that a busy machine does not move.
//!
//! The service runs on one worker thread and gets one call after the other, first few in one process, then many in another.
//! The difference is what the calls cost, without start, warm-up and end.
//!
//! Everything shares one core. With more, it is up to chance whether the service finds the parts of a message together or one
//! after the other, which moves the count by a percent or two.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use dashboard_store::config::ConnectConfig;
use dashboard_store::store::connect::connect;
use dashboard_store::store::embedded::EmbeddedPostgres;
use serde::{Deserialize, Serialize};
use tokio::process::Command;

use super::Outcome;
use super::client::Clients;
use super::goals::{self, Figure, Target};
use super::running::Running;
use super::services::DEVELOPMENT;
use super::stage::{DATABASE, f64_of, start_database, working_directory};
use super::workloads::Workload;

/// Calls of the run that is subtracted: until every connection is open and every cache is warm.
const FEW: u32 = 500;
/// Calls of the run that it is subtracted from.
const MANY: u32 = 2_500;
/// By how much a count may be above its baseline, in percent.
const MOST_GROWTH: f64 = 3.0;
/// For glibc, so that it copies memory in a loop: callgrind counts each byte that `rep movsb` copies as an instruction.
const COPY_IN_A_LOOP: &str = "glibc.cpu.x86_rep_movsb_threshold=100000000";

/// What to count, and what to compare it with.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The program to measure.
    #[arg(long)]
    service: PathBuf,
    /// Where the figures go, as JSON. The profiles and the log of the service go into the same directory.
    #[arg(long)]
    results: PathBuf,
    /// The counts that were recorded last.
    #[arg(long)]
    baseline: PathBuf,
    /// Makes what is counted now the baseline.
    #[arg(long)]
    record: bool,
}

/// What was counted, now or for the baseline.
#[derive(Debug, Serialize, Deserialize)]
struct Counts {
    /// The kind of processor and the version of valgrind: counts of others can't be compared.
    counted_on: String,
    /// Instructions for a Get whose answer is JSON.
    get: u64,
    /// Instructions for a Get whose answer is a Struct.
    get_struct: u64,
}

/// Counts, and compares with the goals and the baseline.
pub async fn count(arguments: &Arguments) -> Outcome<()> {
    let now = count_all(arguments).await?;
    if arguments.record {
        fs::write(&arguments.baseline, serde_json::to_string_pretty(&now)? + "\n")?;
        println!("recorded in {}", arguments.baseline.display());
    }
    let baseline = read_baseline(&arguments.baseline)?;
    if baseline.counted_on != now.counted_on {
        eprintln!(
            "the baseline was counted on {}, this is {}: record another one here, of the commit to compare with",
            baseline.counted_on, now.counted_on
        );
    }
    let rows = [
        Row {
            workload: Workload::Get,
            goal: 110_000,
            baseline: baseline.get,
            now: now.get,
        },
        Row {
            workload: Workload::GetStruct,
            goal: 836_000,
            baseline: baseline.get_struct,
            now: now.get_struct,
        },
    ];
    print!("{}", table(&rows));
    let figures: Vec<Figure> = rows.iter().flat_map(Row::figures).collect();
    goals::write(&figures, &arguments.results)?;
    let problems: Vec<String> = rows.iter().flat_map(Row::problems).collect();
    match problems.is_empty() {
        true => Ok(()),
        false => Err(problems.join("; ").into()),
    }
}

async fn count_all(arguments: &Arguments) -> Outcome<Counts> {
    let valgrind = version_of_valgrind().await?;
    if std::thread::available_parallelism()?.get() > 1 {
        return Err("this must run on one core: taskset --cpu-list 0 bench-load instructions …".into());
    }
    let profiles = arguments.results.parent().ok_or("the results need a directory")?;
    fs::create_dir_all(profiles)?;
    let directory = working_directory()?;
    let postgres = start_database(directory.path()).await?;
    trust_everybody(&postgres).await?;
    let counter = Counter {
        service: &arguments.service,
        database: postgres.endpoint().connect_config(DATABASE),
        profiles,
    };
    let counts = Counts {
        counted_on: format!("{}, {valgrind}", std::env::consts::ARCH),
        get: counter.per_call(Workload::Get, "get").await?,
        get_struct: counter.per_call(Workload::GetStruct, "get-struct").await?,
    };
    postgres.stop().await?;
    Ok(counts)
}

/// Lets everybody in without a password. A login takes as many instructions as 200 calls, and how often the service logs in
/// depends on the machine: under callgrind it is so slow that its probe may give up.
async fn trust_everybody(postgres: &EmbeddedPostgres) -> Outcome<()> {
    let rules = postgres.data_dir().join("cluster/pg_hba.conf");
    fs::write(rules, "local all all trust\n")?;
    let admin = connect(&postgres.endpoint().connect_config(DATABASE)).await?.client;
    Ok(admin.batch_execute("SELECT pg_reload_conf()").await?)
}

async fn version_of_valgrind() -> Outcome<String> {
    let output = Command::new("valgrind").arg("--version").output().await;
    let output = output.map_err(|error| format!("valgrind does not run ({error}); install the package valgrind"))?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// Counts on one database.
struct Counter<'a> {
    service: &'a Path,
    database: ConnectConfig,
    profiles: &'a Path,
}

impl Counter<'_> {
    /// The instructions that one call takes, rounded down.
    async fn per_call(&self, workload: Workload, name: &str) -> Outcome<u64> {
        let of_few = self.total(workload, FEW, name).await?;
        let of_many = self.total(workload, MANY, name).await?;
        let difference = of_many.checked_sub(of_few).ok_or("more calls took less")?;
        Ok(difference / u64::from(MANY - FEW))
    }

    /// The instructions of a process that answers this many calls.
    async fn total(&self, workload: Workload, calls: u32, name: &str) -> Outcome<u64> {
        eprintln!("{}: {calls} calls", workload.title());
        let profile = self.profiles.join(format!("callgrind.{name}.{calls}"));
        let log = self.profiles.join("callgrind.log");
        let mut valgrind = Command::new("valgrind");
        valgrind
            .arg("--tool=callgrind")
            .arg(format!("--callgrind-out-file={}", profile.display()))
            .arg(self.service)
            .env("GLIBC_TUNABLES", COPY_IN_A_LOOP)
            .env("WORKER_THREADS", "1");
        let service = Running::service(valgrind, &[DEVELOPMENT.to_owned()], &self.database, &log)
            .await
            .map_err(|error| {
                format!(
                    "the service does not start under valgrind ({error}); see {}",
                    log.display()
                )
            })?;
        call_one_by_one(&service, workload, calls).await?;
        service.terminate().await?;
        total_of(&profile)
    }
}

async fn call_one_by_one(service: &Running, workload: Workload, calls: u32) -> Outcome<()> {
    let path = workload.path().ok_or("the service is not asked")?;
    let clients = Clients::connect(service.address(), path).await?;
    let mut next = workload.requests(0);
    for _ in 0..calls {
        clients.call(next()).await?;
    }
    Ok(())
}

/// The sum that callgrind writes at the end of a profile.
fn total_of(profile: &Path) -> Outcome<u64> {
    let text = fs::read_to_string(profile)?;
    let total = text.lines().rev().find_map(|line| line.strip_prefix("totals: "));
    Ok(total.ok_or("a profile without a total")?.trim().parse()?)
}

fn read_baseline(path: &Path) -> Outcome<Counts> {
    let text =
        fs::read_to_string(path).map_err(|error| format!("no baseline in {} ({error}); record one", path.display()))?;
    Ok(serde_json::from_str(&text)?)
}

/// What was counted for one call, beside what it is compared with.
struct Row {
    workload: Workload,
    goal: u64,
    baseline: u64,
    now: u64,
}

impl Row {
    /// By how much the call takes more than the baseline, in percent.
    fn growth(&self) -> f64 {
        (f64_of(self.now) / f64_of(self.baseline) - 1.0) * 100.0
    }

    fn figures(&self) -> [Figure; 2] {
        let title = self.workload.title();
        let goal = Target::AtMost(f64_of(self.goal));
        [
            goals::figure(10, title, f64_of(self.now), "instructions", goal),
            goals::figure(
                10,
                title,
                self.growth(),
                "% above the baseline",
                Target::AtMost(MOST_GROWTH),
            ),
        ]
    }

    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let (title, now) = (self.workload.title(), self.now);
        if now > self.goal {
            problems.push(format!(
                "{title}: misses the goal of {}, it takes {now} instructions",
                self.goal
            ));
        }
        if self.growth() > MOST_GROWTH {
            problems.push(format!(
                "{title}: grew by {:.1} % from the baseline of {} to {now} instructions, and {MOST_GROWTH} % are allowed",
                self.growth(),
                self.baseline
            ));
        }
        problems
    }
}

/// The table for people.
fn table(rows: &[Row]) -> String {
    let mut table =
        "\n| instructions for a call | now | goal | baseline | growth |\n|---|--:|--:|--:|--:|\n".to_owned();
    for row in rows {
        // Writing to a String does not fail.
        let _ = writeln!(
            table,
            "| {} | {} | {} | {} | {:+.1} % |",
            row.workload.title(),
            row.now,
            row.goal,
            row.baseline,
            row.growth()
        );
    }
    table
}
