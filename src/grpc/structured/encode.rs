//! From JSON text to the wire bytes of a `google.protobuf.Struct`: one pass over both, from the end to the front.
//!
//! In protobuf the length of a message stands before its body, and here messages are nested three deep for each level of
//! JSON. Written from its end, a body is there before its length is, so that nothing is measured first or moved later; and
//! as the text is read from its end too, nothing of it is kept until its turn comes.

mod text;
mod wire;

use self::text::{JsonString, JsonText};
use self::wire::{WireBuffer, delimited, fixed64, varint};
use super::nesting::MAX_LEVELS;
use crate::domain::spec::json::{self, Json};

// Keys of the fields of google/protobuf/struct.proto.
const STRUCT_FIELDS: u8 = delimited(1);
const ENTRY_KEY: u8 = delimited(1);
const ENTRY_VALUE: u8 = delimited(2);
const VALUE_NULL: u8 = varint(1);
const VALUE_NUMBER: u8 = fixed64(2);
const VALUE_STRING: u8 = delimited(3);
const VALUE_BOOL: u8 = varint(4);
const VALUE_STRUCT: u8 = delimited(5);
const VALUE_LIST: u8 = delimited(6);
const LIST_VALUES: u8 = delimited(1);

/// Encodes a document that intake took; none when it is no object, holds a number that no double is equal to, or has more
/// than [`MAX_LEVELS`].
///
/// Grammar is checked only as far as it is needed to tell values apart.
pub(super) fn encode(document: &str) -> Option<Vec<u8>> {
    // An ordinary document grows by a fifth: keys and strings have three bytes more than in JSON, and lose their quotes.
    let mut encoder = Encoder {
        text: JsonText::new(document),
        wire: WireBuffer::with_room(document.len() + document.len() / 2),
    };
    if encoder.text.take()? != b'}' {
        return None;
    }
    encoder.members(1)?;
    encoder.text.take().is_none().then(|| encoder.wire.into_bytes())
}

struct Encoder<'a> {
    text: JsonText<'a>,
    wire: WireBuffer,
}

impl Encoder<'_> {
    /// Encodes the members of an object, `level` deep, whose closing brace was taken.
    fn members(&mut self, level: usize) -> Option<()> {
        if level > MAX_LEVELS {
            return None;
        }
        if self.text.take_if(b'{') {
            return Some(());
        }
        loop {
            let end = self.wire.len();
            self.value(level)?;
            self.wire.put_header(ENTRY_VALUE, end);
            if self.text.take()? != b':' {
                return None;
            }
            self.string(ENTRY_KEY)?;
            self.wire.put_header(STRUCT_FIELDS, end);
            match self.text.take()? {
                b',' => {}
                b'{' => return Some(()),
                _ => return None,
            }
        }
    }

    /// Encodes the elements of an array, `level` deep, whose closing bracket was taken.
    fn elements(&mut self, level: usize) -> Option<()> {
        if level > MAX_LEVELS {
            return None;
        }
        if self.text.take_if(b'[') {
            return Some(());
        }
        loop {
            let end = self.wire.len();
            self.value(level)?;
            self.wire.put_header(LIST_VALUES, end);
            match self.text.take()? {
                b',' => {}
                b'[' => return Some(()),
                _ => return None,
            }
        }
    }

    /// Encodes a value, in an object or array that is `level` deep, as the body of a message `Value`.
    fn value(&mut self, level: usize) -> Option<()> {
        let end = self.wire.len();
        match self.text.peek()? {
            b'"' => self.string(VALUE_STRING)?,
            b'}' => {
                self.text.take()?;
                self.members(level + 1)?;
                self.wire.put_header(VALUE_STRUCT, end);
            }
            b']' => {
                self.text.take()?;
                self.elements(level + 1)?;
                self.wire.put_header(VALUE_LIST, end);
            }
            b'0'..=b'9' => {
                let double = exact_double(self.text.take_number())?;
                self.wire.put(&double.to_le_bytes());
                self.wire.put(&[VALUE_NUMBER]);
            }
            _ => self.word()?,
        }
        Some(())
    }

    fn word(&mut self) -> Option<()> {
        let field = if self.text.take_word(b"null") {
            [VALUE_NULL, 0]
        } else if self.text.take_word(b"true") {
            [VALUE_BOOL, 1]
        } else if self.text.take_word(b"false") {
            [VALUE_BOOL, 0]
        } else {
            return None;
        };
        self.wire.put(&field);
        Some(())
    }

    /// Encodes a string as the field with this key.
    fn string(&mut self, field_key: u8) -> Option<()> {
        let end = self.wire.len();
        match self.text.take_string()? {
            JsonString::Plain(content) => self.wire.put(content),
            JsonString::Escaped(quoted) => self.put_unescaped(quoted)?,
        }
        self.wire.put_header(field_key, end);
        Some(())
    }

    fn put_unescaped(&mut self, quoted: &[u8]) -> Option<()> {
        match json::parse(str::from_utf8(quoted).ok()?).ok()? {
            Json::String(content) => self.wire.put(content.as_bytes()),
            _ => return None,
        }
        Some(())
    }
}

/// The double that is exactly this number; none if there is none.
fn exact_double(number: &[u8]) -> Option<f64> {
    /// Every number of so few digits is told from the others by its double.
    const SAFE_DIGITS: usize = f64::DIGITS as usize;
    let text = str::from_utf8(number).ok()?;
    if number.iter().filter(|byte| byte.is_ascii_digit()).count() <= SAFE_DIGITS {
        return text.parse().ok().filter(|double: &f64| double.is_finite());
    }
    match json::parse(text).ok()? {
        Json::Number(parsed) => parsed.is_double().then(|| parsed.to_f64()),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
