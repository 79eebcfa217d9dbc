//! What changed between two documents, as an RFC 6902 JSON Patch.
//!
//! Documents are compared as JSON values: white space, the order of keys and the spelling of numbers (`1.50`, `15e-1`) make
//! no difference, so documents that differ in those alone have the empty patch `[]`. Numbers are compared by their exact
//! decimal value. Applying a patch is up to the caller.
//!
//! The comparison is our own: general crates round numbers, and have no limit. Each operation repeats the whole path to what
//! it changes, so a long key above a long array makes a patch that is thousands of times larger than the documents.

use std::collections::BTreeMap;

use super::spec::json::{self, Json, Member, Written};
use super::spec::pointer::Pointer;
use super::violation::Violation;

/// A patch may have this size, or that of the document it makes, whichever is larger.
const MIN_MAX_PATCH_BYTES: usize = 64 * 1024;

/// Why two texts have no patch. Stored documents never cause one.
#[derive(Debug, thiserror::Error)]
pub enum DiffError {
    /// One of them is not a document that intake would take.
    #[error("not a JSON document within the limits: {}", .0.first().map_or("", |violation| &violation.description))]
    NotADocument(Vec<Violation>),
    /// The patch can't be written.
    #[error("the patch can't be written")]
    Write(#[from] serde_json::Error),
}

/// Makes the patch that turns the document `from` into `to`, as JSON text: an array of `add`, `remove` and `replace`.
///
/// The same two documents always have the same patch. It is no larger than 64 KiB, or than `to` and a few bytes: where one
/// operation for each change would take more, it is the one that replaces the whole document.
///
/// # Errors
/// A text that [`json::parse`] refuses; no document that passed the intake is one.
pub fn json_patch(from: &str, to: &str) -> Result<String, DiffError> {
    let before = json::parse(from).map_err(DiffError::NotADocument)?;
    let after = json::parse(to).map_err(DiffError::NotADocument)?;
    let mut patch = Patch {
        operations: String::new(),
        max_bytes: to.len().max(MIN_MAX_PATCH_BYTES),
    };
    match patch.compare(&Pointer::Root, &before, &after) {
        Ok(()) => Ok(format!("[{}]", patch.operations)),
        Err(Stopped::TooLarge) => Ok(format!(r#"[{{"op":"replace","path":"","value":{to}}}]"#)),
        Err(Stopped::Unwritable(cause)) => Err(DiffError::Write(cause)),
    }
}

/// Why a comparison ended early.
enum Stopped {
    TooLarge,
    Unwritable(serde_json::Error),
}

/// A patch that is being written.
struct Patch {
    /// The operations, with commas between them.
    operations: String,
    max_bytes: usize,
}

impl Patch {
    /// Writes what turns `before` into `after`, both at `pointer`.
    fn compare(&mut self, pointer: &Pointer<'_>, before: &Json<'_>, after: &Json<'_>) -> Result<(), Stopped> {
        match (before, after) {
            (Json::Object(old), Json::Object(new)) => self.compare_members(pointer, old, new),
            (Json::Array(old), Json::Array(new)) => self.compare_elements(pointer, old, new),
            (Json::Number(old), Json::Number(new)) if old.canonical() == new.canonical() => Ok(()),
            _ if before == after => Ok(()),
            _ => self.write("replace", pointer, Some(after)),
        }
    }

    fn compare_members(
        &mut self,
        pointer: &Pointer<'_>,
        old: &[Member<'_>],
        new: &[Member<'_>],
    ) -> Result<(), Stopped> {
        let mut pairs: BTreeMap<&str, (Option<&Json<'_>>, Option<&Json<'_>>)> = BTreeMap::new();
        for (key, value) in old {
            pairs.entry(key).or_default().0 = Some(value);
        }
        for (key, value) in new {
            pairs.entry(key).or_default().1 = Some(value);
        }
        for (key, pair) in pairs {
            let member = pointer.key(key);
            match pair {
                (Some(before), Some(after)) => self.compare(&member, before, after)?,
                (Some(_), None) => self.write("remove", &member, None)?,
                (None, after) => self.write("add", &member, after)?,
            }
        }
        Ok(())
    }

    /// Elements are compared by their position; what an array has more than the other is added or removed at its end.
    fn compare_elements(&mut self, pointer: &Pointer<'_>, old: &[Json<'_>], new: &[Json<'_>]) -> Result<(), Stopped> {
        for (index, (before, after)) in old.iter().zip(new).enumerate() {
            self.compare(&pointer.index(index), before, after)?;
        }
        for (index, added) in new.iter().enumerate().skip(old.len()) {
            self.write("add", &pointer.index(index), Some(added))?;
        }
        // Each removal moves the next element to the place of the one that went.
        for _ in old.iter().skip(new.len()) {
            self.write("remove", &pointer.index(new.len()), None)?;
        }
        Ok(())
    }

    fn write(&mut self, op: &str, pointer: &Pointer<'_>, value: Option<&Json<'_>>) -> Result<(), Stopped> {
        /// The members of an operation, in the order that RFC 6902 writes them.
        #[derive(serde::Serialize)]
        struct Operation<'a> {
            op: &'a str,
            path: String,
            #[serde(skip_serializing_if = "Option::is_none")]
            value: Option<Written<'a>>,
        }
        let operation = Operation {
            op,
            path: pointer.to_string(),
            value: value.map(Written),
        };
        if !self.operations.is_empty() {
            self.operations.push(',');
        }
        let text = serde_json::to_string(&operation).map_err(Stopped::Unwritable)?;
        self.operations.push_str(&text);
        match self.operations.len() > self.max_bytes {
            true => Err(Stopped::TooLarge),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::value::RawValue;
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::digest::Digest;
    use crate::domain::spec::canonical;

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
            ("1", "1e300", "1e300"),
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
        let too_deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        for text in [
            "",
            "{",
            "{} x",
            "[01]",
            "[NaN]",
            "{\"a\" 1}",
            "nul",
            "1e99999999999",
            &too_deep,
        ] {
            assert!(
                matches!(json_patch("{}", text), Err(DiffError::NotADocument(_))),
                "{text}"
            );
            assert!(
                matches!(json_patch(text, "{}"), Err(DiffError::NotADocument(_))),
                "{text}"
            );
        }
    }

    /// A long key above a long array of `digit`.
    fn hostile(digit: &str) -> String {
        let numbers = vec![digit; 20_000].join(",");
        format!(r#"{{ "{}": [{numbers}] }}"#, "k".repeat(2_000))
    }

    #[test]
    fn a_patch_larger_than_the_document_is_the_document() {
        let (from, to) = (hostile("0"), hostile("1"));
        let whole = format!(r#"[{{"op":"replace","path":"","value":{to}}}]"#);
        assert_eq!(json_patch(&from, &to).unwrap(), whole);
        assert_eq!(
            json_patch(&from, "{}").unwrap(),
            format!(r#"[{{"op":"remove","path":"/{}"}}]"#, "k".repeat(2_000))
        );
        let removals = json_patch(&from, &from.replace("0,", "")).unwrap();
        assert!(removals.len() < 3_000, "{}", removals.len());
    }

    #[test]
    fn a_comparison_ends_with_the_operation_that_is_one_too_many() {
        let (from, to) = (hostile("0"), hostile("1"));
        let mut patch = Patch {
            operations: String::new(),
            max_bytes: 10_000,
        };
        let ended = patch.compare(&Pointer::Root, &json::parse(&from).unwrap(), &json::parse(&to).unwrap());
        assert!(matches!(ended, Err(Stopped::TooLarge)));
        assert!(patch.operations.len() < 13_000, "{}", patch.operations.len());
    }

    #[test]
    fn a_small_patch_may_be_larger_than_its_document() {
        let patch = json_patch(r#"{"a":1,"b":2}"#, "{}").unwrap();
        assert_eq!(patch, r#"[{"op":"remove","path":"/a"},{"op":"remove","path":"/b"}]"#);
    }

    /// JSON values as dashboards have them, with few keys, so that two of them have some in common.
    fn documents() -> impl Strategy<Value = Value> {
        let scalar = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            (0..3).prop_map(Value::from),
            any::<f64>()
                .prop_filter("is within the limits", |double| double.abs() > 1e-300)
                .prop_map(Value::from),
            "[ns\"\\\\/~é\u{1}]{0,3}".prop_map(Value::from),
        ];
        scalar.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map("[ab/~0-2]{0,2}", inner, 0..5)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    /// Equal for documents of equal value.
    fn digest(document: &Value) -> Digest {
        canonical::digest(&json::parse(&document.to_string()).unwrap())
    }

    proptest! {
        #[test]
        fn the_patch_turns_one_document_into_the_other(from in documents(), to in documents()) {
            let (from, to) = (from.to_string(), to.to_string());
            let patch = json_patch(&from, &to).unwrap();
            let operations: json_patch::Patch = serde_json::from_str(&patch).unwrap();
            // serde_json rounds doubles when it reads them: all three are read by it.
            let mut patched: Value = serde_json::from_str(&from).unwrap();
            json_patch::patch(&mut patched, &operations).unwrap();
            let expected: Value = serde_json::from_str(&to).unwrap();
            prop_assert_eq!(digest(&patched), digest(&expected));
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
