//! How many requests are taken, and how long they may last.

use std::time::Duration;

use super::args::RequestArgs;
use super::problem::Reader;
use super::value;

/// The longest deadline of a request; a longer one of a caller is cut to it.
pub const MAX_REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

/// How many requests are taken, and how long they may last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestsConfig {
    /// Requests that are worked on at the same time.
    pub max_in_flight: usize,
    /// The deadline of a request that brings none; at most [`MAX_REQUEST_TIMEOUT`].
    pub timeout: Duration,
    /// How long an import or an export may stand still.
    pub stream_idle_timeout: Duration,
    /// How long an export may take.
    pub export_timeout: Duration,
    /// How long new requests are still taken after SIGTERM.
    pub drain_delay: Duration,
}

impl Default for RequestsConfig {
    fn default() -> Self {
        Self {
            max_in_flight: 256,
            timeout: Duration::from_secs(10),
            stream_idle_timeout: Duration::from_secs(60),
            export_timeout: Duration::from_secs(5 * 60),
            drain_delay: Duration::ZERO,
        }
    }
}

impl RequestsConfig {
    /// Reads the options.
    pub(super) fn read(reader: &mut Reader, args: RequestArgs) -> Self {
        let RequestArgs {
            max_requests_in_flight,
            request_timeout,
            stream_idle_timeout,
            export_timeout,
            drain_delay,
        } = args;
        let defaults = Self::default();
        Self {
            max_in_flight: reader
                .read("MAX_REQUESTS_IN_FLIGHT", max_requests_in_flight, |text| {
                    value::number(text, 1..=100_000)
                })
                .unwrap_or(defaults.max_in_flight),
            timeout: reader
                .read("REQUEST_TIMEOUT", request_timeout, |text| {
                    value::duration_within(text, Duration::from_millis(1)..=MAX_REQUEST_TIMEOUT)
                })
                .unwrap_or(defaults.timeout),
            stream_idle_timeout: reader
                .read("STREAM_IDLE_TIMEOUT", stream_idle_timeout, |text| {
                    value::duration_within(text, Duration::from_millis(1)..=Duration::from_secs(600))
                })
                .unwrap_or(defaults.stream_idle_timeout),
            export_timeout: reader
                .read("EXPORT_TIMEOUT", export_timeout, |text| {
                    value::duration_within(text, Duration::from_millis(1)..=Duration::from_secs(3600))
                })
                .unwrap_or(defaults.export_timeout),
            drain_delay: reader
                .read("DRAIN_DELAY", drain_delay, |text| {
                    value::duration_within(text, Duration::ZERO..=Duration::from_secs(300))
                })
                .unwrap_or(defaults.drain_delay),
        }
    }
}
