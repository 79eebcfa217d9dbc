//! JSON text, taken token by token from its end.

use memchr::memrchr2;

/// What is left of a JSON text, the end of which was taken.
pub(super) struct JsonText<'a>(&'a [u8]);

/// A string of a JSON text.
pub(super) enum JsonString<'a> {
    /// What stands between the quotes, which has no escapes.
    Plain(&'a [u8]),
    /// Escapes and all, in its quotes.
    Escaped(&'a [u8]),
}

impl<'a> JsonText<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self(text.as_bytes())
    }

    /// The last byte that is not white space, which ends what is left then.
    pub(super) fn peek(&mut self) -> Option<u8> {
        while let Some((last, before)) = self.0.split_last() {
            // The white space of JSON; no token has another one of these.
            if *last > b' ' {
                return Some(*last);
            }
            self.0 = before;
        }
        None
    }

    /// Takes the last byte that is not white space.
    pub(super) fn take(&mut self) -> Option<u8> {
        let last = self.peek()?;
        self.0 = self.0.split_last()?.1;
        Some(last)
    }

    /// Takes the last byte that is not white space if it is this one; tells whether it was.
    pub(super) fn take_if(&mut self, expected: u8) -> bool {
        self.peek() == Some(expected) && self.take().is_some()
    }

    /// Takes `word` if what is left ends with it; tells whether it did.
    pub(super) fn take_word(&mut self, word: &[u8]) -> bool {
        let before = self.0.strip_suffix(word);
        self.0 = before.unwrap_or(self.0);
        before.is_some()
    }

    /// Takes a number, as long as it may be.
    pub(super) fn take_number(&mut self) -> &'a [u8] {
        let is_of_number = |byte: &&u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
        let length = self.0.iter().rev().take_while(is_of_number).count();
        let (before, number) = self.0.split_at(self.0.len() - length);
        self.0 = before;
        number
    }

    /// Takes a string.
    pub(super) fn take_string(&mut self) -> Option<JsonString<'a>> {
        if self.peek()? != b'"' {
            return None;
        }
        let quoted = self.0;
        let close = quoted.len() - 1;
        let mut open = memrchr2(b'"', b'\\', &quoted[..close])?;
        let mut has_escapes = false;
        // A quote inside has its backslash before it; before the opening one nothing ever is a backslash.
        while quoted[open] == b'\\' || quoted[..open].ends_with(b"\\") {
            has_escapes = true;
            open = memrchr2(b'"', b'\\', &quoted[..open])?;
        }
        self.0 = &quoted[..open];
        Some(if has_escapes {
            JsonString::Escaped(&quoted[open..])
        } else {
            JsonString::Plain(&quoted[open + 1..close])
        })
    }
}
