//! ResolveShareLink: a use is counted, and the dashboard read, in one statement.

use std::net::IpAddr;

use postgres_types::{Json, Type};
use scoped_futures::ScopedFutureExt as _;
use tokio_postgres::{IsolationLevel, Row};

use crate::access::Access;
use crate::domain::audit_event::{Change, Version};
use crate::domain::digest::Digest;
use crate::domain::name::ShareLinkName;
use crate::domain::reason::Reason;
use crate::domain::share_link::{ShareSecret, SharedDashboard};
use crate::domain::spec::shared::SharedSpec;
use crate::error::{Error, Result};
use crate::store::dashboard::{digest, name};
use crate::store::json_text::JsonColumn;
use crate::store::metadata::Metadata;
use crate::store::pool::Transaction;
use crate::store::run_tx::{End, TxError};
use crate::store::{Store, audit};

// The row is updated or not, so that of many at once none goes beyond the limit: checked first and counted then, 118 uses of
// 100 were measured. While it waits for others, time passes, so that the expiry is looked at once more in RETURNING. The head
// has its row in the history as well.
const USE_SHARE_LINK: &str = "-- use_share_link
WITH used AS (
    UPDATE share_token SET use_count = use_count + 1, last_used_at = clock_timestamp()
    WHERE token_sha256 = $1 AND revoked_at IS NULL AND expires_at > statement_timestamp()
        AND (max_uses IS NULL OR use_count < max_uses)
        AND (allowed_cidrs = '{}' OR $2 <<= ANY (allowed_cidrs))
    RETURNING id, dashboard_id, pinned_revision, expires_at > clock_timestamp() AS is_live
)
SELECT used.id AS link_id, dashboard.id, project, name, old.revision, old.display_name, old.description, old.metadata,
    old.spec, old.spec_sha256, dashboard.created_at, old.created_at AS written_at
FROM used
JOIN dashboard ON dashboard.id = used.dashboard_id AND state = 'active'
JOIN dashboard_revision AS old
    ON old.dashboard_id = used.dashboard_id AND old.revision = COALESCE(used.pinned_revision, dashboard.revision)
WHERE is_live";

/// A dashboard as it is stored: not for the eyes of who uses a link.
struct Found {
    shown: SharedDashboard,
    stored_sha256: Digest,
}

impl Store {
    /// Counts a use of the link that has this secret, and gives the dashboard that it shows, redacted. `client` is where whoever
    /// uses it is; none, where that is not known, is outside of every network.
    ///
    /// # Errors
    /// `SHARE_NOT_USABLE`, whatever the reason, nothing counted. `DATABASE_UNAVAILABLE` also when the answer to COMMIT was lost:
    /// then nothing was shown, and a use may have been counted.
    pub async fn resolve_share_link(
        &self,
        access: &Access,
        secret: &ShareSecret,
        client: Option<IpAddr>,
    ) -> Result<SharedDashboard> {
        let outcome = self
            .pool
            .run_tx("resolve_share_link", IsolationLevel::ReadCommitted, |tx| {
                async move {
                    let Some(found) = use_link(tx, secret, client).await? else {
                        return Ok(End::RollBack(None));
                    };
                    append_event(tx, access, &found, client).await?;
                    Ok(End::Commit(Some(found.shown)))
                }
                .scope_boxed()
            })
            .await;
        match outcome {
            Ok(shown) => shown.ok_or(Error::ShareNotUsable),
            Err(TxError::Failed(error)) => Err(error),
            Err(TxError::CommitLost { cause, .. }) => Err(Error::Unavailable {
                reason: Reason::DatabaseUnavailable,
                description: "the connection to the database was lost: try again; a use may have been counted".into(),
                cause: Some(cause),
            }),
        }
    }
}

/// Uses a link; none when it can't be used, and then whatever was written has to be rolled back.
async fn use_link(tx: &Transaction<'_>, secret: &ShareSecret, client: Option<IpAddr>) -> Result<Option<Found>> {
    let sha256 = secret.sha256();
    let parameters = [(&sha256.as_bytes() as _, Type::BYTEA), (&client as _, Type::INET)];
    let rows = tx.query(USE_SHARE_LINK, &parameters).await?;
    rows.first().map(from_row).transpose()
}

fn from_row(row: &Row) -> Result<Found> {
    let Json(Metadata { tags, labels }) = row.try_get("metadata")?;
    let JsonColumn(text) = row.try_get("spec")?;
    let dashboard = name(row)?;
    let shown = SharedDashboard {
        link: ShareLinkName {
            dashboard: dashboard.clone(),
            uid: row.try_get("link_id")?,
        },
        name: dashboard,
        uid: row.try_get("id")?,
        revision: row.try_get("revision")?,
        display_name: row.try_get("display_name")?,
        description: row.try_get("description")?,
        tags,
        labels,
        // Not with its violations, which quote the document.
        spec: SharedSpec::redact(text).map_err(|_| Error::internal("a stored document can't be read"))?,
        create_time: row.try_get("created_at")?,
        update_time: row.try_get("written_at")?,
    };
    Ok(Found {
        shown,
        stored_sha256: digest(row, "spec_sha256")?,
    })
}

/// Appends the event of a use: of which link, from where, and which revision was shown.
async fn append_event(tx: &Transaction<'_>, access: &Access, found: &Found, client: Option<IpAddr>) -> Result<()> {
    let shown = Version {
        revision: found.shown.revision,
        sha256: found.stored_sha256,
    };
    let change = Change {
        resource: found.shown.link.to_string(),
        project: Some(found.shown.name.project().clone()),
        uid: Some(found.shown.link.uid),
        before: Some(shown),
        after: Some(shown),
        changed_paths: vec!["use_count"],
        details: client
            .map(|address| ("client_ip", address.to_string()))
            .into_iter()
            .collect(),
    };
    audit::append(tx, access, &change).await
}
