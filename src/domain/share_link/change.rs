//! Changes of a link: they may only take away of what it can do.

use std::time::Duration;

use time::OffsetDateTime;

use super::{AllowedNetworks, Expiry, ShareLink};
use crate::domain::digest::Fingerprint;
use crate::domain::reason::Reason;
use crate::domain::violation::{Violation, Violations};

/// What a caller asks to be changed; what is none stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ShareLinkChange {
    /// The revision that it pins, in the eyes of the caller; it can't be changed.
    pub pinned_revision: Option<Option<i32>>,
    /// When it shall expire.
    pub expiry: Option<Expiry>,
    /// How often it can be used; none inside for as often as one likes.
    pub max_uses: Option<Option<i32>>,
    /// From where.
    pub allowed_networks: Option<AllowedNetworks>,
    /// What for.
    pub note: Option<String>,
}

/// What a caller can write of a link after its creation.
#[derive(Debug, Clone, PartialEq)]
pub struct Terms {
    /// When it expires.
    pub expire_time: OffsetDateTime,
    /// How often it can be used.
    pub max_uses: Option<i32>,
    /// From where.
    pub allowed_networks: AllowedNetworks,
    /// What for.
    pub note: String,
}

impl Terms {
    /// Those of a link.
    pub fn of(link: &ShareLink) -> Self {
        Self {
            expire_time: link.expire_time,
            max_uses: link.max_uses,
            allowed_networks: link.allowed_networks.clone(),
            note: link.note.clone(),
        }
    }

    /// The fields that differ, by their names in the API.
    pub fn differences(&self, other: &Self) -> Vec<&'static str> {
        let fields = [
            ("expire_time", self.expire_time != other.expire_time),
            ("max_uses", self.max_uses != other.max_uses),
            ("allowed_cidrs", self.allowed_networks != other.allowed_networks),
            ("note", self.note != other.note),
        ];
        fields
            .into_iter()
            .filter(|(_, differs)| *differs)
            .map(|(field, _)| field)
            .collect()
    }

    /// The fields in which these allow what `old` does not, by their names in the API.
    pub fn wider_than(&self, old: &Self) -> Vec<&'static str> {
        let more_uses = match (self.max_uses, old.max_uses) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(new), Some(before)) => new > before,
        };
        let fields = [
            ("expire_time", self.expire_time > old.expire_time),
            ("max_uses", more_uses),
            ("allowed_cidrs", !self.allowed_networks.is_within(&old.allowed_networks)),
        ];
        fields
            .into_iter()
            .filter(|(_, wider)| *wider)
            .map(|(field, _)| field)
            .collect()
    }
}

impl ShareLinkChange {
    /// The terms of `link` after the change, at the time `now`.
    ///
    /// # Errors
    /// `FIELD_INVALID` on `share_link.pinned_revision` for another one; `FIELD_OUT_OF_RANGE` on `share_link.expire_time` for another time
    /// that is over, and on `share_link.max_uses` for less than it was used.
    pub fn terms(&self, link: &ShareLink, now: OffsetDateTime) -> Result<Terms, Violations> {
        let mut wrong = Violations::default();
        let old = Terms::of(link);
        let pinned = match self.pinned_revision {
            Some(given) if given != link.pinned_revision => wrong.note(Err(pins_another())),
            _ => Some(()),
        };
        let expire_time = match self.expiry {
            None => Some(old.expire_time),
            // It may be over: whoever writes back what was read changes nothing.
            Some(Expiry::At(time)) if time == old.expire_time => Some(time),
            Some(expiry) => wrong.note(time_of(expiry, now)),
        };
        let max_uses = match self.max_uses {
            Some(Some(most)) if most < link.use_count => wrong.note(Err(used_more_often(link.use_count))),
            Some(most) => Some(most),
            None => Some(old.max_uses),
        };
        match (pinned, expire_time, max_uses) {
            (Some(()), Some(expire_time), Some(max_uses)) => Ok(Terms {
                expire_time,
                max_uses,
                allowed_networks: self.allowed_networks.clone().unwrap_or(old.allowed_networks),
                note: self.note.clone().unwrap_or(old.note),
            }),
            _ => Err(wrong),
        }
    }

