//! ExportDashboards: every dashboard of a scope, from one snapshot.

use super::from_row;
use super::list::select_page;
use crate::access::Access;
use crate::domain::dashboard::{Dashboard, View};
use crate::domain::filter::Filter;
use crate::domain::list::ListDashboards;
use crate::domain::name::Parent;
use crate::domain::order_by::OrderBy;
use crate::domain::page::PageSize;
use crate::error::Result;
use crate::store::Store;
use crate::store::page::page;
use crate::store::pool::Snapshot;

/// How many dashboards are read at once; large documents end a portion sooner, as they end the page of a list.
const PORTION: PageSize = PageSize::of(100);

impl Store {
    /// Begins to read the live dashboards of `parent`, in the order of their names. It has a connection until its end.
    ///
    /// # Errors
    /// None of its own.
    pub async fn begin_export(&self, access: &Access, parent: Parent, filter: Option<Filter>) -> Result<Export> {
        let connection = self.pool.get().await?;
        Ok(Export {
            snapshot: Snapshot::begin(connection).await?,
            access: access.clone(),
            next: Some(ListDashboards {
                parent,
                page_size: PORTION,
                filter,
                order_by: OrderBy::default(),
                show_deleted: false,
                view: View::Full,
                after: None,
            }),
        })
    }
}

/// An export under way. Dropped before its end, its transaction goes, and the connection with it.
#[derive(Debug)]
pub struct Export {
    snapshot: Snapshot,
    access: Access,
    /// What to read next; none after the last portion.
    next: Option<ListDashboards>,
}

impl Export {
    /// Reads the next portion, of about 3 MiB at most; none after the last one.
    ///
    /// # Errors
    /// None of its own.
    pub async fn next_portion(&mut self) -> Result<Option<Vec<Dashboard>>> {
        let Some(query) = self.next.take() else {
            return Ok(None);
        };
        let statement = select_page("-- export_dashboards\nSELECT ", &query, &self.access);
        let rows = self.snapshot.query_once(statement.text(), &statement.params()).await?;
        let dashboards = rows.iter().map(from_row).collect::<Result<Vec<_>>>()?;
        let portion = page(dashboards, &rows, |last| query.cursor_on(last))?;
        self.next = portion.next.map(|cursor| ListDashboards {
            after: Some(cursor),
            ..query
        });
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
