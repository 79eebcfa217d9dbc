//! Times in exports: RFC 3339 in UTC, and no more exact than what is signed.

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
pub(super) use time::serde::rfc3339::serialize;

/// How long a time is at most: `2026-11-28T12:34:56.123456Z`.
const LONGEST: usize = 27;

/// Reads a time. Digits behind the microseconds are in no signed bytes: anybody could have written them.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<OffsetDateTime, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.len() > LONGEST || !text.ends_with('Z') {
        return Err(D::Error::custom(
            "a time is not in UTC (Z) or more exact than to the microsecond",
        ));
    }
    OffsetDateTime::parse(&text, &Rfc3339).map_err(D::Error::custom)
}
