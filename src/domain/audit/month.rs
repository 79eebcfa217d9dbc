//! Months of the calendar in UTC: each is a partition of the audit log.

use std::fmt;

use serde::{Deserialize, Serialize};
use time::{Date, OffsetDateTime};

/// The month of a partition; written `2026-11`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Month {
    year: i32,
    month: u8,
}

/// A text that is no month.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no month such as 2026-11")]
pub struct NotAMonth(String);

impl Month {
    /// The month of an instant.
    pub fn of(time: OffsetDateTime) -> Self {
        let utc = time.to_offset(time::UtcOffset::UTC);
        Self {
            year: utc.year(),
            month: utc.month().into(),
        }
    }

    /// Reads `2026-11`.
    ///
    /// # Errors
    /// For any other text.
    pub fn parse(text: &str) -> Result<Self, NotAMonth> {
        Self::parse_with(text, '-').ok_or_else(|| NotAMonth(text.to_owned()))
    }

    /// The month of a partition by its name, `audit_log_2026_11`; none for any other table.
    pub fn of_partition(table: &str) -> Option<Self> {
        Self::parse_with(table.strip_prefix("audit_log_")?, '_')
    }

    fn parse_with(text: &str, separator: char) -> Option<Self> {
        let (year, month) = text.split_once(separator)?;
        let has_digits = |part: &str, count| part.len() == count && part.bytes().all(|byte| byte.is_ascii_digit());
        if !has_digits(year, 4) || !has_digits(month, 2) {
            return None;
        }
        let parsed = Self {
            year: year.parse().ok()?,
            month: month.parse().ok()?,
        };
        (1..=12).contains(&parsed.month).then_some(parsed)
    }

    /// The name of its partition.
    pub fn partition(self) -> String {
        format!("audit_log_{:04}_{:02}", self.year, self.month)
    }

    /// The first instant.
    pub fn start(self) -> OffsetDateTime {
        let month = time::Month::try_from(self.month).unwrap_or(time::Month::January);
        let first_day = Date::from_calendar_date(self.year, month, 1).unwrap_or(Date::MIN);
        first_day.midnight().assume_utc()
    }

    /// The first instant of the month after it.
    pub fn end(self) -> OffsetDateTime {
        self.plus(1).start()
    }

    /// The month so many months later, or earlier.
    #[must_use]
    pub fn plus(self, months: i32) -> Self {
        let count = self.year * 12 + i32::from(self.month) - 1 + months;
        Self {
            year: count.div_euclid(12),
            month: u8::try_from(count.rem_euclid(12) + 1).unwrap_or(1),
        }
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

impl From<Month> for String {
    fn from(month: Month) -> Self {
        month.to_string()
    }
}

impl TryFrom<String> for Month {
    type Error = NotAMonth;

    fn try_from(text: String) -> Result<Self, NotAMonth> {
        Self::parse(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_go_on_over_the_end_of_a_year() {
        let december = Month::parse("2026-12").unwrap();
        assert_eq!(december.plus(1).to_string(), "2027-01");
        assert_eq!(december.plus(-12).to_string(), "2025-12");
        assert_eq!(december.plus(-84).partition(), "audit_log_2019_12");
        assert_eq!(december.end(), december.plus(1).start());
        assert_eq!(Month::of(december.start()), december);
        assert_eq!(Month::of(december.end() - time::Duration::MICROSECOND), december);
    }

    #[test]
    fn other_texts_are_no_months() {
        for text in ["", "2026-13", "2026-00", "2026-1", "+026-01", "2026_01", "12026-01"] {
            assert!(Month::parse(text).is_err(), "{text}");
        }
        assert_eq!(Month::of_partition("audit_log_2026_11"), Month::parse("2026-11").ok());
        assert_eq!(Month::of_partition("audit_log_old"), None);
    }
}
