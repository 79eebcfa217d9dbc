//! What the clients do: drawn from a seed, so that a run can be had again as far as the machine's timing allows.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dashboard_store::domain::etag::Etag;
use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use uuid::Uuid;

use super::client::{Client, Patience};
use super::history::{Action, Operation, Outcome, Recorder};

/// The clients that work at the same time.
pub const CLIENTS: usize = 50;

/// The dashboard that everybody rewrites, always with the etag of what they have read.
const CROWDED: &str = "crowded";

/// The dashboards that are applied, updated, deleted, undeleted and restored beside each other.
const DISPUTED: usize = 4;

/// The documents that ApplyDashboard is given: few, so that it often finds them there.
const GOALS: usize = 3;

/// How many steps of a client go by from one name that all want to create to the next.
const RACE_STEPS: usize = 4;

/// How many operations are repeated in the end, at the most.
const REPETITIONS: usize = 100;

/// The seed of a run, and how much is done in it.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub seed: u64,
    pub operations: usize,
}

impl Plan {
    /// A stream of random numbers of its own for each part of the run.
    pub fn random(self, part: usize) -> StdRng {
        StdRng::seed_from_u64(self.seed.wrapping_mul(1_000_003).wrapping_add(part as u64))
    }

    /// What each client does.
    fn steps(self) -> usize {
        self.operations.div_ceil(CLIENTS)
    }

    /// Lets the user of each change make it. A step is two operations at the most; who prepares the dashboards makes one for
    /// each.
    pub fn grants(self) -> String {
        let last = (2 * self.steps()).max(DISPUTED + 1);
        format!(
            "INSERT INTO access_grant (id, project, subject, role, created_by)
            SELECT gen_random_uuid(), 'p', format('user:c%s-%s', client, operation), 'editor', 'user:test'
            FROM generate_series(0, {CLIENTS}) AS client, generate_series(0, {last}) AS operation"
        )
    }

    /// What all of them do.
    pub fn all_steps(self) -> usize {
        self.steps() * CLIENTS
    }
}

/// How far the clients are.
#[derive(Debug, Default)]
pub struct Progress(AtomicUsize);

impl Progress {
    /// The steps that all clients together have made.
    pub fn steps(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// Has all clients do their parts.
pub async fn run(plan: Plan, clients: Vec<Client>, progress: &Arc<Progress>) {
    assert_eq!(clients.len(), CLIENTS);
    let mut setup = Actor::new(plan, CLIENTS, clients[0].clone());
    for dashboard in (0..DISPUTED).map(disputed).chain([CROWDED.to_owned()]) {
        setup.change(Action::Create, &dashboard, None, Patience::Endless).await;
    }
    let tasks = clients.into_iter().enumerate().map(|(number, client)| {
        let (mut actor, counted) = (Actor::new(plan, number, client), Arc::clone(progress));
        tokio::spawn(async move {
            for step in 0..plan.steps() {
                actor.step(step).await;
                counted.0.fetch_add(1, Ordering::SeqCst);
            }
        })
    });
    for finished in join_all(tasks).await {
        finished.unwrap();
    }
}

/// When all is well again: repeats calls, of those without an outcome every second, and reads every dashboard.
pub async fn conclude(client: &Client, recorder: &Recorder) {
    let history = recorder.history();
    let changes = || {
        let numbered = history.iter().enumerate();
        numbered.filter(|(_, operation)| operation.action != Action::Read)
    };
    let is_answered = |operation: &Operation| operation.answers().next().is_some();
    let answered: Vec<_> = changes().filter(|(_, operation)| is_answered(operation)).collect();
    let every = answered.len().div_ceil(REPETITIONS).max(1);
    let open = changes().filter(|(_, operation)| !is_answered(operation) && operation.has_unknown());
    for (position, operation) in answered.into_iter().step_by(every).chain(open.step_by(2)) {
        client.settle(position, operation, Patience::Endless).await;
    }
    let mut dashboards: Vec<&str> = history.iter().map(|operation| operation.dashboard.as_str()).collect();
    dashboards.sort_unstable();
    dashboards.dedup();
    for dashboard in dashboards {
        let read = operation(format!("last-{dashboard}"), Action::Read, dashboard, Uuid::nil());
        client.perform(read, Patience::Endless).await;
    }
}

fn disputed(number: usize) -> String {
    format!("disputed-{number}")
}

fn operation(id: String, action: Action, dashboard: &str, request_id: Uuid) -> Operation {
    Operation {
        id,
        dashboard: dashboard.to_owned(),
        action,
        condition: None,
        content: None,
        request_id,
        attempts: Vec::new(),
    }
}

/// A client and what it draws.
struct Actor {
    number: usize,
    client: Client,
    random: StdRng,
    begun: usize,
}

impl Actor {
    fn new(plan: Plan, number: usize, client: Client) -> Self {
        Self {
            number,
            client,
            random: plan.random(number),
            begun: 0,
        }
    }

    async fn step(&mut self, step: usize) {
        let draw = self.random.random_range(0..100);
        let target = disputed(self.random.random_range(0..DISPUTED));
        // One in five does not ask again for what it was not told.
        let patience = match self.random.random_range(0..5) {
            0 => Patience::None,
            _ => Patience::Endless,
        };
        match draw {
            0..30 => self.rewrite(CROWDED, Action::Update, patience).await,
            30..40 => {
                let name = format!("race-{}", step / RACE_STEPS);
                self.change(Action::Create, &name, None, patience).await;
            }
            40..55 => self.change(Action::Apply, &target, None, patience).await,
            55..62 => self.rewrite(&target, Action::Update, patience).await,
            62..70 => self.change(Action::Delete, &target, None, patience).await,
            70..74 => self.rewrite(&target, Action::Delete, patience).await,
            74..86 => self.change(Action::Undelete, &target, None, patience).await,
            86..92 => self.change(Action::Restore, &target, None, patience).await,
            92..96 => {
                let restore = self.next(Action::Restore, CROWDED);
                self.client.perform_tenfold(restore).await;
            }
            _ => drop(self.read(&target).await),
        }
    }

    /// Reads, and changes what was read.
    async fn rewrite(&mut self, dashboard: &str, action: Action, patience: Patience) {
        if let Some(etag) = self.read(dashboard).await {
            self.change(action, dashboard, Some(etag), patience).await;
        }
    }

    async fn read(&mut self, dashboard: &str) -> Option<Etag> {
        let read = self.next(Action::Read, dashboard);
        match self.client.perform(read, Patience::Endless).await {
            Outcome::Done(seen) => Some(seen.etag),
            Outcome::Refused(_) | Outcome::Unknown(_) => None,
        }
    }

    async fn change(&mut self, action: Action, dashboard: &str, condition: Option<Etag>, patience: Patience) {
        let change = Operation {
            condition,
            ..self.next(action, dashboard)
        };
        self.client.perform(change, patience).await;
    }

    /// The next operation, with a document of its own where it sends one.
    fn next(&mut self, action: Action, dashboard: &str) -> Operation {
        let id = format!("c{}-{}", self.number, self.begun);
        self.begun += 1;
        let request_id = uuid::Builder::from_random_bytes(self.random.random()).into_uuid();
        let goal = self.random.random_range(0..GOALS);
        let content = match action {
            Action::Create | Action::Update => Some(id.clone()),
            Action::Apply => Some(format!("goal {goal}")),
            Action::Read | Action::Delete | Action::Undelete | Action::Restore => None,
        };
        Operation {
            content,
            ..operation(id, action, dashboard, request_id)
        }
    }
}
