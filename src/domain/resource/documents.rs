//! Splits a text into the documents that it holds.

use serde_json::value::RawValue;

/// The documents of a YAML stream, of one JSON text or of JSON texts one after the other, and of any mixture.
///
/// Documents that hold nothing but comments are left out. A marker of YAML (`---` or `...` at the beginning of a line) ends
/// the document wherever it stands, as in YAML itself; JSON has no such line. What is neither JSON nor YAML is a document
/// too, so that reading it says what is wrong. Nothing is copied, and each step looks at one document only.
pub fn documents(text: &str) -> impl Iterator<Item = &str> {
    Documents { stream: text, json: "" }
}

struct Documents<'a> {
    /// What follows the part between markers that `json` belongs to.
    stream: &'a str,
    /// What follows the last JSON text of its part.
    json: &'a str,
}

impl<'a> Iterator for Documents<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        loop {
            if !self.json.is_empty() {
                let (document, rest) = split_json(self.json);
                self.json = rest;
                return Some(document);
            }
            if self.stream.is_empty() {
                return None;
            }
            let (part, rest) = split_part(self.stream);
            self.stream = rest;
            let content = without_marker(part).trim();
            if content.starts_with('{') {
                self.json = content;
            } else if !is_blank(part) {
                return Some(part);
            }
        }
    }
}

/// The first JSON text of `json`, which begins with one, and what follows it. All of it where it is not JSON.
fn split_json(json: &str) -> (&str, &str) {
    let mut texts = serde_json::Deserializer::from_str(json).into_iter::<&RawValue>();
    let is_text = matches!(texts.next(), Some(Ok(_)));
    match json.split_at_checked(texts.byte_offset()) {
        Some((document, rest)) if is_text && rest.trim_start().starts_with('{') => (document, rest.trim_start()),
        Some((document, rest)) if is_text && rest.trim_start().is_empty() => (document, ""),
        _ => (json, ""),
    }
}

/// Splits `stream` before the marker that begins its second document, or after the one that ends its first.
fn split_part(stream: &str) -> (&str, &str) {
    let mut end = 0;
    let mut has_begun = false;
    for line in stream.split_inclusive('\n') {
        let is_start = is_marker(line, "---");
        if is_start && has_begun {
            return stream.split_at(end);
        }
        end += line.len();
        if is_marker(line, "...") {
            return stream.split_at(end);
        }
        // Directives and comments belong to the document that follows.
        has_begun |= is_start || !is_prologue(line);
    }
    (stream, "")
}

/// Whether `line` is the `marker`, alone or with white space after it.
fn is_marker(line: &str, marker: &str) -> bool {
    let unmarked = line.strip_prefix('\u{feff}').unwrap_or(line);
    unmarked
        .strip_prefix(marker)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
}

/// Whether `line` is empty, a comment or a directive.
fn is_prologue(line: &str) -> bool {
    let content = line.trim_start_matches('\u{feff}').trim();
    content.is_empty() || content.starts_with(['#', '%'])
}

/// Whether `part` is no document: markers and comments at most.
fn is_blank(part: &str) -> bool {
    part.lines().all(|line| {
        let is_marker = is_marker(line, "---") || is_marker(line, "...");
        is_prologue(if is_marker {
            line.get(3..).unwrap_or_default()
        } else {
            line
        })
    })
}

/// `part` without the markers around it.
fn without_marker(part: &str) -> &str {
    let unmarked = part.trim_start_matches('\u{feff}').trim();
    let begun = unmarked.strip_prefix("---").unwrap_or(unmarked);
    begun.strip_suffix("...").unwrap_or(begun)
}
