//! ImportDashboards: one dashboard in a transaction, several that nothing stands in the way of, or all or none.

use scoped_futures::ScopedFutureExt as _;
use uuid::Uuid;

use super::apply::make_equal;
use super::create::taken_by;
use super::head::{self, Head};
use super::insert_all::FIRST_REVISION;
use super::write::{NewContent, Writer};
use crate::access::Access;
use crate::domain::dashboard::{Dashboard, DashboardState, View};
use crate::domain::import::{ConflictPolicy, ImportItem, ImportOptions, ImportOutcome, Imported};
use crate::domain::mutation::WriteOptions;
use crate::domain::name::{DashboardName, ProjectId};
use crate::error::{Error, Result};
use crate::store::Store;
use crate::store::mutate::{Answer, Answered, Mutation};
use crate::store::pool::Transaction;

/// The name under which request ids of imports are kept.
const METHOD: &str = "ImportDashboards";

/// How many new dashboards of an atomic import are written by one statement.
const PORTION: usize = 16;

/// An item, with the proof that the caller may import it.
pub type AuthorisedItem = (Access, ImportItem);

impl Store {
    /// Takes one dashboard in, by itself.
    ///
    /// # Errors
    /// `DASHBOARD_EXISTS` and `DASHBOARD_SOFT_DELETED` where conflicts are refused; `DASHBOARD_EXISTS_IN_OTHER_CASE`.
    pub async fn import_dashboard(&self, authorised: &AuthorisedItem, options: &ImportOptions) -> Result<Imported> {
        let (access, item) = authorised;
        let answered = self
            .mutate(of_item(authorised, options), |tx| {
                let writer = self.writer(access, options.change_note.as_str());
                import(tx, writer, item, options.conflict).scope_boxed()
            })
            .await?;
        match answered {
            Answered::First(imported) | Answered::Repeated(imported) => Ok(imported),
        }
    }

    /// Takes several dashboards in, each as by itself and answered for itself, in one transaction: those that are new or there already
    /// as given. None where there is anything else to any of them, or anything failed: then each has to go in by itself.
    ///
    /// # Errors
    /// What no item is to blame for, where the answer to COMMIT was lost.
    pub async fn import_together(
        &self,
        items: &[&AuthorisedItem],
        options: &ImportOptions,
    ) -> Result<Option<Vec<Imported>>> {
        let mutations: Vec<Mutation<'_>> = items.iter().map(|item| of_item(item, options)).collect();
        self.mutate_together(mutations.as_slice(), |tx| {
            self.import_ordinary(tx, items, options).scope_boxed()
        })
        .await
    }

    /// Takes in what is new or there already as given; none where anything is neither.
    async fn import_ordinary(
        &self,
        tx: &Transaction<'_>,
        items: &[&AuthorisedItem],
        options: &ImportOptions,
    ) -> Result<Option<Vec<Imported>>> {
        let names: Vec<&DashboardName> = items.iter().map(|(_, item)| &item.name).collect();
        let mut answers = Vec::with_capacity(items.len());
        let mut new_items = Vec::new();
        for (index, (item, head)) in items.iter().zip(head::find_any_case(tx, &names).await?).enumerate() {
            match head {
                None => new_items.push((index, *item)),
                Some(head) if is_there_already(&item.1, &head) => {
                    answers.push((index, imported(head.dashboard, ImportOutcome::Unchanged)));
                }
                Some(_) => return Ok(None),
            }
        }
        new_items.sort_by_cached_key(|(_, (_, item))| writing_order(&item.name));
        answers.extend(self.create_all(tx, &new_items, options).await?);
        Ok(Some(in_order(answers)))
    }

    /// Creates dashboards whose names are free, in their order; each comes back with the number that it has here.
    async fn create_all(
        &self,
        tx: &Transaction<'_>,
        new_items: &[(usize, &AuthorisedItem)],
        options: &ImportOptions,
    ) -> Result<Vec<(usize, Imported)>> {
        let Some((_, (access, _))) = new_items.first() else {
            return Ok(Vec::new());
        };
        let items: Vec<&AuthorisedItem> = new_items.iter().map(|(_, item)| *item).collect();
        let writer = self.writer(access, options.change_note.as_str());
        let uids = writer.insert_all(tx, &items).await?;
        let with_uids = new_items.iter().zip(uids);
        Ok(with_uids
            .map(|((index, (_, item)), uid)| (*index, created(&item.name, uid)))
            .collect())
    }

    /// Takes all of the dashboards in, or none where one is refused; answers in the order of `items`. Nothing is stored either
    /// where `write` says so.
    ///
    /// # Errors
    /// What no item is to blame for.
    pub async fn import_dashboards(
        &self,
        items: &[AuthorisedItem],
        options: &ImportOptions,
        write: &WriteOptions,
    ) -> Result<Vec<Result<Imported>>> {
        let Some((access, _)) = items.first() else {
            return Ok(Vec::new());
        };
        let fingerprint = options.fingerprint(items.iter().map(|(_, item)| item));
        let mutation = Mutation::new(METHOD, access, write, fingerprint);
        let answered = self
            .mutate(mutation, |tx| self.import_all(tx, items, options).scope_boxed())
            .await?;
        match answered {
            Answered::First(AllOrNone(answers)) => Ok(answers),
            Answered::Repeated(imported) => Ok(imported.into_iter().map(Ok).collect()),
        }
    }