    /// Adds all of it to the digest of a request.
    pub(super) fn fingerprint(&self, request: Fingerprint) -> Fingerprint {
        let networks = self
            .allowed_networks
            .as_ref()
            .map(|networks| networks.to_texts().join(","));
        let max_uses = self
            .max_uses
            .map(|most| most.map_or("any".to_owned(), |most| most.to_string()));
        let pinned_revision = self
            .pinned_revision
            .map(|pinned| pinned.map_or("head".to_owned(), |revision| revision.to_string()));
        request
            .optional_part(pinned_revision)
            .optional_part(self.expiry.map(|expiry| expiry.to_string()))
            .optional_part(max_uses)
            .optional_part(networks)
            .optional_part(self.note.as_ref())
    }
}

fn time_of(expiry: Expiry, now: OffsetDateTime) -> Result<OffsetDateTime, Violation> {
    let time = match expiry {
        Expiry::At(time) => time,
        Expiry::After(ttl) => later(now, ttl),
    };
    if time > now {
        return Ok(time);
    }
    let description = "must be in the future: to end a link now, revoke it";
    Err(Violation::new(
        "share_link.expire_time",
        Reason::FieldOutOfRange,
        description,
    ))
}

/// So long after `now`, in the whole microseconds that a time of the database has, or the last time that there is.
fn later(now: OffsetDateTime, ttl: Duration) -> OffsetDateTime {
    let whole = ttl - Duration::from_nanos(u64::from(ttl.subsec_nanos() % 1000));
    now.saturating_add(whole.try_into().unwrap_or(time::Duration::MAX))
}

fn pins_another() -> Violation {
    let description = "can't be changed: leave it out, or create another link";
    Violation::new("share_link.pinned_revision", Reason::FieldInvalid, description)
}

fn used_more_often(use_count: i32) -> Violation {
    let description = format!("is less than the {use_count} times that the link was used: to end it now, revoke it");
    Violation::new("share_link.max_uses", Reason::FieldOutOfRange, description)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

    fn terms(expire: u64, max_uses: Option<i32>, cidrs: &[&str]) -> Terms {
        let texts: Vec<String> = cidrs.iter().map(|text| (*text).to_owned()).collect();
        Terms {
            expire_time: NOW + Duration::from_secs(expire),
            max_uses,
            allowed_networks: AllowedNetworks::parse("cidrs", &texts).unwrap(),
            note: String::new(),
        }
    }

    #[test]
    fn what_allows_more_is_named() {
        let old = terms(100, Some(10), &["10.0.0.0/8"]);
        for (new, wider) in [
            (terms(100, Some(10), &["10.0.0.0/8"]), &[][..]),
            (terms(1, Some(1), &["10.0.0.0/9"]), &[]),
            (terms(101, Some(10), &["10.0.0.0/8"]), &["expire_time"]),
            (terms(100, Some(11), &["10.0.0.0/8"]), &["max_uses"]),
            (terms(100, None, &["10.0.0.0/8"]), &["max_uses"]),
            (terms(100, Some(10), &[]), &["allowed_cidrs"]),
            (
                terms(101, None, &["0.0.0.0/1"]),
                &["expire_time", "max_uses", "allowed_cidrs"],
            ),
        ] {
            assert_eq!(new.wider_than(&old), wider, "{new:?}");
        }
        let unlimited = terms(100, None, &[]);
        assert_eq!(old.wider_than(&unlimited), [""; 0]);
    }

    #[test]
    fn times_are_whole_microseconds_in_the_future() {
        let ttl = Expiry::After(Duration::from_nanos(1_500_000_999));
        assert_eq!(time_of(ttl, NOW), Ok(NOW + Duration::from_nanos(1_500_000_000)));
        assert!(time_of(Expiry::At(NOW), NOW).is_err());
        assert!(time_of(Expiry::After(Duration::MAX), NOW).unwrap().year() > 9998);
    }
}
