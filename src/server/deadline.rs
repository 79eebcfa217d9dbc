//! Bounds how long a call may take.

use std::time::Duration;

use http::{HeaderMap, HeaderName};
use tonic::Status;

use super::layer::{Handler, Layer, Request, Response};
use super::methods::Method;
use crate::domain::reason::Reason;
use crate::domain::violation::Violation;
use crate::error::{Error, Result};

/// The header in which a caller says how long it will wait (gRPC over HTTP/2).
const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

/// The most digits of a `grpc-timeout`.
const MAX_DIGITS: usize = 8;

/// How much earlier than the caller the server gives up, so that the caller sees DEADLINE_EXCEEDED and not its own
/// cancellation; never more than a tenth of the time.
const HEAD_START: Duration = Duration::from_millis(25);

/// Answers DEADLINE_EXCEEDED when a unary call takes too long, and cancels it.
///
/// The time runs from the arrival of the headers: it covers reading the request, waiting in the queue and the handler.
/// Streams have no total.
#[derive(Debug)]
pub struct Deadline {
    /// For callers that name none.
    pub default: Duration,
    /// The most that a caller can ask for.
    pub longest: Duration,
}

impl Layer for Deadline {
    async fn call(&self, request: Request, next: &impl Handler) -> Response {
        if request
            .extensions()
            .get::<Method>()
            .is_some_and(|method| method.streaming)
        {
            return next.handle(request).await;
        }
        let time_left = match self.time_left(request.headers()) {
            Ok(time_left) => time_left,
            Err(error) => return Status::from(error).into_http(),
        };
        let answered = tokio::time::timeout(time_left, next.handle(request)).await;
        answered.unwrap_or_else(|_elapsed| Status::from(Error::DeadlineExceeded).into_http())
    }
}

impl Deadline {
    fn time_left(&self, headers: &HeaderMap) -> Result<Duration> {
        let Some(value) = headers.get(GRPC_TIMEOUT) else {
            return Ok(self.default);
        };
        let asked = value.to_str().ok().and_then(parse_timeout).ok_or_else(|| {
            let description = "must be 1 to 8 digits and a unit: H, M, S, m, u or n";
            Violation::new(GRPC_TIMEOUT.as_str(), Reason::FieldInvalid, description)
        })?;
        let head_start = HEAD_START.min(asked / 10);
        Ok((asked - head_start).min(self.longest))
    }
}

/// Parses `TimeoutValue TimeoutUnit` of gRPC over HTTP/2.
fn parse_timeout(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let well_formed = (1..=MAX_DIGITS).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !well_formed {
        return None;
    }
    let amount: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(amount * 3600)),
        "M" => Some(Duration::from_secs(amount * 60)),
        "S" => Some(Duration::from_secs(amount)),
        "m" => Some(Duration::from_millis(amount)),
        "u" => Some(Duration::from_micros(amount)),
        "n" => Some(Duration::from_nanos(amount)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use tokio::time::Instant;
    use tonic::body::Body;

    use super::*;
    use crate::server::status_code::StatusCode;

    /// A handler that never answers.
    struct Hanging;

    impl Handler for Hanging {
        async fn handle(&self, _request: Request) -> Response {
            std::future::pending().await
        }
    }

    const DEADLINE: Deadline = Deadline {
        default: Duration::from_secs(10),
        longest: Duration::from_secs(60),
    };

    fn time_left(timeout: &'static str) -> Result<Duration> {
        let headers = HeaderMap::from_iter([(GRPC_TIMEOUT, HeaderValue::from_static(timeout))]);
        DEADLINE.time_left(&headers)
    }

    #[test]
    fn timeouts_are_parsed() {
        assert_eq!(parse_timeout("2H"), Some(Duration::from_secs(7200)));
        assert_eq!(parse_timeout("3M"), Some(Duration::from_secs(180)));
        assert_eq!(parse_timeout("4S"), Some(Duration::from_secs(4)));
        assert_eq!(parse_timeout("250m"), Some(Duration::from_millis(250)));
        assert_eq!(parse_timeout("5u"), Some(Duration::from_micros(5)));
        assert_eq!(parse_timeout("99999999n"), Some(Duration::from_nanos(99_999_999)));
        assert!(parse_timeout("99999999H").is_some());
        for malformed in ["", "S", "1", "1s", "-1S", "+1S", "1.5S", "123456789S", "1 S", "1é"] {
            assert_eq!(parse_timeout(malformed), None, "{malformed}");
        }
    }

    #[test]
    fn callers_get_what_they_ask_for_up_to_the_longest() {
        assert_eq!(DEADLINE.time_left(&HeaderMap::new()).unwrap(), Duration::from_secs(10));
        assert_eq!(time_left("1S").unwrap(), Duration::from_millis(975));
        assert_eq!(time_left("10m").unwrap(), Duration::from_millis(9));
        assert_eq!(time_left("0S").unwrap(), Duration::ZERO);
        assert_eq!(time_left("2M").unwrap(), Duration::from_secs(60));
    }

    #[tokio::test(start_paused = true)]
    async fn the_answer_comes_before_the_caller_gives_up() {
        let request = http::Request::builder().header(GRPC_TIMEOUT, "3S");
        let started = Instant::now();
        let response = DEADLINE.call(request.body(Body::empty()).unwrap(), &Hanging).await;
        let code = StatusCode::from_headers(response.headers());
        assert_eq!(code, Some(StatusCode::DEADLINE_EXCEEDED));
        // The timers of tokio count whole milliseconds.
        assert!(
            (2975..2980).contains(&started.elapsed().as_millis()),
            "{:?}",
            started.elapsed()
        );
    }

    #[test]
    fn malformed_timeouts_are_refused_by_name() {
        let Err(Error::Invalid(violations)) = time_left("soon") else {
            panic!("taken");
        };
        assert_eq!(violations[0].field, "grpc-timeout");
    }
}
