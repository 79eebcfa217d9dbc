//! ImportDashboards.

use std::future::ready;
use std::mem;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesOrdered;
use tokio_util::task::AbortOnDropHandle;
use tonic::{Request, Status, Streaming};
use tracing::Instrument as _;

use super::Dashboards;
use crate::access::{Access, Caller};
use crate::domain::import::{
    ImportItem, ImportOptions, Imported, ImportedNames, MAX_ATOMIC_BYTES, MAX_ATOMIC_ITEMS, MAX_ITEMS, Refusal,
};
use crate::domain::mutation::WriteOptions;
use crate::domain::name::{DashboardName, Parent};
use crate::domain::reason::Reason;
use crate::domain::resource::DashboardResource;
use crate::domain::violation::Violation;
use crate::error::{Error, Result};
use crate::grpc::answers::{AnswerSink, Answers, next_message};
use crate::grpc::call::open;
use crate::grpc::convert::import::{parse_options, present_abandoned, present_imported, present_refusal, refusal};
use crate::grpc::proto;
use crate::grpc::proto::ImportDashboardsResponse;
use crate::grpc::proto::import_dashboards_request::Part;
use crate::store::{AuthorisedItem, Store};

/// How many batches of one import are written at the same time, each on a connection of its own: while one waits for its COMMIT
/// to reach the disk, others go on.
const AT_ONCE: usize = 4;

/// The most items of a batch.
const MAX_BATCH_ITEMS: usize = 16;

/// The text of a batch, in bytes, that nothing is added to.
const FULL_BATCH_BYTES: usize = 1024 * 1024;

/// The answers of an import.
pub type ImportAnswers = Answers<ImportDashboardsResponse>;

impl Dashboards {
    pub(super) fn import(&self, request: Request<Streaming<proto::ImportDashboardsRequest>>) -> Result<ImportAnswers> {
        let (caller, messages) = open(request)?;
        let service = self.clone();
        Ok(Answers::of(self.streams.idle, async move |sink| {
            let import = Import::begin(service, caller, messages).await?;
            match import.options.is_atomic {
                true => import.all_or_none(sink).await,
                false => import.each_for_itself(sink).await,
            }
        }))
    }
}

/// An import whose options were read.
struct Import {
    service: Dashboards,
    caller: Caller,
    messages: Streaming<proto::ImportDashboardsRequest>,
    parent: Parent,
    options: ImportOptions,
    names: ImportedNames,
    /// How many items were read.
    items: usize,
}

/// What follows the options.
enum Next {
    /// The text of an item.
    Item(String),
    /// The client says that this was all.
    End,
    /// The client says nothing more, or can't: the stream may have been cut.
    Closed,
}

/// An item after its intake.
type Taken = Result<AuthorisedItem, Refusal>;

/// Items that are written together, as soon as there is nothing more to read or no more room.
#[derive(Default)]
struct Batch {
    /// Each with its number.
    items: Vec<(usize, Taken)>,
    bytes: usize,
}

impl Batch {
    fn push(&mut self, index: usize, taken: Taken, bytes: usize) {
        self.items.push((index, taken));
        self.bytes += bytes;
    }

    fn is_full(&self) -> bool {
        self.items.len() == MAX_BATCH_ITEMS || self.bytes >= FULL_BATCH_BYTES
    }
}

/// The answers to a batch, up to the item that ended the import, if one did.
type Written = (Vec<ImportDashboardsResponse>, Result<()>);

impl Import {
    async fn begin(
        service: Dashboards,
        caller: Caller,
        mut messages: Streaming<proto::ImportDashboardsRequest>,
    ) -> Result<Self, Status> {
        let first = next_message(&mut messages, service.streams.idle).await?;
        let Some(Part::Options(message)) = first.and_then(|message| message.part) else {
            let violation = Violation::new("options", Reason::FieldRequired, "must be the first message");
            return Err(Error::from(violation).into());
        };
        let parent = Parent::parse("options.parent", &message.parent).map_err(Error::from)?;
        if let Some(project) = parent.project() {
            service.access.require(&caller, project).await?;
        }
        let options = parse_options(message).map_err(Error::from)?;
        Ok(Self {
            service,
            caller,
            messages,
            parent,
            options,
            names: ImportedNames::default(),
            items: 0,
        })
    }