    async fn import_all(
        &self,
        tx: &Transaction<'_>,
        items: &[AuthorisedItem],
        options: &ImportOptions,
    ) -> Result<AllOrNone> {
        let mut by_name: Vec<(usize, &AuthorisedItem)> = items.iter().enumerate().collect();
        by_name.sort_by_cached_key(|(_, (_, item))| writing_order(&item.name));
        let mut answers = Vec::with_capacity(items.len());
        for portion in by_name.chunks(PORTION) {
            let names: Vec<&DashboardName> = portion.iter().map(|(_, (_, item))| &item.name).collect();
            if head::find_any_case(tx, &names).await?.iter().all(Option::is_none) {
                let created = self.create_all(tx, portion, options).await?;
                answers.extend(created.into_iter().map(|(index, imported)| (index, Ok(imported))));
                continue;
            }
            for (index, (access, item)) in portion {
                let writer = self.writer(access, options.change_note.as_str());
                match import(tx, writer, item, options.conflict).await {
                    Err(error) if !is_conflict(&error) => return Err(error),
                    answer => answers.push((*index, answer)),
                }
            }
        }
        Ok(AllOrNone(in_order(answers)))
    }
}

/// What became of the items of an atomic import.
struct AllOrNone(Vec<Result<Imported>>);

impl Answer for AllOrNone {
    type Kept = Vec<Imported>;

    fn kept(&self) -> Self::Kept {
        self.0.iter().flatten().cloned().collect()
    }

    fn is_done(&self) -> bool {
        self.0.iter().all(Result::is_ok)
    }
}

impl Answer for Imported {
    type Kept = Self;

    fn kept(&self) -> Self {
        self.clone()
    }
}

/// The call for one item.
fn of_item<'a>((access, item): &'a AuthorisedItem, options: &ImportOptions) -> Mutation<'a> {
    let fingerprint = options.fingerprint([item]);
    Mutation::new(METHOD, access, &options.of_item(&item.name), fingerprint)
}

/// Two transactions that write several of the same dashboards come upon them in this order, whatever that of their items is, so
/// neither waits for the other in a circle. Names that differ in case alone are in each other's way, too.
fn writing_order(name: &DashboardName) -> (ProjectId, String) {
    (name.project().clone(), name.id().to_ascii_lowercase())
}

/// What was collected in another order, in the order of the items.
fn in_order<T>(mut answers: Vec<(usize, T)>) -> Vec<T> {
    answers.sort_by_key(|(index, _)| *index);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

/// Whether a dashboard is live and as the item says.
fn is_there_already(item: &ImportItem, head: &Head) -> bool {
    let found = &head.dashboard;
    let is_live = found.name == item.name && found.state == DashboardState::Active;
    is_live && !NewContent::from(&item.content).differs_in_value(head)
}

/// Whether an item is to blame for an error.
fn is_conflict(error: &Error) -> bool {
    matches!(error, Error::AlreadyExists { .. })
}

async fn import(
    tx: &Transaction<'_>,
    writer: Writer<'_>,
    item: &ImportItem,
    conflict: ConflictPolicy,
) -> Result<Imported> {
    let Some(head) = head::lock_any_case(tx, writer.access(), &item.name, View::Basic).await? else {
        let inserted = writer.insert(tx, &item.name, &item.content, None).await?;
        // Where somebody else created it meanwhile, the next try finds it.
        let created = inserted.ok_or(Error::SerializationFailure)?;
        return Ok(imported(created, ImportOutcome::Created));
    };
    let found = &head.dashboard;
    if found.name != item.name {
        return Err(taken_by(&item.name, found.name.id(), found.state));
    }
    let new = NewContent::from(&item.content);
    match (conflict, found.state) {
        (_, DashboardState::Active) if !new.differs_in_value(&head) => {
            Ok(imported(head.dashboard, ImportOutcome::Unchanged))
        }
        (ConflictPolicy::Update, _) => {
            let (dashboard, outcome) = make_equal(tx, writer, head, &new).await?;
            Ok(imported(dashboard, outcome.into()))
        }
        (ConflictPolicy::Skip, DashboardState::Active) => Ok(imported(head.dashboard, ImportOutcome::SkippedLive)),
        (ConflictPolicy::Skip, DashboardState::Deleted) => Ok(imported(head.dashboard, ImportOutcome::SkippedDeleted)),
        (ConflictPolicy::Fail, state) => Err(taken_by(&item.name, item.name.id(), state)),
    }
}

fn imported(dashboard: Dashboard, outcome: ImportOutcome) -> Imported {
    Imported {
        name: dashboard.name,
        uid: dashboard.uid,
        revision: dashboard.revision,
        outcome,
    }
}

fn created(name: &DashboardName, uid: Uuid) -> Imported {
    Imported {
        name: name.clone(),
        uid,
        revision: FIRST_REVISION,
        outcome: ImportOutcome::Created,
    }
}
