//! A network that fails on demand.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Stands before a server and passes everything on, or accepts connections and stays silent.
pub struct Gateway {
    /// Where to connect instead.
    pub address: SocketAddr,
    is_silent: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

impl Gateway {
    /// Stands before the server on `port`, silent at first.
    pub async fn silent(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let is_silent = Arc::new(AtomicBool::new(true));
        let task = tokio::spawn(pass_on(listener, port, Arc::clone(&is_silent)));
        Self {
            address,
            is_silent,
            task,
        }
    }

    /// From now on, passes new connections on.
    pub fn open(&self) {
        self.is_silent.store(false, Ordering::SeqCst);
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass_on(listener: TcpListener, port: u16, is_silent: Arc<AtomicBool>) {
    let mut unanswered = Vec::new();
    loop {
        let Ok((mut client, _)) = listener.accept().await else {
            return;
        };
        if is_silent.load(Ordering::SeqCst) {
            unanswered.push(client);
            continue;
        }
        tokio::spawn(async move {
            if let Ok(mut server) = TcpStream::connect(("127.0.0.1", port)).await {
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            }
        });
    }
}
