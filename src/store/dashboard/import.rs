//! ImportDashboards: one dashboard in a transaction, or all of them in one.

use scoped_futures::ScopedFutureExt as _;

use super::apply::make_equal;
use super::create::taken_by;
use super::head;
use super::write::{NewContent, Writer};
use crate::access::Access;
use crate::domain::dashboard::{Dashboard, DashboardState, View};
use crate::domain::import::{ConflictPolicy, ImportItem, ImportOptions, ImportOutcome, Imported};
use crate::domain::mutation::WriteOptions;
use crate::error::{Error, Result};
use crate::store::Store;
use crate::store::mutate::{Answer, Answered, Mutation};
use crate::store::pool::Transaction;

/// The name under which request ids of imports are kept.
const METHOD: &str = "ImportDashboards";

/// An item, with the proof that the caller may import it.
pub type AuthorisedItem = (Access, ImportItem);

impl Store {
    /// Takes one dashboard in, by itself.
    ///
    /// # Errors
    /// `DASHBOARD_EXISTS` and `DASHBOARD_SOFT_DELETED` where conflicts are refused; `DASHBOARD_EXISTS_IN_OTHER_CASE`.
    pub async fn import_dashboard(&self, (access, item): &AuthorisedItem, options: &ImportOptions) -> Result<Imported> {
        let fingerprint = options.fingerprint([item]);
        let mutation = Mutation::new(METHOD, access, &options.of_item(&item.name), fingerprint);
        let answered = self
            .mutate(mutation, |tx| {
                let writer = self.writer(access, options.change_note.as_str());
                import(tx, writer, item, options.conflict).scope_boxed()
            })
            .await?;
        match answered {
            Answered::First(imported) | Answered::Repeated(imported) => Ok(imported),
        }
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
        // Two imports of the same dashboards lock them in the same order, whatever their own is.
        let mut by_name: Vec<(usize, &AuthorisedItem)> = items.iter().enumerate().collect();
        by_name.sort_by(|(_, (_, one)), (_, (_, other))| one.name.cmp(&other.name));
        let mut answers = Vec::with_capacity(items.len());
        for (index, (access, item)) in by_name {
            let writer = self.writer(access, options.change_note.as_str());
            match import(tx, writer, item, options.conflict).await {
                Err(error) if !is_conflict(&error) => return Err(error),
                answer => answers.push((index, answer)),
            }
        }
        answers.sort_by_key(|(index, _)| *index);
        Ok(AllOrNone(answers.into_iter().map(|(_, answer)| answer).collect()))
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
