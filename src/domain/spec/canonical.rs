//! The canonical form of a JSON value, to tell a change of content from a change of writing.
//!
//! Two texts have the same form exactly if they are the same value: the order of keys, white space and escapes don't
//! matter, numbers are equal by exact decimal value (`1`, `1.0`, `1e0` and `10e-1`; `-0` is `0`), the order of elements
//! matters.
//!
//! The form is bytes, not JSON text. Each value is one tag and what follows it:
//!
//! | value | bytes |
//! |---|---|
//! | null, true, false | `n`, `t`, `f` |
//! | number | `d`, length, [`Number::canonical`](super::json::Number::canonical) |
//! | string | `s`, length, UTF-8 |
//! | array | `a`, count, the elements |
//! | object | `o`, count, the members by the bytes of their keys, each as key (length, UTF-8) and value |
//!
//! Lengths and counts are 8 bytes, big-endian. Since everything variable has its length before it, no two values share a
//! form. A stored digest outlives the binary that made it: the form is pinned by a test and must not change.

use super::super::digest::Digest;
use super::json::{Json, Member};

/// SHA-256 over the canonical form of `value`.
pub fn digest(value: &Json<'_>) -> Digest {
    let mut form = Vec::new();
    write_value(value, &mut form);
    Digest::of(&form)
}

fn write_value(value: &Json<'_>, form: &mut Vec<u8>) {
    match value {
        Json::Null => form.push(b'n'),
        Json::Bool(true) => form.push(b't'),
        Json::Bool(false) => form.push(b'f'),
        Json::Number(number) => {
            form.push(b'd');
            write_text(&number.canonical(), form);
        }
        Json::String(text) => {
            form.push(b's');
            write_text(text, form);
        }
        Json::Array(elements) => {
            form.push(b'a');
            write_length(elements.len(), form);
            for element in elements {
                write_value(element, form);
            }
        }
        Json::Object(members) => write_object(members, form),
    }
}

fn write_object(members: &[Member<'_>], form: &mut Vec<u8>) {
    let mut sorted: Vec<&Member<'_>> = members.iter().collect();
    sorted.sort_unstable_by(|(left, _), (right, _)| left.cmp(right));
    form.push(b'o');
    write_length(sorted.len(), form);
    for (key, value) in sorted {
        write_text(key, form);
        write_value(value, form);
    }
}

fn write_text(text: &str, form: &mut Vec<u8>) {
    write_length(text.len(), form);
    form.extend_from_slice(text.as_bytes());
}

fn write_length(length: usize, form: &mut Vec<u8>) {
    form.extend_from_slice(&(length as u64).to_be_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::SizeRange;

    use super::*;
    use crate::domain::spec::json;

    fn digest_of(text: &str) -> Digest {
        digest(&json::parse(text).unwrap())
    }

    #[test]
    fn writing_does_not_matter() {
        for (left, right) in [
            (
                r#"{"a":1,"b":[true,null]}"#,
                " { \"b\" : [ true , null ] ,\n\t\"a\" : 1 } ",
            ),
            ("[1,1.0,1e0,10e-1,-0]", "[1.000,1,0.1e1,1E+0,0.0]"),
            (r#"{"\u0061\/":"\u00e9\ud83d\ude80\n"}"#, "{\"a/\":\"é🚀\\u000a\"}"),
        ] {
            assert_eq!(digest_of(left), digest_of(right), "{left} {right}");
        }
    }

    #[test]
    fn values_matter() {
        let different = [
            "null",
            "false",
            "true",
            "0",
            "1",
            "-1",
            "1e1",
            "1e-1",
            "9007199254740992",
            "9007199254740993",
            "\"\"",
            "\"1\"",
            "[]",
            "{}",
            "[[]]",
            "[[],[]]",
            "[[[]]]",
            "[{}]",
            "[1,2]",
            "[2,1]",
            "[12]",
            "[\"a\",\"b\"]",
            "[\"ab\",\"\"]",
            "{\"a\":1}",
            "{\"A\":1}",
            "{\"a\":2}",
            "{\"a\":null}",
            "{\"a\":{\"b\":1}}",
            "{\"a\":{},\"b\":1}",
        ];
        for (index, left) in different.iter().enumerate() {
            for right in &different[index + 1..] {
                assert_ne!(digest_of(left), digest_of(right), "{left} {right}");
            }
        }
    }

    /// Digests are stored. If this fails, stored ones no longer compare with new ones.
    #[test]
    fn the_form_is_pinned() {
        let mut form = Vec::new();
        write_value(&json::parse(r#"{"b":[1.50,"x"],"a":{},"c":null}"#).unwrap(), &mut form);
        let expected = [
            &b"o\0\0\0\0\0\0\0\x03"[..],
            b"\0\0\0\0\0\0\0\x01ao\0\0\0\0\0\0\0\0",
            b"\0\0\0\0\0\0\0\x01ba\0\0\0\0\0\0\0\x02d\0\0\0\0\0\0\0\x0515e-1s\0\0\0\0\0\0\0\x01x",
            b"\0\0\0\0\0\0\0\x01cn",
        ];
        assert_eq!(form, expected.concat());
        assert_eq!(digest_of("{}").as_bytes()[..4], [0xcf, 0x12, 0xb9, 0xaa]);
    }

    /// Any value that serde_json can hold.
    fn any_value() -> impl Strategy<Value = serde_json::Value> {
        let scalar = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            "[^\0]{0,8}".prop_map(Into::into),
        ];
        scalar.prop_recursive(4, 40, 6, |inner| {
            let size = || SizeRange::from(0..6);
            prop_oneof![
                prop::collection::vec(inner.clone(), size()).prop_map(Into::into),
                prop::collection::hash_map("[^\0]{0,4}", inner, size())
                    .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
            ]
        })
    }

    /// Writes `value` in another way: members backwards, white space everywhere, every character and number respelled.
    fn respell(value: &serde_json::Value) -> String {
        match value {
            serde_json::Value::Number(number) => format!(" {number}.0e0\n"),
            serde_json::Value::String(text) => {
                let escaped: String = text.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect();
                format!("\t\"{escaped}\" ")
            }
            serde_json::Value::Array(elements) => {
                let elements: Vec<String> = elements.iter().map(respell).collect();
                format!("[ {} ]", elements.join(","))
            }
            serde_json::Value::Object(members) => {
                let write =
                    |(key, value): (&String, _)| format!("{}: {}", respell(&key.as_str().into()), respell(value));
                let members: Vec<String> = members.iter().rev().map(write).collect();
                format!("{{ {} }}", members.join(" , "))
            }
            scalar => scalar.to_string(),
        }
    }

    proptest! {
        #[test]
        fn respelled_values_have_the_same_digest(value in any_value()) {
            prop_assert_eq!(digest_of(&value.to_string()), digest_of(&respell(&value)));
        }
    }
}
