//! Numbers that keep their text.

use std::fmt::Write;

/// The most digits of a number, before and after the point together; those of the exponent don't count.
pub const MAX_DIGITS: usize = 40;

/// The largest exponent, in either direction.
pub const MAX_EXPONENT: u32 = 308;

/// Doubles hold every integer up to here: 2^53.
pub const MAX_EXACT_INTEGER: f64 = 9_007_199_254_740_992.0;

/// The shortest JSON number that names `double`, integers up to [`MAX_EXACT_INTEGER`] without an exponent; none for infinity
/// and for what is no number.
pub fn number_text(double: f64) -> Option<String> {
    if double == 0.0 && double.is_sign_negative() {
        return Some("-0".into());
    }
    if double.fract() == 0.0 && double.abs() <= MAX_EXACT_INTEGER {
        return Some((double as i64).to_string());
    }
    serde_json::Number::from_f64(double).map(|number| number.to_string())
}

/// The text of a JSON number, as written.
///
/// Two numbers are equal when their text is; [`Number::canonical`] compares by value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Number<'a>(&'a str);

/// The parts of a number: `-` `12` `.` `50` `e` `+3`.
struct Parts<'a> {
    negative: bool,
    integer: &'a str,
    fraction: &'a str,
    /// Saturated, far beyond [`MAX_EXPONENT`], where it does not fit.
    exponent: i64,
}

impl Default for Number<'_> {
    fn default() -> Self {
        Self("0")
    }
}

impl<'a> Number<'a> {
    /// Takes `text`, which must obey JSON's grammar of numbers, and holds it against the limits.
    ///
    /// # Errors
    /// The limit that it exceeds, in words.
    pub(crate) fn new(text: &'a str) -> Result<Self, String> {
        let number = Self(text);
        let parts = number.parts();
        let digits = parts.integer.len() + parts.fraction.len();
        if digits > MAX_DIGITS {
            return Err(format!(
                "the number has {digits} digits: at most {MAX_DIGITS} are taken"
            ));
        }
        if parts.exponent.unsigned_abs() > u64::from(MAX_EXPONENT) {
            return Err(format!("the exponent lies outside -{MAX_EXPONENT} to {MAX_EXPONENT}"));
        }
        if !number.to_f64().is_finite() {
            return Err("the number is too large for a double".into());
        }
        Ok(number)
    }

    /// Whether the double that is nearest to the number is exactly the number.
    pub fn is_double(&self) -> bool {
        /// So many digits survive a double, whatever they are.
        const SAFE_DIGITS: usize = f64::DIGITS as usize;
        let parts = self.parts();
        if parts.integer.len() + parts.fraction.len() <= SAFE_DIGITS {
            return true;
        }
        // The shortest notation that names the double, of two equally near ones the even: so write JSON serde_json, Go,
        // Python and browsers, so a reader sees this number. Rust's own formatting takes the odd one of the two.
        let Some(shortest) = serde_json::Number::from_f64(self.to_f64()).map(|number| number.to_string()) else {
            return false;
        };
        Number(&shortest).canonical() == self.canonical()
    }

    /// The text as written.
    pub fn as_str(&self) -> &'a str {
        self.0
    }

    /// The nearest double; always finite.
    pub fn to_f64(&self) -> f64 {
        // The grammar of JSON is a part of Rust's, so that this never fails.
        self.0.parse().unwrap_or(f64::INFINITY)
    }

    /// The exact decimal value in one spelling: `0`, or the digits without zeros at either end and their exponent
    /// (`1.50e3` is `15e2`); equal values, and only they, have equal text. Minus zero is `0`.
    pub fn canonical(&self) -> String {
        let Parts {
            negative,
            integer,
            fraction,
            exponent,
        } = self.parts();
        let digits = [integer, fraction].concat();
        let significant = digits.trim_start_matches('0');
        let mantissa = significant.trim_end_matches('0');
        if mantissa.is_empty() {
            return "0".into();
        }
        let scale = exponent + to_i64(significant.len() - mantissa.len()) - to_i64(fraction.len());
        let mut canonical = String::with_capacity(mantissa.len() + 6);
        if negative {
            canonical.push('-');
        }
        canonical.push_str(mantissa);
        // Writing to a String never fails.
        let _ = write!(canonical, "e{scale}");
        canonical
    }

    fn parts(&self) -> Parts<'a> {
        let (negative, unsigned) = match self.0.strip_prefix('-') {
            Some(unsigned) => (true, unsigned),
            None => (false, self.0),
        };
        let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
        let (integer, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        Parts {
            negative,
            integer,
            fraction,
            exponent: exponent.parse().unwrap_or(i64::from(i32::MAX)),
        }
    }
}

/// Lengths of text that is in memory fit.
fn to_i64(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_are_told_from_numbers_that_they_only_come_near() {
        for exact in [
            "0",
            "0.1",
            "9007199254740992",
            "-1.5e-300",
            "1000000000000000000000000",
            "0.30000000000000004",
            // As near to the double as ...13 is.
            "2.0000686645507812",
        ] {
            assert!(Number(exact).is_double(), "{exact}");
        }
        for rounded in [
            "9007199254740993",
            "2.0000686645507813",
            "0.300000000000000041",
            "1000000000000000000000001",
        ] {
            assert!(!Number(rounded).is_double(), "{rounded}");
        }
    }

    #[test]
    fn the_text_of_a_double_is_short_and_names_it() {
        for (double, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (-3.0, "-3"),
            (0.1, "0.1"),
            (MAX_EXACT_INTEGER, "9007199254740992"),
            (1e300, "1e+300"),
            (5e-324, "5e-324"),
        ] {
            assert_eq!(number_text(double).as_deref(), Some(text));
            assert_eq!(text.parse::<f64>().map(f64::to_bits), Ok(double.to_bits()));
        }
        for none in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(number_text(none), None);
        }
    }

    #[test]
    fn limits_hold_at_and_one_beyond() {
        let digits = "1".repeat(MAX_DIGITS);
        let fraction = format!("0.{}", "1".repeat(MAX_DIGITS - 1));
        for fits in [
            "0",
            "-0",
            "1e308",
            "1E+308",
            "1e-308",
            "1.7976931348623157e308",
            &digits,
            &fraction,
            "1e0000000000000000000000000000000000000000000005",
            "0.5e-308",
        ] {
            assert_eq!(Number::new(fits).map(|n| n.as_str()), Ok(fits));
        }
        for exceeds in [
            &format!("{digits}1"),
            &format!("{fraction}1"),
            "1e309",
            "1e-309",
            "1.8e308",
            "0e309",
            "1e99999999999999999999999999",
        ] {
            assert!(Number::new(exceeds).is_err(), "{exceeds}");
        }
    }

    #[test]
    fn equal_values_have_one_canonical_text() {
        for (canonical, spellings) in [
            ("0", &["0", "-0", "0.00", "0e5", "-0.0e-7"][..]),
            ("1e0", &["1", "1.0", "1e0", "10e-1", "0.1e1", "1E+0", "0.001e003"]),
            ("-15e2", &["-1500", "-1.5e3", "-1500.00", "-15e2"]),
            ("12345678901234567890123456789e0", &["12345678901234567890123456789"]),
            ("12345678901234567890123456788e0", &["12345678901234567890123456788"]),
            ("1e-1", &["0.1", "1e-1", "0.10"]),
        ] {
            for spelling in spellings {
                assert_eq!(Number(spelling).canonical(), canonical, "{spelling}");
            }
        }
    }
}
