//! A client that writes down what it asks for and what it is told.

use std::sync::Arc;
use std::time::Duration;

use dashboard_store::domain::digest::Digest;
use dashboard_store::domain::etag::{Etag, EtagCondition};
use dashboard_store::grpc::proto;
use dashboard_store::grpc::proto::dashboard_service_client::DashboardServiceClient;
use futures_util::future::join_all;
use tonic::{Request, Status};
use tonic_types::StatusExt as _;

use super::checker::is_passing;
use super::history::{Action, Operation, Outcome, Position, Recorder, Seen};
use crate::support::channel::Channel;
use crate::support::requests::{as_user, json_spec, json_text, spec_named};

/// How often an operation is tried while nobody says what became of it, and the pause in between.
const TRIES: u32 = 200;
const PAUSE: Duration = Duration::from_millis(50);

/// The refusals that leave open what was done.
const OPEN: [&str; 3] = ["CANCELLED", "COMMIT_OUTCOME_UNKNOWN", "DEADLINE_EXCEEDED"];

/// A client of a service that may go away and come back.
#[derive(Clone)]
pub struct Client {
    rpc: DashboardServiceClient<Channel>,
    recorder: Arc<Recorder>,
    /// Sends `*` in place of every etag: what a service that ignores etags would make of it.
    ignores_etags: bool,
    /// Has endless patience with everything.
    waits: bool,
}

/// What a client does about an outcome that it does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// It waits for each answer, and asks again until it knows.
    Endless,
    /// It waits for a moment, and leaves it at that.
    None,
}

impl Patience {
    /// The deadline of each call. Were most of them short, a busy machine would be kept busy with calls that nobody waits for.
    fn deadline(self) -> Duration {
        match self {
            Self::Endless => Duration::from_secs(10),
            Self::None => Duration::from_secs(1),
        }
    }
}

impl Client {
    /// A client on its own connection.
    pub fn new(channel: Channel, recorder: Arc<Recorder>) -> Self {
        Self {
            rpc: DashboardServiceClient::new(channel),
            recorder,
            ignores_etags: false,
            waits: false,
        }
    }

    /// The same with every etag ignored.
    pub fn ignoring_etags(self) -> Self {
        Self {
            ignores_etags: true,
            ..self
        }
    }

    /// The same with endless patience: only what is answered can be seen to be lost.
    pub fn waiting(self) -> Self {
        Self { waits: true, ..self }
    }

    /// Has an operation done, however often that has to be asked for.
    pub async fn perform(&self, operation: Operation, patience: Patience) -> Outcome {
        let position = self.recorder.begin(operation.clone());
        self.settle(position, &operation, patience).await
    }

    /// Asks for the same in ten calls at once.
    pub async fn perform_tenfold(&self, operation: Operation) {
        let position = self.recorder.begin(operation.clone());
        join_all((0..10).map(|_| self.settle(position, &operation, Patience::Endless))).await;
    }

    /// Asks for an operation that was recorded before, until an answer says what became of it.
    pub async fn settle(&self, position: Position, operation: &Operation, patience: Patience) -> Outcome {
        let patience = if self.waits { Patience::Endless } else { patience };
        let mut outcome = self.ask(position, operation, patience).await;
        for _ in 1..TRIES {
            let is_settled = match &outcome {
                Outcome::Done(_) => true,
                Outcome::Refused(reason) => !is_passing(reason),
                Outcome::Unknown(_) => patience == Patience::None,
            };
            if is_settled {
                break;
            }
            tokio::time::sleep(PAUSE).await;
            outcome = self.ask(position, operation, patience).await;
        }
        outcome
    }

    async fn ask(&self, position: Position, operation: &Operation, patience: Patience) -> Outcome {
        let invoked = self.recorder.invoke();
        let outcome = match self.call(operation, patience.deadline()).await {
            Ok(seen) => Outcome::Done(seen),
            Err(status) => refused(&status),
        };
        self.recorder.answer(position, invoked, outcome.clone());
        outcome
    }

    async fn call(&self, operation: &Operation, deadline: Duration) -> Result<Seen, Status> {
        let mut rpc = self.rpc.clone();
        let call = Call {
            operation,
            name: format!("projects/p/dashboards/{}", operation.dashboard),
            etag: self.etag(operation),
            request_id: operation.request_id.to_string(),
            deadline,
        };
        let mut is_unchanged = false;
        let dashboard = match operation.action {
            Action::Read => rpc.get_dashboard(call.read()).await?.into_inner().dashboard,
            Action::Create => rpc.create_dashboard(call.create()).await?.into_inner().dashboard,
            Action::Update => rpc.update_dashboard(call.update()).await?.into_inner().dashboard,
            Action::Delete => rpc.delete_dashboard(call.delete()).await?.into_inner().dashboard,
            Action::Undelete => rpc.undelete_dashboard(call.undelete()).await?.into_inner().dashboard,
            Action::Restore => {
                rpc.restore_dashboard_revision(call.restore())
                    .await?
                    .into_inner()
                    .dashboard
            }
            Action::Apply => {
                let answer = rpc.apply_dashboard(call.apply()).await?.into_inner();
                is_unchanged = answer.outcome() == proto::ApplyOutcome::Unchanged;
                answer.dashboard
            }
        };
        Ok(seen(dashboard.unwrap(), is_unchanged))
    }

