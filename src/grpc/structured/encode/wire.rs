//! A buffer of wire bytes that is filled from its end to its front.

use prost::bytes::BufMut;
use prost::encoding::{WireType, encode_varint};

/// The longest key and length.
const MAX_HEADER_BYTES: usize = 1 + 10;

/// The key of a field that has a length.
pub(super) const fn delimited(tag: u8) -> u8 {
    key(tag, WireType::LengthDelimited)
}

/// The key of a field that is a varint.
pub(super) const fn varint(tag: u8) -> u8 {
    key(tag, WireType::Varint)
}

/// The key of a field that is a double.
pub(super) const fn fixed64(tag: u8) -> u8 {
    key(tag, WireType::SixtyFourBit)
}

/// A key is one byte as long as the tag is below 16.
const fn key(tag: u8, wire_type: WireType) -> u8 {
    tag << 3 | wire_type as u8
}

/// Wire bytes, and room before them.
pub(super) struct WireBuffer {
    bytes: Vec<u8>,
    /// Where the room ends and what was put begins.
    start: usize,
}

impl WireBuffer {
    /// A buffer with room for so many bytes at first.
    pub(super) fn with_room(bytes: usize) -> Self {
        Self {
            bytes: vec![0; bytes],
            start: bytes,
        }
    }

    /// How many bytes were put.
    pub(super) fn len(&self) -> usize {
        self.bytes.len() - self.start
    }

    /// Puts a piece before all that is there.
    #[inline]
    pub(super) fn put(&mut self, piece: &[u8]) {
        if piece.len() > self.start {
            self.make_room(piece.len());
        }
        let end = self.start;
        self.start -= piece.len();
        self.bytes[self.start..end].copy_from_slice(piece);
    }

    /// Puts the key and the length of a field, the body of which is all that was put since [`Self::len`] was `end`.
    #[inline]
    pub(super) fn put_header(&mut self, key: u8, end: usize) {
        match self.len() - end {
            length @ 0..0x80 => self.put(&[key, length as u8]),
            length => self.put_long_header(key, length),
        }
    }

    #[inline(never)] // So that the short one is small enough to be.
    fn put_long_header(&mut self, key: u8, length: usize) {
        let mut header = [0; MAX_HEADER_BYTES];
        let mut rest = header.as_mut_slice();
        rest.put_u8(key);
        encode_varint(length as u64, &mut rest);
        let used = MAX_HEADER_BYTES - rest.len();
        self.put(&header[..used]);
    }

    /// Makes room for so many bytes at least: what is there moves, seldom enough that it costs little in all.
    #[cold]
    fn make_room(&mut self, bytes: usize) {
        let mut larger = Self::with_room(2 * self.bytes.len() + bytes);
        larger.put(&self.bytes[self.start..]);
        *self = larger;
    }

    /// What was put.
    pub(super) fn into_bytes(mut self) -> Vec<u8> {
        self.bytes.drain(..self.start);
        self.bytes
    }
}
