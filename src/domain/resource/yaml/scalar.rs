//! What a scalar of YAML means, as go-yaml v2 resolves it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::node::write_json_text;
use super::number::{self, Number};

/// The namespace of the tags that are written `!!x`.
const CORE: &str = "tag:yaml.org,2002:";

/// A scalar value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Scalar {
    Null,
    Bool(bool),
    /// A number, with its spelling where that is JSON.
    Number(Number, Option<String>),
    Text(String),
}

impl Scalar {
    /// What `text` means; `tag` is in its long form, and `is_plain` says that it is not quoted and no block.
    ///
    /// # Errors
    /// What is wrong, when the text does not have the type of its tag.
    pub(super) fn resolve(text: &str, is_plain: bool, tag: Option<&str>) -> Result<Self, String> {
        let Some(tag) = tag else {
            return Ok(if is_plain {
                Self::plain(text)
            } else {
                Self::Text(text.to_owned())
            });
        };
        // What has a tag that nobody knows is text, and so is what has the tag `!`.
        let Some(short) = tag.strip_prefix(CORE) else {
            return Ok(Self::Text(text.to_owned()));
        };
        let resolved = match (short, Self::plain(text)) {
            ("bool", Self::Bool(value)) => Some(Self::Bool(value)),
            ("null", Self::Null) => Some(Self::Null),
            ("int", number @ Self::Number(Number::Integer(_), _)) => Some(number),
            ("float", number @ Self::Number(..)) => Some(number),
            ("binary", _) => decode(text).map(Self::Text),
            ("bool" | "null" | "int" | "float", _) => None,
            _ => Some(Self::Text(text.to_owned())),
        };
        resolved.ok_or_else(|| format!("the tag !!{short} does not fit the value"))
    }

    /// What the plain scalar `text` means.
    pub(super) fn plain(text: &str) -> Self {
        match text {
            "" | "~" | "null" | "Null" | "NULL" => Self::Null,
            "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Self::Bool(true),
            "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Self::Bool(false),
            ".nan" | ".NaN" | ".NAN" => Self::Number(Number::Float(f64::NAN), None),
            ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Self::Number(Number::Float(f64::INFINITY), None),
            "-.inf" | "-.Inf" | "-.INF" => Self::Number(Number::Float(f64::NEG_INFINITY), None),
            _ => match number::parse(text) {
                Some(number) => Self::Number(number, is_json_number(text).then(|| text.to_owned())),
                None => Self::Text(text.to_owned()),
            },
        }
    }

    /// The scalar as a key of an object; none if Go refuses it as one.
    pub(super) fn to_key(&self) -> Option<String> {
        match self {
            Self::Null => None,
            Self::Bool(value) => Some(value.to_string()),
            Self::Number(Number::Integer(integer), _) => i64::try_from(*integer).ok().map(|key| key.to_string()),
            Self::Number(Number::Float(float), _) => Some(number::format_key(*float)),
            Self::Text(text) => Some(text.clone()),
        }
    }

    /// Whether JSON can hold the value.
    pub(super) fn is_json(&self) -> bool {
        !matches!(self, Self::Number(Number::Float(float), _) if !float.is_finite())
    }

    /// The JSON text has at least so many bytes.
    pub(super) fn min_bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len() + 2,
            _ => 1,
        }
    }

    /// Writes the value, which must be one of JSON.
    pub(super) fn write_json(&self, json: &mut String) {
        match self {
            Self::Null => json.push_str("null"),
            Self::Bool(value) => json.push_str(if *value { "true" } else { "false" }),
            Self::Number(_, Some(spelling)) => json.push_str(spelling),
            Self::Number(Number::Integer(integer), None) => json.push_str(&integer.to_string()),
            Self::Number(Number::Float(float), None) => json.push_str(&number::format_json(*float)),
            Self::Text(text) => write_json_text(text, json),
        }
    }
}

/// Whether `text`, which is a number of YAML, has the grammar of JSON.
fn is_json_number(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let has_leading_zero = unsigned.len() > 1 && unsigned.starts_with('0') && !unsigned.starts_with("0.");
    let is_decimal = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    is_decimal && !has_leading_zero && serde_json::from_str::<&serde_json::value::RawValue>(text).is_ok()
}

/// The text that `encoded` is base64 of.
fn decode(encoded: &str) -> Option<String> {
    let joined = encoded.replace(['\r', '\n'], "");
    String::from_utf8(STANDARD.decode(joined).ok()?).ok()
}
