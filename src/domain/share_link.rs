//! Share links: who has the secret of one may see one dashboard, and nothing else.
//!
//! What belongs here: a link, its limits and what is asked for with it. What does not: how the shared document is redacted
//! ([`super::spec::shared`]), and where the client is that uses it ([`super::client_address`]).

mod change;
mod networks;
mod request;
mod secret;

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use super::etag::Etag;
use super::labels::Labels;
use super::name::{DashboardName, ShareLinkName};
use super::reason::Reason;
use super::spec::shared::SharedSpec;
use super::tags::Tags;
use super::violation::Violation;

pub use change::{ShareLinkChange, Terms};
pub use networks::{AllowedNetworks, MAX_NETWORKS, parse_network};
pub use request::{CreateShareLink, ListShareLinks, RevokeShareLink, RevokeShareLinks, UpdateShareLink, Whose};
pub use secret::{ShareSecret, holds_secret, without_secret};

/// How long a link lasts when its creator does not say.
pub const DEFAULT_TTL: Duration = Duration::from_secs(7 * 86_400);

/// The shortest life of a link.
pub const MIN_TTL: Duration = Duration::from_secs(1);

/// The longest note in characters.
pub const MAX_NOTE_CHARS: usize = 1000;

/// The limits of links that an operator sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShareLimits {
    /// The longest life of a link.
    pub max_ttl: Duration,
}

/// What anybody with the right to see it sees of a link: everything but its secret, which nobody has but who was given it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ShareLink {
    /// The resource name.
    pub name: ShareLinkName,
    /// The life of the dashboard that it shows.
    pub dashboard_uid: Uuid,
    /// The revision that it shows; none for the head.
    pub pinned_revision: Option<i32>,
    /// From when on it is of no use.
    #[serde(with = "time::serde::rfc3339")]
    pub expire_time: OffsetDateTime,
    /// How often it can be used; none for as often as one likes.
    pub max_uses: Option<i32>,
    /// How often it was used.
    pub use_count: i32,
    /// From where it can be used.
    pub allowed_networks: AllowedNetworks,
    /// What it is for.
    pub note: String,
    /// Whether it can be used.
    pub state: ShareLinkState,
    /// Counts the writes that the API shows; uses are none.
    pub generation: i64,
    /// Who created it.
    pub created_by: String,
    /// Who wrote it last.
    pub updated_by: String,
    /// When it was created.
    #[serde(with = "time::serde::rfc3339")]
    pub create_time: OffsetDateTime,
    /// When it was written last.
    #[serde(with = "time::serde::rfc3339")]
    pub update_time: OffsetDateTime,
    /// When it was used last.
    #[serde(with = "time::serde::rfc3339::option")]
    pub last_use_time: Option<OffsetDateTime>,
    /// When it was revoked.
    #[serde(with = "time::serde::rfc3339::option")]
    pub revoke_time: Option<OffsetDateTime>,
    /// Who revoked it.
    pub revoked_by: Option<String>,
}

impl ShareLink {
    /// The etag of this state.
    pub fn etag(&self) -> Etag {
        Etag::new(self.name.uid, self.generation)
    }
}

/// Whether a link can be used. Of several reasons why not, the first of this order counts: revoked, expired, exhausted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShareLinkState {
    /// It can.
    Active,
    /// Its time is over.
    Expired,
    /// It was used as often as it can be.
    Exhausted,
    /// Somebody revoked it.
    Revoked,
}

impl ShareLinkState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Active, Self::Expired, Self::Exhausted, Self::Revoked];

    /// The text in statements.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Expired => "expired",
            Self::Exhausted => "exhausted",
            Self::Revoked => "revoked",
        }
    }

    /// The state of that text.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// When a link shall be of no use any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// At this time, of whole microseconds.
    At(OffsetDateTime),
    /// So long from now, by the clock of the database.
    After(Duration),
}

impl Expiry {
    /// What holds where the creator says nothing: [`DEFAULT_TTL`], or less where the operator allows no more.
    pub fn default_within(limits: &ShareLimits) -> Self {
        Self::After(DEFAULT_TTL.min(limits.max_ttl))
    }

    /// Takes a life from now on, within the limits of a new link; one that is there has its own end as the latest. Whether a time
    /// lies within them is known to the clock of the database alone.
    ///
    /// # Errors
    /// `FIELD_OUT_OF_RANGE` on `field` below [`MIN_TTL`] and above the operator's limit.
    pub fn after(field: &str, ttl: Duration, limits: Option<&ShareLimits>) -> Result<Self, Violation> {
        let longest = limits.map(|limits| limits.max_ttl);
        if ttl >= MIN_TTL && longest.is_none_or(|longest| ttl <= longest) {
            return Ok(Self::After(ttl));
        }
        let shortest = MIN_TTL.as_secs();
        let description = match longest {
            Some(longest) => format!("must be from {shortest} to {} seconds", longest.as_secs()),
            None => format!("must be {shortest} second or more: to end a link now, revoke it"),
        };
        Err(Violation::new(field, Reason::FieldOutOfRange, description))
    }
}

impl fmt::Display for Expiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(time) => write!(f, "at {}", time.unix_timestamp_nanos()),
            Self::After(ttl) => write!(f, "after {}", ttl.as_micros()),
        }
    }
}

