//! What changed between two documents, as an RFC 6902 JSON Patch.
//!
//! Documents are compared as JSON values: white space, the order of keys and the spelling of numbers (`1.50`, `15e-1`) make
//! no difference, so documents that differ in those alone have the empty patch `[]`. Applying a patch is up to the caller.
//!
//! Numbers are compared by their exact decimal value. `serde_json` alone would round what neither `u64` nor `f64` holds, and
//! a change of the last digits of a large integer would be missing from the patch. Therefore every scalar but `null` and
//! the booleans goes through the comparison as tagged text: `n` and the one spelling of a number, or `s` and a string.

mod number;

use jiter::{Jiter, JiterError, Peek};
use json_patch::PatchOperation;
use serde::ser::{Error as _, Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// Deeper documents than this are refused: the comparison recurses. Far above what the intake takes.
const MAX_DEPTH: usize = 128;

const NUMBER: char = 'n';
const STRING: char = 's';

/// Why two texts have no patch. Stored documents never cause one.
#[derive(Debug, thiserror::Error)]
pub enum DiffError {
    /// One of them is not a JSON document.
    #[error("not a JSON document")]
    Malformed(#[from] JiterError),
    /// One of them is nested deeper than 128 levels.
    #[error("nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// A number has an exponent beyond 32 bits.
    #[error("a number has an exponent that is too large")]
    ExponentTooLarge,
    /// The patch can't be written.
    #[error("the patch can't be written")]
    Write(#[from] serde_json::Error),
}

/// Makes the patch that turns the document `from` into `to`, as JSON text: an array of `add`, `remove` and `replace`.
///
/// The same two documents always have the same patch. Numbers in it have their shortest spelling.
///
/// # Errors
/// A text that is not JSON, or exceeds the limits of this module; no document that passed the intake does.
pub fn json_patch(from: &str, to: &str) -> Result<String, DiffError> {
    let patch = json_patch::diff(&read(from)?, &read(to)?);
    let operations: Vec<Operation<'_>> = patch.0.iter().map(Operation).collect();
    Ok(serde_json::to_string(&operations)?)
}

/// Reads a document, with numbers and strings tagged.
fn read(document: &str) -> Result<Value, DiffError> {
    let mut json = Jiter::new(document.as_bytes());
    let first = json.peek()?;
    let value = read_value(&mut json, first, 0)?;
    json.finish()?;
    Ok(value)
}

fn read_value(json: &mut Jiter<'_>, first: Peek, depth: usize) -> Result<Value, DiffError> {
    if depth > MAX_DEPTH {
        return Err(DiffError::TooDeep);
    }
    match first {
        Peek::Null => {
            json.known_null()?;
            Ok(Value::Null)
        }
        Peek::True | Peek::False => Ok(Value::Bool(json.known_bool(first)?)),
        Peek::String => Ok(Value::String(format!("{STRING}{}", json.known_str()?))),
        Peek::Array => {
            let mut items = Vec::new();
            let mut next = json.known_array()?;
            while let Some(item) = next {
                items.push(read_value(json, item, depth + 1)?);
                next = json.array_step()?;
            }
            Ok(Value::Array(items))
        }
        Peek::Object => {
            let mut members = Map::new();
            let mut next = json.known_object()?.map(str::to_owned);
            while let Some(key) = next {
                let member = json.peek()?;
                members.insert(key, read_value(json, member, depth + 1)?);
                next = json.next_key()?.map(str::to_owned);
            }
            Ok(Value::Object(members))
        }
        _ => {
            let written = json.known_number_bytes(first)?;
            let canonical = number::canonical(written).ok_or(DiffError::ExponentTooLarge)?;
            Ok(Value::String(format!("{NUMBER}{canonical}")))
        }
    }
}

/// One operation of a patch, written without tags.
struct Operation<'a>(&'a PatchOperation);

impl Serialize for Operation<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        /// The members of an operation, in the order that RFC 6902 writes them.
        #[derive(serde::Serialize)]
        struct Members<'a> {
            op: &'a str,
            path: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            value: Option<Untagged<'a>>,
        }
        let (op, value) = match self.0 {
            PatchOperation::Add(add) => ("add", Some(Untagged(&add.value))),
            PatchOperation::Replace(replace) => ("replace", Some(Untagged(&replace.value))),
            PatchOperation::Remove(_) => ("remove", None),
            PatchOperation::Move(_) | PatchOperation::Copy(_) | PatchOperation::Test(_) => {
                return Err(S::Error::custom("a difference has no such operation"));
            }
        };
        let path = self.0.path().as_str();
        Members { op, path, value }.serialize(serializer)
    }
}

/// A value of a document, written without tags.
struct Untagged<'a>(&'a Value);

