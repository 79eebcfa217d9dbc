//! The program: signals, crashes, and what it says when it can't start.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dashboard_store::grpc::proto::dashboard_service_client::DashboardServiceClient;
use dashboard_store::store::migrate::Migrator;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, Uid};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::support::blocking::HeldTable;
use crate::support::channel::Channel;
use crate::support::cluster::TestDatabase;
use crate::support::process::{ServiceProcess, data_dir, database_url, program, run, serve, serve_embedded};
use crate::support::requests::{create, create_request, get};
use crate::support::waiting::until;

/// The problems that a program ended with, each in its line, and nothing of a crash.
fn problems(output: &Output) -> Vec<String> {
    let stderr = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(
        !stderr.contains("panicked") && !stderr.contains("backtrace"),
        "{stderr}"
    );
    let lines = stderr.lines().filter_map(|line| line.strip_prefix("error: "));
    lines.map(str::to_owned).collect()
}

/// Runs a program that must end with one problem.
async fn only_problem(command: Command) -> String {
    let mut found = problems(&run(command).await);
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

#[tokio::test]
async fn sigterm_lets_a_call_finish_and_ends_with_0() {
    let database = TestDatabase::create().await;
    let mut command = serve(&["--insecure-dev"]);
    command.env("DATABASE_URL", database_url(database.config()));
    let service = ServiceProcess::start_serving(command).await;
    let held = HeldTable::lock(&database).await;
    let mut client = service.dashboards().await;
    let call = tokio::spawn(async move { client.create_dashboard(create_request("d")).await });
    held.wait_for_waiting(1).await;

    service.signal(Signal::SIGTERM);
    service.wait_until_closed().await;
    held.release().await;

    let created = call.await.unwrap().unwrap().into_inner().dashboard.unwrap();
    assert_eq!(created.revision, 1);
    let (code, log) = service.ended().await;
    assert_eq!(code, Some(0), "{log}");
}

/// What a service in development mode logs as JSON, which is told to stop when it serves: a value for each line.
async fn json_log() -> Vec<Value> {
    let database = TestDatabase::create().await;
    let mut command = serve(&["--insecure-dev", "--log-format=json"]);
    command.env("DATABASE_URL", database_url(database.config()));
    let service = ServiceProcess::start_serving(command).await;
    service.signal(Signal::SIGTERM);
    let (code, log) = service.ended().await;
    assert_eq!(code, Some(0), "{log}");
    log.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn json_logs_are_an_object_a_line() {
    let lines = json_log().await;
    let end = lines.iter().find(|line| line["signal"] == "SIGTERM");
    assert_eq!(end.map(|line| &line["level"]), Some(&json!("INFO")), "{lines:?}");
}

#[tokio::test]
async fn development_mode_stays_on_loopback_and_says_what_it_is() {
    let mut everywhere = program(&["serve", "--insecure-dev", "--grpc-addr=0.0.0.0:0", "--http-addr=[::]:0"]);
    everywhere.env("DATABASE_URL", "host=localhost user=nobody dbname=nothing");
    let refused = problems(&run(everywhere).await);
    assert_eq!(refused.len(), 2, "{refused:?}");
    assert!(
        refused
            .iter()
            .all(|problem| problem.contains("must be a loopback address")),
        "{refused:?}"
    );

    let lines = json_log().await;
    let warning = "development mode: nobody proves who they are, and everybody on this machine may do everything";
    let is_warning = |line: &Value| line["level"] == "WARN" && line["message"] == warning;
    assert!(lines.iter().any(is_warning), "{lines:?}");
}

#[tokio::test]
async fn what_was_acknowledged_survives_when_service_and_database_are_killed() {
    let data_dir = data_dir("killed");
    let service = ServiceProcess::start_serving(serve_embedded(&data_dir)).await;
    let acknowledged = Arc::new(AtomicUsize::new(0));
    let mut writers = Vec::new();
    for writer in 0..4 {
        let client = service.dashboards().await;
        writers.push(tokio::spawn(write_until_refused(
            writer,
            client,
            Arc::clone(&acknowledged),
        )));
    }
    until("fifty acknowledged", async || acknowledged.load(Ordering::SeqCst) >= 50).await;
    kill(postgres_pid(&data_dir), Signal::SIGKILL).unwrap();
    service.signal(Signal::SIGKILL);
    assert_eq!(service.ended().await.0, None);

    let service = ServiceProcess::start_serving(serve_embedded(&data_dir)).await;
    let mut client = service.dashboards().await;
    for writer in writers {
        for id in writer.await.unwrap() {
            assert_eq!(get(&mut client, &id).await.revision, 1);
        }
    }
    create(&mut client, "after").await;
    service.signal(Signal::SIGTERM);
    let (code, log) = service.ended().await;
    assert_eq!(code, Some(0), "{log}");
}

/// Creates dashboards, and gives the ids of those that were acknowledged.
async fn write_until_refused(
    writer: usize,
    mut client: DashboardServiceClient<Channel>,
    acknowledged: Arc<AtomicUsize>,
) -> Vec<String> {
    let mut ids = Vec::new();
    loop {
        let id = format!("d-{writer}-{}", ids.len());
        if client.create_dashboard(create_request(&id)).await.is_err() {
            return ids;
        }
        ids.push(id);
        acknowledged.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn an_embedded_database_belongs_to_one_service_and_never_to_root() {
    let data_dir = data_dir("shared-by-none");
    let service = ServiceProcess::start_serving(serve_embedded(&data_dir)).await;

    let refused = only_problem(serve_embedded(&data_dir)).await;
    assert!(
        refused.contains(&format!("in use by process {}", service.id())),
        "{refused}"
    );

    let owner = owner_of_postgres(&data_dir).await;
    match Uid::effective().is_root() {
        true => assert_ne!(owner, 0),
        false => assert_eq!(owner, Uid::effective().as_raw()),
    }
    create(&mut service.dashboards().await, "d").await;
    service.signal(Signal::SIGINT);
    let (code, log) = service.ended().await;
    assert_eq!(code, Some(0), "{log}");
    assert!(!data_dir.join("cluster/postmaster.pid").exists(), "the server runs on");
}

/// The process id of the server.
fn postgres_pid(data_dir: &Path) -> Pid {
    let content = fs::read_to_string(data_dir.join("cluster/postmaster.pid")).unwrap();
    Pid::from_raw(content.lines().next().unwrap().parse().unwrap())
}

/// The user id that the server runs as.
async fn owner_of_postgres(data_dir: &Path) -> u32 {
    let process = postgres_pid(data_dir).to_string();
    let output = Command::new("ps").args(["-o", "uid=", "-p", &process]).output().await;
    String::from_utf8(output.unwrap().stdout)
        .unwrap()
        .trim()
        .parse()
        .unwrap()
}

#[tokio::test]
async fn a_port_in_use_is_one_line() {
    let owner = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = owner.local_addr().unwrap();
    for (flag, setting) in [("--grpc-addr", "GRPC_ADDR"), ("--http-addr", "HTTP_ADDR")] {
        let problem = only_problem(serve(&[&format!("{flag}={address}")])).await;
        assert!(
            problem.contains(&address.to_string()) && problem.contains(setting),
            "{problem}"
        );
    }
}

#[tokio::test]
async fn a_data_directory_without_permission_is_one_line() {
    let closed = data_dir("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    let problem = only_problem(serve_embedded(&closed.join("data"))).await;
    assert!(problem.contains("closed/data"), "{problem}");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
}

#[tokio::test]
async fn every_bad_option_is_told_at_once() {
    let command = serve(&["--log-format=xml", "--embedded=perhaps", "--db-max-open-conns=0"]);
    let found = problems(&run(command).await);
    for setting in ["LOG_FORMAT", "EMBEDDED", "DB_MAX_OPEN_CONNS"] {
        assert!(
            found.iter().any(|problem| problem.starts_with(setting)),
            "{setting}: {found:?}"
        );
    }

    let output = run(serve(&["--no-such-option"])).await;
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("--no-such-option"));
}

#[tokio::test]
async fn a_password_in_an_unexpected_place_is_not_told() {
    for (variable, value) in [
        ("DATABASE_URL", "postgres://app:hunter2hunter2/x9@db.example.com/perses"),
        ("DB_HOST", "postgres://app:hunter2hunter2@db.example.com/perses"),
    ] {
        let mut command = serve(&[]);
        command.env(variable, value).env("LOG_LEVEL", "warning");
        let found = problems(&run(command).await);
        for setting in [variable, "LOG_LEVEL"] {
            assert!(
                found.iter().any(|problem| problem.starts_with(setting)),
                "{setting}: {found:?}"
            );
        }
        for part in ["hunter2hunter2", "x9"] {
            assert!(!found.concat().contains(part), "{found:?}");
        }
    }
}

#[tokio::test]
async fn no_database_is_embedded_by_accident() {
    let mut in_kubernetes = serve(&[]);
    in_kubernetes.env("KUBERNETES_SERVICE_HOST", "10.0.0.1");
    let problem = only_problem(in_kubernetes).await;
    assert!(
        problem.starts_with("EMBEDDED") && problem.contains("Kubernetes"),
        "{problem}"
    );

    let mut half_configured = serve(&[]);
    half_configured.env("DB_NAME", "dashboards");
    let found = problems(&run(half_configured).await);
    let refused = found.iter().find(|problem| problem.starts_with("EMBEDDED")).unwrap();
    assert!(refused.contains("DB_NAME"), "{found:?}");
}

#[tokio::test]
async fn help_names_every_source_of_a_setting() {
    for (arguments, expected) in [
        (
            ["serve", "--help"],
            ["--data-dir", "DATABASE_URL", "DB_PASSWORD", "Examples:"],
        ),
        (
            ["migrate", "--help"],
            ["verify", "DATABASE_URL", "DB_DIRECT_URL", "--db-host"],
        ),
    ] {
        let output = run(program(&arguments)).await;
        assert_eq!(output.status.code(), Some(0));
        let help = String::from_utf8(output.stdout).unwrap();
        for text in expected {
            assert!(help.contains(text), "{text} is not in\n{help}");
        }
    }
}

/// Runs `migrate`, which must succeed, and gives what it prints.
async fn migrate(database: &TestDatabase, arguments: &[&str]) -> String {
    let mut command = program(&["migrate"]);
    command
        .args(arguments)
        .env("DATABASE_URL", database_url(database.config()));
    let output = run(command).await;
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn migrate_goes_up_and_down() {
    let database = TestDatabase::create_empty().await;
    let last = Migrator::embedded().latest_version();
    let up = migrate(&database, &["up"]).await;
    assert!(up.contains(&format!("from version 0 to version {last}")), "{up}");
    let again = migrate(&database, &["up"]).await;
    assert!(again.contains("nothing to do"), "{again}");
    let status = migrate(&database, &["status"]).await;
    assert!(status.starts_with("VERSION") && !status.contains("pending"), "{status}");
    let verified = migrate(&database, &["verify"]).await;
    assert!(
        verified.contains(&format!("{last} applied with the checksum")),
        "{verified}"
    );

    database
        .connect()
        .await
        .batch_execute("UPDATE schema_version SET checksum = repeat('0', 64) WHERE version = 1")
        .await
        .unwrap();
    let mut verify = program(&["migrate", "verify"]);
    verify.env("DATABASE_URL", database_url(database.config()));
    let problem = only_problem(verify).await;
    assert!(problem.contains("1 problem"), "{problem}");

    let fresh = TestDatabase::create_empty().await;
    migrate(&fresh, &["up"]).await;
    migrate(&fresh, &["down", "--to", "0"]).await;
    let status = migrate(&fresh, &["status"]).await;
    assert!(status.contains("pending") && !status.contains("applied "), "{status}");
}

#[tokio::test]
async fn migrate_takes_single_settings_as_well() {
    let database = TestDatabase::create().await;
    let config = database.config();
    let mut command = program(&["migrate", "status"]);
    command.envs([
        ("DB_HOST", config.hosts[0].host.as_str()),
        ("DB_PORT", &config.hosts[0].port.to_string()),
        ("DB_NAME", &config.dbname),
        ("DB_USER", &config.user),
        ("DB_PASSWORD", config.password.as_ref().unwrap().expose_secret()),
    ]);
    let output = run(command).await;
    assert!(output.status.success(), "{output:?}");

    let mut nowhere = program(&["migrate", "status"]);
    nowhere.env("DATABASE_URL", "postgres://somebody:sesame@127.0.0.1:1/nothing");
    let problem = only_problem(nowhere).await;
    assert!(
        problem.contains("127.0.0.1:1") && !problem.contains("sesame"),
        "{problem}"
    );
}
