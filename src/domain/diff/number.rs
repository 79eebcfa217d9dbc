//! One spelling for every number of JSON, without rounding.

/// The largest integer that is written without an exponent has this many digits, as in ECMAScript.
const MAX_PLAIN_DIGITS: usize = 21;

/// The most zeros between the point and the first digit of a number that is written without an exponent.
const MAX_LEADING_ZEROS: i32 = 5;

/// Spells the number `written` (JSON syntax) in the way of ECMAScript and RFC 8785, but with all of its digits: two numbers
/// have the same spelling when and only when they have the same decimal value. `-0` is `0`.
///
/// None when the exponent does not fit into 32 bits.
pub(super) fn canonical(written: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(written).ok()?;
    let (sign, unsigned) = match text.strip_prefix('-') {
        Some(unsigned) => ("-", unsigned),
        None => ("", text),
    };
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (unsigned, 0),
    };
    let (integer, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all_digits = [integer, fraction].concat();
    let significant = all_digits.trim_start_matches('0');
    let leading_zeros = i32::try_from(all_digits.len() - significant.len()).ok()?;
    let digits = significant.trim_end_matches('0');
    if digits.is_empty() {
        return Some("0".into());
    }
    // The value is 0.DIGITS times ten to the power of `point`.
    let point = i32::try_from(integer.len())
        .ok()?
        .checked_sub(leading_zeros)?
        .checked_add(exponent)?;
    Some(format!("{sign}{}", spell(digits, point)))
}

/// Writes `0.{digits} * 10^point`, where `digits` is not empty and neither begins nor ends with 0.
fn spell(digits: &str, point: i32) -> String {
    match usize::try_from(point) {
        Ok(places @ 1..=MAX_PLAIN_DIGITS) => match digits.split_at_checked(places) {
            Some((integer, "")) => integer.to_owned(),
            Some((integer, fraction)) => format!("{integer}.{fraction}"),
            None => format!("{digits:0<places$}"),
        },
        _ if (-MAX_LEADING_ZEROS..=0).contains(&point) => {
            let zeros = "0".repeat(point.unsigned_abs() as usize);
            format!("0.{zeros}{digits}")
        }
        _ => {
            let exponent = i64::from(point) - 1;
            match digits.split_at(1) {
                (first, "") => format!("{first}e{exponent:+}"),
                (first, rest) => format!("{first}.{rest}e{exponent:+}"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_have_one_spelling() {
        for (spellings, canonical_form) in [
            (&["0", "-0", "0.0", "0e5", "-0.00E-7"][..], "0"),
            (&["1", "1.0", "10e-1", "0.1e1", "1E+0"], "1"),
            (&["-1.5", "-15e-1", "-1.50"], "-1.5"),
            (&["100", "1e2", "1.00E+2"], "100"),
            (&["1e20", "100000000000000000000"], "100000000000000000000"),
            (&["1e21", "1000000000000000000000"], "1e+21"),
            (&["0.000001", "1e-6"], "0.000001"),
            (&["0.0000001", "1e-7", "0.00000010"], "1e-7"),
            (&["0.00000012"], "1.2e-7"),
            (&["123456789012345678901.5"], "123456789012345678901.5"),
            (&["1234567890123456789012"], "1.234567890123456789012e+21"),
            (&["1e2147483646"], "1e+2147483646"),
            (&["1e-2147483648"], "1e-2147483648"),
        ] {
            for written in spellings {
                assert_eq!(
                    canonical(written.as_bytes()).as_deref(),
                    Some(canonical_form),
                    "{written}"
                );
            }
        }
    }

    #[test]
    fn exponents_beyond_32_bits_have_no_spelling() {
        for written in ["1e2147483648", "1e-2147483649", "1e2147483647", "0.01e-2147483648"] {
            assert_eq!(canonical(written.as_bytes()), None, "{written}");
        }
    }

    proptest! {
        #[test]
        fn a_spelling_is_a_number_of_the_same_value(written in "-?(0|[1-9][0-9]{0,24})(\\.[0-9]{1,12})?([eE][+-]?[0-9]{1,2})?") {
            let spelled = canonical(written.as_bytes()).unwrap();
            prop_assert_eq!(canonical(spelled.as_bytes()), Some(spelled.clone()));
            // Parsing of doubles rounds correctly, so equal decimals give equal doubles.
            let (before, after): (f64, f64) = (written.parse().unwrap(), spelled.parse().unwrap());
            prop_assert_eq!(before, after);
            prop_assert!(serde_json::from_str::<serde_json::Number>(&spelled).is_ok());
        }

        #[test]
        fn doubles_keep_their_value(double in any::<f64>().prop_filter("is a JSON number", |double| double.is_finite())) {
            let spelled = canonical(format!("{double:e}").as_bytes()).unwrap();
            prop_assert_eq!(spelled.parse::<f64>().unwrap(), double);
        }
    }
}
