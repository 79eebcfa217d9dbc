//! Rows of the audit log, of seals and of checkpoints, as values of the domain.

use tokio_postgres::Row;
use tokio_postgres::types::FromSql;
use uuid::Uuid;

use super::inet::InetText;
use super::time::AuditTime;
use super::xid::Xid;
use crate::domain::audit::{
    AuditEvent, Checkpoint, ListedSeal, Month, Seal, SealContent, Signature, Signed, Unreadable,
};
use crate::domain::digest::Digest;
use crate::domain::name::AuditSealName;
use crate::error::{Error, Result};
use crate::store::json_text::JsonColumn;

/// The columns of an event, in the order in which [`event`] reads them: by position, because verification reads millions. They are
/// those of the table, all of them and as they are: so PostgreSQL sends rows as it finds them, and makes no others of them.
macro_rules! event_columns {
    () => {
        "id, event_time, xid, seq, actor, actor_groups, auth_method, method, permission, project, resource, resource_uid, \
         revision_before, revision_after, sha256_before, sha256_after, changed_paths, result, reason, client_ip, \
         user_agent, correlation_id, trace_id, event_count, details"
    };
}
pub(super) use event_columns;

/// The columns of a seal.
macro_rules! seal_columns {
    () => {
        "number, epoch, after_seq, month, from_xid, to_xid, to_seq, last_seq, event_count, event_digests, previous_root, root, \
         sealed_at, key_id, signature"
    };
}
pub(super) use seal_columns;

/// Takes the columns of a row one after the other.
struct Columns<'r> {
    row: &'r Row,
    next: usize,
}

impl<'r> Columns<'r> {
    fn take<T: FromSql<'r>>(&mut self) -> Result<T, tokio_postgres::Error> {
        let column = self.next;
        self.next += 1;
        self.row.try_get(column)
    }

    fn take_digest(&mut self) -> Result<Option<Digest>> {
        self.take::<Option<&[u8]>>()?.map(digest).transpose()
    }
}

/// Reads an event, with texts of its own or of the row.
///
/// # Errors
/// Somebody has written what no event of ours holds.
pub(super) fn event<'r, T>(row: &'r Row) -> Result<AuditEvent<T>, Unreadable>
where
    T: FromSql<'r> + From<&'r str>,
{
    read_event(row).map_err(|error| Unreadable::Event {
        id: row.try_get("id").unwrap_or_default(),
        problem: error.causes(),
    })
}

impl From<Unreadable> for Error {
    fn from(row: Unreadable) -> Self {
        Self::internal(row)
    }
}

fn read_event<'r, T>(row: &'r Row) -> Result<AuditEvent<T>>
where
    T: FromSql<'r> + From<&'r str>,
{
    let mut columns = Columns { row, next: 0 };
    Ok(AuditEvent {
        id: columns.take()?,
        event_time: columns.take::<AuditTime>()?.0,
        xid: columns.take::<Xid>()?.0,
        seq: columns.take()?,
        actor: columns.take()?,
        actor_groups: columns.take()?,
        auth_method: columns.take()?,
        method: columns.take()?,
        permission: columns.take()?,
        project: columns.take()?,
        resource: columns.take()?,
        resource_uid: columns.take()?,
        revision_before: columns.take()?,
        revision_after: columns.take()?,
        sha256_before: columns.take_digest()?,
        sha256_after: columns.take_digest()?,
        changed_paths: columns.take()?,
        result: columns.take()?,
        reason: columns.take()?,
        client_ip: columns.take::<Option<InetText>>()?.map(|address| address.0),
        user_agent: columns.take()?,
        correlation_id: columns.take::<Uuid>()?,
        trace_id: columns.take()?,
        event_count: columns.take()?,
        details: columns.take::<JsonColumn<T>>()?.0,
    })
}

/// Reads a seal.
///
/// # Errors
/// It is none of ours.
pub(super) fn seal(row: &Row) -> Result<Seal, Unreadable> {
    read_seal(row).map_err(|error| unreadable_seal(row, &error))
}

/// Reads a seal without its digests.
///
/// # Errors
/// It is none of ours.
pub(super) fn listed_seal(row: &Row) -> Result<ListedSeal, Unreadable> {
    read_listed_seal(row).map_err(|error| unreadable_seal(row, &error))
}

fn unreadable_seal(row: &Row, error: &Error) -> Unreadable {
    Unreadable::Seal {
        number: row.try_get("number").unwrap_or_default(),
        problem: error.causes(),
    }
}

fn read_seal(row: &Row) -> Result<Seal> {
    let digests: &[u8] = row.try_get("event_digests")?;
    // It is not signed: lists show it instead of the digests.
    let event_count: i32 = row.try_get("event_count")?;
    if i32::try_from(digests.len() / 32) != Ok(event_count) {
        return Err(Error::internal(format!(
            "its event_count is {event_count}, which is not how many digests it has"
        )));
    }
    Ok(Seal {
        content: SealContent {
            number: row.try_get("number")?,
            epoch: row.try_get("epoch")?,
            after_seq: row.try_get("after_seq")?,
            month: month(row.try_get("month")?)?,
            from_xid: row.try_get::<_, Xid>("from_xid")?.0,
            to_xid: row.try_get::<_, Xid>("to_xid")?.0,
            to_seq: row.try_get("to_seq")?,
            last_seq: row.try_get("last_seq")?,
            event_digests: digests.chunks(32).map(digest).collect::<Result<_>>()?,
            previous_root: digest(row.try_get("previous_root")?)?,
            sealed_at: row.try_get::<_, AuditTime>("sealed_at")?.0,
        },
        root: digest(row.try_get("root")?)?,
        signed: signed(row)?,
    })
}

fn read_listed_seal(row: &Row) -> Result<ListedSeal> {
    Ok(ListedSeal {
        name: AuditSealName {
            number: row.try_get("number")?,
        },
        epoch: row.try_get("epoch")?,
        month: month(row.try_get("month")?)?,
        from_xid: row.try_get::<_, Xid>("from_xid")?.0,
        to_xid: row.try_get::<_, Xid>("to_xid")?.0,
        to_seq: row.try_get("to_seq")?,
        after_seq: row.try_get("after_seq")?,
        last_seq: row.try_get("last_seq")?,
        event_count: row.try_get("event_count")?,
        previous_root: digest(row.try_get("previous_root")?)?,
        root: digest(row.try_get("root")?)?,
        sealed_at: row.try_get::<_, AuditTime>("sealed_at")?.0,
        signed: signed(row)?,
    })
}

/// Reads a checkpoint.
///
/// # Errors
/// `Internal`, when it is none of ours.
pub(super) fn checkpoint(row: &Row) -> Result<(Checkpoint, Signed)> {
    let checkpoint = Checkpoint {
        kept_from: month(row.try_get("kept_from")?)?,
        seal_number: row.try_get("seal_number")?,
        seal_root: digest(row.try_get("seal_root")?)?,
        dropped_events: row.try_get("dropped_events")?,
        created_at: row.try_get::<_, AuditTime>("created_at")?.0,
    };
    Ok((checkpoint, signed(row)?))
}

fn signed(row: &Row) -> Result<Signed> {
    Ok(Signed {
        key_id: row.try_get("key_id")?,
        signature: Signature(row.try_get("signature")?),
    })
}

/// Reads 32 bytes.
pub(super) fn digest(bytes: &[u8]) -> Result<Digest> {
    <[u8; 32]>::try_from(bytes).map(Digest::from).map_err(Error::internal)
}

/// Reads a month.
pub(super) fn month(text: &str) -> Result<Month> {
    Month::parse(text).map_err(Error::internal)
}
