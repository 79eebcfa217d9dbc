//! A network that fails on demand.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use dashboard_store::config::{ConnectConfig, DatabaseHost, ServeConfig};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic_health::pb::health_check_response::ServingStatus;

use super::TestServer;
use super::blocking::wait_until_pool_is_free;
use super::cluster::TestDatabase;

/// COMMIT, as tokio-postgres sends it: a simple query.
const COMMIT: &[u8] = b"Q\0\0\0\x0bCOMMIT\0";

/// What happens to what is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Traffic {
    /// It arrives.
    Passes,
    /// It is taken and does not arrive, as behind a firewall that drops packets.
    Vanishes,
    /// New connections are closed at once; those that are open go on.
    IsRefused,
}

/// How a COMMIT is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LostCommit {
    /// The connection ends before the COMMIT arrives.
    Unsent,
    /// The connection ends after the COMMIT was done, before its answer arrives.
    Unanswered,
    /// And nobody gets through any more.
    UnansweredAndRefused,
    /// The COMMIT was done, and from then on everything vanishes.
    Swallowed,
    /// The COMMIT was done, and a pooler in between tells of a lost server.
    ToldByPooler,
}

/// What PgBouncer says when it loses the server: an ErrorResponse.
const SERVER_LOST: &[u8] = b"E\0\0\0\x29SFATAL\0C08P01\0Mserver conn crashed?\0\0";

/// Stands before a server, and passes on what is sent.
pub struct Gateway {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    socket: PathBuf,
    traffic: watch::Sender<Traffic>,
    /// Cancelled to end the connections that are open.
    open: Mutex<CancellationToken>,
    lost_commit: Mutex<Option<LostCommit>>,
    /// How often it was healed: a fault that began before does not outlast that.
    healed: AtomicUsize,
}

impl Gateway {
    /// Stands before the server of `config`, which listens on a Unix socket.
    pub async fn before(config: &ConnectConfig, traffic: Traffic) -> Self {
        let DatabaseHost { host, port } = &config.hosts[0];
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            socket: PathBuf::from(host).join(format!(".s.PGSQL.{port}")),
            traffic: watch::Sender::new(traffic),
            open: Mutex::default(),
            lost_commit: Mutex::default(),
            healed: AtomicUsize::new(0),
        });
        let task = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Self { address, shared, task }
    }

    /// Where to connect instead.
    pub fn host(&self) -> DatabaseHost {
        DatabaseHost {
            host: self.address.ip().to_string(),
            port: self.address.port(),
        }
    }

    /// `config` with the way through this gateway.
    pub fn route(&self, config: &ConnectConfig) -> ConnectConfig {
        ConnectConfig {
            hosts: vec![self.host()],
            ..config.clone()
        }
    }

    /// From now on, this happens to what is sent.
    pub fn set(&self, traffic: Traffic) {
        self.shared.traffic.send_replace(traffic);
    }

    /// Ends the connections that are open.
    pub fn cut(&self) {
        self.shared.cut();
    }

    /// Loses the next COMMIT.
    pub fn lose_commit(&self, how: LostCommit) {
        *self.shared.lost_commit.lock().unwrap() = Some(how);
    }

    /// From now on, everything arrives.
    pub fn heal(&self) {
        *self.shared.lost_commit.lock().unwrap() = None;
        self.shared.healed.fetch_add(1, Ordering::SeqCst);
        self.set(Traffic::Passes);
    }
}

/// Starts a service whose database lies behind a gateway, and does not wait for it.
pub async fn launch_behind_gateway(traffic: Traffic, adjust: impl FnOnce(&mut ServeConfig)) -> (TestServer, Gateway) {
    let database = TestDatabase::create().await;
    let gateway = Gateway::before(database.config(), traffic).await;
    let route = gateway.route(database.config());
    (TestServer::launch(database, route, adjust).await, gateway)
}

/// The same, once it serves, and what it does at its start is done: a connection that is cut while it is being opened is an outage.
pub async fn serve_behind_gateway(adjust: impl FnOnce(&mut ServeConfig)) -> (TestServer, Gateway) {
    let (server, gateway) = launch_behind_gateway(Traffic::Passes, adjust).await;
    server.wait_until(ServingStatus::Serving).await;
    wait_until_pool_is_free(&server).await;
    (server, gateway)
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.cut();
        self.task.abort();
    }
}

impl Shared {
    fn cut(&self) {
        std::mem::take(&mut *self.open.lock().unwrap()).cancel();
    }

    /// Waits until what is sent arrives.
    async fn passable(&self) {
        let mut traffic = self.traffic.subscribe();
        // The sender lives as long as we do.
        let _ = traffic.wait_for(|traffic| *traffic != Traffic::Vanishes).await;
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((client, _)) = listener.accept().await {
        if *shared.traffic.borrow() == Traffic::IsRefused {
            continue;
        }
        let open = shared.open.lock().unwrap().clone();
        let carrying = carry(client, Arc::clone(&shared));
        tokio::spawn(open.run_until_cancelled_owned(carrying));
    }
}

/// Passes on until one side ends, or the way is lost; then both are closed.
async fn carry(mut client: TcpStream, shared: Arc<Shared>) -> io::Result<()> {
    shared.passable().await;
    let mut server = UnixStream::connect(&shared.socket).await?;
    let (client_reads, mut client_writes) = client.split();
    let (mut server_reads, server_writes) = server.split();
    let healed = || shared.healed.load(Ordering::SeqCst);
    let lost_commit = tokio::select! {
        ended = pass_requests(client_reads, server_writes, &shared) => ended?,
        ended = pass_answers(&mut server_reads, &mut client_writes, &shared) => return ended,
    };
    if matches!(lost_commit, None | Some(LostCommit::Unsent)) {
        return Ok(());
    }
    let healed_before = healed();
    // The server answers when it has committed.
    server_reads.read_u8().await?;
    if healed() != healed_before {
        return Ok(());
    }
    match lost_commit {
        Some(LostCommit::UnansweredAndRefused) => {
            shared.traffic.send_replace(Traffic::IsRefused);
        }
        Some(LostCommit::Swallowed) => {
            shared.traffic.send_replace(Traffic::Vanishes);
            // The client must not see an end.
            shared.passable().await;
        }
        Some(LostCommit::ToldByPooler) => client_writes.write_all(SERVER_LOST).await?,
        _ => {}
    }
    Ok(())
}

/// Passes on until the client ends, or a COMMIT is to be lost.
async fn pass_requests(
    mut client: impl AsyncRead + Unpin,
    mut server: impl AsyncWrite + Unpin,
    shared: &Shared,
) -> io::Result<Option<LostCommit>> {
    let mut buffer = [0; 8192];
    loop {
        let length = client.read(&mut buffer).await?;
        if length == 0 {
            return Ok(None);
        }
        shared.passable().await;
        let sent = &buffer[..length];
        let lost_commit = match sent.windows(COMMIT.len()).any(|bytes| bytes == COMMIT) {
            true => shared.lost_commit.lock().unwrap().take(),
            false => None,
        };
        if lost_commit != Some(LostCommit::Unsent) {
            server.write_all(sent).await?;
        }
        if lost_commit.is_some() {
            return Ok(lost_commit);
        }
    }
}

async fn pass_answers(
    mut server: impl AsyncRead + Unpin,
    mut client: impl AsyncWrite + Unpin,
    shared: &Shared,
) -> io::Result<()> {
    let mut buffer = [0; 8192];
    loop {
        let length = server.read(&mut buffer).await?;
        if length == 0 {
            return Ok(());
        }
        shared.passable().await;
        client.write_all(&buffer[..length]).await?;
    }
}
