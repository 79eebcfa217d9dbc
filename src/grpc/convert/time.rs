//! Times: `time::OffsetDateTime` to `google.protobuf.Timestamp`.

use prost_types::Timestamp;
use time::OffsetDateTime;

/// Presents a time.
pub fn timestamp(time: OffsetDateTime) -> Timestamp {
    Timestamp {
        seconds: time.unix_timestamp(),
        // Below 1,000,000,000, so it fits.
        nanos: time.nanosecond().cast_signed(),
    }
}
