//! Seals by the page, without the digests of their events.

use postgres_types::Type;

use super::rows;
use crate::access::Access;
use crate::domain::audit::{ListAuditSeals, ListedSeal};
use crate::domain::list::Page;
use crate::domain::page::Cursor;
use crate::error::Result;
use crate::store::Store;
use crate::store::page::page;

// Of the candidates, one more than a page takes. Seals without digests have one size: 500 of them fit into any answer.
const LIST: &str = "-- list_audit_seals
SELECT number, epoch, month, from_xid, to_xid, to_seq, after_seq, last_seq, event_count, previous_root, root, sealed_at,
    key_id, signature, count(*) OVER () AS candidates
FROM (SELECT * FROM audit_seal WHERE number < $1 ORDER BY number DESC LIMIT $2 + 1) AS candidate
ORDER BY number DESC LIMIT $2";

impl Store {
    /// Lists a page of seals, newest first.
    ///
    /// # Errors
    /// None of its own.
    pub async fn list_audit_seals(&self, _access: &Access, query: &ListAuditSeals) -> Result<Page<ListedSeal>> {
        let below = match query.after {
            Some(Cursor::Seal(number)) => number,
            _ => i64::MAX,
        };
        let size = i64::from(query.page_size.get());
        let rows = self.read(LIST, &[(&below, Type::INT8), (&size, Type::INT8)]).await?;
        let items = rows.iter().map(rows::listed_seal).collect::<Result<Vec<_>, _>>()?;
        page(items, &rows, ListAuditSeals::cursor_on)
    }
}
