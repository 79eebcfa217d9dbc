//! Documents as `google.protobuf.Struct`, between JSON text and wire bytes without a tree of prost messages.
//!
//! A `Struct` of prost is a map of boxed enums: building and dropping one costs an order of magnitude more than the
//! bytes. [`WireStruct`] stands in its place in the generated code and holds the encoded fields.

mod decode;
mod encode;
mod nesting;

use prost::DecodeError;
use prost::bytes::{Buf, BufMut};
use prost::encoding::{DecodeContext, WireType, decode_varint, encode_key, encode_varint, skip_field};

use crate::domain::spec::SpecLimits;
use crate::domain::spec::json::MAX_DEPTH;
use crate::domain::violation::Violation;

pub use nesting::MAX_LEVELS;

/// The tag of `google.protobuf.Struct.fields`.
const FIELDS_TAG: u32 = 1;

/// The encoded body of a `google.protobuf.Struct`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct WireStruct(Vec<u8>);

impl WireStruct {
    /// Encodes a document; none when it holds a number that no double is equal to, or has more than [`MAX_LEVELS`].
    ///
    /// The text must be one that intake took, which is not checked again. Of other text that is not an object of JSON
    /// becomes none, or a `Struct` that means nothing.
    pub fn from_json(document: &str) -> Option<Self> {
        encode::encode(document).map(Self)
    }

    /// Writes the tree as JSON text: keys sorted (maps of protobuf have no order), integral numbers without a fraction. It
    /// may be as deep as a document may be at all, since clients can write deeper trees than they read.
    ///
    /// # Errors
    /// On the whole document, its field empty: `SPEC_MALFORMED` for what is not the encoding of a `Struct`, not UTF-8, or
    /// a number that JSON lacks; `SPEC_LIMIT_EXCEEDED` for what is too deep, too large, or has too many values.
    pub fn to_json(&self, limits: &SpecLimits) -> Result<String, Violation> {
        self.to_json_within(limits.max_bytes, MAX_DEPTH)
    }

    /// Does the same within other limits of the size and the nesting.
    ///
    /// # Errors
    /// Those of [`Self::to_json`].
    pub fn to_json_within(&self, max_bytes: usize, max_levels: usize) -> Result<String, Violation> {
        decode::decode(&self.0, max_bytes, max_levels)
    }
}

