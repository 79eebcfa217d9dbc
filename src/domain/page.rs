//! Pages of lists: how many items, and where the next page begins (AIP-158).
//!
//! A page begins after the last item of the one before (keyset paging), so it is as fast at the end of a list as at its
//! beginning, and items that come and go in between shift nothing. Which columns a [`Cursor`] means belongs to the store.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;
use uuid::Uuid;

use super::digest::{Digest, Fingerprint};
use super::name::{DashboardName, ProjectId, TemplateName};
use super::order_by::{AuditOrderKey, OrderBy, OrderKey, ShareLinkOrderKey, TemplateOrderKey};
use super::reason::Reason;
use super::role::Role;
use super::subject::Subject;
use super::violation::Violation;

/// How many items the next page may have: 1 to [`PageSize::MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageSize(u16);

impl PageSize {
    /// What a page has when the caller does not say.
    pub const DEFAULT: u16 = 50;

    /// The most that a page has, also when the caller asks for more.
    pub const MAX: u16 = 500;

    /// A size of the server's own choice, at most [`PageSize::MAX`].
    pub const fn of(size: u16) -> Self {
        let largest = if size < Self::MAX { size } else { Self::MAX };
        Self(largest)
    }

    /// Takes the caller's wish: 0 is [`PageSize::DEFAULT`], above [`PageSize::MAX`] is [`PageSize::MAX`].
    ///
    /// # Errors
    /// `FIELD_OUT_OF_RANGE` on `field` below 0.
    pub fn parse(field: &str, wish: i32) -> Result<Self, Violation> {
        match u32::try_from(wish) {
            Ok(0) => Ok(Self(Self::DEFAULT)),
            Ok(wish) => Ok(Self(u16::try_from(wish).unwrap_or(Self::MAX).min(Self::MAX))),
            Err(_) => {
                let description = format!("{wish} is below 0: leave it at 0 for {} items", Self::DEFAULT);
                Err(Violation::new(field, Reason::FieldOutOfRange, description))
            }
        }
    }

    /// The number of items.
    pub const fn get(self) -> u16 {
        self.0
    }
}

/// The orders that lists come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageOrder {
    /// Dashboards, in the order that the caller asked for.
    Dashboards(OrderBy),
    /// Templates, in the order that the caller asked for.
    Templates(OrderBy<TemplateOrderKey>),
    /// Share links of one dashboard, in the order that the caller asked for.
    ShareLinks(OrderBy<ShareLinkOrderKey>),
    /// Audit events, from the end that the caller asked for.
    AuditEvents(OrderBy<AuditOrderKey>),
    /// Seals over the audit log, the newest first.
    NewestSealFirst,
    /// Revisions of one dashboard, the newest first.
    NewestRevisionFirst,
    /// Favourites of a user, in the order in which they were added.
    FavoritesAsAdded,
    /// Dashboards that a user looked at, the last one first.
    LastViewedFirst,
    /// Grants on one resource, by subject and role.
    GrantsBySubject,
}

impl PageOrder {
    /// Whether a list in this order can go on after `cursor`.
    fn admits(self, cursor: &Cursor) -> bool {
        match self {
            Self::Dashboards(order) => match order.key {
                OrderKey::Name => matches!(cursor, Cursor::Name(_)),
                OrderKey::DisplayName => matches!(cursor, Cursor::DisplayName { .. }),
                OrderKey::CreateTime => matches!(cursor, Cursor::CreateTime { .. }),
                OrderKey::UpdateTime => matches!(cursor, Cursor::UpdateTime { .. }),
            },
            Self::Templates(order) => match order.key {
                TemplateOrderKey::Name => matches!(cursor, Cursor::TemplateName(_)),
                TemplateOrderKey::DisplayName => matches!(cursor, Cursor::DisplayName { .. }),
                TemplateOrderKey::CreateTime => matches!(cursor, Cursor::CreateTime { .. }),
                TemplateOrderKey::UpdateTime => matches!(cursor, Cursor::UpdateTime { .. }),
                TemplateOrderKey::UsageCount => matches!(cursor, Cursor::UsageCount { .. }),
            },
            Self::ShareLinks(order) => match order.key {
                ShareLinkOrderKey::CreateTime => matches!(cursor, Cursor::CreateTime { .. }),
            },
            Self::AuditEvents(_) => matches!(cursor, Cursor::EventTime { .. }),
            Self::NewestSealFirst => matches!(cursor, Cursor::Seal(_)),
            Self::NewestRevisionFirst => matches!(cursor, Cursor::Revision(_)),
            Self::FavoritesAsAdded => matches!(cursor, Cursor::Favorite(_)),
            Self::LastViewedFirst => matches!(cursor, Cursor::ViewTime { .. }),
            Self::GrantsBySubject => matches!(cursor, Cursor::Grant { .. }),
        }
    }
}

