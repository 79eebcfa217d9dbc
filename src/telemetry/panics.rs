//! Panics as log lines.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic;

/// Logs every panic of the process with one line, in the span of the call that it happened in.
///
/// It stands in place of the standard library's text; the backtrace comes with `RUST_BACKTRACE=1` alone.
pub fn log_panics() {
    panic::set_hook(Box::new(|panicked| {
        let message = panicked.payload_as_str().unwrap_or("a payload that is no text");
        let location = panicked.location().map(tracing::field::display);
        let captured = Backtrace::capture();
        let backtrace = (captured.status() == BacktraceStatus::Captured).then(|| tracing::field::display(&captured));
        tracing::error!(panic = message, location, backtrace, "panicked");
    }));
}
