//! A YAML document of ours as JSON: what every reader of YAML 1.1 and 1.2 agrees on, and nothing else.

use granit_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Value};

/// Words that readers of YAML 1.1 take for booleans, null or numbers and those of 1.2 for text, or the other way round.
const AMBIGUOUS: [&str; 12] = [
    "y", "n", "yes", "no", "on", "off", "~", ".inf", "-.inf", ".nan", "<<", "=",
];

/// Something that is open: an array, or an object with the key whose value comes next.
enum Open {
    Array(Vec<Value>),
    Object(Map<String, Value>, Option<String>),
}

/// Reads the one document of `text`, without anchors and tags.
pub fn read(text: &str) -> Value {
    let mut open = Vec::new();
    let mut document = None;
    for event in Parser::new_from_str(text) {
        let (event, span) = event.unwrap();
        let value = match event {
            Event::Scalar(text, style, 0, None) => scalar(&text, style),
            Event::SequenceStart(..) => {
                open.push(Open::Array(Vec::new()));
                continue;
            }
            Event::MappingStart(..) => {
                open.push(Open::Object(Map::new(), None));
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => match open.pop().unwrap() {
                Open::Array(elements) => Value::Array(elements),
                Open::Object(members, None) => Value::Object(members),
                Open::Object(_, Some(key)) => panic!("{key} has no value"),
            },
            Event::StreamStart | Event::StreamEnd | Event::DocumentStart(..) | Event::DocumentEnd => continue,
            other => panic!("a template has no {other:?}, at {span:?}"),
        };
        match open.last_mut() {
            Some(Open::Array(elements)) => elements.push(value),
            Some(Open::Object(members, key @ Some(_))) => {
                let key = key.take().unwrap();
                assert!(members.insert(key.clone(), value).is_none(), "{key} is there twice");
            }
            Some(Open::Object(_, key)) => *key = Some(value.as_str().unwrap().to_owned()),
            None => assert!(document.replace(value).is_none(), "one document a file"),
        }
    }
    document.unwrap()
}

fn scalar(text: &str, style: ScalarStyle) -> Value {
    if style != ScalarStyle::Plain {
        return text.into();
    }
    assert!(!AMBIGUOUS.contains(&text.to_ascii_lowercase().as_str()), "quote {text}");
    let is_number = text.starts_with(|c: char| c.is_ascii_digit() || c == '-');
    if is_number || ["true", "false"].contains(&text) {
        return serde_json::from_str(text).unwrap_or_else(|_| panic!("quote {text}"));
    }
    text.into()
}
