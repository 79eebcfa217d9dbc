//! The values of parameters: as callers write them, and as slots take them.

use std::borrow::Cow;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::parameter::ParameterType;
use crate::domain::digest::Fingerprint;
use crate::domain::spec::duration;
use crate::domain::spec::json::{MAX_EXACT_INTEGER, Number, number_text};
use crate::domain::violation::quoted;

/// The longest text of a value in bytes: a name, a selector, a few sentences.
pub const MAX_VALUE_BYTES: usize = 4096;

/// A value as a caller writes it: what `google.protobuf.Value` can carry, lists and objects aside.
///
/// The store keeps it as plain JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Scalar {
    /// `true` or `false`.
    Bool(bool),
    /// A double.
    Number(f64),
    /// Text.
    Text(String),
}

impl Scalar {
    /// What kind of value this is, with its article, for people.
    fn kind(&self) -> &'static str {
        match self {
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Text(_) => "a string",
        }
    }

    /// Adds the value to the fingerprint of a request.
    pub(crate) fn fingerprint(&self, request: Fingerprint) -> Fingerprint {
        match self {
            Self::Bool(truth) => request.part("bool").part([u8::from(*truth)]),
            Self::Number(double) => request.part("number").part(double.to_bits().to_be_bytes()),
            Self::Text(text) => request.part("text").part(text),
        }
    }
}

/// A value of the type that its parameter declares.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Of STRING and ENUM.
    Text(String),
    /// Of INT.
    Int(i64),
    /// Of NUMBER; the second is its JSON text.
    Number(f64, String),
    /// Of BOOL.
    Bool(bool),
    /// Of DURATION: the text as it was written, and how long that is.
    Duration(String, Duration),
}

impl Value {
    /// Reads what a caller wrote as a value of `parameter_type`.
    ///
    /// # Errors
    /// A sentence that says what the type takes.
    pub fn read(parameter_type: ParameterType, given: &Scalar) -> Result<Self, String> {
        match (parameter_type, given) {
            (ParameterType::String | ParameterType::Enum, Scalar::Text(text)) => {
                check_text(text).map(|()| Self::Text(text.clone()))
            }
            (ParameterType::String | ParameterType::Enum, _) => Err(expected("a string", given)),
            (ParameterType::Int, Scalar::Number(double)) => int_of_double(*double),
            (ParameterType::Int, Scalar::Text(text)) => int_of_text(text),
            (ParameterType::Int, _) => Err(expected("an integer", given)),
            (ParameterType::Number, Scalar::Number(double)) => number(*double),
            (ParameterType::Number, _) => Err(expected("a number", given)),
            (ParameterType::Bool, Scalar::Bool(truth)) => Ok(Self::Bool(*truth)),
            (ParameterType::Bool, _) => Err(expected("a boolean", given)),
            (ParameterType::Duration, Scalar::Text(text)) => {
                check_text(text)?;
                duration::parse(text).map(|length| Self::Duration(text.clone(), length))
            }
            (ParameterType::Duration, _) => Err(expected("a duration such as \"5m\"", given)),
        }
    }

    /// Whether both are the same value: numbers and durations however they are written.
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Number(left, _), Self::Number(right, _)) => left == right,
            (Self::Duration(_, left), Self::Duration(_, right)) => left == right,
            (left, right) => left == right,
        }
    }

    /// What a minimum or a maximum is compared with: a number, or how many seconds a duration has; none for other types.
    pub fn magnitude(&self) -> Option<f64> {
        match self {
            #[expect(
                clippy::cast_precision_loss,
                reason = "limits are doubles: beyond 2^53 they are as exact as their own"
            )]
            Self::Int(number) => Some(*number as f64),
            Self::Number(double, _) => Some(*double),
            Self::Duration(_, length) => Some(length.as_secs_f64()),
            Self::Text(_) | Self::Bool(_) => None,
        }
    }

    /// The value inside a text.
    pub fn to_text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) | Self::Number(_, text) | Self::Duration(text, _) => Cow::Borrowed(text),
            Self::Int(number) => Cow::Owned(number.to_string()),
            Self::Bool(truth) => Cow::Borrowed(if *truth { "true" } else { "false" }),
        }
    }
}

fn expected(what: &str, given: &Scalar) -> String {
    format!("must be {what}, not {}", given.kind())
}

/// Checks what any text has to hold: PostgreSQL keeps no U+0000, and a value is no document.
fn check_text(text: &str) -> Result<(), String> {
    if text.len() > MAX_VALUE_BYTES {
        return Err(format!("has {} bytes: at most {MAX_VALUE_BYTES} are taken", text.len()));
    }
    if text.contains('\0') {
        return Err("cannot contain the character U+0000".into());
    }
    Ok(())
}

