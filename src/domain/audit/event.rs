//! One event as it is kept, and the bytes that stand for it.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use super::encoding::Encoder;
use super::month::Month;
use crate::domain::digest::Digest;

/// The version of [`AuditEvent::canonical_bytes`], their first byte.
const VERSION: u8 = 1;

/// How many of them most events have room in.
const USUAL_BYTES: usize = 1024;

/// A row of the audit log. Its texts are its own, or borrowed from where it is read: verification reads millions, and keeps none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditEvent<T = String> {
    /// The id of the event.
    pub id: Uuid,
    /// When, to the microsecond.
    #[serde(with = "super::microsecond")]
    pub event_time: OffsetDateTime,
    /// The transaction that wrote it.
    pub xid: u64,
    /// Orders the events of a transaction.
    pub seq: i64,
    /// Who, as `user:name` or `system:name`.
    pub actor: T,
    /// The groups that authentication found.
    pub actor_groups: Vec<T>,
    /// How the actor was authenticated.
    pub auth_method: T,
    /// The full name of the RPC.
    pub method: T,
    /// The permission that was asked for.
    pub permission: T,
    /// The project of the resource.
    pub project: Option<T>,
    /// The resource name.
    pub resource: T,
    /// The life of the resource that was meant.
    pub resource_uid: Option<Uuid>,
    /// The revision that the call found.
    pub revision_before: Option<i32>,
    /// The revision that the call left.
    pub revision_after: Option<i32>,
    /// SHA-256 of the document that the call found.
    pub sha256_before: Option<Digest>,
    /// SHA-256 of the document that the call left.
    pub sha256_after: Option<Digest>,
    /// The fields that changed.
    pub changed_paths: Vec<T>,
    /// `success`, `denied` or `failed`.
    pub result: T,
    /// Why it was denied or failed.
    pub reason: Option<T>,
    /// The address of the caller with its prefix length, as in `10.0.0.1/32`: what PostgreSQL casts an `inet` to.
    pub client_ip: Option<String>,
    /// The user agent of the caller.
    pub user_agent: T,
    /// The id of the call.
    pub correlation_id: Uuid,
    /// The W3C trace id of the call.
    pub trace_id: Option<T>,
    /// How many like events it stands for.
    pub event_count: i32,
    /// What else belongs to it, as the JSON text that PostgreSQL makes of a `jsonb`.
    pub details: T,
}

impl<T: AsRef<str>> AuditEvent<T> {
    /// The month of its partition.
    pub fn month(&self) -> Month {
        Month::of(self.event_time)
    }

    /// Where it stands in the order of the log.
    pub fn place(&self) -> (u64, i64) {
        (self.xid, self.seq)
    }

    /// The SHA-256 of its canonical bytes.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.canonical_bytes())
    }

    /// Its bytes, version 1 of `docs/audit-format.md`: every field, in the order of the columns.
    pub fn canonical_bytes(&self) -> Vec<u8> {
        let mut to = Encoder::with_capacity(USUAL_BYTES);
        let optional_uuid = |uuid: Option<Uuid>, to: &mut Encoder| {
            to.optional(uuid, |encoder, present| {
                encoder.fixed(present.as_bytes());
            });
        };
        let optional_digest = |digest: Option<Digest>, to: &mut Encoder| {
            to.optional(digest, |encoder, present| {
                encoder.fixed(present.as_bytes());
            });
        };
        to.byte(VERSION)
            .fixed(self.id.as_bytes())
            .long(microseconds(self.event_time))
            .xid(self.xid)
            .long(self.seq)
            .text(self.actor.as_ref())
            .texts(&self.actor_groups)
            .text(self.auth_method.as_ref())
            .text(self.method.as_ref())
            .text(self.permission.as_ref())
            .optional_text(self.project.as_ref().map(T::as_ref))
            .text(self.resource.as_ref());
        optional_uuid(self.resource_uid, &mut to);
        to.optional_int(self.revision_before).optional_int(self.revision_after);
        optional_digest(self.sha256_before, &mut to);
        optional_digest(self.sha256_after, &mut to);
        to.texts(&self.changed_paths)
            .text(self.result.as_ref())
            .optional_text(self.reason.as_ref().map(T::as_ref))
            .optional_text(self.client_ip.as_deref())
            .text(self.user_agent.as_ref())
            .fixed(self.correlation_id.as_bytes())
            .optional_text(self.trace_id.as_ref().map(T::as_ref))
            .int(self.event_count)
            .text(self.details.as_ref());
        to.into_bytes()
    }
}

/// What verification needs of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DigestedEvent {
    /// The id of the event.
    pub id: Uuid,
    /// Where it stands in the order of the log.
    pub place: (u64, i64),
    /// Its digest.
    pub digest: Digest,
}

impl<T: AsRef<str>> From<&AuditEvent<T>> for DigestedEvent {
    fn from(event: &AuditEvent<T>) -> Self {
        Self {
            id: event.id,
            place: event.place(),
            digest: event.digest(),
        }
    }
}

/// Microseconds since 1970, which is as exact as PostgreSQL keeps a time.
pub(super) fn microseconds(time: OffsetDateTime) -> i64 {
    i64::try_from(time.unix_timestamp_nanos() / 1000).unwrap_or(i64::MAX)
}
