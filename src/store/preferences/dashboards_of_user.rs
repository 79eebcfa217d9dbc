//! Lists of dashboards that a user keeps: favourites and recents have one form.

use postgres_types::Type;

use crate::access::Access;
use crate::domain::list::MAX_PAGE_BYTES;
use crate::domain::page::PageSize;
use crate::domain::user::UserId;
use crate::store::dashboard::{basic_bytes, head_columns, push_scope};
use crate::store::statement::Statement;

/// What a list reads through. Its texts come from the modules beside this one alone.
pub(super) struct DashboardsOfUser {
    /// The line that names the statement.
    pub title: &'static str,
    /// The table that has rows of `subject` and `dashboard_id`.
    pub table: &'static str,
    /// The column of the table that is read too.
    pub key: &'static str,
    /// The columns of an order, unique for a user.
    pub order_by: &'static str,
}

impl DashboardsOfUser {
    /// Of the live dashboards of `user` that `readable` reaches and that meet the condition that `push_after` adds, those that fit into
    /// a page, and how many candidates there were, which are one more than a page takes. The first one always fits.
    pub fn statement(
        &self,
        user: &UserId,
        readable: &Access,
        page_size: PageSize,
        push_after: impl FnOnce(&mut Statement),
    ) -> Statement {
        let size = i64::from(page_size.get());
        let mut sql = Statement::new(self.title);
        sql.push(concat!("\nSELECT ", head_columns!(), ", candidates, "))
            .push(self.key)
            .push(" FROM (SELECT *, count(*) OVER () AS candidates, row_number() OVER page = 1 OR sum(")
            .push(basic_bytes!())
            .push(") OVER page <= ")
            .bind(MAX_PAGE_BYTES, Type::INT8)
            .push(concat!(" AS fits FROM (SELECT ", head_columns!(), ", "))
            .push(self.key)
            .push(" FROM ")
            .push(self.table)
            .push(" JOIN dashboard ON id = dashboard_id WHERE subject = ")
            .bind(user.subject(), Type::TEXT)
            .push(" AND state = 'active'");
        push_scope(&mut sql, readable);
        push_after(&mut sql);
        sql.push(" ORDER BY ")
            .push(self.order_by)
            .push(" LIMIT ")
            .bind(size + 1, Type::INT8)
            .push(") AS candidate WINDOW page AS (ORDER BY ")
            .push(self.order_by)
            .push(" ROWS UNBOUNDED PRECEDING)) AS sized WHERE fits ORDER BY ")
            .push(self.order_by)
            .push(" LIMIT ")
            .bind(size, Type::INT8);
        sql
    }
}
