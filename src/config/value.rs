//! How single values are written: durations, counts, sizes, switches.

use std::fmt::Display;
use std::fs::File;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

/// The seconds of a day.
const DAY: u64 = 86_400;

/// Parses `5m`, `1m30s`, `250ms`, `30d`; a bare `0` is zero.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text.trim())
        .map_err(|_| "must be a duration, a number with its unit: 250ms, 10s, 1m30s, 30d".to_owned())
}

/// Parses a duration within `range`.
pub(super) fn duration_within(text: &str, range: RangeInclusive<Duration>) -> Result<Duration, String> {
    let parsed = duration(text)?;
    if range.contains(&parsed) {
        return Ok(parsed);
    }
    Err(format!(
        "must be from {} to {}",
        written(*range.start()),
        written(*range.end())
    ))
}

/// Writes a duration as the documentation does. `humantime` would make months and years of days, which have a fraction.
fn written(duration: Duration) -> String {
    match duration.as_secs() {
        seconds if seconds > 0 && Duration::from_secs(seconds / DAY * DAY) == duration => format!("{}d", seconds / DAY),
        _ => humantime::format_duration(duration).to_string(),
    }
}

/// Parses a limit for a single step: more than nothing, at most an hour.
pub(super) fn timeout(text: &str) -> Result<Duration, String> {
    duration_within(text, Duration::from_millis(1)..=Duration::from_secs(3600))
}

/// Parses a duration where zero means "without limit", as Go's `database/sql` has it.
pub(super) fn limit(text: &str) -> Result<Option<Duration>, String> {
    duration(text).map(|parsed| (!parsed.is_zero()).then_some(parsed))
}

/// Parses a whole number within `range`.
pub(super) fn number<T>(text: &str, range: RangeInclusive<T>) -> Result<T, String>
where
    T: FromStr + PartialOrd + Display,
{
    text.trim()
        .parse()
        .ok()
        .filter(|parsed| range.contains(parsed))
        .ok_or_else(|| format!("must be a whole number from {} to {}", range.start(), range.end()))
}

/// Parses a number of bytes within `range`: `65536`, `64KiB`, `1MiB`.
pub(super) fn bytes(text: &str, range: RangeInclusive<usize>) -> Result<usize, String> {
    let text = text.trim();
    let (digits, unit) = match text.strip_suffix("MiB").map(|digits| (digits, 1024 * 1024)) {
        Some(mebibytes) => mebibytes,
        None => text.strip_suffix("KiB").map_or((text, 1), |digits| (digits, 1024)),
    };
    digits
        .trim()
        .parse::<usize>()
        .ok()
        .and_then(|number| number.checked_mul(unit))
        .filter(|size| range.contains(size))
        .ok_or_else(|| {
            format!(
                "must be a number of bytes from {} to {}, such as 65536, 64KiB or 1MiB",
                range.start(),
                range.end()
            )
        })
}

/// Parses a switch.
pub(super) fn switch(text: &str) -> Result<bool, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(true),
        "0" | "false" | "no" | "off" => Ok(false),
        _ => Err("must be true or false".to_owned()),
    }
}

/// Parses the path of a file that can be read. A directory can be opened as well, but not read.
pub(super) fn readable_file(path: &str) -> Result<PathBuf, String> {
    let metadata = File::open(path).and_then(|file| file.metadata());
    match metadata.map_err(|error| format!("can't be read: {error}"))?.is_dir() {
        true => Err("is a directory: name a file".to_owned()),
        false => Ok(PathBuf::from(path)),
    }
}

/// Parses the path of a PEM file with the certificates of authorities.
pub(super) fn authorities_file(path: &str) -> Result<PathBuf, String> {
    let unusable =
        |problem: &dyn Display| format!("has no certificates of authorities in PEM that can be used: {problem}");
    let path = readable_file(path)?;
    let certificates = CertificateDer::pem_file_iter(&path).map_err(|problem| unusable(&problem))?;
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        let certificate = certificate.map_err(|problem| unusable(&problem))?;
        roots.add(certificate).map_err(|problem| unusable(&problem))?;
    }
    if roots.is_empty() {
        return Err(unusable(&"there is none in it"));
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_as_in_go_and_in_days() {
        for (text, expected) in [
            ("250ms", Duration::from_millis(250)),
            ("10s", Duration::from_secs(10)),
            ("1m30s", Duration::from_secs(90)),
            ("5m", Duration::from_secs(300)),
            ("1h", Duration::from_secs(3600)),
            ("30d", Duration::from_secs(30 * 86_400)),
            ("0", Duration::ZERO),
        ] {
            assert_eq!(duration(text), Ok(expected), "{text}");
        }
        for text in ["", "10", "-1s", "s", "ten seconds", "1.s"] {
            assert!(duration(text).is_err(), "{text}");
        }
        assert_eq!(limit("0s"), Ok(None));
    }

    #[test]
    fn limits_are_told_in_days_as_they_are_documented() {
        let day = Duration::from_secs(DAY);
        for (range, expected) in [
            (Duration::from_secs(1)..=day * 3650, "must be from 1s to 3650d"),
            (Duration::ZERO..=day * 30, "must be from 0s to 30d"),
            (day..=day * 2 + Duration::from_millis(1), "must be from 1d to 2days 1ms"),
            (Duration::from_secs(3600)..=day * 400, "must be from 1h to 400d"),
        ] {
            assert_eq!(duration_within("10000d", range), Err(expected.to_owned()));
        }
    }

    #[test]
    fn a_directory_is_no_file() {
        assert_eq!(
            readable_file(env!("CARGO_MANIFEST_DIR")),
            Err("is a directory: name a file".to_owned())
        );
        assert!(readable_file("/dev/null").is_ok());
    }

    #[test]
    fn sizes_and_numbers_keep_their_range() {
        assert_eq!(bytes("1MiB", 1..=2 << 20), Ok(1 << 20));
        assert_eq!(bytes("64 KiB", 1..=1 << 20), Ok(65_536));
        assert_eq!(bytes("65536", 1..=1 << 20), Ok(65_536));
        for text in ["", "0", "3MB", "2MiB", "-1", "18446744073709551615MiB"] {
            assert!(bytes(text, 1..=1 << 20).is_err(), "{text}");
        }
        assert_eq!(number("7", 1..=10), Ok(7));
        assert_eq!(
            number("11", 1..=10),
            Err("must be a whole number from 1 to 10".to_owned())
        );
        assert!(number::<u16>("99999", 1..=u16::MAX).is_err());
    }

    #[test]
    fn switches_take_the_usual_words() {
        assert_eq!(switch("Yes"), Ok(true));
        assert_eq!(switch("0"), Ok(false));
        assert!(switch("maybe").is_err());
    }
}
