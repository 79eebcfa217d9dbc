//! Times in exports: RFC 3339, and no more exact than what is signed.

use serde::de::Error;
use serde::{Deserializer, Serializer};
use time::OffsetDateTime;
use time::serde::rfc3339;

/// Writes a time.
pub(super) fn serialize<S: Serializer>(time: &OffsetDateTime, serializer: S) -> Result<S::Ok, S::Error> {
    rfc3339::serialize(time, serializer)
}

/// Reads a time. Digits behind the microseconds are in no signed bytes: anybody could have written them.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<OffsetDateTime, D::Error> {
    let time = rfc3339::deserialize(deserializer)?;
    match time.nanosecond().is_multiple_of(1000) {
        true => Ok(time),
        false => Err(D::Error::custom("a time is more exact than to the microsecond")),
    }
}
