//! The program itself, as people and orchestrators run it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::{Arc, Mutex};

use dashboard_store::config::ConnectConfig;
use dashboard_store::grpc::proto::dashboard_service_client::DashboardServiceClient;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use secrecy::ExposeSecret as _;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::task::JoinHandle;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::channel::Channel;
use super::waiting::{in_time, until};
use super::{cluster, recording};

/// Variables that would configure the program; of the environment it gets all others.
const OWN_VARIABLES: [&str; 15] = [
    "AUDIT_PUBLIC_KEYS_FILE",
    "AUDIT_READS",
    "AUDIT_RETENTION",
    "AUDIT_SIGNING_KEY_FILE",
    "AUTH_CONFIG_FILE",
    "BOOTSTRAP_ADMINS",
    "DATABASE_URL",
    "EMBEDDED",
    "DATA_DIR",
    "INSECURE_DEV",
    "KUBERNETES_SERVICE_HOST",
    "LOG_FORMAT",
    "LOG_LEVEL",
    "RUST_LOG",
    "TLS_CERT_FILE",
];

/// Prepares to run the program, configured by nothing but what follows.
pub fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dashboard-store"));
    let prefixed = std::env::vars_os().map(|(name, _)| name).filter(|name| {
        let name = name.to_string_lossy();
        name.starts_with("DB_") || name.starts_with("DASHBOARD_STORE_")
    });
    for name in prefixed.chain(OWN_VARIABLES.map(Into::into)) {
        command.env_remove(name);
    }
    command.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// Runs the program to its end, which must come by itself.
pub async fn run(mut command: Command) -> Output {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    finish(command.spawn().unwrap()).await
}

/// Waits for the end of a program that was started, which must come by itself, and takes what is left of its output.
pub async fn finish(child: Child) -> Output {
    let output = in_time("the end of the program", child.wait_with_output())
        .await
        .unwrap();
    for stream in [&output.stdout, &output.stderr] {
        recording::output(&String::from_utf8_lossy(stream));
    }
    output
}

/// Prepares to serve on free ports.
pub fn serve(arguments: &[&str]) -> Command {
    let mut command = program(&["serve"]);
    command
        .envs([("GRPC_ADDR", "127.0.0.1:0"), ("HTTP_ADDR", "127.0.0.1:0")])
        .args(arguments);
    if recording::is_on() {
        command.env("LOG_LEVEL", recording::FILTER);
    }
    command
}

/// Prepares to serve on an embedded PostgreSQL that keeps its data in `data_dir`.
pub fn serve_embedded(data_dir: &Path) -> Command {
    let mut command = serve(&["--embedded"]);
    command.arg("--data-dir").arg(data_dir);
    command
}

/// A database as `DATABASE_URL` names it.
pub fn database_url(config: &ConnectConfig) -> String {
    let host = &config.hosts[0];
    let password = config.password.as_ref().unwrap().expose_secret();
    format!(
        "host='{}' port={} dbname={} user={} password='{password}'",
        host.host, host.port, config.dbname, config.user
    )
}

/// A directory for the data of one service, which does not exist yet.
pub fn data_dir(name: &str) -> PathBuf {
    cluster::directory().join(name)
}

/// A running service; killed when dropped.
pub struct ServiceProcess {
    child: Child,
    grpc_addr: SocketAddr,
    http_addr: SocketAddr,
    /// What it has logged so far.
    log: Arc<Mutex<String>>,
    /// Collects that, until it ends.
    logging: JoinHandle<()>,
    /// Open, so that it can go on printing.
    _stdout: BufReader<ChildStdout>,
}

impl ServiceProcess {
    /// Starts a service, and waits until it says where it listens.
    pub async fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let log = Arc::default();
        let logging = tokio::spawn(read_log(child.stderr.take().unwrap(), Arc::clone(&log)));
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut said = String::new();
        let reading = async {
            stdout.read_line(&mut said).await.unwrap();
            stdout.read_line(&mut said).await.unwrap();
        };
        // The first service may have to download PostgreSQL.
        in_time("where it listens", reading).await;
        let Some((grpc_addr, http_addr)) = addresses(&said) else {
            logging.await.unwrap();
            panic!("it says {said:?} and logs {}", log.lock().unwrap());
        };
        Self {
            grpc_addr,
            http_addr,
            child,
            log,
            logging,
            _stdout: stdout,
        }
    }

    /// Starts a service, and waits until it serves.
    pub async fn start_serving(command: Command) -> Self {
        let service = Self::start(command).await;
        let mut health = HealthClient::new(service.channel().await);
        until("serving", async || {
            let answer = health.check(HealthCheckRequest::default()).await.unwrap();
            answer.into_inner().status() == ServingStatus::Serving
        })
        .await;
        service
    }

    /// A client on a connection of its own.
    pub async fn dashboards(&self) -> DashboardServiceClient<Channel> {
        DashboardServiceClient::new(self.channel().await)
    }

    /// A connection to it.
    pub async fn channel(&self) -> Channel {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.grpc_addr)).unwrap();
        endpoint.connect().await.unwrap().into()
    }

    /// Where gRPC is served.
    pub fn grpc_addr(&self) -> SocketAddr {
        self.grpc_addr
    }

    /// Where the sidecar answers.
    pub fn http_addr(&self) -> SocketAddr {
        self.http_addr
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.id().try_into().unwrap()), signal).unwrap();
    }

    /// Waits until it takes no new connections.
    pub async fn wait_until_closed(&self) {
        until("closed", async || TcpStream::connect(self.grpc_addr).await.is_err()).await;
    }

    /// Waits until it has logged `text`.
    pub async fn wait_until_logged(&self, text: &str) {
        until(format_args!("{text} in {:?}", self.log), async || {
            self.log.lock().unwrap().contains(text)
        })
        .await;
    }

    /// Waits until it has ended: its exit code, none when a signal ended it, and what it logged.
    pub async fn ended(mut self) -> (Option<i32>, String) {
        let status = in_time("the end of the service", self.child.wait()).await.unwrap();
        self.logging.await.unwrap();
        let log = std::mem::take(&mut *self.log.lock().unwrap());
        (status.code(), log)
    }
}

/// Reads all that a service logs into `log`.
async fn read_log(stderr: ChildStderr, log: Arc<Mutex<String>>) {
    let mut lines = BufReader::new(stderr);
    let mut line = String::new();
    while lines.read_line(&mut line).await.unwrap() > 0 {
        recording::output(&line);
        *log.lock().unwrap() += &line;
        line.clear();
    }
}

/// Reads where gRPC and HTTP are served from the first two lines that the program prints.
fn addresses(said: &str) -> Option<(SocketAddr, SocketAddr)> {
    let mut lines = said.lines();
    let (_, grpc) = lines.next()?.strip_prefix("grpc: ")?.split_once("://")?;
    let grpc = grpc.parse().ok()?;
    let http = lines.next()?.strip_prefix("http: http://")?.parse().ok()?;
    Some((grpc, http))
}
