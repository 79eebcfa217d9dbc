//! Values of a YAML document, shared where an alias names them, with the size that they have written out.

use std::rc::Rc;

use super::scalar::Scalar;

/// A value and what it amounts to when each alias is written out.
///
/// The sizes are known before anything is copied, so that a document that grows beyond every limit is refused while it is
/// still small.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) value: Value,
    pub(super) size: Size,
}

/// A value.
#[derive(Debug)]
pub(super) enum Value {
    Scalar(Scalar),
    Array(Vec<Rc<Node>>),
    Object(Vec<(Rc<str>, Rc<Node>)>),
}

/// What a value amounts to.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Size {
    /// Levels of arrays and objects.
    pub(super) depth: usize,
    /// Values, with this one.
    pub(super) nodes: usize,
    /// At least so many bytes of JSON.
    pub(super) bytes: usize,
}

impl Size {
    /// The size with a part of `part` and `key` bytes of its key.
    pub(super) fn with(self, part: Self, key: usize) -> Self {
        Self {
            depth: self.depth.max(part.depth + 1),
            nodes: self.nodes.saturating_add(part.nodes),
            bytes: self.bytes.saturating_add(part.bytes).saturating_add(key),
        }
    }
}

impl Node {
    /// A node of a scalar.
    pub(super) fn scalar(scalar: Scalar) -> Self {
        let size = Size {
            depth: 0,
            nodes: 1,
            bytes: scalar.min_bytes(),
        };
        Self {
            value: Value::Scalar(scalar),
            size,
        }
    }

    /// Writes the value as JSON text, in the order of the document.
    pub(super) fn write_json(&self, json: &mut String) {
        match &self.value {
            Value::Scalar(scalar) => scalar.write_json(json),
            Value::Array(elements) => {
                json.push('[');
                for (index, element) in elements.iter().enumerate() {
                    if index > 0 {
                        json.push(',');
                    }
                    element.write_json(json);
                }
                json.push(']');
            }
            Value::Object(members) => {
                json.push('{');
                for (index, (key, value)) in members.iter().enumerate() {
                    if index > 0 {
                        json.push(',');
                    }
                    write_json_text(key, json);
                    json.push(':');
                    value.write_json(json);
                }
                json.push('}');
            }
        }
    }
}

/// Writes `text` as a JSON string.
pub(super) fn write_json_text(text: &str, json: &mut String) {
    json.push_str(&serde_json::Value::from(text).to_string());
}
