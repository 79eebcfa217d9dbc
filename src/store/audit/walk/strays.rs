//! Events that a walk through the months does not meet, because they are where none should be.
//!
//! This service makes a partition for each month, PostgreSQL puts events into it, and numbers them. Whoever owns the tables can attach
//! other partitions, put rows into the wrong one behind PostgreSQL's back, number them below all others, or not at all: lists show them.

use postgres_types::Type;

use super::WalkedEvent;
use crate::domain::audit::AuditItem;
use crate::error::{Error, Result};
use crate::store::audit::rows::event_columns;
use crate::store::pool::Snapshot;

// In all partitions: a condition might leave one out.
const COUNT: &str = "-- count_audit_events
SELECT count(*) FROM audit_log";

const READ: &str = concat!(
    "-- find_stray_audit_events\nSELECT ",
    event_columns!(),
    " FROM audit_log
    WHERE seq <= $1 OR seq IS NULL OR xid IS NULL
        OR tableoid IS DISTINCT FROM to_regclass('audit_log_' || to_char(event_time AT TIME ZONE 'UTC', 'YYYY_MM'))
    ORDER BY xid, seq LIMIT 1000"
);

/// Looks for events that were not met, where `met` is how many were, and gives some of them. No event has `before_all` as its `seq`,
/// or a lower one.
///
/// # Errors
/// The database can't be reached; `Internal` when there are more than were met, and they are not found.
pub(super) async fn find<E: WalkedEvent>(
    snapshot: &mut Snapshot,
    met: usize,
    before_all: i64,
) -> Result<Vec<AuditItem<E>>> {
    let counts: Vec<i64> = snapshot
        .read_all(COUNT, &[], |row| row.try_get(0).map_err(Error::from))
        .await?;
    let counted = counts.first().copied().unwrap_or_default();
    if usize::try_from(counted) == Ok(met) {
        return Ok(Vec::new());
    }
    let strays = snapshot
        .read_all(READ, &[(&before_all, Type::INT8)], |row| {
            Ok::<_, Error>(E::read(&row).map_or_else(AuditItem::Unreadable, AuditItem::Event))
        })
        .await?;
    if strays.is_empty() {
        let problem = format!("{met} audit events were met, and there are {counted}");
        return Err(Error::internal(problem));
    }
    Ok(strays)
}
