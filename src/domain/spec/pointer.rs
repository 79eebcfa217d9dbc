//! Where in a document something is: JSON pointers (RFC 6901).
//!
//! A [`Pointer`] is a chain of steps that lives on the call stack of whoever walks the document, so that walking a sound
//! document costs no allocation; text is made when there is something to report.

use std::fmt::{self, Write as _};

/// The longest pointer in bytes that a violation carries. A key may be as long as the document; an answer may not.
const MAX_FIELD_BYTES: usize = 256;

/// A place in a document.
#[derive(Debug, Clone, Copy)]
pub enum Pointer<'p> {
    /// The whole document.
    Root,
    /// The member of an object, by its key.
    Key(&'p Pointer<'p>, &'p str),
    /// The element of an array, from 0.
    Index(&'p Pointer<'p>, usize),
}

impl Pointer<'_> {
    /// Points to the member `key` of the object here.
    pub fn key<'c>(&'c self, key: &'c str) -> Pointer<'c> {
        Pointer::Key(self, key)
    }

    /// Points to the element `index` of the array here.
    pub fn index(&self, index: usize) -> Pointer<'_> {
        Pointer::Index(self, index)
    }

    /// The pointer as the field of a violation: cut, with an ellipsis, where hostile keys make it too long to send.
    pub fn to_field(&self) -> String {
        let mut field = Field(String::new());
        if write!(field, "{self}").is_err() {
            field.0.push('…');
        }
        field.0
    }
}

/// Takes what has its place in a field, and refuses the rest: none of it is ever in memory.
struct Field(String);

impl fmt::Write for Field {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = MAX_FIELD_BYTES.saturating_sub(self.0.len());
        let fits = text.floor_char_boundary(room);
        self.0.push_str(&text[..fits]);
        if fits == text.len() { Ok(()) } else { Err(fmt::Error) }
    }
}

impl fmt::Display for Pointer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Key(parent, key) => {
                write!(f, "{parent}/")?;
                key.chars().try_for_each(|character| match character {
                    '~' => f.write_str("~0"),
                    '/' => f.write_str("~1"),
                    other => f.write_char(other),
                })
            }
            Self::Index(parent, index) => write!(f, "{parent}/{index}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_are_written_as_in_rfc_6901() {
        let root = Pointer::Root;
        let panels = root.key("panels");
        let panel = panels.key("a/b~c");
        assert_eq!(root.to_string(), "");
        assert_eq!(panel.to_string(), "/panels/a~1b~0c");
        assert_eq!(panel.index(3).to_string(), "/panels/a~1b~0c/3");
        assert_eq!(root.key("").to_string(), "/");
    }

    #[test]
    fn fields_are_cut_between_characters() {
        let long = "é".repeat(MAX_FIELD_BYTES);
        let field = Pointer::Root.key(&long).to_field();
        assert!(field.starts_with("/é") && field.ends_with("é…"), "{field}");
        assert!(field.len() <= MAX_FIELD_BYTES + '…'.len_utf8());
        // A document has room for a thousand of them below one key.
        assert!(field.capacity() < 4 * MAX_FIELD_BYTES, "{}", field.capacity());
        let fits = "k".repeat(MAX_FIELD_BYTES - 1);
        assert_eq!(Pointer::Root.key(&fits).to_field(), format!("/{fits}"));
        assert_eq!(Pointer::Root.key(&fits).key("x").to_field(), format!("/{fits}…"));
    }
}
