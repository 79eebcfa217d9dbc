//! One event as it is kept, and the bytes that stand for it.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use super::encoding::Encoder;
use super::month::Month;
use crate::domain::digest::Digest;

/// The version of [`AuditEvent::canonical_bytes`], their first byte.
const VERSION: u8 = 1;

/// A row of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditEvent {
    /// The id of the event.
    pub id: Uuid,
    /// When, to the microsecond.
    #[serde(with = "time::serde::rfc3339")]
    pub event_time: OffsetDateTime,
    /// The transaction that wrote it.
    pub xid: u64,
    /// Orders the events of a transaction.
    pub seq: i64,
    /// Who, as `user:name` or `system:name`.
    pub actor: String,
    /// The groups that authentication found.
    pub actor_groups: Vec<String>,
    /// How the actor was authenticated.
    pub auth_method: String,
    /// The full name of the RPC.
    pub method: String,
    /// The permission that was asked for.
    pub permission: String,
    /// The project of the resource.
    pub project: Option<String>,
    /// The resource name.
    pub resource: String,
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
    pub changed_paths: Vec<String>,
    /// `success`, `denied` or `failed`.
    pub result: String,
    /// Why it was denied or failed.
    pub reason: Option<String>,
    /// The address of the caller with its prefix length, as in `10.0.0.1/32`: what PostgreSQL casts an `inet` to.
    pub client_ip: Option<String>,
    /// The user agent of the caller.
    pub user_agent: String,
    /// The id of the call.
    pub correlation_id: Uuid,
    /// The W3C trace id of the call.
    pub trace_id: Option<String>,
    /// How many like events it stands for.
    pub event_count: i32,
    /// What else belongs to it, as the JSON text that PostgreSQL makes of a `jsonb`.
    pub details: String,
}

impl AuditEvent {
    /// The month of its partition.
    pub fn month(&self) -> Month {
        Month::of(self.event_time)
    }

    /// Its bytes, version 1 of `docs/audit-format.md`: every field, in the order of the columns.
    pub fn canonical_bytes(&self) -> Vec<u8> {
        let mut encoder = Encoder::new();
        self.encode(&mut encoder);
        encoder.into_bytes()
    }

    fn encode(&self, to: &mut Encoder) {
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
            .text(&self.actor)
            .texts(&self.actor_groups)
            .text(&self.auth_method)
            .text(&self.method)
            .text(&self.permission)
            .optional_text(self.project.as_deref())
            .text(&self.resource);
        optional_uuid(self.resource_uid, to);
        to.optional_int(self.revision_before).optional_int(self.revision_after);
        optional_digest(self.sha256_before, to);
        optional_digest(self.sha256_after, to);
        to.texts(&self.changed_paths)
            .text(&self.result)
            .optional_text(self.reason.as_deref())
            .optional_text(self.client_ip.as_deref())
            .text(&self.user_agent)
            .fixed(self.correlation_id.as_bytes())
            .optional_text(self.trace_id.as_deref())
            .int(self.event_count)
            .text(&self.details);
    }
}

/// Digests events one after the other, in the same memory.
#[derive(Debug, Default)]
pub struct EventHasher(Encoder);

impl EventHasher {
    /// The SHA-256 of an event's canonical bytes.
    pub fn digest(&mut self, event: &AuditEvent) -> Digest {
        self.0.clear();
        event.encode(&mut self.0);
        Digest::of(self.0.as_bytes())
    }
}

/// Microseconds since 1970, which is as exact as PostgreSQL keeps a time.
pub(super) fn microseconds(time: OffsetDateTime) -> i64 {
    i64::try_from(time.unix_timestamp_nanos() / 1000).unwrap_or(i64::MAX)
}