/// Checks how often a link can be used.
///
/// # Errors
/// `FIELD_OUT_OF_RANGE` on `field` below 1: a link that can't be used is none, and absent says without limit.
pub fn parse_max_uses(field: &str, max_uses: Option<i32>) -> Result<Option<i32>, Violation> {
    match max_uses {
        Some(..1) => {
            let description = "must be 1 or more, or not set for a link without this limit";
            Err(Violation::new(field, Reason::FieldOutOfRange, description))
        }
        taken => Ok(taken),
    }
}

/// Checks which revision a link shows.
///
/// # Errors
/// `FIELD_OUT_OF_RANGE` on `field` below 1.
pub fn parse_pinned_revision(field: &str, revision: Option<i32>) -> Result<Option<i32>, Violation> {
    match revision {
        Some(..1) => {
            let description = "must be 1 or more, or not set for the head";
            Err(Violation::new(field, Reason::FieldOutOfRange, description))
        }
        taken => Ok(taken),
    }
}

/// Checks what a link is for.
///
/// # Errors
/// `FIELD_TOO_LONG` or `FIELD_INVALID` on `field`.
pub fn parse_note(field: &str, note: String) -> Result<String, Violation> {
    if note.chars().count() > MAX_NOTE_CHARS {
        let description = format!("cannot contain more than {MAX_NOTE_CHARS} characters");
        return Err(Violation::new(field, Reason::FieldTooLong, description));
    }
    if note.contains('\0') {
        let description = "cannot contain the character U+0000";
        return Err(Violation::new(field, Reason::FieldInvalid, description));
    }
    if holds_secret(&note) {
        let description = "holds the token of a share link, which is kept nowhere: take it out";
        return Err(Violation::new(field, Reason::FieldInvalid, description));
    }
    Ok(note)
}

/// What whoever uses a link sees of the dashboard. Who wrote it is not among it, nor the template that it came from.
#[derive(Debug, Clone, PartialEq)]
pub struct SharedDashboard {
    /// The link.
    pub link: ShareLinkName,
    /// The name of the dashboard.
    pub name: DashboardName,
    /// Which life of it.
    pub uid: Uuid,
    /// The revision that is shown.
    pub revision: i32,
    /// `display.name` of the document.
    pub display_name: String,
    /// `display.description` of the document.
    pub description: String,
    /// Its tags.
    pub tags: Tags,
    /// Its labels.
    pub labels: Labels,
    /// The document, without what nobody may learn through a link.
    pub spec: SharedSpec,
    /// When the dashboard was created.
    pub create_time: OffsetDateTime,
    /// When the revision was written.
    pub update_time: OffsetDateTime,
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: ShareLimits = ShareLimits {
        max_ttl: Duration::from_secs(60),
    };

    #[test]
    fn lives_are_from_a_second_to_the_limit() {
        assert!(Expiry::after("ttl", Duration::from_secs(60), Some(&LIMITS)).is_ok());
        assert!(Expiry::after("ttl", MIN_TTL, Some(&LIMITS)).is_ok());
        for ttl in [
            Duration::ZERO,
            Duration::from_millis(999),
            Duration::from_millis(60_001),
        ] {
            let refused = Expiry::after("ttl", ttl, Some(&LIMITS)).map_err(|violation| violation.reason);
            assert_eq!(refused, Err(Reason::FieldOutOfRange), "{ttl:?}");
        }
        assert!(Expiry::after("ttl", Duration::MAX, None).is_ok());
        assert!(Expiry::after("ttl", Duration::ZERO, None).is_err());
        assert_eq!(Expiry::default_within(&LIMITS), Expiry::After(LIMITS.max_ttl));
        let generous = ShareLimits { max_ttl: Duration::MAX };
        assert_eq!(Expiry::default_within(&generous), Expiry::After(DEFAULT_TTL));
    }

    #[test]
    fn no_use_at_all_is_no_limit() {
        assert_eq!(parse_max_uses("max_uses", None), Ok(None));
        assert_eq!(parse_max_uses("max_uses", Some(1)), Ok(Some(1)));
        for refused in [0, -1] {
            assert!(parse_max_uses("max_uses", Some(refused)).is_err());
        }
    }

    #[test]
    fn notes_are_text_that_can_be_stored() {
        assert!(parse_note("note", "é".repeat(MAX_NOTE_CHARS)).is_ok());
        assert!(parse_note("note", "é".repeat(MAX_NOTE_CHARS + 1)).is_err());
        assert!(parse_note("note", "a\0".into()).is_err());
    }

    /// Answers outlive the release that kept them: a field may be added with a default, none renamed or removed.
    #[test]
    fn answers_of_this_release_are_read_back() {
        let kept = r#"{"name":"projects/p/dashboards/d/shareLinks/7c9e6679-7425-40de-944b-e07fc1f90ae7",
            "dashboard_uid":"018f6b1e-0000-7000-8000-000000000001","pinned_revision":3,"expire_time":"2026-01-08T00:00:00Z",
            "max_uses":null,"use_count":2,"allowed_networks":["10.0.0.0/8"],"note":"n","state":"active","generation":1,
            "created_by":"user:ada","updated_by":"user:ada","create_time":"2026-01-01T00:00:00Z",
            "update_time":"2026-01-01T00:00:00Z","last_use_time":null,"revoke_time":null,"revoked_by":null}"#;
        let link: ShareLink = serde_json::from_str(kept).unwrap();
        let written = serde_json::to_value(&link).unwrap();
        assert_eq!(written, serde_json::from_str::<serde_json::Value>(kept).unwrap());
    }
}
