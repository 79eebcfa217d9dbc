//! Reads a YAML document into nodes: anchors, aliases, merge keys and limits.

use std::collections::HashMap;
use std::rc::Rc;

use granit_parser::{Event, Marker, Parser, ScalarStyle};

use super::node::{Node, Size, Value};
use super::scalar::Scalar;
use super::{MAX_BYTES, MAX_DEPTH, MAX_NODES};
use crate::domain::reason::Reason;
use crate::domain::spec::pointer::Pointer;
use crate::domain::violation::{MAX_VIOLATIONS, Violation};

/// Reads the one document of `text` and writes it as JSON text, its members in the order of the document.
///
/// # Errors
/// What is wrong, at most [`MAX_VIOLATIONS`], with JSON pointers as fields; each description says line and column.
/// Reasons are those of [`json::parse`](crate::domain::spec::json::parse).
pub(crate) fn to_json(text: &str) -> Result<String, Vec<Violation>> {
    let mut reader = Reader::default();
    match reader.read(text) {
        Ok(()) if reader.violations.is_empty() => {
            let mut json = String::new();
            match reader.document {
                Some(document) => document.write_json(&mut json),
                None => json.push_str("null"),
            }
            Ok(json)
        }
        Ok(()) | Err(Stopped) => Err(reader.violations),
    }
}

/// The tag of merge keys.
const MERGE_TAG: &str = "tag:yaml.org,2002:merge";

/// The reading ended early; the violation that says why is noted.
struct Stopped;

#[derive(Default)]
struct Reader {
    /// Arrays and objects that have begun, from outside in.
    open: Vec<Open>,
    /// What anchors name, by the number of the anchor.
    anchors: HashMap<usize, Rc<Node>>,
    document: Option<Rc<Node>>,
    documents: usize,
    violations: Vec<Violation>,
}

/// An array or an object that has begun.
struct Open {
    anchor: usize,
    size: Size,
    parts: Parts,
}

enum Parts {
    Array(Vec<Rc<Node>>),
    Object(Members),
}

#[derive(Default)]
struct Members {
    members: Vec<(Rc<str>, Rc<Node>)>,
    places: HashMap<Rc<str>, Place>,
    /// The key whose value comes next.
    key: Option<Key>,
}

/// Where a key of an object is.
struct Place {
    index: usize,
    is_merged: bool,
}

enum Key {
    Name(Rc<str>),
    /// `<<`.
    Merge,
}

impl Members {
    /// Sets a member, in the place of an earlier one; says whether that one was written there and not merged.
    fn set(&mut self, key: Rc<str>, value: Rc<Node>, is_merged: bool) -> bool {
        if let Some(place) = self.places.get_mut(&key) {
            let was_written = !place.is_merged;
            place.is_merged &= is_merged;
            if let Some((_, current)) = self.members.get_mut(place.index) {
                *current = value;
            }
            return was_written;
        }
        let index = self.members.len();
        self.places.insert(Rc::clone(&key), Place { index, is_merged });
        self.members.push((key, value));
        false
    }
}

impl Reader {
    fn read(&mut self, text: &str) -> Result<(), Stopped> {
        let options = granit_parser::options! {
            bom_inside_document_as_content: true,
            block_scalar_eof_without_line_feed: true,
        };
        for next in Parser::new_from_str_with_options(text, options) {
            let (event, span) = next.map_err(|error| {
                let description = format!("is not valid YAML: {}", error.info());
                self.stop(Reason::SpecMalformed, &description, *error.marker())
            })?;
            self.event(event, span.start)?;
        }
        Ok(())
    }