impl prost::Message for WireStruct {
    fn encode_raw(&self, buf: &mut impl BufMut) {
        buf.put_slice(&self.0);
    }

    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buf: &mut impl Buf,
        ctx: DecodeContext,
    ) -> Result<(), DecodeError> {
        if tag != FIELDS_TAG || wire_type != WireType::LengthDelimited {
            return skip_field(wire_type, tag, buf, ctx);
        }
        let length = decode_varint(buf)?;
        let body = usize::try_from(length).ok().filter(|length| *length <= buf.remaining());
        let Some(body_length) = body else {
            // Makes prost say what is wrong: the field ends before its length.
            return skip_field(WireType::SixtyFourBit, tag, &mut [0_u8; 0].as_slice(), ctx);
        };
        encode_key(FIELDS_TAG, WireType::LengthDelimited, &mut self.0);
        encode_varint(length, &mut self.0);
        self.0.put(buf.take(body_length));
        Ok(())
    }

    fn encoded_len(&self) -> usize {
        self.0.len()
    }

    fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use proptest::num::f64;
    use proptest::prelude::*;
    use prost::Message as _;

    use super::*;
    use crate::domain::reason::Reason;
    use crate::domain::spec::json;

    /// What prost makes of the same bytes.
    fn through_prost(text: &str) -> prost_types::Struct {
        let wire = WireStruct::from_json(text).expect("representable");
        prost_types::Struct::decode(wire.encode_to_vec().as_slice()).expect("a struct")
    }

    fn round_trip(text: &str) -> String {
        let sent = through_prost(text).encode_to_vec();
        let received = WireStruct::decode(sent.as_slice()).expect("a struct");
        received.to_json(&SpecLimits::default()).expect("a document")
    }

    #[test]
    fn a_document_is_the_same_json_value_after_prost_saw_it() {
        for text in [
            "{}",
            r#"{"a":{},"b":[],"c":null,"d":true,"e":false}"#,
            r#"{"a":[1,[2,{"b":[{}]}],"x"],"n":-0.5,"t":"\"\\\n\u0001é😀"}"#,
            r#"{"big":9007199254740992,"e":1e300,"i":123456789,"neg":-42,"small":1e-7}"#,
        ] {
            let sent: serde_json::Value = serde_json::from_str(text).expect("json");
            let back: serde_json::Value = serde_json::from_str(&round_trip(text)).expect("json");
            let as_doubles =
                |value: &serde_json::Value| serde_json::to_string(value).map(|json| json.replace(".0", ""));
            assert_eq!(as_doubles(&back).ok(), as_doubles(&sent).ok(), "{text}");
        }
    }

    #[test]
    fn long_bodies_have_their_lengths_right() {
        let text = format!(r#"{{"a":{{"b":["{}"]}}}}"#, "x".repeat(40_000));
        assert_eq!(round_trip(&text), text);
    }

    #[test]
    fn numbers_that_no_double_carries_stay_json() {
        for text in [
            r#"{"a":9007199254740993}"#,
            r#"{"a":[0.12345678901234567890123]}"#,
            r#"[1]"#,
            "1",
            "nonsense",
        ] {
            assert_eq!(WireStruct::from_json(text), None, "{text}");
        }
    }

    #[test]
    fn trees_that_are_no_documents_are_refused() {
        let number = |value: f64| prost_types::Struct {
            fields: [(
                "a".to_owned(),
                prost_types::Value {
                    kind: Some(prost_types::value::Kind::NumberValue(value)),
                },
            )]
            .into(),
        };
        let without_kind = prost_types::Struct {
            fields: [("a".to_owned(), prost_types::Value { kind: None })].into(),
        };
        for tree in [number(f64::NAN), number(f64::INFINITY), without_kind] {
            let wire = WireStruct::decode(tree.encode_to_vec().as_slice()).expect("a struct");
            assert!(wire.to_json(&SpecLimits::default()).is_err(), "{tree:?}");
        }
        for garbage in [&b"\x0a\x05abc"[..], b"\x0a\x03\x0a\x01\xff", b"\x0a\x02\x12\x01"] {
            let refused = WireStruct::decode(garbage).map(|wire| wire.to_json(&SpecLimits::default()).is_err());
            assert!(refused.unwrap_or(true), "{garbage:?}");
        }
    }

    #[test]
    fn nesting_without_end_is_refused_without_a_stack_overflow() {
        // Value.list_value.values, again and again.
        let mut value = vec![0x20, 0x01];
        for _ in 0..5_000 {
            let list = [&[0x0a][..], &varint(value.len()), &value].concat();
            value = [&[0x32][..], &varint(list.len()), &list].concat();
        }
        let entry = [&[0x0a, 0x01, b'a', 0x12][..], &varint(value.len()), &value].concat();
        let tree = [&[0x0a][..], &varint(entry.len()), &entry].concat();
        let wire = WireStruct::decode(tree.as_slice()).expect("a struct");
        assert!(wire.to_json(&SpecLimits::default()).is_err());
    }

    /// A field of a message, its body behind its length.
    fn field(tag: u32, body: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode_key(tag, WireType::LengthDelimited, &mut bytes);
        [bytes, varint(body.len()), body.to_vec()].concat()
    }

    /// A document with the member `a`, whose entry holds these fields beside the key.
    fn document_of(entry_fields: &[u8]) -> Result<String, Reason> {
        let tree = field(1, &[field(1, b"a"), entry_fields.to_vec()].concat());
        let wire = WireStruct::decode(tree.as_slice()).expect("a struct");
        wire.to_json(&SpecLimits::default())
            .map_err(|violation| violation.reason)
    }

    #[test]
    fn of_several_kinds_of_a_value_the_last_one_counts() {
        let (truth, text, object, list) = ([0x20, 0x01], field(3, b"x"), field(5, b""), field(6, b""));
        for (kinds, expected) in [
            ([truth.to_vec(), text.clone()], r#"{"a":"x"}"#),
            ([text.clone(), field(3, b"y")], r#"{"a":"y"}"#),
            ([object.clone(), list.clone()], r#"{"a":[]}"#),
            ([list.clone(), object.clone()], r#"{"a":{}}"#),
            ([object.clone(), [text, object].concat()], r#"{"a":{}}"#),
        ] {
            let value = kinds.concat();
            let tree = field(1, &[field(1, b"a"), field(2, &value)].concat());
            let protobuf = prost_types::Struct::decode(tree.as_slice()).expect("a struct");
            let through_prost = WireStruct::decode(protobuf.encode_to_vec().as_slice()).expect("a struct");
            assert_eq!(document_of(&field(2, &value)).as_deref(), Ok(expected));
            assert_eq!(through_prost.to_json(&SpecLimits::default()).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn values_that_protobuf_would_merge_are_refused() {
        let object = |key: &[u8]| field(5, &field(1, &[field(1, key), field(2, &[0x20, 0x01])].concat()));
        let list = field(6, &field(1, &[0x20, 0x01]));
        for entry_fields in [
            field(2, &[object(b"x"), object(b"y")].concat()),
            field(2, &[list.clone(), list].concat()),
            [field(2, &object(b"x")), field(2, &object(b"y"))].concat(),
            [field(2, &[0x20, 0x01]), field(2, &[0x20, 0x00])].concat(),
        ] {
            assert_eq!(
                document_of(&entry_fields),
                Err(Reason::SpecMalformed),
                "{entry_fields:?}"
            );
        }
    }

    #[test]
    fn the_number_of_values_is_limited_as_at_intake() {
        // The document and its list are two of them.
        for (elements, is_taken) in [(json::MAX_NODES - 2, true), (json::MAX_NODES - 1, false)] {
            let text = format!(r#"{{"a":[{}]}}"#, vec!["0"; elements].join(","));
            let list = vec![prost_types::Value::from(0.0); elements];
            let tree = prost_types::Struct {
                fields: [("a".to_owned(), list.into())].into(),
            };
            let wire = WireStruct::decode(tree.encode_to_vec().as_slice()).expect("a struct");
            let decoded = wire
                .to_json(&SpecLimits::default())
                .map_err(|violation| violation.reason);
            assert_eq!(json::parse(&text).is_ok(), is_taken, "{elements}");
            let expected = is_taken.then_some(text).ok_or(Reason::SpecLimitExceeded);
            assert!(decoded == expected, "{elements}");
        }
    }

    #[test]
    fn entries_without_anything_in_them_are_counted_too() {
        let wire = WireStruct::decode([0x0a, 0x00].repeat(1 << 20).as_slice()).expect("a struct");
        let refused = wire.to_json(&SpecLimits::default()).expect_err("too many values");
        assert_eq!(refused.reason, Reason::SpecLimitExceeded);
    }

    proptest! {
        /// A double comes out as a number that the double is equal to: a document that came in as a `Struct` can go out as one.
        #[test]
        fn every_double_comes_back_as_the_same_double(double in f64::NORMAL | f64::ZERO) {
            let text = format!(r#"{{"a":{}}}"#, json::number_text(double).expect("finite"));
            // The exponents of the smallest doubles are beyond the limit of documents.
            prop_assume!(json::parse(&text).is_ok());
            let tree = through_prost(&text);
            let kind = tree.fields.get("a").and_then(|value| value.kind.clone());
            prop_assert_eq!(kind, Some(prost_types::value::Kind::NumberValue(double)));
            prop_assert_eq!(round_trip(&text), text);
        }
    }

    fn varint(value: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode_varint(value as u64, &mut bytes);
        bytes
    }
}
