//! Whether this process can serve: one state machine, its probe, and `grpc.health.v1`.
//!
//! What belongs here: the facts and what follows from them. What does not: how the database is asked (the caller gives the
//! probe) and how the answer looks over HTTP ([`crate::sidecar`]). Whoever reads health reads memory.

mod grpc;
mod pool;
mod probe;
pub mod proto;
mod state;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

pub use self::grpc::{GrpcHealth, grpc_service};
pub use self::pool::{PoolSnapshot, PoolSource};
pub use self::probe::probe_until;
pub use self::state::{Phase, SEALING_LAG_LIMIT};

use self::state::Machine;
use crate::error::Cause;

/// What a successful probe found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeOk {
    /// How long the database took to answer, without waiting for a connection.
    pub response_time: Duration,
    /// Whether the schema is one that this server can work with.
    pub schema: SchemaState,
}

/// What a probe found: an error when the database can't be reached.
pub type ProbeResult = Result<ProbeOk, Cause>;

/// Whether the schema is one that this server can work with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SchemaState {
    /// It is.
    Ready,
    /// It is not; the sentence says why and which command helps. It is shown to whoever asks for health.
    NotReady(String),
}

/// What is known now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthReport {
    /// Where the process is.
    pub phase: Phase,
    /// Whether the database answers; three failed probes say no, two good ones yes.
    pub database_is_reachable: bool,
    /// How long it took to answer the last time; zero before the first answer.
    pub response_time: Duration,
    /// What is known of the schema; none before the first answer.
    pub schema: Option<SchemaState>,
    /// How long the oldest audit event without a seal has waited; none where nothing is sealed.
    pub sealing_lag: Option<Duration>,
}

impl HealthReport {
    /// Whether audit events wait for so long to be sealed that somebody should look.
    pub fn is_sealing_late(&self) -> bool {
        self.sealing_lag.is_some_and(|lag| lag > SEALING_LAG_LIMIT)
    }
}

/// Shares what is known with everybody who asks; clones are the same.
#[derive(Debug, Clone)]
pub struct HealthHandle {
    machine: Arc<watch::Sender<Machine>>,
}

impl Default for HealthHandle {
    fn default() -> Self {
        let (machine, _receiver) = watch::channel(Machine::default());
        Self {
            machine: Arc::new(machine),
        }
    }
}

impl HealthHandle {
    /// What is known now.
    pub fn report(&self) -> HealthReport {
        self.machine.borrow().report()
    }

    /// Where the process is now.
    pub fn phase(&self) -> Phase {
        self.machine.borrow().phase()
    }

    /// Takes the result of a probe; changes of phase are logged, and why it is not serving.
    pub fn observe(&self, probed: ProbeResult) {
        let before = self.machine.borrow().clone();
        let probed = probed.map_err(|error| error.to_string());
        self.machine.send_modify(|machine| machine.observe(probed));
        let after = self.machine.borrow();
        let is_news = before.phase() != after.phase() || before.trouble() != after.trouble();
        match after.phase() {
            Phase::Serving if before.phase() != Phase::Serving => tracing::info!(from = %before.phase(), "serving"),
            Phase::Starting | Phase::NotServing if is_news => {
                tracing::error!(phase = %after.phase(), reason = after.trouble(), "not serving");
            }
            Phase::Starting | Phase::Serving | Phase::NotServing | Phase::Draining => {}
        }
    }

    /// Takes how long the oldest audit event without a seal has waited.
    pub fn observe_sealing_lag(&self, lag: Duration) {
        self.machine.send_modify(|machine| machine.observe_sealing_lag(lag));
    }

    /// Says NOT_SERVING from now on: the process is about to end.
    pub fn drain(&self) {
        self.machine.send_modify(Machine::drain);
    }

    fn subscribe(&self) -> watch::Receiver<Machine> {
        self.machine.subscribe()
    }
}
