//! Reads text into a tree, once, with `jiter` as the tokenizer.
//!
//! The walk is our own: `jiter`'s trees drop the text of numbers and keep duplicate keys, and its limit of depth is fixed.

use std::borrow::Cow;
use std::collections::HashSet;

use jiter::{Jiter, JiterError, JiterErrorType, JiterResult, JsonErrorType, Peek};

use super::super::pointer::Pointer;
use super::{Json, MAX_DEPTH, MAX_NODES, Member, Number};
use crate::domain::reason::Reason;
use crate::domain::violation::{MAX_VIOLATIONS, Violation};

/// Up to here comparing each key with those before it is faster than hashing.
const FEW_MEMBERS: usize = 12;

/// The parse ended early; the violation that says why is noted.
struct Stopped;

/// Reads `text`; see [`parse`](super::parse).
pub(super) fn read(text: &str) -> Result<Json<'_>, Vec<Violation>> {
    let mut reader = Reader {
        text,
        jiter: Jiter::new(text.as_bytes()),
        nodes: 0,
        violations: Vec::new(),
    };
    match reader.document() {
        Ok(document) if reader.violations.is_empty() => Ok(document),
        Ok(_) | Err(Stopped) => Err(reader.violations),
    }
}

struct Reader<'a> {
    text: &'a str,
    jiter: Jiter<'a>,
    nodes: usize,
    violations: Vec<Violation>,
}

