//! From a tree back to text.

use serde::ser::{Error as _, Serialize, Serializer};
use serde_json::value::RawValue;

use super::Json;

/// A value as serde writes it: numbers as they were written, members in their order.
#[derive(Debug)]
pub struct Written<'a>(pub &'a Json<'a>);

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Json::Null => serializer.serialize_unit(),
            Json::Bool(truth) => serializer.serialize_bool(*truth),
            Json::Number(number) => {
                let number: &RawValue = serde_json::from_str(number.as_str()).map_err(S::Error::custom)?;
                number.serialize(serializer)
            }
            Json::String(text) => serializer.serialize_str(text),
            Json::Array(elements) => serializer.collect_seq(elements.iter().map(Written)),
            Json::Object(members) => serializer.collect_map(members.iter().map(|(key, value)| (key, Written(value)))),
        }
    }
}
