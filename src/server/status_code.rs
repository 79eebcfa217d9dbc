//! The status of a finished call as a number, for logs and metrics.
//!
//! Which error has which code is decided in `grpc::status` alone; here codes are only read back from the wire.

use std::fmt;

use http::{HeaderMap, HeaderName};

/// The header, or trailer, with the status of a call.
const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");

/// The names of the codes 0 to 16 (`google.rpc.Code`).
const NAMES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// A status code as it went over the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusCode(u8);

impl StatusCode {
    /// The call succeeded.
    pub const OK: Self = Self(0);
    /// The caller went away.
    pub const CANCELLED: Self = Self(1);
    /// The outcome is not known.
    pub const UNKNOWN: Self = Self(2);
    /// It took too long.
    pub const DEADLINE_EXCEEDED: Self = Self(4);
    /// There is no such thing.
    pub const NOT_FOUND: Self = Self(5);
    /// The caller may not do this.
    pub const PERMISSION_DENIED: Self = Self(7);
    /// A limit is reached.
    pub const RESOURCE_EXHAUSTED: Self = Self(8);
    /// What tonic says of messages that are too large.
    pub const OUT_OF_RANGE: Self = Self(11);
    /// There is no such method.
    pub const UNIMPLEMENTED: Self = Self(12);
    /// A bug of ours, or what tonic says of malformed messages.
    pub const INTERNAL: Self = Self(13);
    /// The server can do nothing now.
    pub const UNAVAILABLE: Self = Self(14);
    /// Data is broken.
    pub const DATA_LOSS: Self = Self(15);
    /// Nobody knows who calls.
    pub const UNAUTHENTICATED: Self = Self(16);

    /// Reads the status of the headers of a response without body, or of the trailers.
    pub fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let text = headers.get(&GRPC_STATUS)?.to_str().ok()?;
        let number: u8 = text.parse().ok()?;
        Some(if usize::from(number) < NAMES.len() {
            Self(number)
        } else {
            Self::UNKNOWN
        })
    }

    /// The number on the wire.
    pub fn number(self) -> i64 {
        i64::from(self.0)
    }

    /// Whether the server, and not what it was asked, is why the call failed.
    pub fn is_server_fault(self) -> bool {
        [
            Self::UNKNOWN,
            Self::DEADLINE_EXCEEDED,
            Self::RESOURCE_EXHAUSTED,
            Self::INTERNAL,
            Self::UNAVAILABLE,
            Self::DATA_LOSS,
        ]
        .contains(&self)
    }
}

impl fmt::Display for StatusCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAMES.get(usize::from(self.0)).unwrap_or(&"UNKNOWN"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_from_headers() {
        let read = |text: &'static str| {
            let headers = HeaderMap::from_iter([(GRPC_STATUS, http::HeaderValue::from_static(text))]);
            StatusCode::from_headers(&headers)
        };
        assert_eq!(read("0"), Some(StatusCode::OK));
        assert_eq!(read("14").map(|code| code.to_string()), Some("UNAVAILABLE".into()));
        assert_eq!(read("200"), Some(StatusCode::UNKNOWN));
        assert_eq!(read("x"), None);
        assert_eq!(StatusCode::from_headers(&HeaderMap::new()), None);
    }
}
