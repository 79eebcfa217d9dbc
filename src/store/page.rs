//! A page out of the rows of a list.

use tokio_postgres::Row;

use crate::domain::list::Page;
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
