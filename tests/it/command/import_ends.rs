//! How `dashboard-store import` ends before its time, and what it holds in memory meanwhile.

use std::path::PathBuf;
use std::process::Stdio;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout};

use super::*;
use crate::support::cluster::TestDatabase;
use crate::support::process::{ServiceProcess, database_url, serve};
use crate::support::recording;
use crate::support::requests::spec_of_size;
use crate::support::waiting::in_time;

/// A running import, which a pipe can hold up: a file that does not end before somebody writes to it.
struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Running {
    fn start(mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// Reads lines up to so many that say `created`.
    async fn wait_for_created(&mut self, count: usize) {
        for _ in 0..count {
            let line = self.next_line().await.unwrap();
            assert!(line.starts_with("created"), "{line}");
        }
    }

    /// The next line of its output; none after the last.
    async fn next_line(&mut self) -> Option<String> {
        let line = in_time("the next line", self.lines.next_line()).await;
        line.unwrap().inspect(|text| recording::output(&format!("{text}\n")))
    }

    fn id(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// Its exit code, the last line of its output, and what it says on standard error.
    async fn ended(mut self) -> (Option<i32>, String, String) {
        let mut last = String::new();
        while let Some(line) = self.next_line().await {
            last = line;
        }
        let (code, _, stderr) = said(process::finish(self.child).await);
        (code, last, stderr)
    }
}

/// Makes a pipe with a name.
async fn pipe(folder: &TempDir, name: &str) -> PathBuf {
    let path = folder.path().join(name);
    let made = Command::new("mkfifo").arg(&path).status().await.unwrap();
    assert!(made.success());
    path
}

#[tokio::test]
async fn a_server_that_goes_away_leaves_what_was_acknowledged() {
    let database = TestDatabase::create().await;
    let mut command = serve(&["--insecure-dev"]);
    command.env("DATABASE_URL", database_url(database.config()));
    let service = ServiceProcess::start_serving(command).await;
    let files = folder(&[("a.yaml", &native("p", "a", "A")), ("b.yaml", &native("p", "b", "B"))]);
    let pipe = pipe(&files, "c.yaml").await;
    let mut import = program(&["import", "--addr", &format!("http://{}", service.grpc_addr())]);
    import.arg(files.path());
    let mut import = Running::start(import);
    import.wait_for_created(2).await;

    service.signal(Signal::SIGKILL);
    let (code, last, stderr) = import.ended().await;

    assert_eq!(code, Some(1), "{stderr}");
    assert_eq!(last, "2 created, 0 updated, 0 unchanged, 0 skipped, 0 refused");
    assert!(stderr.contains("error: ") && stderr.contains("is stored"), "{stderr}");
    let rows = database
        .connect()
        .await
        .query("SELECT 1 FROM dashboard", &[])
        .await
        .unwrap();
    assert_eq!(rows.len(), 2);
    drop(pipe);
}

#[tokio::test]
async fn an_interrupted_import_says_what_was_acknowledged() {
    let server = TestServer::start().await;
    let files = folder(&[("a.yaml", &native("p", "a", "A"))]);
    pipe(&files, "b.yaml").await;
    let mut import = client(&server, &["import"]);
    import.arg(files.path());
    let mut import = Running::start(import);
    import.wait_for_created(1).await;

    kill(Pid::from_raw(import.id().try_into().unwrap()), Signal::SIGINT).unwrap();
    let (code, last, stderr) = import.ended().await;

    assert_eq!(code, Some(1), "{stderr}");
    assert_eq!(last, "1 created, 0 updated, 0 unchanged, 0 skipped, 0 refused");
    assert!(
        stderr.starts_with("error: interrupted\n") && stderr.contains("is stored"),
        "{stderr}"
    );
}

#[tokio::test]
async fn nothing_of_an_interrupted_atomic_import_is_stored() {
    let server = TestServer::start().await;
    let files = folder(&[("a.yaml", &native("p", "a", "A"))]);
    let pipe = pipe(&files, "b.yaml").await;
    let mut import = client(&server, &["import", "--atomic"]);
    import.arg(files.path());
    let import = Running::start(import);
    // A writer finds a reader only when the import waits for the pipe: all before it was sent.
    let writer = tokio::fs::OpenOptions::new().write(true).open(pipe).await.unwrap();

    kill(Pid::from_raw(import.id().try_into().unwrap()), Signal::SIGINT).unwrap();
    let (code, _, stderr) = import.ended().await;

    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains("whole or not at all"), "{stderr}");
    drop(writer);
    let rows = server.sql().await.query("SELECT 1 FROM dashboard", &[]).await.unwrap();
    assert_eq!(rows.len(), 0);
}

/// How much memory a process has had at most, in KiB.
#[cfg(target_os = "linux")]
fn peak_kib(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn memory_does_not_grow_with_the_number_of_files() {
    const FILES: usize = 40;
    const BYTES: usize = 500_000;
    let server = TestServer::start().await;
    let files = folder(&[]);
    for index in 0..2 * FILES {
        let metadata = format!(r#"{{"name":"d-{index}","project":"p"}}"#);
        let text = format!(
            r#"{{"kind":"Dashboard","metadata":{metadata},"spec":{}}}"#,
            spec_of_size(BYTES)
        );
        let half = if index < FILES { "a" } else { "c" };
        fs::write(files.path().join(format!("{half}-{index}.json")), text).unwrap();
    }
    let first_pipe = pipe(&files, "b.json").await;
    let second_pipe = pipe(&files, "d.json").await;
    let mut import = client(&server, &["import"]);
    import.arg(files.path());
    let mut import = Running::start(import);

    import.wait_for_created(FILES).await;
    let of_half = peak_kib(import.id());
    tokio::fs::write(first_pipe, transfer_item("b")).await.unwrap();
    import.wait_for_created(1 + FILES).await;
    let of_all = peak_kib(import.id());

    let imported_kib = u64::try_from(FILES * BYTES / 1024).unwrap();
    assert!(of_all < of_half + imported_kib / 4, "{of_half} KiB, then {of_all} KiB");
    tokio::fs::write(second_pipe, transfer_item("d")).await.unwrap();
    let (code, _, stderr) = import.ended().await;
    assert_eq!(code, Some(0), "{stderr}");
}

fn transfer_item(id: &str) -> String {
    crate::support::transfer::resource("p", id, "Small")
}
