//! Events, read one by one and by the page.

use postgres_types::Type;
use time::{Duration, OffsetDateTime};
use tokio_postgres::Row;

use super::filter::push_condition;
use super::rows::{self, event_columns};
use super::time::AuditTime;
use crate::access::{Access, Reach, Scope};
use crate::domain::audit::{ListAuditEvents, ListedEvent};
use crate::domain::filter::audit_events::Term;
use crate::domain::filter::{AuditFilter, Expr};
use crate::domain::list::Page;
use crate::domain::name::AuditEventName;
use crate::domain::order_by::Direction;
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
    WHERE month = to_char(item.event_time AT TIME ZONE 'UTC', 'YYYY-MM') AND (to_xid, to_seq) >= (item.xid, item.seq)
        AND from_xid <= item.xid AND after_seq < item.seq AND last_seq >= item.seq
    ORDER BY to_xid, to_seq LIMIT 1) AS seal_number"
    };
}

const GET: &str = concat!(
    "-- get_audit_event\nSELECT ",
    event_columns!(),
    ", ",
    seal_number!(),
    "\nFROM audit_log AS item WHERE id = $1 AND ($2 OR project IS NOT NULL AND ($3::text[] IS NULL OR project = ANY ($3))
    AND event_time > COALESCE(
        (SELECT purged_at FROM project_purge WHERE project_purge.project = item.project), '-infinity'))"
);

/// How many bytes an event takes in an answer, about.
const BYTES: &str = "octet_length(actor) + octet_length(actor_groups::text) + octet_length(resource) \
    + octet_length(changed_paths::text) + octet_length(user_agent) + octet_length(details::text) + 512";

/// The columns of the order; together they are unique.
const ORDER: [&str; 2] = ["event_time", "id"];

/// How long the window is in which events are looked for first: it lies in two partitions, or three.
const WINDOW: Duration = Duration::days(30);

/// How far it reaches beyond now.
const AHEAD: Duration = Duration::days(1);

impl Store {
    /// Reads one event.
    ///
    /// # Errors
    /// `AUDIT_EVENT_NOT_FOUND`.
    pub async fn get_audit_event(&self, access: &Access, name: AuditEventName) -> Result<ListedEvent> {
        let parameters = [
            (&name.uid as _, Type::UUID),
            (&(*access.reach() == Reach::Whole) as _, Type::BOOL),
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
        if let Some(window) = Window::of(query) {
            let newest = self.read_events(access, query, Some(&window)).await?;
            // There is more, so nothing older belongs into this page.
            if newest.next.is_some() {
                return Ok(newest);
            }
        }
        self.read_events(access, query, None).await
    }

    async fn read_events(
        &self,
        access: &Access,
        query: &ListAuditEvents,
        window: Option<&Window>,
    ) -> Result<Page<ListedEvent>> {
        let statement = select_page("-- list_audit_events\nSELECT ", query, access, window);
        let rows = self.read_with(&statement).await?;
        read_page(query, &rows)
    }
}

/// The time in which the events of a page are looked for first. There is a partition for each month that is kept or about to come, and
/// each one takes the planner as long as a page takes to read; of those outside the window it knows so.
pub(super) struct Window {
    from: OffsetDateTime,
    until: OffsetDateTime,
    /// Before when the database has to be, so that nothing has happened behind the window; none where that is not asked for.
    now_before: Option<OffsetDateTime>,
}

impl Window {
    /// What lies behind the cursor, or else before now. None where the oldest events come first, or the caller names a time.
    fn of(query: &ListAuditEvents) -> Option<Self> {
        let names_time = |filter: &AuditFilter| filter.expr().has(&|term| matches!(term, Term::Time(..)));
        if query.order_by.direction == Direction::Ascending || query.filter.as_ref().is_some_and(names_time) {
            return None;
        }
        let (until, now_before) = match &query.after {
            Some(Cursor::EventTime { time, .. }) => (*time, None),
            // Where the clock of the database is further ahead of ours, the window is not enough.
            _ => {
                let tomorrow = OffsetDateTime::now_utc() + AHEAD;
                (tomorrow, Some(tomorrow - AHEAD / 2))
            }
        };
        let from = until.checked_sub(WINDOW)?;
        Some(Self {
            from,
            until,
            now_before,
        })
    }

