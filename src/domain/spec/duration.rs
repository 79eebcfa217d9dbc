//! Durations in the grammar of Perses and Prometheus: `(Ny)?(Nw)?(Nd)?(Nh)?(Nm)?(Ns)?(Nms)?`, or `0`.
//!
//! Perses keeps the caller's text and so do we; the value serves comparisons. A year has 365 days.

use std::time::Duration;

use crate::domain::violation::quoted;

/// The units from the largest to the smallest, which is the order that they must be written in, with their nanoseconds.
const UNITS: [(&str, u64); 7] = [
    ("y", 365 * 24 * 3_600_000_000_000),
    ("w", 7 * 24 * 3_600_000_000_000),
    ("d", 24 * 3_600_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
];

/// The longest duration in nanoseconds: what a Go `time.Duration` holds, some 292 years.
const MAX_NANOS: u64 = i64::MAX.unsigned_abs();

/// Parses a duration.
///
/// # Errors
/// Perses' own sentence. The empty text is an error here; where a field is optional, the caller takes it as absent.
pub fn parse(text: &str) -> Result<Duration, String> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let malformed = || format!("not a valid duration string: {}", quoted(text));
    let out_of_range = || "duration out of range".to_owned();
    let mut nanos = 0_u64;
    let mut units = UNITS.iter();
    let mut rest = text;
    loop {
        let (number, after_number) = split_where(rest, |c| !c.is_ascii_digit());
        let count: u64 = number.parse().map_err(|_| malformed())?;
        let (unit, after_unit) = split_where(after_number, |c| c.is_ascii_digit());
        if unit.is_empty() {
            return Err(malformed());
        }
        if !UNITS.iter().any(|(name, _)| *name == unit) {
            return Err(format!("unknown unit {} in duration {}", quoted(unit), quoted(text)));
        }
        // The iterator goes on after the last unit: a unit that was passed is out of order.
        let (_, factor) = units.find(|(name, _)| *name == unit).ok_or_else(malformed)?;
        nanos = count
            .checked_mul(*factor)
            .and_then(|product| nanos.checked_add(product))
            .filter(|sum| *sum <= MAX_NANOS)
            .ok_or_else(out_of_range)?;
        if after_unit.is_empty() {
            return Ok(Duration::from_nanos(nanos));
        }
        rest = after_unit;
    }
}

/// Splits before the first character that `ends` the first part.
fn split_where(text: &str, ends: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(ends).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Writes a duration with the largest units first, and with those alone that it needs.
    fn write(duration: Duration) -> String {
        let mut nanos = duration.as_nanos();
        let mut text = String::new();
        for (unit, factor) in UNITS {
            let count = nanos / u128::from(factor);
            nanos %= u128::from(factor);
            if count > 0 {
                text.push_str(&format!("{count}{unit}"));
            }
        }
        if text.is_empty() { "0".to_owned() } else { text }
    }

    #[test]
    fn durations_are_read() {
        for (text, seconds) in [
            ("0", 0),
            ("0s", 0),
            ("30s", 30),
            ("1h", 3600),
            ("1h30m", 5400),
            ("14d", 14 * 86_400),
            ("2w", 14 * 86_400),
            ("1y1w1d1h1m1s", 365 * 86_400 + 7 * 86_400 + 86_400 + 3600 + 60 + 1),
            ("5000ms", 5),
            ("007s", 7),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        assert_eq!(parse("292y"), Ok(Duration::from_secs(292 * 365 * 86_400)));
    }

    #[test]
    fn errors_have_the_words_of_perses() {
        for text in [
            "",
            "h",
            "1",
            "-1s",
            " 1h",
            "1m1h",
            "1h1h",
            "1s0",
            "99999999999999999999s",
        ] {
            assert_eq!(parse(text), Err(format!("not a valid duration string: {text:?}")));
        }
        for (text, unit) in [("5q", "q"), ("1.5h", "."), ("5é1s", "é"), ("1h ", "h ")] {
            let expected = format!("unknown unit {unit:?} in duration {text:?}");
            assert_eq!(parse(text), Err(expected));
        }
        for text in ["293y", "292y52w", "9223372036855s", "18446744073709551615y"] {
            assert_eq!(parse(text), Err("duration out of range".into()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn durations_round_trip(milliseconds in 0..=MAX_NANOS / 1_000_000) {
            let duration = Duration::from_millis(milliseconds);
            prop_assert_eq!(parse(&write(duration)), Ok(duration));
        }

        #[test]
        fn what_is_read_as_a_duration_is_read_the_same_when_written_anew(
            text in "([0-9]{1,4}(y|w|d|h|m|s|ms)){1,4}|([0-9]{0,20}[a-zé. -]{0,2}){0,4}|\\PC{0,20}",
        ) {
            match parse(&text) {
                Ok(duration) => prop_assert_eq!(parse(&write(duration)), Ok(duration)),
                Err(description) => prop_assert!(!description.is_empty()),
            }
        }
    }
}
