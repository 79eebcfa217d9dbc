//! The phases of the end: draining, closing, aborting.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The end of the process, shared by everything that has to know of it.
///
/// Three phases follow each other and none is ever taken back:
/// 1. *draining*: health says NOT_SERVING, everything else goes on, so that balancers can turn away;
/// 2. *closing*: no new connections, GOAWAY on the old ones, streams end, requests finish;
/// 3. *aborting*: what is left is cancelled.
///
/// Clones share their phases. A later phase begins the earlier ones as well.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    draining: CancellationToken,
    closing: CancellationToken,
    aborting: CancellationToken,
}

impl Shutdown {
    /// Begins the end, as SIGTERM does.
    pub fn begin(&self) {
        self.draining.cancel();
    }

    /// Stops accepting and lets requests finish; the server does this when the drain delay is over.
    pub fn close(&self) {
        self.begin();
        self.closing.cancel();
    }

    /// Cancels what is left, as a second signal does.
    pub fn abort(&self) {
        self.close();
        self.aborting.cancel();
    }

    /// Cancelled from the first signal on.
    pub fn draining(&self) -> &CancellationToken {
        &self.draining
    }

    /// Cancelled when the server stops accepting: the token for background tasks.
    pub fn closing(&self) -> &CancellationToken {
        &self.closing
    }

    /// Cancelled when nothing may go on any longer.
    pub fn aborting(&self) -> &CancellationToken {
        &self.aborting
    }

    /// Listens for SIGTERM and SIGINT: the first one begins the end, the second one forces it.
    ///
    /// # Errors
    /// When the process can't register signal handlers.
    pub fn listen_for_signals(&self) -> io::Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let shutdown = self.clone();
        tokio::spawn(async move {
            let mut next_signal = async || {
                tokio::select! {
                    _ = terminate.recv() => "SIGTERM",
                    _ = interrupt.recv() => "SIGINT",
                }
            };
            let first = next_signal().await;
            tracing::info!(signal = first, "shutting down; a second signal forces it");
            shutdown.begin();
            let second = next_signal().await;
            tracing::warn!(signal = second, "shutdown is forced");
            shutdown.abort();
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_phase_begins_the_earlier_ones() {
        let shutdown = Shutdown::default();
        let observer = shutdown.clone();
        shutdown.begin();
        assert!(observer.draining().is_cancelled() && !observer.closing().is_cancelled());
        shutdown.abort();
        assert!(observer.closing().is_cancelled() && observer.aborting().is_cancelled());
    }
}
