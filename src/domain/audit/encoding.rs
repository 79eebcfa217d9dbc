//! The one way in which a value is written as bytes, so that equal values have equal digests and others have not.

/// Bytes under construction: integers are big-endian, texts and lists begin with their length in 32 bits.
#[derive(Debug, Default)]
pub(super) struct Encoder(Vec<u8>);

impl Encoder {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// Bytes whose number the reader knows.
    pub(super) fn fixed(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub(super) fn byte(&mut self, value: u8) -> &mut Self {
        self.fixed(&[value])
    }

    pub(super) fn int(&mut self, value: i32) -> &mut Self {
        self.fixed(&value.to_be_bytes())
    }

    pub(super) fn long(&mut self, value: i64) -> &mut Self {
        self.fixed(&value.to_be_bytes())
    }

    pub(super) fn xid(&mut self, value: u64) -> &mut Self {
        self.fixed(&value.to_be_bytes())
    }

    pub(super) fn text(&mut self, value: &str) -> &mut Self {
        self.length(value.len()).fixed(value.as_bytes())
    }

    pub(super) fn texts(&mut self, values: &[impl AsRef<str>]) -> &mut Self {
        self.length(values.len());
        for value in values {
            self.text(value.as_ref());
        }
        self
    }

    /// A byte that says whether the value is there, and the value.
    pub(super) fn optional<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) -> &mut Self {
        self.byte(value.is_some().into());
        if let Some(present) = value {
            write(self, present);
        }
        self
    }

    pub(super) fn optional_text(&mut self, value: Option<&str>) -> &mut Self {
        self.optional(value, |encoder, text| {
            encoder.text(text);
        })
    }

    pub(super) fn optional_int(&mut self, value: Option<i32>) -> &mut Self {
        self.optional(value, |encoder, number| {
            encoder.int(number);
        })
    }

    /// No field of a database, which is at most 1 GiB, has a length that 32 bits don't hold.
    fn length(&mut self, length: usize) -> &mut Self {
        self.fixed(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes())
    }
}
