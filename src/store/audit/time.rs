//! Times (`timestamptz`) as others can write them: PostgreSQL has years, and infinities, that neither RFC 3339 nor an answer has.

use std::error::Error;

use postgres_types::{FromSql, Type, accepts};
use time::{Duration, OffsetDateTime};

/// From where PostgreSQL counts, since 1970: the year 2000.
const EPOCH: Duration = Duration::seconds(946_684_800);

/// The beginning of the year 1, since 1970.
const FIRST: Duration = Duration::seconds(-62_135_596_800);

/// The last microsecond of the year 9999, since 1970.
const LAST: Duration = Duration::microseconds(253_402_300_799_999_999);

/// A time in the years 1 to 9999; the nearest of these for any other, which no event, seal or checkpoint of ours has. So the row is
/// shown and exported, and is not what was sealed or signed.
#[derive(Debug, Clone, Copy)]
pub(super) struct AuditTime(pub(super) OffsetDateTime);

impl AuditTime {
    /// Whether a time stands for earlier ones, too.
    pub(super) fn is_first(time: OffsetDateTime) -> bool {
        time - OffsetDateTime::UNIX_EPOCH == FIRST
    }

    /// Whether a time stands for later ones, too.
    pub(super) fn is_last(time: OffsetDateTime) -> bool {
        time - OffsetDateTime::UNIX_EPOCH == LAST
    }
}

impl<'a> FromSql<'a> for AuditTime {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        let since_1970 = EPOCH + Duration::microseconds(i64::from_be_bytes(raw.try_into()?));
        Ok(Self(OffsetDateTime::UNIX_EPOCH + since_1970.clamp(FIRST, LAST)))
    }

    accepts!(TIMESTAMPTZ);
}
