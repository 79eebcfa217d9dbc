//! Times: `time::OffsetDateTime` to `google.protobuf.Timestamp`, and back.

use prost_types::Timestamp;
use time::OffsetDateTime;

use crate::domain::reason::Reason;
use crate::domain::violation::Violation;

/// Presents a time.
pub fn timestamp(time: OffsetDateTime) -> Timestamp {
    Timestamp {
        seconds: time.unix_timestamp(),
        // Below 1,000,000,000, so it fits.
        nanos: time.nanosecond().cast_signed(),
    }
}

/// Parses a time; what is finer than a microsecond, which the database can't hold, is cut off.
pub fn parse_time(field: &str, time: &Timestamp) -> Result<OffsetDateTime, Violation> {
    let in_range = || {
        let whole = OffsetDateTime::from_unix_timestamp(time.seconds).ok()?;
        let nanosecond = u32::try_from(time.nanos).ok()?;
        whole.replace_nanosecond(nanosecond - nanosecond % 1000).ok()
    };
    in_range().filter(|time| time.year() > 0).ok_or_else(|| {
        let description = "is not a time between the years 1 and 9999";
        Violation::new(field, Reason::FieldOutOfRange, description)
    })
}