    /// Writes batches of what has arrived, some at the same time, and answers in the order of the items.
    async fn each_for_itself(mut self, sink: AnswerSink<ImportDashboardsResponse>) -> Result<(), Status> {
        let mut under_way: FuturesOrdered<AbortOnDropHandle<Written>> = FuturesOrdered::new();
        let mut batch = Batch::default();
        let mut is_open = true;
        while is_open || !batch.items.is_empty() || !under_way.is_empty() {
            tokio::select! {
                biased;
                Some(done) = under_way.next() => {
                    let (answers, ended) = done.map_err(Error::internal)?;
                    for answer in answers {
                        sink.send(answer).await?;
                    }
                    ended?;
                }
                next = self.next(), if is_open && !batch.is_full() => match next? {
                    Next::Item(text) => {
                        let index = self.count_item(MAX_ITEMS)?;
                        let taken = self.take(index, &text).await?;
                        batch.push(index, taken, text.len());
                    }
                    Next::End | Next::Closed => is_open = false,
                },
                // Nothing has arrived that could be read now: an item does not wait for others.
                () = ready(()), if !batch.items.is_empty() && under_way.len() < AT_ONCE => {
                    under_way.push_back(self.spawn_write(mem::take(&mut batch)));
                }
            }
        }
        Ok(())
    }

    /// Writes in a task, which goes on while the client does not read.
    fn spawn_write(&self, batch: Batch) -> AbortOnDropHandle<Written> {
        let (store, options) = (self.service.store.clone(), self.options.clone());
        let write = async move {
            let mut answers = Vec::with_capacity(batch.items.len());
            let ended = write_batch(&store, &options, batch, &mut answers).await;
            (answers, ended)
        };
        AbortOnDropHandle::new(tokio::spawn(write.in_current_span()))
    }

    /// Reads all items, then writes them in one transaction where nothing is wrong with any.
    async fn all_or_none(mut self, sink: AnswerSink<ImportDashboardsResponse>) -> Result<(), Status> {
        let taken = self.take_all().await?;
        let (outcomes, refused) = self.write_all(taken).await?;
        let items = outcomes.len();
        for answer in outcomes {
            sink.send(answer).await?;
        }
        match refused {
            0 => Ok(()),
            refused => Err(Error::ImportRefused { refused, items }.into()),
        }
    }

    /// Reads items up to the end that the client promised; the end of the stream may be that of its connection.
    async fn take_all(&mut self) -> Result<Vec<Taken>, Status> {
        let mut items = Vec::new();
        let mut bytes = 0;
        loop {
            match self.next().await? {
                Next::Item(text) => {
                    bytes += text.len();
                    if bytes > MAX_ATOMIC_BYTES {
                        return Err(too_large(format!("{MAX_ATOMIC_BYTES} bytes of text in an atomic import")).into());
                    }
                    let index = self.count_item(MAX_ATOMIC_ITEMS)?;
                    items.push(self.take(index, &text).await?);
                }
                Next::End => return Ok(self.authorise_again(items).await?),
                Next::Closed => {
                    let description = "must be the last message of an atomic import: nothing was stored";
                    let violation = Violation::new("end", Reason::FieldRequired, description);
                    return Err(Error::from(violation).into());
                }
            }
        }
    }

    /// The answers, and how many of the items were refused. Where the intake refused some, the others are only checked, so that
    /// their conflicts are told as well.
    async fn write_all(&self, taken: Vec<Taken>) -> Result<(Vec<ImportDashboardsResponse>, usize)> {
        let mut refusals = Vec::new();
        let mut items = Vec::new();
        for (index, one) in taken.into_iter().enumerate() {
            match one {
                Ok(item) => items.push((index, item)),
                Err(refused) => refusals.push((index, refused)),
            }
        }
        let write = WriteOptions {
            validate_only: self.options.write.validate_only || !refusals.is_empty(),
            ..self.options.write
        };
        let (indexes, authorised): (Vec<usize>, Vec<_>) = items.into_iter().unzip();
        let written = self
            .service
            .store
            .import_dashboards(&authorised, &self.options, &write)
            .await?;
        let mut went_in = Vec::new();
        for ((index, (_, item)), outcome) in indexes.into_iter().zip(authorised).zip(written) {
            match outcome {
                Ok(imported) => went_in.push((index, item, imported)),
                Err(error) => refusals.push((index, refusal(Some(item.name), error)?)),
            }
        }
        let is_refused = !refusals.is_empty();
        let refused = refusals.len();
        let mut answers = Vec::with_capacity(refused + went_in.len());
        for (index, refused_item) in refusals {
            answers.push(present_refusal(position(index)?, refused_item));
        }
        for (index, item, imported) in went_in {
            answers.push(match is_refused {
                true => present_abandoned(position(index)?, &item.name, warnings(&item)),
                false => present_imported(position(index)?, imported, warnings(&item)),
            });
        }
        answers.sort_by_key(|answer| answer.index);
        Ok((answers, refused))
    }

