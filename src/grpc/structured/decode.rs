//! From the wire bytes of a `google.protobuf.Struct` to JSON text.

use std::fmt::Display;

use prost::bytes::Buf;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};

use crate::domain::reason::Reason;
use crate::domain::spec::json::{MAX_NODES, number_text};
use crate::domain::violation::Violation;

/// Protobuf merges a message that comes several times. No encoder writes that, and merging takes the tree that is avoided here.
const IN_PARTS: &str = "a value comes in several parts: send it in one";

/// Decodes the fields of a `Struct` into JSON text.
pub(super) fn decode(fields: &[u8], max_bytes: usize, max_levels: usize) -> Result<String, Violation> {
    let mut writer = Writer {
        json: Vec::with_capacity(fields.len()),
        depth: 0,
        nodes: 1,
        max_bytes,
        max_levels,
    };
    writer.object(fields)?;
    String::from_utf8(writer.json).map_err(malformed)
}

struct Writer {
    json: Vec<u8>,
    depth: usize,
    /// How many values were met so far, as intake counts them.
    nodes: usize,
    max_bytes: usize,
    max_levels: usize,
}

impl Writer {
    /// Writes a message `Struct`: its entries sorted by key.
    fn object(&mut self, fields: &[u8]) -> Result<(), Violation> {
        self.enter()?;
        let mut entries = self
            .bodies(fields)?
            .into_iter()
            .map(entry)
            .collect::<Result<Vec<_>, _>>()?;
        entries.sort_unstable_by_key(|(key, _)| *key);
        self.json.push(b'{');
        for (position, (key, value)) in entries.into_iter().enumerate() {
            self.separate(position);
            self.string(key)?;
            self.json.push(b':');
            self.value(value)?;
        }
        self.json.push(b'}');
        self.depth -= 1;
        Ok(())
    }

    /// Writes a message `ListValue`.
    fn array(&mut self, values: &[u8]) -> Result<(), Violation> {
        self.enter()?;
        self.json.push(b'[');
        for (position, value) in self.bodies(values)?.into_iter().enumerate() {
            self.separate(position);
            self.value(value)?;
        }
        self.json.push(b']');
        self.depth -= 1;
        Ok(())
    }

    /// Writes a message `Value`; of several kinds the last one counts, as protobuf has it. What it would merge is refused.
    fn value(&mut self, mut wire: &[u8]) -> Result<(), Violation> {
        let mut kind = None;
        while wire.has_remaining() {
            let next = read_kind(&mut wire)?;
            if let (Some(Kind::Struct(_)), Some(Kind::Struct(_))) | (Some(Kind::List(_)), Some(Kind::List(_))) =
                (&kind, &next)
            {
                return Err(malformed(IN_PARTS));
            }
            kind = next.or(kind);
        }
        match kind.ok_or_else(|| malformed("a value has no kind"))? {
            Kind::Null => self.json.extend_from_slice(b"null"),
            Kind::Bool(truth) => self.json.extend_from_slice(if truth { b"true" } else { b"false" }),
            Kind::Number(double) => {
                let number = number_text(double).ok_or_else(|| malformed("JSON has no number for infinity and NaN"))?;
                self.json.extend_from_slice(number.as_bytes());
            }
            Kind::String(text) => self.string(text)?,
            Kind::Struct(fields) => self.object(fields)?,
            Kind::List(values) => self.array(values)?,
        }
        self.check_size()
    }

