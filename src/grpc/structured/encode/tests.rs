//! The oracle is prost: it encodes the tree that intake's reader makes of the same text.

use proptest::num::f64 as doubles;
use proptest::prelude::*;
use prost::Message as _;
use prost_types::value::Kind;
use prost_types::{ListValue, Struct, Value};

use super::*;
use crate::domain::spec::json::{Json, Member};

/// The bytes of prost, which sorts members and leaves an empty key out.
fn by_prost(text: &str) -> Option<Vec<u8>> {
    match json::parse(text).expect("a document") {
        Json::Object(members) => tree(&members).map(|tree| tree.encode_to_vec()),
        _ => None,
    }
}

fn tree(members: &[Member<'_>]) -> Option<Struct> {
    let fields = members
        .iter()
        .map(|(key, value)| Some((key.clone().into_owned(), tree_value(value)?)));
    fields.collect::<Option<_>>().map(|fields| Struct { fields })
}

fn tree_value(value: &Json<'_>) -> Option<Value> {
    let kind = match value {
        Json::Null => Kind::NullValue(0),
        Json::Bool(truth) => Kind::BoolValue(*truth),
        Json::Number(number) => Kind::NumberValue(number.is_double().then(|| number.to_f64())?),
        Json::String(content) => Kind::StringValue(content.clone().into_owned()),
        Json::Array(elements) => Kind::ListValue(ListValue {
            values: elements.iter().map(tree_value).collect::<Option<_>>()?,
        }),
        Json::Object(members) => Kind::StructValue(tree(members)?),
    };
    Some(Value { kind: Some(kind) })
}

fn assert_as_prost(text: &str) {
    assert_eq!(encode(text), by_prost(text), "{text}");
}

/// What the only member of a document is, as prost reads it.
fn only_value(document: &str) -> Option<Kind> {
    let tree = Struct::decode(encode(document)?.as_slice()).expect("a struct");
    tree.fields.into_values().next()?.kind
}

#[test]
fn every_kind_of_value_is_written_as_prost_writes_it() {
    for text in [
        "{}",
        r#"{"a":{},"b":[],"c":"","d":null,"e":true,"f":false,"g":0}"#,
        r#"{"a":[[],{},"",null,true,false,0,[[[]]],[{"a":[{}]}]]}"#,
        r#"{"a":{"a":{"a":{"a":{"b":1,"c":[2]}}}},"b":"}","c":"{","d":"[,]:"}"#,
    ] {
        assert!(encode(text).is_some(), "{text}");
        assert_as_prost(text);
    }
}

#[test]
fn white_space_is_no_part_of_a_document() {
    let dense = r#"{"a":[1,{"b c":" d "},[],{}],"e":null}"#;
    let airy = "\n {\t\"a\" :\r\n[ 1 , { \"b c\":\" d \" } ,[ ],{\n} ] , \"e\"\t: null } \r\n";
    assert_eq!(encode(airy), encode(dense));
    assert_as_prost(airy);
}

#[test]
fn lengths_are_right_wherever_one_byte_more_begins() {
    // Each of the nested lengths comes past the limit of one, two and three bytes.
    for length in (0..200).chain(16_300..16_400).chain(2_097_090..2_097_155) {
        let content = "x".repeat(length);
        assert!(
            encode(&format!(r#"{{"a":{{"b":["{content}"]}}}}"#))
                == by_prost(&format!(r#"{{"a":{{"b":["{content}"]}}}}"#)),
            "{length}"
        );
    }
}

#[test]
fn a_buffer_that_was_too_small_grows_as_often_as_it_must() {
    // Two bytes of text become eleven, and a thousand of them as many bytes as the first room has thrice over.
    assert_as_prost(&format!(r#"{{"a":[{}]}}"#, vec!["0"; 1_000].join(",")));
    let nested = (0..200).fold("0".to_owned(), |inner, _| format!("{inner},[0]"));
    assert_as_prost(&format!(r#"{{"a":[{nested}]}}"#));
}

#[test]
fn nesting_is_taken_as_deep_as_clients_read_it() {
    for (open, close) in [(r#"{"a":"#, "}"), ("[", "]")] {
        let nested = |levels: usize| format!(r#"{{"a":{}0{}}}"#, open.repeat(levels - 1), close.repeat(levels - 1));
        assert!(encode(&nested(MAX_LEVELS)).is_some());
        assert_as_prost(&nested(MAX_LEVELS));
        assert_eq!(encode(&nested(MAX_LEVELS + 1)), None);
        assert_eq!(encode(&nested(100_000)), None);
    }
}

#[test]
fn numbers_are_the_doubles_that_are_equal_to_them() {
    for number in [
        "0",
        "-0",
        "-0.0",
        "0e5",
        "7",
        "-42",
        "999999999999999",
        "-999999999999999",
        "1000000000000000",
        "9007199254740991",
        "9007199254740992",
        "-9007199254740992",
        "9007199254740994",
        "0.1",
        "1.50",
        "-1E+2",
        "1e308",
        "1.7976931348623157e308",
        "1e-308",
    ] {
        let expected = number.parse::<f64>().expect("a double").to_bits();
        match only_value(&format!(r#"{{"a":{number}}}"#)) {
            Some(Kind::NumberValue(double)) => assert_eq!(double.to_bits(), expected, "{number}"),
            other => panic!("{number} became {other:?}"),
        }
    }
    for number in ["9007199254740993", "-9007199254740993", "0.12345678901234567890123"] {
        assert_eq!(encode(&format!(r#"{{"a":[{{"b":{number}}}]}}"#)), None, "{number}");
    }
}

#[test]
fn strings_end_where_a_quote_is_not_escaped() {
    for (written, expected) in [
        (r"", ""),
        (r#"\""#, "\""),
        (r"\\", "\\"),
        (r#"\\\""#, "\\\""),
        (r"\\\\", "\\\\"),
        (r#"\"\""#, "\"\""),
        (r#"a\":\"b"#, "a\":\"b"),
        (r"\\n", "\\n"),
        (r"\b\f\n\r\t\/", "\u{8}\u{c}\n\r\t/"),
        (r"\u0041\u00e9", "Aé"),
        (r"\ud83d\ude00😀é", "😀😀é"),
        (r"\u0022\u005c", "\"\\"),
    ] {
        let document = format!(r#"{{"{written}":"{written}"}}"#);
        let tree = Struct::decode(encode(&document).expect("a struct").as_slice()).expect("a struct");
        let expected = Struct {
            fields: [(expected.to_owned(), Value::from(expected))].into(),
        };
        assert_eq!(tree, expected, "{written}");
    }
}

#[test]
fn a_piece_of_a_document_is_none() {
    let document = r#"{"a":[1,-2.5e3,{"b\"":"c\\","d":null}],"e":{"f":true,"g":false,"h":[[],{}]}}"#;
    assert!(encode(document).is_some());
    for length in 1..document.len() {
        assert_eq!(encode(&document[..length]), None, "{}", &document[..length]);
        assert_eq!(encode(&document[length..]), None, "{}", &document[length..]);
    }
}

#[test]
fn what_is_no_object_is_none() {
    for text in [
        "",
        " ",
        "}",
        "{",
        "1",
        "null",
        "[]",
        r#""{}""#,
        "{,}",
        "{1}",
        r#"{"a"}"#,
        r#"{"a":}"#,
        r#"{:1}"#,
        r#"{a:1}"#,
        r#"{"a":1,}"#,
        r#"{"a":[1,]}"#,
        r#"{"a":[,1]}"#,
        r#"{"a":[1}"#,
        r#"{"a":{]}"#,
        r#"{"a":nul}"#,
        r#"{"a":-}"#,
        r#"{"a":1-1}"#,
        r#"{"a":"\x"}"#,
        r#"{"a":"\ud83d"}"#,
        "{}{}",
        "x{}",
    ] {
        assert_eq!(encode(text), None, "{text}");
    }
}

/// Any JSON value, many of whose strings are full of what JSON escapes.
fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let text = || prop_oneof!["[a-z]{1,12}", r#"["\\/{}\[\],: a]{1,8}"#, "(?s)[^\\x00]{1,8}"];
    let scalar = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        (-1_000_i64..1_000).prop_map(Into::into),
        (-(1_i64 << 53) - 2..=(1_i64 << 53) + 2).prop_map(Into::into),
        (doubles::NORMAL | doubles::ZERO).prop_map(Into::into),
        text().prop_map(Into::into),
    ];
    scalar.prop_recursive(6, 60, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Into::into),
            prop::collection::btree_map(text(), inner, 0..8)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

/// The same document with every character beyond ASCII as an escape, two for those beyond 16 bits.
fn in_ascii(text: &str) -> String {
    let escaped = text.encode_utf16().map(|unit| match u8::try_from(unit) {
        Ok(byte) if byte.is_ascii() => char::from(byte).to_string(),
        _ => format!("\\u{unit:04x}"),
    });
    escaped.collect()
}

proptest! {
    #[test]
    fn any_document_is_written_as_prost_writes_it(value in any_json()) {
        let document = serde_json::json!({ "a": value });
        let dense = document.to_string();
        // The exponents of the smallest doubles are beyond the limit of documents.
        prop_assume!(json::parse(&dense).is_ok());
        for text in [in_ascii(&dense), format!("{document:#}"), dense] {
            prop_assert_eq!(encode(&text), by_prost(&text), "{}", text);
        }
    }

    #[test]
    fn text_that_nearly_is_json_is_read_without_a_panic(text in r#"[{}\[\]",:\\ 0-9a-u.\-é]{0,24}"#) {
        let bytes = encode(&format!("{{{text}}}"));
        prop_assert!(bytes.is_none_or(|bytes| Struct::decode(bytes.as_slice()).is_ok()));
    }
}