    /// Reads what follows.
    async fn next(&mut self) -> Result<Next, Status> {
        let Some(message) = next_message(&mut self.messages, self.service.streams.idle).await? else {
            return Ok(Next::Closed);
        };
        let wrong =
            |field, reason, description: &str| Err(Error::from(Violation::new(field, reason, description)).into());
        match message.part {
            Some(Part::Item(item)) => Ok(Next::Item(item.text)),
            Some(Part::End(proto::ImportEnd {})) => Ok(Next::End),
            Some(Part::Options(_)) => wrong("options", Reason::FieldInvalid, "stands in the first message alone"),
            None => wrong(
                "item",
                Reason::FieldRequired,
                "must be set: a message without a part says nothing",
            ),
        }
    }

    /// Counts an item and gives its number, from 0.
    fn count_item(&mut self, most: usize) -> Result<usize> {
        if self.items == most {
            return Err(too_large(format!("{most} items in such an import")));
        }
        self.items += 1;
        Ok(self.items - 1)
    }

    /// Name, authorisation, intake.
    async fn take(&mut self, index: usize, text: &str) -> Result<Taken> {
        let resource = match DashboardResource::parse(text, self.parent.project()) {
            Ok(resource) => resource,
            Err(violations) => return Ok(Err(refusal(None, Error::Invalid(violations))?)),
        };
        let name = resource.name.clone();
        match self.take_named(index, resource).await {
            Ok(item) => Ok(Ok(item)),
            Err(error) => Ok(Err(refusal(Some(name), error)?)),
        }
    }

    async fn take_named(&mut self, index: usize, resource: DashboardResource) -> Result<(Access, ImportItem)> {
        let access = self.authorise(&resource.name).await?;
        self.names.note(&resource.name, index)?;
        let item = ImportItem::of(resource, &self.service.limits).map_err(Error::Invalid)?;
        Ok((access, item))
    }

    /// The proof for the project of an item; the parser has seen to it that it is the one of the import, if that has one. Each
    /// item is asked for anew: a stream may last much longer than a role.
    async fn authorise(&self, name: &DashboardName) -> Result<Access> {
        self.service.access.require(&self.caller, name.project()).await
    }

    /// The same items, those refused that may not go in any more: a role may have been revoked since they came.
    async fn authorise_again(&self, items: Vec<Taken>) -> Result<Vec<Taken>> {
        let mut allowed = Vec::with_capacity(items.len());
        for one in items {
            allowed.push(match one {
                Ok((_, item)) => match self.authorise(&item.name).await {
                    Ok(access) => Ok((access, item)),
                    Err(error) => Err(refusal(Some(item.name), error)?),
                },
                Err(refused) => Err(refused),
            });
        }
        Ok(allowed)
    }
}

/// Writes together what can be, else one after the other, and adds the answers.
async fn write_batch(
    store: &Store,
    options: &ImportOptions,
    batch: Batch,
    answers: &mut Vec<ImportDashboardsResponse>,
) -> Result<()> {
    let items: Vec<&AuthorisedItem> = batch
        .items
        .iter()
        .filter_map(|(_, taken)| taken.as_ref().ok())
        .collect();
    let together = match items.len() {
        0 | 1 => None,
        _ => store.import_together(&items, options).await?,
    };
    let mut imported_together = together.map(Vec::into_iter);
    for (index, taken) in batch.items {
        answers.push(match taken {
            Err(refused) => present_refusal(position(index)?, refused),
            Ok(item) => {
                let next_imported = imported_together.as_mut().and_then(Iterator::next);
                write_one(store, options, index, item, next_imported).await?
            }
        });
    }
    Ok(())
}

/// Writes an item where that was not done, and presents what became of it.
async fn write_one(
    store: &Store,
    options: &ImportOptions,
    index: usize,
    authorised: AuthorisedItem,
    done: Option<Imported>,
) -> Result<ImportDashboardsResponse> {
    let outcome = match done {
        Some(imported) => Ok(imported),
        None => store.import_dashboard(&authorised, options).await,
    };
    let (_, item) = authorised;
    match outcome {
        Ok(imported) => Ok(present_imported(position(index)?, imported, warnings(&item))),
        Err(error) => Ok(present_refusal(position(index)?, refusal(Some(item.name), error)?)),
    }
}

fn warnings(item: &ImportItem) -> Vec<String> {
    item.content.spec.warnings().to_vec()
}

/// No stream has 2^31 items.
fn position(index: usize) -> Result<i32> {
    i32::try_from(index).map_err(Error::internal)
}

fn too_large(limit: String) -> Error {
    Error::Exhausted {
        reason: Reason::ImportTooLarge,
        description: format!("at most {limit} are taken: send the rest in another one"),
        retry_after: None,
    }
}
