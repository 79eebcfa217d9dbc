//! ImportDashboards, as a client makes it: documents on one side, an answer for each on the other.

use futures_util::stream;
use tokio::sync::mpsc;
use tonic::Streaming;

use super::{Client, ClientError};
use crate::domain::import::ConflictPolicy;
use crate::grpc::proto;
use crate::grpc::proto::import_dashboards_request::Part;

/// How many documents wait to be sent. The rest stays where it comes from: the service takes more when it can.
const WAITING: usize = 4;

/// How an import goes about its documents.
#[derive(Debug, Clone)]
pub struct ImportRequest {
    /// What to do with what exists.
    pub on_conflict: ConflictPolicy,
    /// All or nothing.
    pub is_atomic: bool,
    /// Nothing is stored.
    pub is_dry_run: bool,
    /// Why, for the history of each dashboard.
    pub change_note: String,
}

/// Where the documents of an import go in. Dropped, it is the end of the stream.
#[derive(Debug)]
pub struct ImportDocuments(mpsc::Sender<proto::ImportDashboardsRequest>);

/// Where the answers of an import come out, in the order of the documents.
#[derive(Debug)]
pub struct ImportAnswers(Streaming<proto::ImportDashboardsResponse>);

/// What became of one document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportAnswer {
    /// The resource name of the dashboard; empty where the document does not tell.
    pub name: String,
    /// What was done.
    pub outcome: Outcome,
    /// Why it was refused or skipped; empty otherwise.
    pub description: String,
    /// What is wrong with the document.
    pub violations: Vec<Wrong>,
    /// What is legal and may be a mistake.
    pub warnings: Vec<String>,
}

/// What was done with a document, or would be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// There was none of this name.
    Created,
    /// Its content differed.
    Updated,
    /// It was deleted, and lives again.
    Restored,
    /// Its content was equal.
    Unchanged,
    /// It exists with other content, and was left so.
    Skipped,
    /// It is wrong, or in conflict.
    Refused,
    /// Nothing is wrong with it, but another one was refused.
    Abandoned,
}

/// One thing that is wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// Where, as a JSON pointer; empty for the whole.
    pub field: String,
    /// What is wrong and what to do.
    pub description: String,
}

impl Client {
    /// Begins an import in which each document names its project.
    ///
    /// # Errors
    /// What the service refuses it for.
    pub async fn import(&self, request: ImportRequest) -> Result<(ImportDocuments, ImportAnswers), ClientError> {
        let (sender, mut receiver) = mpsc::channel(WAITING);
        let options = proto::ImportOptions {
            parent: "projects/-".to_owned(),
            conflict_policy: match request.on_conflict {
                ConflictPolicy::Skip => proto::ImportConflictPolicy::Skip,
                ConflictPolicy::Update => proto::ImportConflictPolicy::Update,
                ConflictPolicy::Fail => proto::ImportConflictPolicy::Fail,
            }
            .into(),
            atomic: request.is_atomic,
            validate_only: request.is_dry_run,
            change_note: request.change_note,
            ..Default::default()
        };
        // The channel is empty and open: there is room.
        let _ = sender.try_send(message(Part::Options(options)));
        let messages = stream::poll_fn(move |context| receiver.poll_recv(context));
        let answers = self.dashboards().import_dashboards(messages).await?.into_inner();
        Ok((ImportDocuments(sender), ImportAnswers(answers)))
    }
}

impl ImportDocuments {
    /// Sends a document, and waits while the service does not take it. Must not be called by a task.
    ///
    /// False when the import is over.
    pub fn send(&self, text: String) -> bool {
        let item = message(Part::Item(proto::ImportItem { text }));
        self.0.blocking_send(item).is_ok()
    }

    /// Says that these were all.
    pub fn end(self) {
        // An import that is over needs no end.
        let _ = self.0.blocking_send(message(Part::End(proto::ImportEnd {})));
    }
}

impl ImportAnswers {
    /// The next answer; none at the end of the import.
    ///
    /// # Errors
    /// What ended it.
    pub async fn next(&mut self) -> Result<Option<ImportAnswer>, ClientError> {
        match self.0.message().await? {
            Some(answer) => read_answer(answer).map(Some),
            None => Ok(None),
        }
    }
}

fn message(part: Part) -> proto::ImportDashboardsRequest {
    proto::ImportDashboardsRequest { part: Some(part) }
}

fn read_answer(answer: proto::ImportDashboardsResponse) -> Result<ImportAnswer, ClientError> {
    let outcome = match answer.outcome() {
        proto::ImportOutcome::Created => Outcome::Created,
        proto::ImportOutcome::Updated => Outcome::Updated,
        proto::ImportOutcome::Restored => Outcome::Restored,
        proto::ImportOutcome::Unchanged => Outcome::Unchanged,
        proto::ImportOutcome::Skipped => Outcome::Skipped,
        proto::ImportOutcome::Refused => Outcome::Refused,
        proto::ImportOutcome::Abandoned => Outcome::Abandoned,
        proto::ImportOutcome::Unspecified => {
            return Err(ClientError::Answer(format!("the outcome {}", answer.outcome)));
        }
    };
    let wrong = |violation: proto::ImportViolation| Wrong {
        field: violation.field,
        description: violation.description,
    };
    Ok(ImportAnswer {
        name: answer.name,
        outcome,
        description: answer.description,
        violations: answer.violations.into_iter().map(wrong).collect(),
        warnings: answer.warnings,
    })
}
