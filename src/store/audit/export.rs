//! ExportAuditEvents: all events that a list asks for, from one snapshot.

use tokio_postgres::Row;

use super::list::{read_page, select_page};
use crate::access::Access;
use crate::domain::audit::{ListAuditEvents, ListedEvent};
use crate::domain::list::Page;
use crate::domain::page::Cursor;
use crate::error::Result;
use crate::store::Store;
use crate::store::export::{Export, ExportedList};
use crate::store::statement::Statement;

/// An export of audit events under way.
pub type AuditExport = Export<ListAuditEvents>;

impl Store {
    /// Begins to read events, in the order of the list that `query` asks for. It has a connection until its end, and sees
    /// nothing that is written meanwhile.
    ///
    /// # Errors
    /// None of its own.
    pub async fn begin_audit_export(&self, access: &Access, query: ListAuditEvents) -> Result<AuditExport> {
        Export::begin(self, access, query).await
    }
}

impl ExportedList for ListAuditEvents {
    type Item = ListedEvent;

    fn select(&self, access: &Access) -> Statement {
        select_page("-- export_audit_events\nSELECT ", self, access, None)
    }

    fn page(&self, rows: &[Row]) -> Result<Page<ListedEvent>> {
        read_page(self, rows)
    }

    fn behind(self, cursor: Cursor) -> Self {
        Self {
            after: Some(cursor),
            ..self
        }
    }
}
