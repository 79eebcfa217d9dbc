//! Exports: a whole list, read page by page from one snapshot.

use tokio_postgres::Row;

use super::Store;
use super::pool::Snapshot;
use super::statement::Statement;
use crate::access::Access;
use crate::domain::list::Page;
use crate::domain::page::Cursor;
use crate::error::Result;

/// A list that can be exported.
pub trait ExportedList: Sized {
    /// What is in it.
    type Item;

    /// Selects the page that is asked for.
    fn select(&self, access: &Access) -> Statement;

    /// Makes the page of the rows that were selected.
    ///
    /// # Errors
    /// A row can't be read.
    fn page(&self, rows: &[Row]) -> Result<Page<Self::Item>>;

    /// The same list from `cursor` on.
    #[must_use]
    fn behind(self, cursor: Cursor) -> Self;
}

/// An export under way. Dropped before its end, its transaction goes, and the connection with it.
#[derive(Debug)]
pub struct Export<L> {
    snapshot: Snapshot,
    access: Access,
    /// What to read next; none after the last portion.
    next: Option<L>,
}

impl<L: ExportedList> Export<L> {
    /// Begins to read `list`. It has a connection until its end, and sees nothing that is written meanwhile.
    ///
    /// # Errors
    /// None of its own.
    pub(super) async fn begin(store: &Store, access: &Access, list: L) -> Result<Self> {
        let connection = store.pool.get().await?;
        Ok(Self {
            snapshot: Snapshot::begin(connection).await?,
            access: access.clone(),
            next: Some(list),
        })
    }

    /// Reads the next portion, a page of about 3 MiB at most; none after the last one.
    ///
    /// # Errors
    /// None of its own.
    pub async fn next_portion(&mut self) -> Result<Option<Vec<L::Item>>> {
        let Some(list) = self.next.take() else {
            return Ok(None);
        };
        let statement = list.select(&self.access);
        let rows = self.snapshot.query_once(statement.text(), &statement.params()).await?;
        let portion = list.page(&rows)?;
        self.next = portion.next.map(|cursor| list.behind(cursor));
        Ok(Some(portion.items))
    }

    /// Ends the transaction.
    ///
    /// # Errors
    /// None of its own.
    pub async fn end(self) -> Result<()> {
        Ok(self.snapshot.end().await?)
    }
}
