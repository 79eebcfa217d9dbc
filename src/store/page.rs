//! What lists have in common: their order, where a page begins and ends, and a page out of the rows.

use postgres_types::Type;
use tokio_postgres::Row;

use super::statement::Statement;
use crate::domain::list::{MAX_PAGE_BYTES, Page};
use crate::domain::order_by::Direction;
use crate::domain::page::{Cursor, PageSize};
use crate::error::Result;

/// Where the page of a list ends.
pub struct PageEnd<'q> {
    /// How many rows it has at the most.
    pub size: PageSize,
    /// How many bytes a row takes in an answer, about.
    pub bytes: &'q str,
    /// The list of the ORDER BY, in which each row has one place.
    pub order_by: &'q str,
}

impl PageEnd<'_> {
    /// Adds a FROM and what follows it, so that the rows of a page are selected; each is called `item`. Of the candidates, which
    /// are one more than a page takes, those come back that fit into an answer, with the column `candidates`, which tells how many
    /// there were. The first one always fits. `push_rows` adds what selects the rows of the whole list, up to its conditions.
    pub fn push_page(&self, sql: &mut Statement, push_rows: impl FnOnce(&mut Statement)) {
        let size = i64::from(self.size.get());
        sql.push(" FROM (SELECT *, count(*) OVER () AS candidates, row_number() OVER page = 1 OR sum(")
            .push(self.bytes)
            .push(") OVER page <= ")
            .bind(MAX_PAGE_BYTES, Type::INT8)
            .push(" AS fits FROM (");
        push_rows(sql);
        sql.push(" ORDER BY ")
            .push(self.order_by)
            .push(" LIMIT ")
            .bind(size + 1, Type::INT8)
            .push(") AS candidate WINDOW page AS (ORDER BY ")
            .push(self.order_by)
            .push(" ROWS UNBOUNDED PRECEDING)) AS item WHERE fits ORDER BY ")
            .push(self.order_by)
            .push(" LIMIT ")
            .bind(size, Type::INT8);
    }
}

/// Makes a page of `items`, which were read from `rows`. Each row tells in its column `candidates` how many rows there were
/// before those that do not fit into the page were left out.
pub fn page<T>(items: Vec<T>, rows: &[Row], cursor_on: impl FnOnce(&T) -> Cursor) -> Result<Page<T>> {
    let candidates: i64 = rows.first().map_or(Ok(0), |row| row.try_get("candidates"))?;
    let is_last = usize::try_from(candidates).is_ok_and(|candidates| candidates == items.len());
    let next = items.last().filter(|_| !is_last).map(cursor_on);
    Ok(Page { items, next })
}

/// The list of an ORDER BY: every column in the same direction.
pub fn order_by(columns: &[&str], direction: Direction) -> String {
    let suffix = match direction {
        Direction::Ascending => "",
        Direction::Descending => " DESC",
    };
    let ordered: Vec<String> = columns.iter().map(|column| format!("{column}{suffix}")).collect();
    ordered.join(", ")
}

/// Begins the condition that leaves what stands behind a cursor; its values follow, and a closing parenthesis.
pub fn push_behind(sql: &mut Statement, columns: &[&str], direction: Direction) {
    let operator = match direction {
        Direction::Ascending => ") > (",
        Direction::Descending => ") < (",
    };
    sql.push(" AND (").push(&columns.join(", ")).push(operator);
}
