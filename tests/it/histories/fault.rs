//! What goes wrong meanwhile: each kind of fault in turn, in an order and for a time drawn from the seed.

use std::sync::Arc;
use std::time::Duration;

use nix::sys::signal::Signal;
use rand::Rng as _;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;

use super::deployment::Deployment;
use super::scenario::{CLIENTS, Plan, Progress};
use crate::support::network::{LostCommit, Traffic};

/// How many steps of the clients go by from one fault to the next, at least.
const STEPS_BETWEEN: usize = 50;

/// A kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A connection ends before, or after, its COMMIT arrives; in some cases nobody gets through afterwards.
    LostCommit(LostCommit),
    /// Every connection to the database ends.
    Cut,
    /// What is sent arrives late.
    Delay,
    /// What is sent does not arrive, and then the connection is gone.
    HalfOpen,
    /// Nobody gets through.
    Refused,
    /// An administrator ends every backend.
    TerminatedBackends,
    /// The service is killed.
    KilledService,
    /// The database server is killed.
    KilledPostmaster,
}

const ALL: [Fault; 12] = [
    Fault::LostCommit(LostCommit::Unsent),
    Fault::LostCommit(LostCommit::Unanswered),
    Fault::LostCommit(LostCommit::UnansweredAndRefused),
    Fault::LostCommit(LostCommit::Swallowed),
    Fault::LostCommit(LostCommit::ToldByPooler),
    Fault::Cut,
    Fault::Delay,
    Fault::HalfOpen,
    Fault::Refused,
    Fault::TerminatedBackends,
    Fault::KilledService,
    Fault::KilledPostmaster,
];

const TERMINATE: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()";

/// Injects faults until the clients are through; gives how many there were.
pub async fn inject(plan: Plan, deployment: &mut Deployment, progress: &Arc<Progress>) -> usize {
    let mut random = plan.random(CLIENTS + 1);
    let decks = (plan.all_steps() / (STEPS_BETWEEN * ALL.len())).max(1);
    let mut faults = Vec::new();
    for _ in 0..decks {
        let mut deck = ALL;
        deck.shuffle(&mut random);
        faults.extend(deck);
    }
    let between = plan.all_steps() / (faults.len() + 1);
    for (number, fault) in (1..).zip(&faults) {
        while progress.steps() < number * between {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        strike(*fault, deployment, &mut random).await;
    }
    faults.len()
}

/// Lets a fault happen and heals it.
async fn strike(fault: Fault, deployment: &mut Deployment, random: &mut StdRng) {
    let mut lasts = |milliseconds| Duration::from_millis(random.random_range(milliseconds));
    let gateway = &deployment.gateway;
    match fault {
        Fault::LostCommit(how) => {
            gateway.lose_commit(how);
            // Longer than a caller waits, where it has to be.
            let time = match how {
                LostCommit::Swallowed => lasts(500..2500),
                _ => lasts(100..500),
            };
            tokio::time::sleep(time).await;
        }
        Fault::Cut => gateway.cut(),
        Fault::Delay => {
            gateway.set(Traffic::Vanishes);
            tokio::time::sleep(lasts(20..500)).await;
        }
        Fault::HalfOpen => {
            gateway.set(Traffic::Vanishes);
            tokio::time::sleep(lasts(500..2500)).await;
            gateway.cut();
        }
        Fault::Refused => {
            gateway.set(Traffic::IsRefused);
            gateway.cut();
            tokio::time::sleep(lasts(100..1000)).await;
        }
        Fault::TerminatedBackends => deployment.execute(TERMINATE).await,
        Fault::KilledService => {
            deployment.signal_service(Signal::SIGKILL);
            tokio::time::sleep(lasts(0..200)).await;
            deployment.restart_service().await;
        }
        Fault::KilledPostmaster => deployment.kill_postgres().await,
    }
    deployment.gateway.heal();
}