impl Serialize for Untagged<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::String(tagged) => match tagged.strip_prefix(NUMBER) {
                Some(number) => {
                    let number = RawValue::from_string(number.to_owned()).map_err(S::Error::custom)?;
                    number.serialize(serializer)
                }
                None => serializer.serialize_str(tagged.strip_prefix(STRING).unwrap_or(tagged)),
            },
            Value::Array(items) => serializer.collect_seq(items.iter().map(Untagged)),
            Value::Object(members) => serializer.collect_map(members.iter().map(|(key, value)| (key, Untagged(value)))),
            Value::Null | Value::Bool(_) | Value::Number(_) => self.0.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn patches_name_what_changed() {
        for (from, to, patch) in [
            ("{}", "{}", "[]"),
            (r#"{"a":1,"b":[2]}"#, r#"{ "b" : [2.0], "a" : 10e-1 }"#, "[]"),
            (
                r#"{"a":1}"#,
                r#"{"a":2}"#,
                r#"[{"op":"replace","path":"/a","value":2}]"#,
            ),
            (
                r#"{"a":1}"#,
                r#"{"a":"1"}"#,
                r#"[{"op":"replace","path":"/a","value":"1"}]"#,
            ),
            (
                r#"{"a":"n1"}"#,
                r#"{"a":1}"#,
                r#"[{"op":"replace","path":"/a","value":1}]"#,
            ),
            (r#"{"a":1}"#, "{}", r#"[{"op":"remove","path":"/a"}]"#),
            (
                "{}",
                r#"{"a/b~c":null}"#,
                r#"[{"op":"add","path":"/a~1b~0c","value":null}]"#,
            ),
            (
                "[1,2,3]",
                "[1]",
                r#"[{"op":"remove","path":"/1"},{"op":"remove","path":"/1"}]"#,
            ),
            (
                "[1]",
                r#"[1,{"é":["s",true]}]"#,
                r#"[{"op":"add","path":"/1","value":{"é":["s",true]}}]"#,
            ),
            ("[]", "{}", r#"[{"op":"replace","path":"","value":{}}]"#),
        ] {
            assert_eq!(json_patch(from, to).unwrap(), patch, "{from} {to}");
        }
    }

    #[test]
    fn digits_that_a_double_loses_are_kept() {
        for (from, to, value) in [
            (
                "123456789012345678901",
                "123456789012345678902",
                "123456789012345678902",
            ),
            ("9007199254740992", "9007199254740993", "9007199254740993"),
            ("0.1", "0.1000000000000000000001", "0.1000000000000000000001"),
            ("1", "1e300", "1e+300"),
            (
                "1",
                "1.000000000000000000000000000000000000001e-300",
                "1.000000000000000000000000000000000000001e-300",
            ),
        ] {
            let patch = format!(r#"[{{"op":"replace","path":"/0","value":{value}}}]"#);
            assert_eq!(json_patch(&format!("[{from}]"), &format!("[{to}]")).unwrap(), patch);
        }
    }

    #[test]
    fn what_is_no_document_is_refused() {
        for text in ["", "{", "{} x", "[01]", "[NaN]", "{\"a\" 1}", "nul"] {
            assert!(matches!(json_patch("{}", text), Err(DiffError::Malformed(_))), "{text}");
            assert!(matches!(json_patch(text, "{}"), Err(DiffError::Malformed(_))), "{text}");
        }
        assert!(matches!(
            json_patch("{}", "1e99999999999"),
            Err(DiffError::ExponentTooLarge)
        ));
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(json_patch("[]", &nested(MAX_DEPTH)).is_ok());
        assert!(matches!(json_patch("[]", &nested(100_000)), Err(DiffError::TooDeep)));
    }

    /// JSON values as dashboards have them, with few keys, so that two of them have some in common.
    fn documents() -> impl Strategy<Value = Value> {
        let scalar = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            (0..3).prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "[ns\"\\\\/~é\0]{0,3}".prop_map(Value::from),
        ];
        scalar.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map("[ab/~0-2]{0,2}", inner, 0..5)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    /// Reads a patch with its values tagged: `serde_json` alone would round them.
    fn tagged_patch(patch: &str) -> json_patch::Patch {
        let mut operations = read(patch).unwrap();
        for operation in operations.as_array_mut().unwrap() {
            for member in ["op", "path"] {
                let text = operation[member]
                    .as_str()
                    .unwrap()
                    .trim_start_matches(STRING)
                    .to_owned();
                operation[member] = text.into();
            }
        }
        serde_json::from_value(operations).unwrap()
    }

    proptest! {
        #[test]
        fn the_patch_turns_one_document_into_the_other(from in documents(), to in documents()) {
            let (from, to) = (from.to_string(), to.to_string());
            let patch = tagged_patch(&json_patch(&from, &to).unwrap());
            let mut patched = read(&from).unwrap();
            json_patch::patch(&mut patched, &patch).unwrap();
            prop_assert_eq!(patched, read(&to).unwrap());
        }

        #[test]
        fn a_document_has_no_difference_to_itself(document in documents()) {
            let pretty = serde_json::to_string_pretty(&document).unwrap();
            prop_assert_eq!(json_patch(&document.to_string(), &pretty).unwrap(), "[]");
        }

        #[test]
        fn no_text_panics(from in "[\\[\\]{}\":,0-9eE.+a-]{0,30}", to in any::<String>()) {
            let patch = json_patch(&from, &to);
            let both_parse = [&from, &to].iter().all(|text| serde_json::from_str::<&RawValue>(text).is_ok());
            prop_assert!(patch.is_ok() <= both_parse, "{patch:?}");
        }
    }

    #[test]
    fn arrays_and_objects_are_compared_inside() {
        let from = json!({ "panels": { "cpu": { "queries": [{ "q": "a" }, { "q": "b" }] } } });
        let to = json!({ "panels": { "cpu": { "queries": [{ "q": "a" }, { "q": "c" }] } } });
        let patch = json_patch(&from.to_string(), &to.to_string()).unwrap();
        assert_eq!(
            patch,
            r#"[{"op":"replace","path":"/panels/cpu/queries/1/q","value":"c"}]"#
        );
    }
}