    fn event(&mut self, event: Event<'_>, at: Marker) -> Result<(), Stopped> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let is_plain = style == ScalarStyle::Plain;
                let tag = tag.map(|tag| [tag.handle(), tag.suffix()].concat());
                let is_merge = text == "<<" && tag.as_deref().map_or(is_plain, |tag| tag == MERGE_TAG);
                match self.members_without_key() {
                    Some(members) if is_merge => {
                        members.key = Some(Key::Merge);
                        Ok(())
                    }
                    _ => self.scalar(Scalar::resolve(&text, is_plain, tag.as_deref()), anchor, at),
                }
            }
            Event::SequenceStart(_, anchor, _) => self.begin(anchor, Parts::Array(Vec::new()), at),
            Event::MappingStart(_, anchor, _) => self.begin(anchor, Parts::Object(Members::default()), at),
            Event::SequenceEnd | Event::MappingEnd => self.end(at),
            Event::Alias(anchor) => self.alias(anchor, at),
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(self.stop(Reason::SpecMalformed, "holds more than one document", at));
                }
                Ok(())
            }
            // Comments are values to nobody.
            _ => Ok(()),
        }
    }

    fn scalar(&mut self, resolved: Result<Scalar, String>, anchor: usize, at: Marker) -> Result<(), Stopped> {
        let scalar = resolved.unwrap_or_else(|description| {
            self.note(Reason::SpecMalformed, &description, at);
            Scalar::Null
        });
        let node = Rc::new(Node::scalar(scalar));
        if anchor > 0 {
            self.anchors.insert(anchor, Rc::clone(&node));
        }
        self.complete(node, false, at)
    }

    /// The object whose key comes next, if that is what is open.
    fn members_without_key(&mut self) -> Option<&mut Members> {
        match &mut self.open.last_mut()?.parts {
            Parts::Object(members) if members.key.is_none() => Some(members),
            _ => None,
        }
    }

    fn begin(&mut self, anchor: usize, parts: Parts, at: Marker) -> Result<(), Stopped> {
        if self.members_without_key().is_some() {
            return Err(self.stop(Reason::SpecMalformed, "a key must be a scalar", at));
        }
        if self.open.len() >= MAX_DEPTH {
            return Err(self.stop_too_deep(at));
        }
        let size = Size {
            depth: 1,
            nodes: 1,
            bytes: 2,
        };
        self.open.push(Open { anchor, size, parts });
        Ok(())
    }

    fn end(&mut self, at: Marker) -> Result<(), Stopped> {
        // The events of the parser are balanced.
        let Some(Open { anchor, size, parts }) = self.open.pop() else {
            return Ok(());
        };
        let value = match parts {
            Parts::Array(elements) => Value::Array(elements),
            Parts::Object(members) => Value::Object(members.members),
        };
        let node = Rc::new(Node { value, size });
        if anchor > 0 {
            self.anchors.insert(anchor, Rc::clone(&node));
        }
        self.complete(node, false, at)
    }

    fn alias(&mut self, anchor: usize, at: Marker) -> Result<(), Stopped> {
        match self.anchors.get(&anchor).map(Rc::clone) {
            Some(node) => self.complete(node, true, at),
            // The parser knows each anchor that has begun.
            None => Err(self.stop(Reason::SpecMalformed, "the value of an anchor contains itself", at)),
        }
    }

    /// Takes a value that was read, as a key, a member, an element or the document.
    fn complete(&mut self, node: Rc<Node>, is_alias: bool, at: Marker) -> Result<(), Stopped> {
        if self.members_without_key().is_some() {
            return self.key(&node, at);
        }
        if matches!(&node.value, Value::Scalar(scalar) if !scalar.is_json()) {
            self.note(Reason::SpecMalformed, "JSON has no infinity and no NaN", at);
        }
        let Some(mut open) = self.open.pop() else {
            self.document = Some(node);
            return Ok(());
        };
        let taken = self.add(&mut open, node, is_alias, at);
        self.open.push(open);
        taken
    }

    fn key(&mut self, node: &Node, at: Marker) -> Result<(), Stopped> {
        let Value::Scalar(scalar) = &node.value else {
            return Err(self.stop(Reason::SpecMalformed, "a key must be a scalar", at));
        };
        let Some(key) = scalar.to_key() else {
            return Err(self.stop(
                Reason::SpecMalformed,
                "null and integers beyond 64 bits can't be keys",
                at,
            ));
        };
        if let Some(members) = self.members_without_key() {
            members.key = Some(Key::Name(key.into()));
        }
        Ok(())
    }

    /// Adds `node` to `open`, which is not on the stack meanwhile.
    fn add(&mut self, open: &mut Open, node: Rc<Node>, is_alias: bool, at: Marker) -> Result<(), Stopped> {
        match &mut open.parts {
            Parts::Array(elements) => {
                open.size = self.check(open.size.with(node.size, 1), at)?;
                elements.push(node);
            }
            Parts::Object(members) => match members.key.take() {
                Some(Key::Merge) => {
                    // Every merge counts, also of members that are there already: each is work.
                    open.size = self.check(open.size.with(node.size, 0), at)?;
                    self.merge(members, &node, is_alias, at)?;
                }
                Some(Key::Name(key)) => {
                    open.size = self.check(open.size.with(node.size, key.len() + 4), at)?;
                    if members.set(Rc::clone(&key), node, false) {
                        let field = self.field_of(Some(&key));
                        self.note_at(field, Reason::SpecDuplicateKey, "the object has this key twice", at);
                    }
                }
                None => {}
            },
        }
        Ok(())
    }

    /// Merges a mapping or an array of mappings, of which the first takes precedence, into `members`.
    fn merge(&mut self, members: &mut Members, node: &Rc<Node>, is_alias: bool, at: Marker) -> Result<(), Stopped> {
        let sources = match &node.value {
            Value::Object(_) => std::slice::from_ref(node),
            Value::Array(sources) if !is_alias => sources,
            _ => &[],
        };
        let are_objects = sources.iter().all(|source| matches!(source.value, Value::Object(_)));
        let is_empty_array = matches!(&node.value, Value::Array(sources) if sources.is_empty() && !is_alias);
        if sources.is_empty() && !is_empty_array || !are_objects {
            let description = "a merge key takes an object or an array of objects";
            return Err(self.stop(Reason::SpecMalformed, description, at));
        }
        for source in sources.iter().rev() {
            if let Value::Object(merged) = &source.value {
                for (key, value) in merged {
                    members.set(Rc::clone(key), Rc::clone(value), true);
                }
            }
        }
        Ok(())
    }

    /// Holds a size against the limits.
    fn check(&mut self, size: Size, at: Marker) -> Result<Size, Stopped> {
        if size.depth > MAX_DEPTH {
            return Err(self.stop_too_deep(at));
        }
        if size.nodes > MAX_NODES {
            let description = format!("has more than {MAX_NODES} values, counting what aliases name each time");
            return Err(self.stop(Reason::SpecLimitExceeded, &description, at));
        }
        if size.bytes > MAX_BYTES {
            let description = format!("has more than {MAX_BYTES} bytes as JSON, counting what aliases name each time");
            return Err(self.stop(Reason::SpecLimitExceeded, &description, at));
        }
        Ok(size)
    }

    fn stop_too_deep(&mut self, at: Marker) -> Stopped {
        let description = format!("arrays and objects are nested more than {MAX_DEPTH} deep");
        self.stop(Reason::SpecLimitExceeded, &description, at)
    }

    /// Notes what ends the reading. It always gets a place, so that no reader takes a list that is full for all there is.
    fn stop(&mut self, reason: Reason, description: &str, at: Marker) -> Stopped {
        self.violations.truncate(MAX_VIOLATIONS - 1);
        self.note(reason, description, at);
        Stopped
    }

    fn note(&mut self, reason: Reason, description: &str, at: Marker) {
        let field = self.field_of(None);
        self.note_at(field, reason, description, at);
    }

    fn note_at(&mut self, field: String, reason: Reason, description: &str, at: Marker) {
        if self.violations.len() < MAX_VIOLATIONS {
            let description = format!("{description}, at line {} column {}", at.line(), at.col() + 1);
            self.violations.push(Violation::new(field, reason, description));
        }
    }

    /// The JSON pointer to what comes next in what is open, and to `key` in it.
    fn field_of(&self, key: Option<&str>) -> String {
        fn field(pointer: &Pointer<'_>, open: &[Open], key: Option<&str>) -> String {
            match (open.split_first(), key) {
                (None, None) => pointer.to_field(),
                (None, Some(key)) => pointer.key(key).to_field(),
                (Some((first, rest)), key) => match &first.parts {
                    Parts::Array(elements) => field(&pointer.index(elements.len()), rest, key),
                    Parts::Object(Members {
                        key: Some(Key::Name(name)),
                        ..
                    }) => field(&pointer.key(name), rest, key),
                    Parts::Object(_) => field(pointer, rest, key),
                },
            }
        }
        field(&Pointer::Root, &self.open, key)
    }
}
