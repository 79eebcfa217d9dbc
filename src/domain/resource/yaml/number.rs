//! Numbers as go-yaml v2 reads them and as Go's `encoding/json` writes them.

/// A number of a YAML document.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Number {
    /// Between the least `int64` and the greatest `uint64`.
    Integer(i128),
    /// A double, maybe infinite or no number.
    Float(f64),
}

/// The number that the plain scalar `text` is, if it is one.
pub(super) fn parse(text: &str) -> Option<Number> {
    match text.bytes().next()? {
        b'.' => point_first(text).map(Number::Float),
        b'0'..=b'9' | b'+' | b'-' => {
            let digits = text.replace('_', "");
            let integer = integer(&digits).map(Number::Integer);
            let float = || decimal(&digits).map(Number::Float);
            integer.or_else(float).or_else(|| signed_binary(&digits))
        }
        _ => None,
    }
}

/// Go's `ParseInt`, then `ParseUint`, with base 0 and 64 bits.
fn integer(text: &str) -> Option<i128> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let lower = unsigned.to_ascii_lowercase();
    let (radix, digits) = match lower.get(..2) {
        Some("0b") if lower.len() > 2 => (2, &lower[2..]),
        Some("0o") if lower.len() > 2 => (8, &lower[2..]),
        Some("0x") if lower.len() > 2 => (16, &lower[2..]),
        Some(_) if lower.starts_with('0') => (8, &lower[1..]),
        _ => (10, lower.as_str()),
    };
    let magnitude = i128::from(magnitude(digits, radix)?);
    match text.bytes().next() {
        Some(b'-') => Some(-magnitude).filter(|negative| *negative >= i128::from(i64::MIN)),
        // Only a number without a sign is tried as one of 64 bits.
        Some(b'+') => Some(magnitude).filter(|positive| *positive <= i128::from(i64::MAX)),
        _ => Some(magnitude),
    }
}

fn magnitude(digits: &str, radix: u32) -> Option<u64> {
    // Rust takes a sign here.
    if !digits.chars().all(|digit| digit.is_digit(radix)) {
        return None;
    }
    u64::from_str_radix(digits, radix).ok()
}

/// `0b-1`, which go-yaml takes because it cuts the prefix off.
fn signed_binary(text: &str) -> Option<Number> {
    let (prefix, rest) = text.split_at_checked(3)?;
    let sign = match prefix {
        "0b+" => 1,
        "0b-" => -1,
        _ => return None,
    };
    let magnitude = i128::from(magnitude(Some(rest).filter(|digits| !digits.is_empty())?, 2)?);
    let number = sign * magnitude;
    let is_int64 = (i128::from(i64::MIN)..=i128::from(i64::MAX)).contains(&number);
    is_int64.then_some(Number::Integer(number))
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?` that is finite.
fn decimal(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let are_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let is_mantissa = match (whole, fraction) {
        ("", fraction) => fraction.is_some_and(|digits| !digits.is_empty() && are_digits(digits)),
        (whole, fraction) => are_digits(whole) && fraction.is_none_or(are_digits),
    };
    let is_exponent = exponent.is_none_or(|exponent| {
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !digits.is_empty() && are_digits(digits)
    });
    if !is_mantissa || !is_exponent {
        return None;
    }
    text.parse().ok().filter(|float: &f64| float.is_finite())
}

/// Go's `ParseFloat` of a text that begins with the point: underscores stand between digits.
fn point_first(text: &str) -> Option<f64> {
    let bytes = text.as_bytes();
    let is_digit_at = |index: usize| bytes.get(index).is_some_and(u8::is_ascii_digit);
    let are_between_digits = bytes
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b'_')
        .all(|(index, _)| index > 0 && is_digit_at(index - 1) && is_digit_at(index + 1));
    if are_between_digits {
        decimal(&text.replace('_', ""))
    } else {
        None
    }
}

/// A finite double as Go's `encoding/json` writes it.
pub(super) fn format_json(float: f64) -> String {
    if float == 0.0 {
        return if float.is_sign_negative() { "-0" } else { "0" }.into();
    }
    // serde_json takes the same digits as Go where two are equally near; Rust itself does not.
    let shortest = serde_json::Number::from_f64(float).map(|number| number.to_string());
    let (digits, point) = digits(&shortest.unwrap_or_default());
    let sign = if float < 0.0 { "-" } else { "" };
    match float.abs() {
        1e-6..1e21 => format!("{sign}{}", plain(&digits, point)),
        _ => format!("{sign}{}", scientific(&digits, point, 1)),
    }
}

/// A double as a key, which Go writes with the precision of a `float32`.
#[expect(clippy::cast_possible_truncation, reason = "Go rounds so")]
pub(super) fn format_key(float: f64) -> String {
    let single = float as f32;
    if single.is_nan() {
        return ".nan".into();
    }
    if single.is_infinite() {
        return if single > 0.0 { ".inf" } else { "-.inf" }.into();
    }
    let sign = if single.is_sign_negative() { "-" } else { "" };
    if single == 0.0 {
        return format!("{sign}0");
    }
    let (digits, point) = digits(&format!("{single:e}"));
    match point - 1 {
        -4..6 => format!("{sign}{}", plain(&digits, point)),
        _ => format!("{sign}{}", scientific(&digits, point, 2)),
    }
}

/// The digits of a decimal `text` without zeros at either end, and where the point stands after the first of them.
fn digits(text: &str) -> (String, i32) {
    let unsigned = text.trim_start_matches('-');
    let (mantissa, exponent) = unsigned.split_once('e').unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = [whole, fraction].concat();
    let significant = all.trim_start_matches('0');
    let zeros = i32::try_from(all.len() - significant.len()).unwrap_or(i32::MAX);
    let whole_digits = i32::try_from(whole.len()).unwrap_or(i32::MAX);
    let exponent: i32 = exponent.parse().unwrap_or_default();
    (
        significant.trim_end_matches('0').to_owned(),
        whole_digits - zeros + exponent,
    )
}

/// `123.45`.
fn plain(digits: &str, point: i32) -> String {
    let Ok(whole) = usize::try_from(point) else {
        let zeros = usize::try_from(point.unsigned_abs()).unwrap_or_default();
        return format!("0.{}{digits}", "0".repeat(zeros));
    };
    match digits.split_at_checked(whole) {
        Some(("", fraction)) => format!("0.{fraction}"),
        Some((whole, "")) => whole.to_owned(),
        Some((whole, fraction)) => format!("{whole}.{fraction}"),
        None => format!("{digits}{}", "0".repeat(whole - digits.len())),
    }
}

/// `1.2345e+21`; a negative exponent has at least `width` digits, a positive one two.
fn scientific(digits: &str, point: i32, width: usize) -> String {
    let (first, rest) = digits.split_at_checked(1).unwrap_or((digits, ""));
    let fraction = if rest.is_empty() {
        String::new()
    } else {
        format!(".{rest}")
    };
    let exponent = point - 1;
    if exponent < 0 {
        format!("{first}{fraction}e-{:0width$}", exponent.unsigned_abs())
    } else {
        format!("{first}{fraction}e+{exponent:02}")
    }
}
