//! ExportDashboards: every dashboard of a scope, from one snapshot.

use tokio_postgres::Row;

use super::list::{read_page, select_page};
use crate::access::Access;
use crate::domain::dashboard::{Dashboard, View};
use crate::domain::filter::Filter;
use crate::domain::list::{ListDashboards, Page};
use crate::domain::name::Parent;
use crate::domain::order_by::OrderBy;
use crate::domain::page::{Cursor, PageSize};
use crate::error::Result;
use crate::store::Store;
use crate::store::export::{Export, ExportedList};
use crate::store::statement::Statement;

/// How many dashboards are read at once; large documents end a portion sooner, as they end the page of a list.
const PORTION: PageSize = PageSize::of(100);

/// An export of dashboards under way.
pub type DashboardExport = Export<ListDashboards>;

impl Store {
    /// Begins to read the live dashboards of `parent`, in the order of their names. It has a connection until its end.
    ///
    /// # Errors
    /// None of its own.
    pub async fn begin_export(
        &self,
        access: &Access,
        parent: Parent,
        filter: Option<Filter>,
    ) -> Result<DashboardExport> {
        let list = ListDashboards {
            parent,
            page_size: PORTION,
            filter,
            order_by: OrderBy::default(),
            show_deleted: false,
            view: View::Full,
            after: None,
        };
        Export::begin(self, access, list).await
    }
}

impl ExportedList for ListDashboards {
    type Item = Dashboard;

    fn select(&self, access: &Access) -> Statement {
        select_page("-- export_dashboards\nSELECT ", self, access)
    }

    fn page(&self, rows: &[Row]) -> Result<Page<Dashboard>> {
        read_page(self, rows)
    }

    fn behind(self, cursor: Cursor) -> Self {
        Self {
            after: Some(cursor),
            ..self
        }
    }
}
