//! Lists of dashboards, page by page.

use postgres_types::Type;
use tokio_postgres::Row;

use super::filter::push_condition;
use super::{answer_bytes, from_row, head_columns, push_scope};
use crate::access::{Access, Scope};
use crate::domain::dashboard::Dashboard;
use crate::domain::list::{ListDashboards, Page};
use crate::domain::order_by::OrderKey;
use crate::domain::page::Cursor;
use crate::error::Result;
use crate::store::Store;
use crate::store::page::{PageEnd, order_by, page, push_behind};
use crate::store::statement::Statement;

impl Store {
    /// Lists a page of dashboards.
    ///
    /// # Errors
    /// None of its own.
    pub async fn list_dashboards(&self, access: &Access, query: &ListDashboards) -> Result<Page<Dashboard>> {
        let statement = select_page("-- list_dashboards\nSELECT ", query, access);
        let rows = self.read_with(&statement).await?;
        read_page(query, &rows)
    }
}

/// Makes a page of the rows that [`select_page`] gave.
pub(super) fn read_page(query: &ListDashboards, rows: &[Row]) -> Result<Page<Dashboard>> {
    let items = rows.iter().map(from_row).collect::<Result<Vec<_>>>()?;
    page(items, rows, |last| query.cursor_on(last))
}

/// Selects a page, in a statement that begins with `head`.
pub(super) fn select_page(head: &str, query: &ListDashboards, access: &Access) -> Statement {
    let mut sql = Statement::new(head);
    sql.push(head_columns!()).push(", candidates");
    if query.view.with_spec() {
        sql.push(", spec");
    }
    let end = PageEnd {
        size: query.page_size,
        bytes: answer_bytes(query.view),
        order_by: &order_by(order_columns(query, access.scope()), query.order_by.direction),
    };
    end.push_page(&mut sql, |sql| {
        sql.push("SELECT * FROM dashboard WHERE ");
        push_conditions(sql, query, access);
    });
    sql
}

fn is_one_project(scope: &Scope) -> bool {
    matches!(scope, Scope::Project(_))
}

/// The columns of an order; together they are unique in what is listed.
fn order_columns(query: &ListDashboards, scope: &Scope) -> &'static [&'static str] {
    match query.order_by.key {
        // The project beside it would say nothing, and let PostgreSQL expect so few rows of the next page that it fetches
        // and sorts all that are left.
        OrderKey::Name if is_one_project(scope) => &["name"],
        OrderKey::Name => &["project", "name"],
        // The length is that of the index, and of the cursor (`domain::list::ORDERED_CHARS`).
        OrderKey::DisplayName => &["left(display_name, 200)", "id"],
        OrderKey::CreateTime => &["created_at", "id"],
        OrderKey::UpdateTime => &["updated_at", "id"],
    }
}

/// The scope that was authorised is the scope that is queried.
fn push_conditions(sql: &mut Statement, query: &ListDashboards, access: &Access) {
    sql.push(if query.show_deleted { "true" } else { "state = 'active'" });
    push_scope(sql, access);
    if let Some(filter) = &query.filter {
        sql.push(" AND ");
        push_condition(sql, filter.expr());
    }
    if let Some(cursor) = &query.after {
        push_cursor(sql, query, access.scope(), cursor);
    }
}

/// Goes on behind the last row of the page before.
fn push_cursor(sql: &mut Statement, query: &ListDashboards, scope: &Scope, cursor: &Cursor) {
    push_behind(sql, order_columns(query, scope), query.order_by.direction);
    match cursor {
        Cursor::Name(name) if is_one_project(scope) => sql.bind(name.id().to_owned(), Type::TEXT),
        Cursor::Name(name) => sql
            .bind(name.project().as_str().to_owned(), Type::TEXT)
            .push(", ")
            .bind(name.id().to_owned(), Type::TEXT),
        Cursor::DisplayName { display_name, uid } => sql
            .bind(display_name.clone(), Type::TEXT)
            .push(", ")
            .bind(*uid, Type::UUID),
        Cursor::CreateTime { time, uid }
        | Cursor::UpdateTime { time, uid }
        | Cursor::EventTime { time, uid }
        | Cursor::ViewTime { time, uid } => sql.bind(*time, Type::TIMESTAMPTZ).push(", ").bind(*uid, Type::UUID),
        // Of other lists, as the time of a view is: a token is read only for the order that it was made for.
        Cursor::TemplateName(name) => sql.bind(name.to_string(), Type::TEXT),
        Cursor::UsageCount { count, .. } => sql.bind(*count, Type::INT4),
        Cursor::Revision(revision) => sql.bind(*revision, Type::INT4),
        Cursor::Favorite(position) | Cursor::Seal(position) => sql.bind(*position, Type::INT8),
        Cursor::Grant { subject, .. } => sql.bind(subject.as_str().to_owned(), Type::TEXT),
    };
    sql.push(")");
}
