//! The table `share_token`: share links, without their secrets.

mod answer;
mod list;
mod read;
mod resolve;
mod write;

pub use answer::IssuedLink;

use tokio_postgres::Row;

use crate::access::Access;
use crate::domain::name::{DashboardName, ShareLinkName};
use crate::domain::reason::Reason;
use crate::domain::share_link::{AllowedNetworks, ShareLink, ShareLinkState, Whose};
use crate::error::{Error, Result};

/// The state of a link at the time of the statement; `domain::share_link::ShareLinkState` has the words.
macro_rules! share_link_state {
    () => {
        "CASE WHEN revoked_at IS NOT NULL THEN 'revoked' WHEN expires_at <= statement_timestamp() THEN 'expired' \
         WHEN use_count >= max_uses THEN 'exhausted' ELSE 'active' END"
    };
}
use share_link_state;

/// The columns of a link, as [`from_row`] reads them. Those that a dashboard has as well bear the name of the table.
macro_rules! share_link_columns {
    () => {
        concat!(
            "share_token.id, dashboard_id, pinned_revision, expires_at, max_uses, use_count, \
             allowed_cidrs::text[] AS allowed_cidrs, note, share_token.generation, share_token.created_by, \
             share_token.updated_by, share_token.created_at, share_token.updated_at, last_used_at, revoked_at, revoked_by, ",
            share_link_state!(),
            " AS link_state"
        )
    };
}
use share_link_columns;

/// Reads a link of `dashboard`.
fn from_row(row: &Row, dashboard: &DashboardName) -> Result<ShareLink> {
    Ok(ShareLink {
        name: ShareLinkName {
            dashboard: dashboard.clone(),
            uid: row.try_get("id")?,
        },
        dashboard_uid: row.try_get("dashboard_id")?,
        pinned_revision: row.try_get("pinned_revision")?,
        expire_time: row.try_get("expires_at")?,
        max_uses: row.try_get("max_uses")?,
        use_count: row.try_get("use_count")?,
        allowed_networks: networks(row)?,
        note: row.try_get("note")?,
        state: state(row.try_get("link_state")?)?,
        generation: row.try_get("generation")?,
        created_by: row.try_get("created_by")?,
        updated_by: row.try_get("updated_by")?,
        create_time: row.try_get("created_at")?,
        update_time: row.try_get("updated_at")?,
        last_use_time: row.try_get("last_used_at")?,
        revoke_time: row.try_get("revoked_at")?,
        revoked_by: row.try_get("revoked_by")?,
    })
}

fn networks(row: &Row) -> Result<AllowedNetworks> {
    let texts: Vec<String> = row.try_get("allowed_cidrs")?;
    AllowedNetworks::try_from(texts).map_err(Error::internal)
}

fn state(text: &str) -> Result<ShareLinkState> {
    ShareLinkState::parse(text).ok_or_else(|| Error::internal(format!("unknown state {text:?} of a share link")))
}

/// Whose links a statement looks at: those of one creator, or none for all.
fn creator(whose: Whose, access: &Access) -> Option<&str> {
    match whose {
        Whose::Own => Some(access.caller().subject()),
        Whose::Everybodys => None,
    }
}

/// The error for a link that does not exist, or that the proof does not reach; one of somebody else is not there for whoever
/// may see its own alone.
fn missing(access: &Access, name: &ShareLinkName) -> Error {
    if !access.reaches_all_of(name.dashboard.project()) {
        return Error::PermissionDenied;
    }
    Error::NotFound {
        reason: Reason::ShareLinkNotFound,
        name: name.to_string(),
    }
}
