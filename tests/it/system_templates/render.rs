//! A template with its defaults, by plain substitution: enough for the templates of this repository.

use serde_json::{Map, Value};

/// The spec of `template` with the default of each parameter in its slots.
pub fn with_defaults(template: &Value) -> Value {
    let parameters = template["parameters"].as_array().unwrap();
    let defaults = parameters
        .iter()
        .map(|parameter| {
            let name = parameter["name"].as_str().unwrap().to_owned();
            (name, parameter["default_value"].clone())
        })
        .collect();
    fill(&template["spec"], &defaults)
}

fn fill(value: &Value, defaults: &Map<String, Value>) -> Value {
    match value {
        Value::Object(members) => match members.get("$param") {
            Some(name) => defaults[name.as_str().unwrap()].clone(),
            None => members
                .iter()
                .map(|(key, member)| (key.clone(), fill(member, defaults)))
                .collect(),
        },
        Value::Array(elements) => elements.iter().map(|element| fill(element, defaults)).collect(),
        Value::String(text) => fill_text(text, defaults).into(),
        scalar => scalar.clone(),
    }
}

fn fill_text(text: &str, defaults: &Map<String, Value>) -> String {
    let mut pieces = text.split("%{");
    let mut filled = pieces.next().unwrap().to_owned();
    for piece in pieces {
        let (name, rest) = piece.split_once('}').unwrap();
        match &defaults[name] {
            Value::String(default) => filled.push_str(default),
            default => filled.push_str(&default.to_string()),
        }
        filled.push_str(rest);
    }
    filled
}