impl<'a> Reader<'a> {
    fn document(&mut self) -> Result<Json<'a>, Stopped> {
        if self.text.starts_with('\u{feff}') {
            let description = "begins with a byte order mark, which JSON does not allow: remove it";
            return Err(self.stop(&Pointer::Root, Reason::SpecMalformed, description));
        }
        let peek = self.peek()?;
        let document = self.value(peek, &Pointer::Root, 1)?;
        let finished = self.jiter.finish();
        self.check(finished)?;
        Ok(document)
    }

    /// Reads the value that begins with `peek`; `level` is what its nesting would be if it is an array or an object.
    fn value(&mut self, peek: Peek, pointer: &Pointer<'_>, level: usize) -> Result<Json<'a>, Stopped> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            let description = format!("has more than {MAX_NODES} values");
            return Err(self.stop(&Pointer::Root, Reason::SpecLimitExceeded, description));
        }
        match peek {
            Peek::Null => {
                let null = self.jiter.known_null();
                self.check(null).map(|()| Json::Null)
            }
            Peek::True | Peek::False => {
                let flag = self.jiter.known_bool(peek);
                self.check(flag).map(Json::Bool)
            }
            Peek::String => self.string(pointer).map(Json::String),
            Peek::Array => self.array(pointer, level).map(Json::Array),
            Peek::Object => self.object(pointer, level).map(Json::Object),
            // Everything else is a number or an error, also `NaN` and `Infinity`.
            _ => self.number(peek, pointer).map(Json::Number),
        }
    }

    fn string(&mut self, pointer: &Pointer<'_>) -> Result<Cow<'a, str>, Stopped> {
        let start = self.jiter.current_index();
        let decoded = self.jiter.known_str().map(|decoded| borrow(self.text, start, decoded));
        let string = self.check(decoded)?;
        if string.contains('\0') {
            self.note(
                pointer,
                Reason::SpecMalformed,
                "the string holds \\u0000, which can't be stored",
            );
        }
        Ok(string)
    }

    fn number(&mut self, peek: Peek, pointer: &Pointer<'_>) -> Result<Number<'a>, Stopped> {
        let start = self.jiter.current_index();
        let scanned = self.jiter.known_number_bytes(peek).map(|_| ());
        if let Err(JiterError {
            error_type: JiterErrorType::JsonError(JsonErrorType::NumberOutOfRange),
            ..
        }) = scanned
        {
            // jiter itself gives up after some thousand digits.
            return Err(self.stop(pointer, Reason::SpecLimitExceeded, "the number has too many digits"));
        }
        self.check(scanned)?;
        let text = self.text.get(start..self.jiter.current_index()).unwrap_or_default();
        Ok(Number::new(text).unwrap_or_else(|exceeded| {
            self.note(pointer, Reason::SpecLimitExceeded, exceeded);
            Number::default()
        }))
    }

    fn array(&mut self, pointer: &Pointer<'_>, level: usize) -> Result<Vec<Json<'a>>, Stopped> {
        self.enter(pointer, level)?;
        let mut elements = Vec::new();
        let first = self.jiter.known_array();
        let mut next = self.check(first)?;
        while let Some(peek) = next {
            let element = self.value(peek, &pointer.index(elements.len()), level + 1)?;
            elements.push(element);
            let step = self.jiter.array_step();
            next = self.check(step)?;
        }
        Ok(elements)
    }

    fn object(&mut self, pointer: &Pointer<'_>, level: usize) -> Result<Vec<Member<'a>>, Stopped> {
        self.enter(pointer, level)?;
        let mut members: Vec<Member<'a>> = Vec::new();
        let mut next = self.key(pointer, Jiter::known_object)?;
        while let Some(key) = next {
            let peek = self.peek()?;
            let value = self.value(peek, &pointer.key(&key), level + 1)?;
            members.push((key, value));
            next = self.key(pointer, Jiter::next_key)?;
        }
        self.note_duplicates(&members, pointer);
        Ok(members)
    }

    /// Reads the next key with `step`, and the colon after it; none at the end of the object at `pointer`.
    fn key(
        &mut self,
        pointer: &Pointer<'_>,
        step: for<'j> fn(&'j mut Jiter<'a>) -> JiterResult<Option<&'j str>>,
    ) -> Result<Option<Cow<'a, str>>, Stopped> {
        let start = self.jiter.current_index();
        let decoded = step(&mut self.jiter).map(|key| key.map(|decoded| borrow(self.text, start, decoded)));
        let key = self.check(decoded)?;
        if key.as_ref().is_some_and(|key| key.contains('\0')) {
            self.note(
                pointer,
                Reason::SpecMalformed,
                "a key holds \\u0000, which can't be stored",
            );
        }
        Ok(key)
    }

    fn note_duplicates(&mut self, members: &[Member<'a>], pointer: &Pointer<'_>) {
        let mut seen = HashSet::new();
        for (index, (key, _)) in members.iter().enumerate() {
            let is_duplicate = match members.len() {
                ..=FEW_MEMBERS => members.iter().take(index).any(|(earlier, _)| earlier == key),
                _ => !seen.insert(key),
            };
            if is_duplicate {
                self.note(
                    &pointer.key(key),
                    Reason::SpecDuplicateKey,
                    "the object has this key twice",
                );
            }
        }
    }

    fn enter(&mut self, pointer: &Pointer<'_>, level: usize) -> Result<(), Stopped> {
        if level <= MAX_DEPTH {
            return Ok(());
        }
        let description = format!("arrays and objects are nested more than {MAX_DEPTH} deep");
        Err(self.stop(pointer, Reason::SpecLimitExceeded, description))
    }

    fn peek(&mut self) -> Result<Peek, Stopped> {
        let peek = self.jiter.peek();
        self.check(peek)
    }

    /// Turns an error of the tokenizer into a violation.
    fn check<T>(&mut self, read: JiterResult<T>) -> Result<T, Stopped> {
        read.map_err(|error| {
            let description = format!("is not valid JSON: {}", error.description(&self.jiter));
            self.stop(&Pointer::Root, Reason::SpecMalformed, description)
        })
    }

    /// Notes what ends the parse. It always gets a place, so that no reader takes a list that is full for all there is.
    fn stop(&mut self, pointer: &Pointer<'_>, reason: Reason, description: impl Into<String>) -> Stopped {
        self.violations.truncate(MAX_VIOLATIONS - 1);
        self.note(pointer, reason, description);
        Stopped
    }

    fn note(&mut self, pointer: &Pointer<'_>, reason: Reason, description: impl Into<String>) {
        if self.violations.len() < MAX_VIOLATIONS {
            let violation = Violation::new(pointer.to_field(), reason, description);
            self.violations.push(violation);
        }
    }
}

/// `decoded`, borrowed from `text` if it has no escapes. `start` is where the tokenizer stood before: nothing but
/// punctuation and white space lies between there and the opening quote.
fn borrow<'a>(text: &'a str, start: usize, decoded: &str) -> Cow<'a, str> {
    let after_quote = text
        .get(start..)
        .and_then(|rest| rest.split_once('"'))
        .map(|(_, after)| after);
    match after_quote.and_then(|after| after.get(..decoded.len())) {
        Some(raw) if raw == decoded => Cow::Borrowed(raw),
        _ => Cow::Owned(decoded.to_owned()),
    }
}
