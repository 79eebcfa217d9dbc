//! From a JSON document to the wire bytes of a `google.protobuf.Struct`.

use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint};

use crate::domain::spec::json::{Json, Member};

// Tags of the fields of google/protobuf/struct.proto.
const STRUCT_FIELDS: u32 = 1;
const ENTRY_KEY: u32 = 1;
const ENTRY_VALUE: u32 = 2;
const VALUE_NULL: u32 = 1;
const VALUE_NUMBER: u32 = 2;
const VALUE_STRING: u32 = 3;
const VALUE_BOOL: u32 = 4;
const VALUE_STRUCT: u32 = 5;
const VALUE_LIST: u32 = 6;
const LIST_VALUES: u32 = 1;

/// Encodes the document; none when it is no object or holds a number that no double is equal to.
pub(super) fn encode(document: &Json<'_>) -> Option<Vec<u8>> {
    let Json::Object(members) = document else {
        return None;
    };
    let mut wire = Vec::new();
    put_members(members, &mut wire)?;
    Some(wire)
}

fn put_members(members: &[Member<'_>], wire: &mut Vec<u8>) -> Option<()> {
    members.iter().try_for_each(|(key, value)| {
        put_delimited(STRUCT_FIELDS, wire, |entry| {
            put_string(ENTRY_KEY, key, entry);
            put_delimited(ENTRY_VALUE, entry, |body| put_value(value, body))
        })
    })
}

fn put_value(value: &Json<'_>, wire: &mut Vec<u8>) -> Option<()> {
    match value {
        Json::Null => put_varint(VALUE_NULL, 0, wire),
        Json::Bool(truth) => put_varint(VALUE_BOOL, u64::from(*truth), wire),
        Json::Number(number) => {
            let double = number.is_double().then(|| number.to_f64())?;
            encode_key(VALUE_NUMBER, WireType::SixtyFourBit, wire);
            wire.extend_from_slice(&double.to_le_bytes());
        }
        Json::String(text) => put_string(VALUE_STRING, text, wire),
        Json::Array(elements) => {
            return put_delimited(VALUE_LIST, wire, |list| {
                elements
                    .iter()
                    .try_for_each(|element| put_delimited(LIST_VALUES, list, |body| put_value(element, body)))
            });
        }
        Json::Object(members) => return put_delimited(VALUE_STRUCT, wire, |body| put_members(members, body)),
    }
    Some(())
}

fn put_varint(tag: u32, value: u64, wire: &mut Vec<u8>) {
    encode_key(tag, WireType::Varint, wire);
    encode_varint(value, wire);
}

fn put_string(tag: u32, text: &str, wire: &mut Vec<u8>) {
    encode_key(tag, WireType::LengthDelimited, wire);
    encode_varint(text.len() as u64, wire);
    wire.extend_from_slice(text.as_bytes());
}

/// Puts a field whose length is known only after its body was written: the body moves to make room for it.
fn put_delimited(tag: u32, wire: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>) -> Option<()>) -> Option<()> {
    encode_key(tag, WireType::LengthDelimited, wire);
    let start = wire.len();
    body(wire)?;
    let end = wire.len();
    let length = (end - start) as u64;
    let room = encoded_len_varint(length);
    wire.resize(end + room, 0);
    wire.copy_within(start..end, start + room);
    let mut prefix = wire.get_mut(start..start + room)?;
    encode_varint(length, &mut prefix);
    Some(())
}