impl fmt::Display for PageOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dashboards(order) => order.fmt(f),
            Self::Templates(order) => order.fmt(f),
            Self::ShareLinks(order) => order.fmt(f),
            Self::AuditEvents(order) => order.fmt(f),
            Self::NewestSealFirst => f.write_str("number desc"),
            Self::NewestRevisionFirst => f.write_str("revision desc"),
            Self::FavoritesAsAdded => f.write_str("position"),
            Self::LastViewedFirst => f.write_str("view_time desc"),
            Self::GrantsBySubject => f.write_str("subject"),
        }
    }
}

/// What a list was asked for: all of it but the size of the page has to be the same on the next page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PagedQuery<'a> {
    /// The method: `ListDashboards`.
    pub method: &'a str,
    /// The resource name of what is listed in; `projects/-` for all projects.
    pub parent: &'a str,
    /// The filter as [`super::filter::Filter::text`] gives it; empty for none.
    pub filter: &'a str,
    /// The order.
    pub order: PageOrder,
    /// Whether deleted ones are listed too.
    pub show_deleted: bool,
}

/// A digest of a [`PagedQuery`], and the kind of cursor that its pages go on from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageBinding {
    digest: Digest,
    order: PageOrder,
}

impl PageBinding {
    /// Binds to `query`.
    pub fn new(query: &PagedQuery<'_>) -> Self {
        let order = query.order.to_string();
        let deleted = if query.show_deleted { "deleted" } else { "" };
        let parts = [query.method, query.parent, query.filter, &order, deleted];
        Self {
            digest: parts.into_iter().fold(Fingerprint::new(), Fingerprint::part).finish(),
            order: query.order,
        }
    }
}

/// The last item of a page, by the values that its list is ordered by; the next page begins after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cursor {
    /// Of dashboards by name, which is unique: project, then id.
    Name(DashboardName),
    /// Of templates by name, which is unique.
    TemplateName(TemplateName),
    /// By display name.
    DisplayName {
        /// The display name; without U+0000.
        display_name: String,
        /// Which of those with the same display name.
        uid: Uuid,
    },
    /// By time of creation.
    CreateTime {
        /// To the microsecond, from 1970 on.
        time: OffsetDateTime,
        /// Which of those of the same time.
        uid: Uuid,
    },
    /// By time of the last change.
    UpdateTime {
        /// To the microsecond, from 1970 on.
        time: OffsetDateTime,
        /// Which of those of the same time.
        uid: Uuid,
    },
    /// Of templates by how often they were used.
    UsageCount {
        /// From 0.
        count: i32,
        /// Which of those that were used as often.
        uid: Uuid,
    },
    /// Of revisions of one dashboard: the number, from 1.
    Revision(i32),
    /// Of favourites of a user: the position, from 1.
    Favorite(i64),
    /// Of audit events by the time when they happened.
    EventTime {
        /// To the microsecond, from 1970 on.
        time: OffsetDateTime,
        /// Which of those of the same time.
        uid: Uuid,
    },
    /// Of seals over the audit log: the number, from 1.
    Seal(i64),
    /// Of dashboards by the time when a user looked at them last.
    ViewTime {
        /// To the microsecond, from 1970 on.
        time: OffsetDateTime,
        /// Which of those of the same time.
        uid: Uuid,
    },
    /// Of grants on one resource: nobody has a role there twice.
    Grant {
        /// Who.
        subject: Subject,
        /// Which role.
        role: Role,
    },
}

/// A cursor as JSON: the short names of [`Cursor`]'s variants, times in microseconds since 1970.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Position {
    Name(String, String),
    TemplateName(TemplateName),
    DisplayName(String, Uuid),
    CreateTime(i64, Uuid),
    UpdateTime(i64, Uuid),
    UsageCount(i32, Uuid),
    Revision(i32),
    Favorite(i64),
    EventTime(i64, Uuid),
    Seal(i64),
    ViewTime(i64, Uuid),
    Grant(Subject, Role),
}

impl Cursor {
    fn to_json(&self) -> String {
        let position = match self {
            Self::Name(name) => json!({ "name": [name.project().as_str(), name.id()] }),
            Self::DisplayName { display_name, uid } => json!({ "display_name": [display_name, uid] }),
            Self::CreateTime { time, uid } => json!({ "create_time": [microseconds(time), uid] }),
            Self::UpdateTime { time, uid } => json!({ "update_time": [microseconds(time), uid] }),
            Self::TemplateName(name) => json!({ "template_name": name }),
            Self::UsageCount { count, uid } => json!({ "usage_count": [count, uid] }),
            Self::Revision(number) => json!({ "revision": number }),
            Self::Favorite(position) => json!({ "favorite": position }),
            Self::EventTime { time, uid } => json!({ "event_time": [microseconds(time), uid] }),
            Self::Seal(number) => json!({ "seal": number }),
            Self::ViewTime { time, uid } => json!({ "view_time": [microseconds(time), uid] }),
            Self::Grant { subject, role } => json!({ "grant": [subject, role] }),
        };
        position.to_string()
    }

