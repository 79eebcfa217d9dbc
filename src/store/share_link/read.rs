//! One link, read or locked.

use postgres_types::{ToSql, Type};
use time::OffsetDateTime;
use tokio_postgres::Row;

use super::{creator, from_row, missing, share_link_columns, share_link_state};
use crate::access::Access;
use crate::domain::name::ShareLinkName;
use crate::domain::share_link::{ShareLink, Whose};
use crate::error::Result;
use crate::store::Store;
use crate::store::pool::Transaction;

/// Finds a link by its name, as far as the proof reaches.
macro_rules! from_named_link {
    () => {
        " FROM dashboard JOIN share_token ON dashboard_id = dashboard.id
WHERE project = $1 AND name = $2 AND share_token.id = $3 AND ($4::uuid[] IS NULL OR dashboard.id = ANY ($4))
    AND ($5::text IS NULL OR share_token.created_by = $5)"
    };
}

const GET_SHARE_LINK: &str = concat!("-- get_share_link\nSELECT ", share_link_columns!(), from_named_link!());

const LOCK_SHARE_LINK: &str = concat!(
    "-- lock_share_link\nSELECT ",
    share_link_columns!(),
    ", statement_timestamp() AS now",
    from_named_link!(),
    " FOR UPDATE OF share_token"
);

impl Store {
    /// Reads a link, whatever its state and that of the dashboard.
    ///
    /// # Errors
    /// `SHARE_LINK_NOT_FOUND`.
    pub async fn get_share_link(&self, access: &Access, whose: Whose, name: &ShareLinkName) -> Result<ShareLink> {
        let (project, id) = (name.dashboard.project().as_str(), name.dashboard.id());
        let rows = self
            .read(
                GET_SHARE_LINK,
                &[
                    (&project, Type::TEXT),
                    (&id, Type::TEXT),
                    (&name.uid, Type::UUID),
                    (&access.dashboards(), Type::UUID_ARRAY),
                    (&creator(whose, access), Type::TEXT),
                ],
            )
            .await?;
        let row: &Row = rows.first().ok_or_else(|| missing(access, name))?;
        from_row(row, &name.dashboard)
    }
}

/// Locks a link, and tells what time it is for the database.
pub(super) async fn lock(
    tx: &Transaction<'_>,
    access: &Access,
    whose: Whose,
    name: &ShareLinkName,
) -> Result<(ShareLink, OffsetDateTime)> {
    let (project, id) = (name.dashboard.project().as_str(), name.dashboard.id());
    let (own_dashboards, own_links) = (access.dashboards(), creator(whose, access));
    let parameters: [(&(dyn ToSql + Sync), Type); 5] = [
        (&project, Type::TEXT),
        (&id, Type::TEXT),
        (&name.uid, Type::UUID),
        (&own_dashboards, Type::UUID_ARRAY),
        (&own_links, Type::TEXT),
    ];
    let rows = tx.query(LOCK_SHARE_LINK, &parameters).await?;
    let row = rows.first().ok_or_else(|| missing(access, name))?;
    Ok((from_row(row, &name.dashboard)?, row.try_get("now")?))
}
