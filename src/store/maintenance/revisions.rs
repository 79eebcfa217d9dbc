//! Revisions beyond those that are kept. Whoever writes a dashboard prunes its revisions at once; here the others follow when
//! the number of those that are kept was lowered, or a share link that pinned one went.

use postgres_types::Type;
use uuid::Uuid;

use super::{Batch, Run};
use crate::error::Result;
use crate::store::pool::Transaction;

/// The dashboards that a batch looks at.
const DASHBOARDS: i64 = 1000;

/// The most revisions that a batch removes.
const REVISIONS: i64 = 1000;

// Writers prune the revisions of their own dashboard: neither waits for the other.
const PRUNE: &str = "-- prune_old_revisions
WITH page AS MATERIALIZED (
    SELECT id, revision - $2 AS newest_old FROM dashboard WHERE id > $1 ORDER BY id LIMIT $3
), old AS MATERIALIZED (
    SELECT place
    FROM page CROSS JOIN LATERAL (
        SELECT ctid AS place FROM dashboard_revision
        WHERE dashboard_id = page.id AND revision <= page.newest_old
            AND NOT EXISTS (SELECT FROM share_token WHERE share_token.dashboard_id = page.id AND pinned_revision = revision)
        ORDER BY revision LIMIT $4 FOR UPDATE SKIP LOCKED
    ) AS revisions
    LIMIT $4
), pruned AS (
    DELETE FROM dashboard_revision WHERE ctid = ANY(ARRAY(SELECT place FROM old)) RETURNING revision
)
SELECT (SELECT count(*) FROM pruned) AS pruned, (SELECT count(*) FROM page) AS dashboards,
    (SELECT id FROM page ORDER BY id DESC LIMIT 1) AS last_dashboard";

/// Prunes revisions of the dashboards after `run.from`.
pub(super) async fn prune(tx: &Transaction<'_>, run: Run) -> Result<Batch> {
    let parameters = [
        (&run.from as _, Type::UUID),
        (&run.retention.revisions_kept as _, Type::INT4),
        (&DASHBOARDS as _, Type::INT8),
        (&REVISIONS as _, Type::INT8),
    ];
    let rows = tx.query(PRUNE, &parameters).await?;
    let Some(row) = rows.first() else {
        return Ok(Batch { rows: 0, next: None });
    };
    let pruned: i64 = row.try_get("pruned")?;
    let dashboards: i64 = row.try_get("dashboards")?;
    let last: Option<Uuid> = row.try_get("last_dashboard")?;
    let next = match (pruned < REVISIONS, dashboards < DASHBOARDS) {
        (false, _) => Some(run.from),
        (true, false) => last,
        (true, true) => None,
    };
    Ok(Batch {
        rows: pruned.unsigned_abs(),
        next,
    })
}