    /// Adds the condition that leaves what lies in it.
    fn push(&self, sql: &mut Statement) {
        sql.push(" AND event_time >= ")
            .bind(self.from, Type::TIMESTAMPTZ)
            .push(" AND event_time <= ")
            .bind(self.until, Type::TIMESTAMPTZ);
        if let Some(time) = self.now_before {
            sql.push(" AND now() < ").bind(time, Type::TIMESTAMPTZ);
        }
    }
}

/// Makes a page of the rows that [`select_page`] gave.
pub(super) fn read_page(query: &ListAuditEvents, rows: &[Row]) -> Result<Page<ListedEvent>> {
    let items = rows.iter().map(listed).collect::<Result<Vec<_>>>()?;
    let mut page = page(items, rows, |last| query.cursor_on(last))?;
    // Times that nobody can tell apart: behind a cursor on one of them the list would begin with it again.
    let is_end = match query.order_by.direction {
        Direction::Ascending => AuditTime::is_last,
        Direction::Descending => AuditTime::is_first,
    };
    if page.items.last().is_some_and(|last| is_end(last.event.event_time)) {
        page.next = None;
    }
    Ok(page)
}

/// Selects a page, in a statement that begins with `head`.
pub(super) fn select_page(head: &str, query: &ListAuditEvents, access: &Access, window: Option<&Window>) -> Statement {
    let mut sql = Statement::new(head);
    sql.push(concat!(event_columns!(), ", candidates, ", seal_number!()));
    let only = OneValue::of(query, access);
    let end = PageEnd {
        size: query.page_size,
        bytes: BYTES,
        order_by: &order_by(&columns(only.as_ref()), query.order_by.direction),
    };
    end.push_page(&mut sql, |sql| {
        sql.push("SELECT * FROM audit_log WHERE true");
        match &only {
            Some(one) => one.push(sql, query),
            None => push_conditions(sql, query, access),
        }
        push_life(sql, access);
        push_cursor(sql, query, only.as_ref());
        if let Some(recent) = window {
            recent.push(sql);
        }
    });
    sql
}

/// The value of one column, where that is all that a list asks for: a column that has an index with the order behind it.
struct OneValue<'q> {
    column: &'static str,
    value: &'q str,
}

impl<'q> OneValue<'q> {
    fn of(query: &'q ListAuditEvents, access: &'q Access) -> Option<Self> {
        let (column, value) = match (access.scope(), query.filter.as_ref().map(AuditFilter::expr)) {
            (Scope::Project(project), None) => ("project", project.as_str()),
            (Scope::Platform, Some(Expr::Term(term))) => match term {
                Term::ActorIs(actor) => ("actor", actor.as_str()),
                Term::ResourceIs(resource) => ("resource", resource.as_str()),
                Term::MethodIs(method) => ("method", method.as_str()),
                Term::ProjectIs(project) => ("project", project.as_str()),
                _ => return None,
            },
            _ => return None,
        };
        Some(Self { column, value })
    }

    /// Adds the condition, as a range, and the column to the order. With an equation the index of the time alone has the order, too:
    /// PostgreSQL takes it where the value is frequent, and reads all that others did since.
    fn push(&self, sql: &mut Statement, query: &ListAuditEvents) {
        // Behind a cursor one end follows from it, and PostgreSQL would begin there and not at the cursor.
        let ends: &[&str] = match (&query.after, query.order_by.direction) {
            (None, _) => &[" >= ", " <= "],
            (Some(_), Direction::Descending) => &[" >= "],
            (Some(_), Direction::Ascending) => &[" <= "],
        };
        for operator in ends {
            sql.push(" AND ")
                .push(self.column)
                .push(operator)
                .bind(self.value.to_owned(), Type::TEXT);
        }
    }
}

/// Leaves what stands behind the cursor, in the order of the list.
fn push_cursor(sql: &mut Statement, query: &ListAuditEvents, only: Option<&OneValue<'_>>) {
    let Some(Cursor::EventTime { time, uid }) = &query.after else {
        return;
    };
    push_behind(sql, &columns(only), query.order_by.direction);
    if let Some(one) = only {
        sql.bind(one.value.to_owned(), Type::TEXT).push(", ");
    }
    sql.bind(*time, Type::TIMESTAMPTZ)
        .push(", ")
        .bind(*uid, Type::UUID)
        .push(")");
}

/// The columns of the order.
fn columns(only: Option<&OneValue<'_>>) -> Vec<&'static str> {
    only.map(|one| one.column).into_iter().chain(ORDER).collect()
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
}

/// Leaves the events of the project that is there now: those of an earlier one of its name are for whoever reads everything.
fn push_life(sql: &mut Statement, access: &Access) {
    if let Scope::Project(project) = access.scope() {
        sql.push(" AND event_time > COALESCE((SELECT purged_at FROM project_purge WHERE project = ")
            .bind(project.as_str().to_owned(), Type::TEXT)
            .push("), '-infinity')");
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
    match access.reach() {
        Reach::EachProject | Reach::Parts { .. } => Error::PermissionDenied,
        Reach::Whole => Error::NotFound {
            reason: Reason::AuditEventNotFound,
            name: name.to_string(),
        },
    }
}