    /// The bodies of the field `fields` of a message `Struct`, or `values` of a `ListValue`: each holds one value.
    fn bodies<'a>(&mut self, mut wire: &'a [u8]) -> Result<Vec<&'a [u8]>, Violation> {
        let mut bodies = Vec::new();
        while wire.has_remaining() {
            match decode_key(&mut wire).map_err(malformed)? {
                (1, WireType::LengthDelimited) => {
                    self.count_value()?;
                    bodies.push(delimited(&mut wire)?);
                }
                (tag, wire_type) => {
                    skip_field(wire_type, tag, &mut wire, DecodeContext::default()).map_err(malformed)?
                }
            }
        }
        Ok(bodies)
    }

    fn string(&mut self, text: &str) -> Result<(), Violation> {
        serde_json::to_writer(&mut self.json, text).map_err(malformed)
    }

    fn separate(&mut self, position: usize) {
        if position > 0 {
            self.json.push(b',');
        }
    }

    /// Stops early where intake would refuse the document anyway.
    fn enter(&mut self) -> Result<(), Violation> {
        self.depth += 1;
        if self.depth > self.max_levels {
            return Err(beyond_limit(format!(
                "arrays and objects are nested more than {} deep",
                self.max_levels
            )));
        }
        Ok(())
    }

    /// Counts before there is anything to write: two bytes of a message can be a value that takes fifty in memory.
    fn count_value(&mut self) -> Result<(), Violation> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(beyond_limit(format!("has more than {MAX_NODES} values")));
        }
        Ok(())
    }

    fn check_size(&self) -> Result<(), Violation> {
        if self.json.len() > self.max_bytes {
            return Err(beyond_limit(format!("has more than {} bytes as JSON", self.max_bytes)));
        }
        Ok(())
    }
}

/// The kinds of a message `Value`.
enum Kind<'a> {
    Null,
    Number(f64),
    String(&'a str),
    Bool(bool),
    Struct(&'a [u8]),
    List(&'a [u8]),
}

/// Reads one field of a message `Value`; none for a field that this server does not know.
fn read_kind<'a>(wire: &mut &'a [u8]) -> Result<Option<Kind<'a>>, Violation> {
    let (tag, wire_type) = decode_key(wire).map_err(malformed)?;
    let kind = match (tag, wire_type) {
        (1, WireType::Varint) => decode_varint(wire).map(|_| Kind::Null).map_err(malformed)?,
        (2, WireType::SixtyFourBit) => Kind::Number(wire.try_get_f64_le().map_err(malformed)?),
        (3, WireType::LengthDelimited) => Kind::String(utf8(delimited(wire)?)?),
        (4, WireType::Varint) => decode_varint(wire)
            .map(|truth| Kind::Bool(truth != 0))
            .map_err(malformed)?,
        (5, WireType::LengthDelimited) => Kind::Struct(delimited(wire)?),
        (6, WireType::LengthDelimited) => Kind::List(delimited(wire)?),
        _ => {
            skip_field(wire_type, tag, wire, DecodeContext::default()).map_err(malformed)?;
            return Ok(None);
        }
    };
    Ok(Some(kind))
}

/// Reads an entry of the map `Struct.fields`; a value that protobuf would merge is refused.
fn entry(mut wire: &[u8]) -> Result<(&str, &[u8]), Violation> {
    let mut key = "";
    let mut value = None;
    while wire.has_remaining() {
        match decode_key(&mut wire).map_err(malformed)? {
            (1, WireType::LengthDelimited) => key = utf8(delimited(&mut wire)?)?,
            (2, WireType::LengthDelimited) if value.is_some() => return Err(malformed(IN_PARTS)),
            (2, WireType::LengthDelimited) => value = Some(delimited(&mut wire)?),
            (tag, wire_type) => skip_field(wire_type, tag, &mut wire, DecodeContext::default()).map_err(malformed)?,
        }
    }
    Ok((key, value.unwrap_or_default()))
}

/// Takes a length and so many bytes.
fn delimited<'a>(wire: &mut &'a [u8]) -> Result<&'a [u8], Violation> {
    let length = decode_varint(wire).map_err(malformed)?;
    let (body, rest) = usize::try_from(length)
        .ok()
        .and_then(|length| wire.split_at_checked(length))
        .ok_or_else(|| malformed("a field ends before its length"))?;
    *wire = rest;
    Ok(body)
}

fn utf8(bytes: &[u8]) -> Result<&str, Violation> {
    std::str::from_utf8(bytes).map_err(|_| malformed("a text is not UTF-8"))
}

fn malformed(why: impl Display) -> Violation {
    let description = format!("is not a google.protobuf.Struct of JSON: {why}");
    Violation::new("", Reason::SpecMalformed, description)
}

fn beyond_limit(description: String) -> Violation {
    Violation::new("", Reason::SpecLimitExceeded, description)
}
