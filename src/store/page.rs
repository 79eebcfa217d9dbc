//! What lists have in common: their order, where a page goes on, and a page out of the rows.

use tokio_postgres::Row;

use super::statement::Statement;
use crate::domain::list::Page;
use crate::domain::order_by::Direction;
use crate::domain::page::Cursor;
use crate::error::Result;

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