    /// Reads what [`Cursor::to_json`] writes, and refuses what no item can have: the token may be forged.
    fn from_json(json: &[u8]) -> Option<Self> {
        match serde_json::from_slice(json).ok()? {
            Position::Name(project, id) => {
                let project = ProjectId::parse("", &project).ok()?;
                DashboardName::new(project, "", &id).ok().map(Self::Name)
            }
            Position::DisplayName(display_name, uid) => {
                (!display_name.contains('\0')).then_some(Self::DisplayName { display_name, uid })
            }
            Position::CreateTime(time, uid) => from_microseconds(time).map(|time| Self::CreateTime { time, uid }),
            Position::UpdateTime(time, uid) => from_microseconds(time).map(|time| Self::UpdateTime { time, uid }),
            Position::TemplateName(name) => Some(Self::TemplateName(name)),
            Position::UsageCount(count, uid) => (count >= 0).then_some(Self::UsageCount { count, uid }),
            Position::Revision(number) => (number > 0).then_some(Self::Revision(number)),
            Position::Favorite(position) => (position > 0).then_some(Self::Favorite(position)),
            Position::EventTime(time, uid) => any_time(time).map(|time| Self::EventTime { time, uid }),
            Position::Seal(number) => (number > 0).then_some(Self::Seal(number)),
            Position::ViewTime(time, uid) => from_microseconds(time).map(|time| Self::ViewTime { time, uid }),
            Position::Grant(subject, role) => Some(Self::Grant { subject, role }),
        }
    }
}

/// Microseconds since 1970.
fn microseconds(time: &OffsetDateTime) -> i64 {
    time.unix_timestamp() * 1_000_000 + i64::from(time.microsecond())
}

fn from_microseconds(microseconds: i64) -> Option<OffsetDateTime> {
    any_time(microseconds).filter(|_| microseconds >= 0)
}

/// The same where others can have written the time.
fn any_time(microseconds: i64) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(microseconds) * 1000).ok()
}

/// Page tokens: what a caller sends to get the next page.
///
/// Opaque to callers: in URL-safe base64 a version, a seal and a cursor. The seal is a digest over version, query and
/// cursor: it finds a token that was damaged or belongs to another query. It is no signature, because there is nothing
/// to protect: a token grants no access and says only where in a list, which is filtered as ever, a page begins.
impl PageBinding {
    /// The form of tokens; another one is not read.
    const VERSION: u8 = 1;

    const SEAL_BYTES: usize = 16;

    /// Writes the token of the page that begins after `next`; empty where no page follows.
    pub fn next_token(&self, next: Option<&Cursor>) -> String {
        let Some(cursor) = next.map(Cursor::to_json) else {
            return String::new();
        };
        let seal = self.seal(cursor.as_bytes());
        let token = [&[Self::VERSION], seal.as_slice(), cursor.as_bytes()].concat();
        URL_SAFE_NO_PAD.encode(token)
    }

    /// Reads the cursor out of a token of the same query; an empty token is the first page's.
    ///
    /// The cursor is of the kind that the order of the query goes on from.
    ///
    /// # Errors
    /// `INVALID_PAGE_TOKEN` on `field` for whatever [`PageBinding::next_token`] did not write for the same query.
    pub fn parse_token(&self, field: &str, token: &str) -> Result<Option<Cursor>, Violation> {
        if token.is_empty() {
            return Ok(None);
        }
        match self.open(token) {
            Some(cursor) => Ok(Some(cursor)),
            None => {
                let description = "is not the next_page_token of an answer to this query: send parent, filter, order_by \
                                   and show_deleted unchanged, or leave it empty to begin with the first page";
                Err(Violation::new(field, Reason::InvalidPageToken, description))
            }
        }
    }

    fn open(&self, token: &str) -> Option<Cursor> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (&version, sealed) = bytes.split_first()?;
        let (found_seal, json) = sealed.split_first_chunk::<{ Self::SEAL_BYTES }>()?;
        if version != Self::VERSION || *found_seal != self.seal(json) {
            return None;
        }
        Cursor::from_json(json).filter(|cursor| self.order.admits(cursor))
    }

    /// The beginning of the digest over version, query and cursor.
    fn seal(&self, cursor: &[u8]) -> [u8; Self::SEAL_BYTES] {
        let digest: [u8; 32] = Sha256::new()
            .chain_update([Self::VERSION])
            .chain_update(self.digest.as_bytes())
            .chain_update(cursor)
            .finalize()
            .into();
        let mut seal = [0; Self::SEAL_BYTES];
        seal.copy_from_slice(&digest[..Self::SEAL_BYTES]);
        seal
    }
}

#[cfg(test)]
mod tests;
