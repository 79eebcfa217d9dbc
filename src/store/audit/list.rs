//! Events, read one by one and by the page.

use postgres_types::Type;
use tokio_postgres::Row;

use super::filter::push_condition;
use super::rows::{self, event_columns};
use crate::access::{Access, Scope};
use crate::domain::audit::{ListAuditEvents, ListedEvent};
use crate::domain::list::Page;
use crate::domain::name::AuditEventName;
use crate::domain::page::Cursor;
use crate::domain::reason::Reason;
use crate::error::{Error, Result};
use crate::store::Store;
use crate::store::page::{PageEnd, order_by, page, push_behind};
use crate::store::statement::Statement;

/// The number of the seal over the event `item`. Seals of an epoch have events behind `after_seq`, and up to `last_seq`.
macro_rules! seal_number {
    () => {
        "(SELECT number FROM audit_seal
    WHERE month = to_char(item.event_time AT TIME ZONE 'UTC', 'YYYY-MM') AND to_xid >= item.xid AND from_xid <= item.xid
        AND after_seq < item.seq AND last_seq >= item.seq
    ORDER BY to_xid LIMIT 1) AS seal_number"
    };
}

const GET: &str = concat!(
    "-- get_audit_event\nSELECT ",
    event_columns!(),
    ", ",
    seal_number!(),
    "\nFROM audit_log AS item WHERE id = $1 AND ($2::text[] IS NULL OR project = ANY ($2))"
);

/// How many bytes an event takes in an answer, about.
const BYTES: &str = "octet_length(actor) + octet_length(actor_groups::text) + octet_length(resource) \
    + octet_length(changed_paths::text) + octet_length(user_agent) + octet_length(details::text) + 512";

/// The columns of the order; together they are unique.
const ORDER: &[&str] = &["event_time", "id"];

impl Store {
    /// Reads one event.
    ///
    /// # Errors
    /// `AUDIT_EVENT_NOT_FOUND`.
    pub async fn get_audit_event(&self, access: &Access, name: AuditEventName) -> Result<ListedEvent> {
        let parameters = [
            (&name.uid as _, Type::UUID),
            (&access.projects() as _, Type::TEXT_ARRAY),
        ];
        let rows = self.read(GET, &parameters).await?;
        let row = rows.first().ok_or_else(|| missing(access, name))?;
        listed(row)
    }

    /// Lists a page of events.
    ///
    /// # Errors
    /// None of its own.
    pub async fn list_audit_events(&self, access: &Access, query: &ListAuditEvents) -> Result<Page<ListedEvent>> {
        let statement = select_page("-- list_audit_events\nSELECT ", query, access);
        let rows = self.read_with(&statement).await?;
        read_page(query, &rows)
    }
}

/// Makes a page of the rows that [`select_page`] gave.
pub(super) fn read_page(query: &ListAuditEvents, rows: &[Row]) -> Result<Page<ListedEvent>> {
    let items = rows.iter().map(listed).collect::<Result<Vec<_>>>()?;
    page(items, rows, |last| query.cursor_on(last))
}

/// Selects a page, in a statement that begins with `head`.
pub(super) fn select_page(head: &str, query: &ListAuditEvents, access: &Access) -> Statement {
    let mut sql = Statement::new(head);
    sql.push(concat!(event_columns!(), ", candidates, ", seal_number!()));
    let end = PageEnd {
        size: query.page_size,
        bytes: BYTES,
        order_by: &order_by(ORDER, query.order_by.direction),
    };
    end.push_page(&mut sql, |sql| {
        sql.push("SELECT * FROM audit_log WHERE true");
        push_conditions(sql, query, access);
    });
    sql
}

/// The scope that was authorised is the scope that is queried.
fn push_conditions(sql: &mut Statement, query: &ListAuditEvents, access: &Access) {
    match access.scope() {
        Scope::Platform => {}
        Scope::Project(project) => {
            sql.push(" AND project = ")
                .bind(project.as_str().to_owned(), Type::TEXT);
        }
        Scope::AllProjects | Scope::Dashboard(_) | Scope::User(_) => {
            sql.push(" AND false");
        }
    }
    if let Some(filter) = &query.filter {
        sql.push(" AND ");
        push_condition(sql, filter.expr());
    }
    if let Some(Cursor::EventTime { time, uid }) = &query.after {
        push_behind(sql, ORDER, query.order_by.direction);
        sql.bind(*time, Type::TIMESTAMPTZ)
            .push(", ")
            .bind(*uid, Type::UUID)
            .push(")");
    }
}

fn listed(row: &Row) -> Result<ListedEvent> {
    Ok(ListedEvent {
        event: rows::event(row)?,
        seal: row.try_get("seal_number")?,
    })
}

/// Who may read the events of some projects alone is not told whether there is such an event elsewhere.
fn missing(access: &Access, name: AuditEventName) -> Error {
    match access.projects() {
        Some(_) => Error::PermissionDenied,
        None => Error::NotFound {
            reason: Reason::AuditEventNotFound,
            name: name.to_string(),
        },
    }
}
