//! ResolveShareLink: a use is counted, and the dashboard read, in one round trip.

use std::net::IpAddr;

use futures_util::future::try_join;
use postgres_types::{Json, Type};
use scoped_futures::ScopedFutureExt as _;
use tokio_postgres::{IsolationLevel, Row};

use crate::access::Access;
use crate::domain::audit_event::{Change, Version};
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
// 100 were measured. A link without a limit that was used 2^31 - 1 times counts no further.
const USE_SHARE_LINK: &str = "-- use_share_link
UPDATE share_token SET use_count = LEAST(use_count, 2147483646) + 1, last_used_at = clock_timestamp()
WHERE token_sha256 = $1 AND revoked_at IS NULL AND expires_at > statement_timestamp()
    AND (max_uses IS NULL OR use_count < max_uses)
    AND (allowed_cidrs = '{}' OR $2 <<= ANY (allowed_cidrs))";

// Sent with the first one, and run behind it: while that waited for others, the link may have expired, and the dashboard may have
// been deleted. It gives what this transaction has counted, and nothing where it has not. The head has its row in the history as
// well.
const FIND_SHARED_DASHBOARD: &str = "-- find_shared_dashboard
SELECT used.id AS link_id, dashboard.id, project, name, old.revision, old.display_name, old.description, old.metadata,
    old.spec, old.spec_sha256, dashboard.created_at, old.created_at AS written_at
FROM share_token AS used
JOIN dashboard ON dashboard.id = used.dashboard_id AND state = 'active'
JOIN dashboard_revision AS old
    ON old.dashboard_id = used.dashboard_id AND old.revision = COALESCE(used.pinned_revision, dashboard.revision)
WHERE token_sha256 = $1 AND used.xmin = pg_current_xact_id_if_assigned()::xid AND expires_at > clock_timestamp()";

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
                    Ok(End::Commit(Some(found)))
                }
                .scope_boxed()
            })
            .await;
        match outcome {
            // A document may be large: other uses of the link don't wait for its redaction.
            Ok(Some(found)) => shown(&found),
            Ok(None) => Err(Error::ShareNotUsable),
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
async fn use_link(tx: &Transaction<'_>, secret: &ShareSecret, client: Option<IpAddr>) -> Result<Option<Row>> {
    let sha256 = secret.sha256();
    let of_secret = (&sha256.as_bytes() as _, Type::BYTEA);
    let used = [of_secret.clone(), (&client as _, Type::INET)];
    let found = [of_secret];
    let (_, rows) = try_join(
        tx.execute(USE_SHARE_LINK, &used),
        tx.query(FIND_SHARED_DASHBOARD, &found),
    )
    .await?;
    Ok(rows.into_iter().next())
}

fn shown(row: &Row) -> Result<SharedDashboard> {
    let Json(Metadata { tags, labels }) = row.try_get("metadata")?;
    let JsonColumn(text) = row.try_get("spec")?;
    let link = link(row)?;
    Ok(SharedDashboard {
        name: link.dashboard.clone(),
        link,
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
    })
}

fn link(row: &Row) -> Result<ShareLinkName> {
    Ok(ShareLinkName {
        dashboard: name(row)?,
        uid: row.try_get("link_id")?,
    })
}

/// Appends the event of a use: of which link, from where, and which revision was shown.
async fn append_event(tx: &Transaction<'_>, access: &Access, found: &Row, client: Option<IpAddr>) -> Result<()> {
    let link = link(found)?;
    let shown = Version {
        revision: found.try_get("revision")?,
        sha256: digest(found, "spec_sha256")?,
    };
    let change = Change {
        resource: link.to_string(),
        project: Some(link.dashboard.project().clone()),
        uid: Some(link.uid),
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
