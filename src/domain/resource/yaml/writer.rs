//! Writes JSON values as YAML in the style of Perses' files (gopkg.in/yaml.v3): four spaces, members in the order they have,
//! text plain where every reader takes it for the same text.

use std::fmt::Write;

use super::scalar::Scalar;
use crate::domain::spec::json::{Json, Member};

/// Levels are indented to multiples of this.
const INDENT: usize = 4;

/// The longest key that stands on one line with its value.
const MAX_SIMPLE_KEY_BYTES: usize = 128;

/// Writes the members of an object, each on lines of its own that are indented by `indent`. The first begins where `yaml`
/// ends.
pub(in super::super) fn write_members(members: &[Member<'_>], indent: usize, yaml: &mut String) {
    for (index, (key, value)) in members.iter().enumerate() {
        if index > 0 {
            push_indent(indent, yaml);
        }
        let start = yaml.len();
        write_flow_text(key, yaml);
        if yaml.len() - start > MAX_SIMPLE_KEY_BYTES {
            yaml.insert_str(start, "? ");
            yaml.push('\n');
            push_indent(indent, yaml);
        }
        yaml.push(':');
        write_value(value, indent, next_level(indent), yaml);
    }
}

/// Writes `text` as the value of a member whose object is indented by `indent`, with the line's end.
pub(in super::super) fn write_text(text: &str, indent: usize, yaml: &mut String) {
    write_scalar_text(text, indent, next_level(indent), yaml);
}

fn next_level(indent: usize) -> usize {
    (indent / INDENT + 1) * INDENT
}

fn push_indent(indent: usize, yaml: &mut String) {
    yaml.extend(std::iter::repeat_n(' ', indent));
}

/// Writes a value after a key. What does not stand on the same line is indented by `inner`, in something that is indented by
/// `indent`.
fn write_value(value: &Json<'_>, indent: usize, inner: usize, yaml: &mut String) {
    match value {
        Json::Object(members) if !members.is_empty() => {
            yaml.push('\n');
            push_indent(inner, yaml);
            write_members(members, inner, yaml);
        }
        Json::Array(elements) if !elements.is_empty() => {
            yaml.push('\n');
            push_indent(inner, yaml);
            write_elements(elements, inner, yaml);
        }
        scalar => write_scalar(scalar, indent, inner, yaml),
    }
}

fn write_elements(elements: &[Json<'_>], indent: usize, yaml: &mut String) {
    let inner = indent + 2;
    for (index, element) in elements.iter().enumerate() {
        if index > 0 {
            push_indent(indent, yaml);
        }
        yaml.push('-');
        match element {
            Json::Object(members) if !members.is_empty() => {
                yaml.push(' ');
                write_members(members, inner, yaml);
            }
            Json::Array(nested) if !nested.is_empty() => {
                yaml.push(' ');
                write_elements(nested, inner, yaml);
            }
            scalar => write_scalar(scalar, indent, inner, yaml),
        }
    }
}

/// Writes what has no parts, with the space before it and the end of the line.
fn write_scalar(value: &Json<'_>, indent: usize, inner: usize, yaml: &mut String) {
    let word = match value {
        Json::String(text) => return write_scalar_text(text, indent, inner, yaml),
        Json::Null => "null",
        Json::Bool(true) => "true",
        Json::Bool(false) => "false",
        Json::Number(number) => number.as_str(),
        Json::Array(_) => "[]",
        Json::Object(_) => "{}",
    };
    yaml.push(' ');
    yaml.push_str(word);
    yaml.push('\n');
}

fn write_scalar_text(text: &str, indent: usize, inner: usize, yaml: &mut String) {
    yaml.push(' ');
    if text.contains('\n') && is_block(text) {
        write_block(text, indent, inner, yaml);
    } else {
        write_flow_text(text, yaml);
        yaml.push('\n');
    }
}

/// Whether a block scalar can hold `text`: no white space before a line's end, and no character that needs an escape.
fn is_block(text: &str) -> bool {
    let is_lines = text.split('\n').all(|line| !line.ends_with([' ', '\t']));
    let begins_with_text = !text.starts_with(['\n', '\t']);
    is_lines && begins_with_text && text.chars().all(|c| c == '\n' || c == '\t' || !needs_escape(c))
}

fn write_block(text: &str, indent: usize, inner: usize, yaml: &mut String) {
    yaml.push('|');
    if text.starts_with(' ') {
        yaml.push_str(&(inner - indent).to_string());
    }
    let body = text.trim_end_matches('\n');
    match text.len() - body.len() {
        0 => yaml.push('-'),
        1 => {}
        _ => yaml.push('+'),
    }
    yaml.push('\n');
    for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
        if !line.is_empty() {
            push_indent(inner, yaml);
            yaml.push_str(line);
        }
        yaml.push('\n');
    }
}

/// Writes `text` on one line.
fn write_flow_text(text: &str, yaml: &mut String) {
    let is_other = is_ambiguous(text);
    if !is_other && is_plain(text) {
        yaml.push_str(text);
    } else if !is_other && !text.chars().any(|c| c == '\t' || needs_escape(c)) {
        yaml.push('\'');
        yaml.push_str(&text.replace('\'', "''"));
        yaml.push('\'');
    } else {
        write_escaped(text, yaml);
    }
}

fn write_escaped(text: &str, yaml: &mut String) {
    yaml.push('"');
    for c in text.chars() {
        match c {
            '"' => yaml.push_str("\\\""),
            '\\' => yaml.push_str("\\\\"),
            '\n' => yaml.push_str("\\n"),
            '\t' => yaml.push_str("\\t"),
            '\r' => yaml.push_str("\\r"),
            c if needs_escape(c) => {
                // Writing to a String never fails; each of these is of the basic plane.
                let _ = write!(yaml, "\\u{:04X}", u32::from(c));
            }
            c => yaml.push(c),
        }
    }
    yaml.push('"');
}

/// Whether a reader does not take `c` as it is: controls, other line breaks, the byte order mark, and what is no character.
fn needs_escape(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

/// Whether some reader takes the plain `text` for something else than text: an empty text too is null.
fn is_ambiguous(text: &str) -> bool {
    let is_date = || {
        let bytes = text.as_bytes();
        bytes.len() > 4 && bytes.iter().take(4).all(u8::is_ascii_digit) && bytes.get(4) == Some(&b'-')
    };
    let is_merge = matches!(text, "<<" | "=");
    is_merge || !matches!(Scalar::plain(text), Scalar::Text(_)) || is_date() || is_sexagesimal(text)
}

/// `190:20:30.15`, a number to readers of YAML 1.1 other than Go.
fn is_sexagesimal(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_digits = |c: char| c.is_ascii_digit() || "_:.".contains(c);
    unsigned.contains(':') && unsigned.starts_with(|c: char| c.is_ascii_digit()) && unsigned.chars().all(is_digits)
}

/// Whether `text`, which is not empty, is a plain scalar in a block.
fn is_plain(text: &str) -> bool {
    let begins_with_indicator = text.starts_with([
        ',', '[', ']', '{', '}', '#', '&', '*', '!', '|', '>', '\'', '"', '%', '@', '`', ' ',
    ]);
    let begins_with_marker = text.starts_with("---") || text.starts_with("...");
    let begins_as_entry = matches!(text.as_bytes(), [b'-' | b'?' | b':'] | [b'-' | b'?' | b':', b' ', ..]);
    let ends_or_breaks = text.ends_with([' ', ':']) || text.contains(": ") || text.contains(" #");
    let has_other = text.chars().any(|c| c == '\t' || needs_escape(c));
    !(begins_with_indicator || begins_with_marker || begins_as_entry || ends_or_breaks || has_other)
}