fn int_of_double(double: f64) -> Result<Value, String> {
    if double.fract() != 0.0 {
        return Err("must be an integer".into());
    }
    if double.abs() >= MAX_EXACT_INTEGER {
        return Err("is beyond 2^53, where doubles are not exact: send the integer as a decimal string".into());
    }
    #[expect(clippy::cast_possible_truncation, reason = "integral, and below 2^53")]
    let int = double as i64;
    Ok(Value::Int(int))
}

/// An integer has one spelling, so that what is in the document is what was sent.
fn int_of_text(text: &str) -> Result<Value, String> {
    let int = text.parse::<i64>().ok().filter(|int| int.to_string() == text);
    int.map(Value::Int)
        .ok_or_else(|| format!("{} is not an integer of 64 bits in decimal digits", quoted(text)))
}

fn number(double: f64) -> Result<Value, String> {
    let json = number_text(double).ok_or("must be a number that JSON has: neither infinity nor NaN")?;
    Number::new(&json)?;
    Ok(Value::Number(double, json))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Scalar {
        Scalar::Text(text.into())
    }

    #[test]
    fn each_type_takes_its_own_values() {
        for (parameter_type, given, in_text) in [
            (ParameterType::String, text("a\"b"), "a\"b"),
            (ParameterType::Enum, text(""), ""),
            (ParameterType::Int, Scalar::Number(-3.0), "-3"),
            (
                ParameterType::Int,
                Scalar::Number(9_007_199_254_740_991.0),
                "9007199254740991",
            ),
            (ParameterType::Int, text("9223372036854775807"), "9223372036854775807"),
            (ParameterType::Number, Scalar::Number(0.1), "0.1"),
            (ParameterType::Number, Scalar::Number(2.0), "2"),
            (ParameterType::Number, Scalar::Number(1e300), "1e+300"),
            (ParameterType::Bool, Scalar::Bool(false), "false"),
            (ParameterType::Duration, text("1h30m"), "1h30m"),
        ] {
            let read = Value::read(parameter_type, &given).map(|value| value.to_text().into_owned());
            assert_eq!(read, Ok(in_text.to_owned()), "{given:?}");
        }
    }

    #[test]
    fn other_values_are_refused() {
        for (parameter_type, given) in [
            (ParameterType::String, Scalar::Number(1.0)),
            (ParameterType::String, text("a\0b")),
            (ParameterType::String, text(&"x".repeat(MAX_VALUE_BYTES + 1))),
            (ParameterType::Int, Scalar::Number(0.5)),
            (ParameterType::Int, Scalar::Number(9_007_199_254_740_992.0)),
            (ParameterType::Int, Scalar::Number(f64::NAN)),
            (ParameterType::Int, text("9223372036854775808")),
            (ParameterType::Int, text("+1")),
            (ParameterType::Int, text("01")),
            (ParameterType::Int, text("1.0")),
            (ParameterType::Int, Scalar::Bool(true)),
            (ParameterType::Number, text("1")),
            (ParameterType::Number, Scalar::Number(f64::INFINITY)),
            (ParameterType::Number, Scalar::Number(5e-324)),
            (ParameterType::Bool, text("true")),
            (ParameterType::Duration, text("5")),
            (ParameterType::Duration, Scalar::Number(5.0)),
        ] {
            assert!(
                Value::read(parameter_type, &given).is_err(),
                "{parameter_type:?} {given:?}"
            );
        }
    }

    #[test]
    fn values_are_the_same_however_they_are_written() {
        let duration = |written: &str| Value::read(ParameterType::Duration, &text(written)).unwrap();
        assert!(duration("60m").is_same(&duration("1h")));
        assert!(!duration("60m").is_same(&duration("61m")));
        let int = |given: Scalar| Value::read(ParameterType::Int, &given).unwrap();
        assert!(int(Scalar::Number(7.0)).is_same(&int(text("7"))));
    }

    #[test]
    fn the_store_keeps_plain_json() {
        for (value, stored) in [
            (Scalar::Bool(true), "true"),
            (Scalar::Number(1.5), "1.5"),
            (text("1.5"), r#""1.5""#),
        ] {
            assert_eq!(serde_json::to_string(&value).unwrap(), stored);
            assert_eq!(serde_json::from_str::<Scalar>(stored).unwrap(), value);
        }
        // As jsonb would write it.
        assert_eq!(
            serde_json::from_str::<Scalar>("10000000000000000").unwrap(),
            Scalar::Number(1e16)
        );
    }
}
