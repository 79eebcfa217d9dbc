//! Reads the members of an object as Go's decoder reads the fields of a struct.
//!
//! Perses decodes a document into Go structs, so a member of the wrong JSON type is refused, and `null` is the same as a
//! member that is not there: text is empty, a flag is off, an array or object has nothing in it. Members that no struct
//! has are kept and not looked at.
//!
//! Keys match exactly. Go also takes `Panels` for `panels`; here such a key is an unknown one, kept like the others, and a
//! warning says so, because Perses would read it.

use super::findings::Findings;
use super::json::{Json, Member};
use super::pointer::Pointer;
use crate::domain::violation::quoted;

/// One object, read as a struct.
pub(super) struct Fields<'t, 'p> {
    members: &'t [Member<'t>],
    /// Where the object is, or would be.
    pub(super) pointer: Pointer<'p>,
}

impl<'t, 'p> Fields<'t, 'p> {
    /// Reads the value at `pointer`; none, with a violation, if it is neither an object nor null.
    pub(super) fn of(value: &'t Json<'t>, pointer: Pointer<'p>, findings: &mut Findings) -> Option<Self> {
        let members: &[Member<'_>] = match value {
            Json::Null => &[],
            Json::Object(members) => members,
            _ => {
                refuse_type(value, "an object", &pointer, findings);
                return None;
            }
        };
        Some(Self { members, pointer })
    }

    /// The member `key`, unless it is null.
    pub(super) fn get(&self, key: &str, findings: &mut Findings) -> Option<&'t Json<'t>> {
        let mut found = None;
        for (name, value) in self.members {
            if name == key {
                found = Some(value);
            } else if name.eq_ignore_ascii_case(key) {
                findings.warn(format!(
                    "{} is kept as an unknown field, but Perses reads it as {key:?}",
                    quoted(&self.pointer.key(name).to_field()),
                ));
            }
        }
        found.filter(|value| **value != Json::Null)
    }

    /// The struct in the field `key`; an absent one has no fields set.
    pub(super) fn nested<'c>(&'c self, key: &'c str, findings: &mut Findings) -> Option<Fields<'t, 'c>> {
        let value = self.get(key, findings).unwrap_or(&Json::Null);
        Fields::of(value, self.pointer.key(key), findings)
    }

    /// The text in the field `key`, empty if absent; none, with a violation, if it is not a string.
    pub(super) fn text(&self, key: &str, findings: &mut Findings) -> Option<&'t str> {
        match self.get(key, findings) {
            None => Some(""),
            Some(Json::String(text)) => Some(text),
            Some(other) => {
                refuse_type(other, "a string", &self.pointer.key(key), findings);
                None
            }
        }
    }

    /// Checks that each of the fields `keys` is text or absent.
    pub(super) fn check_texts(&self, keys: &[&str], findings: &mut Findings) {
        for key in keys {
            self.text(key, findings);
        }
    }

    /// Whether the field `key` is on; off, with a violation, if it is not a boolean.
    pub(super) fn flag(&self, key: &str, findings: &mut Findings) -> bool {
        match self.get(key, findings) {
            None => false,
            Some(Json::Bool(flag)) => *flag,
            Some(other) => {
                refuse_type(other, "a boolean", &self.pointer.key(key), findings);
                false
            }
        }
    }

    /// Checks that each of the fields `keys` is a boolean or absent.
    pub(super) fn check_flags(&self, keys: &[&str], findings: &mut Findings) {
        for key in keys {
            self.flag(key, findings);
        }
    }

    /// The elements of the array in the field `key`; nothing, with a violation, if it is not an array.
    pub(super) fn elements(&self, key: &str, findings: &mut Findings) -> &'t [Json<'t>] {
        match self.get(key, findings) {
            None => &[],
            Some(Json::Array(elements)) => elements,
            Some(other) => {
                refuse_type(other, "an array", &self.pointer.key(key), findings);
                &[]
            }
        }
    }

    /// Checks each element of the array in the field `key`.
    pub(super) fn check_elements(
        &self,
        key: &str,
        findings: &mut Findings,
        check: fn(&'t Json<'t>, Pointer<'_>, &mut Findings),
    ) {
        let list = self.pointer.key(key);
        for (index, element) in self.elements(key, findings).iter().enumerate() {
            check(element, list.index(index), findings);
        }
    }

    /// The members of the object in the field `key`, as a Go map has them; nothing, with a violation, if it is not one.
    pub(super) fn entries(&self, key: &str, findings: &mut Findings) -> &'t [Member<'t>] {
        match self.get(key, findings) {
            None => &[],
            Some(Json::Object(members)) => members,
            Some(other) => {
                refuse_type(other, "an object", &self.pointer.key(key), findings);
                &[]
            }
        }
    }

    /// Whether a field of `keys` says something: `null` and empty text don't, empty arrays and objects do.
    pub(super) fn has_any(&self, keys: &[&str], findings: &mut Findings) -> bool {
        let says_something = |value: &Json<'_>| !matches!(value, Json::String(text) if text.is_empty());
        keys.iter()
            .any(|key| self.get(key, findings).is_some_and(says_something))
    }
}

/// Refuses a value of the wrong type.
pub(super) fn refuse_type(value: &Json<'_>, expected: &str, pointer: &Pointer<'_>, findings: &mut Findings) {
    findings.refuse(pointer, format!("must be {expected}, not {}", value.kind()));
}