    /// The etag to send, which Apply alone can do without.
    fn etag(&self, operation: &Operation) -> String {
        match operation.condition {
            Some(etag) if !self.ignores_etags => etag.to_string(),
            None if operation.action == Action::Apply => String::new(),
            _ => EtagCondition::Any.to_string(),
        }
    }
}

/// The requests of one call.
struct Call<'a> {
    operation: &'a Operation,
    name: String,
    etag: String,
    request_id: String,
    deadline: Duration,
}

impl Call<'_> {
    /// A change is made by a user of its own, who stands in its audit event.
    fn named<T>(&self, message: T) -> Request<T> {
        self.in_time(as_user(&self.operation.id, message))
    }

    fn in_time<T>(&self, mut request: Request<T>) -> Request<T> {
        request.set_timeout(self.deadline);
        request
    }

    fn dashboard(&self) -> Option<proto::Dashboard> {
        Some(proto::Dashboard {
            name: self.name.clone(),
            etag: self.etag.clone(),
            spec: self.operation.content.as_deref().map(spec_named).and_then(json_spec),
            ..Default::default()
        })
    }

    fn read(&self) -> Request<proto::GetDashboardRequest> {
        self.in_time(Request::new(proto::GetDashboardRequest {
            name: self.name.clone(),
            ..Default::default()
        }))
    }

    fn create(&self) -> Request<proto::CreateDashboardRequest> {
        self.named(proto::CreateDashboardRequest {
            parent: "projects/p".into(),
            dashboard_id: self.operation.dashboard.clone(),
            dashboard: self.dashboard().map(|dashboard| proto::Dashboard {
                name: String::new(),
                etag: String::new(),
                ..dashboard
            }),
            request_id: self.request_id.clone(),
            ..Default::default()
        })
    }

    fn update(&self) -> Request<proto::UpdateDashboardRequest> {
        self.named(proto::UpdateDashboardRequest {
            dashboard: self.dashboard(),
            request_id: self.request_id.clone(),
            ..Default::default()
        })
    }

    fn apply(&self) -> Request<proto::ApplyDashboardRequest> {
        self.named(proto::ApplyDashboardRequest {
            dashboard: self.dashboard(),
            request_id: self.request_id.clone(),
            ..Default::default()
        })
    }

    fn delete(&self) -> Request<proto::DeleteDashboardRequest> {
        self.named(proto::DeleteDashboardRequest {
            name: self.name.clone(),
            etag: self.etag.clone(),
            request_id: self.request_id.clone(),
            ..Default::default()
        })
    }

    fn undelete(&self) -> Request<proto::UndeleteDashboardRequest> {
        self.named(proto::UndeleteDashboardRequest {
            name: self.name.clone(),
            etag: self.etag.clone(),
            request_id: self.request_id.clone(),
            ..Default::default()
        })
    }

    fn restore(&self) -> Request<proto::RestoreDashboardRevisionRequest> {
        self.named(proto::RestoreDashboardRevisionRequest {
            name: format!("{}/revisions/1", self.name),
            etag: self.etag.clone(),
            request_id: self.request_id.clone(),
            ..Default::default()
        })
    }
}

fn seen(dashboard: proto::Dashboard, is_unchanged: bool) -> Seen {
    let is_deleted = dashboard.state() == proto::DashboardState::Deleted;
    Seen {
        etag: parse_etag(&dashboard.etag),
        revision: dashboard.revision,
        is_deleted,
        sha256: Digest::of(json_text(dashboard.spec).as_bytes()).to_string(),
        is_unchanged,
    }
}

fn parse_etag(text: &str) -> Etag {
    match EtagCondition::parse_required("etag", text) {
        Ok(EtagCondition::Required(etag)) => etag,
        other => panic!("an answer with the etag {text:?}: {other:?}"),
    }
}

/// What a refusal says about what was done. One without a reason is not the service's: the way to it was lost.
fn refused(status: &Status) -> Outcome {
    match status.get_details_error_info() {
        Some(info) if !OPEN.contains(&info.reason.as_str()) => Outcome::Refused(info.reason),
        Some(info) => Outcome::Unknown(info.reason),
        None => Outcome::Unknown(format!("{:?}: {}", status.code(), status.message())),
    }
}
