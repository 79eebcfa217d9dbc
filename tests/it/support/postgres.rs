//! A PostgreSQL server of one test's own, for what would disturb the others: another configuration, a stop.

use std::fs;
use std::net::TcpListener;
use std::sync::atomic::{AtomicU32, Ordering};

use dashboard_store::config::{ConnectConfig, DatabaseHost};
use dashboard_store::store::connect;
use dashboard_store::store::embedded::{Durability, EmbeddedOptions, EmbeddedPostgres};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::cluster;

static SERVERS: AtomicU32 = AtomicU32::new(0);

/// A server that also listens on a port of 127.0.0.1. It stops when dropped.
pub struct OwnPostgres {
    options: EmbeddedOptions,
    postgres: Option<EmbeddedPostgres>,
}

impl OwnPostgres {
    /// Starts a server on new data.
    pub async fn start() -> Self {
        Self::start_with(Durability::Ephemeral).await
    }

    /// Starts a server on new data that keeps what it has committed, also when it is killed.
    pub async fn start_durable() -> Self {
        Self::start_with(Durability::Durable).await
    }

    async fn start_with(durability: Durability) -> Self {
        let number = SERVERS.fetch_add(1, Ordering::Relaxed);
        let mut server = Self {
            options: EmbeddedOptions {
                tcp_port: Some(free_port()),
                durability,
                ..cluster::options(&format!("own-{number}"))
            },
            postgres: None,
        };
        server.resume().await;
        server
    }

    /// The server, which runs.
    pub fn postgres(&self) -> &EmbeddedPostgres {
        self.postgres.as_ref().unwrap()
    }

    /// How to connect through its socket.
    pub fn socket_config(&self) -> ConnectConfig {
        self.postgres().endpoint().connect_config("postgres")
    }

    /// How to connect to it as `host`, a name or an address of this machine.
    pub fn tcp_config(&self, host: &str) -> ConnectConfig {
        let port = self.postgres().endpoint().port;
        let host = host.to_owned();
        ConnectConfig {
            hosts: vec![DatabaseHost { host, port }],
            ..self.socket_config()
        }
    }

    /// Runs statements on a connection of their own, through its socket.
    pub async fn execute(&self, statements: &str) {
        let administrator = connect::connect(&self.socket_config()).await.unwrap();
        administrator.client.batch_execute(statements).await.unwrap();
    }

    /// Stops the server as an administrator would who does not wait for clients.
    pub async fn stop(&mut self) {
        self.postgres.take().unwrap().stop().await.unwrap();
    }

    /// Kills the server.
    pub async fn kill(&mut self) {
        let mut postgres = self.postgres.take().unwrap();
        let pid_file = postgres.data_dir().join("cluster/postmaster.pid");
        let content = fs::read_to_string(pid_file).unwrap();
        let postmaster = Pid::from_raw(content.lines().next().unwrap().parse().unwrap());
        kill(postmaster, Signal::SIGKILL).unwrap();
        postgres.ended().await;
    }

    /// Starts the server again, on the same data and the same port.
    pub async fn resume(&mut self) {
        self.postgres = Some(EmbeddedPostgres::start(self.options.clone()).await.unwrap());
    }
}

/// A port that nothing listens on.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
