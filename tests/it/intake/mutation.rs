//! A real dashboard with something wrong: it is taken, or refused at a place that a person can find.

use std::collections::BTreeSet;

use dashboard_store::domain::spec::{DashboardSpec, SpecLimits};
use dashboard_store::domain::violation::MAX_VIOLATIONS;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

use super::documents::EVERYTHING;

/// The fields that a violation may name though they are not there, because Perses requires them.
const REQUIRED: [&str; 8] = ["kind", "spec", "plugin", "display", "name", "value", "content", "$ref"];

/// One change, of a place that is picked among all there are.
#[derive(Debug, Clone)]
enum Mutation {
    /// Puts another value there.
    Replace(Index, Value),
    /// Takes an element or a member away.
    Remove(Index),
    /// Puts a copy of what stands at the second place there.
    Copy(Index, Index),
    /// Gives a member of an object another key.
    Rename(Index, String),
}

fn any_mutation() -> impl Strategy<Value = Mutation> {
    let values = prop::sample::select(vec![
        json!(null),
        json!(true),
        json!(""),
        json!("x"),
        json!("__x"),
        json!("$instance ${cluster}"),
        json!("#/spec/panels/cpu"),
        json!("Grid"),
        json!("1h1d"),
        json!(-1),
        json!(0.5),
        json!([]),
        json!(["a", "b", 1]),
        json!({}),
        json!({"kind": "Tabs", "spec": {"tabs": [{"items": [{}]}]}}),
    ]);
    let keys = prop::sample::select(vec![
        "", "a/b", "~", "x..y", "panels", "kind", "spec", "Name", "$ref", "9", "é",
    ]);
    let place = any::<Index>;
    prop_oneof![
        (place(), values).prop_map(|(at, value)| Mutation::Replace(at, value)),
        place().prop_map(Mutation::Remove),
        (place(), place()).prop_map(|(at, from)| Mutation::Copy(at, from)),
        (place(), keys).prop_map(|(at, key)| Mutation::Rename(at, key.to_owned())),
    ]
}

/// The JSON pointers of every value of a document but the document itself.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Array(elements) => elements
            .iter()
            .enumerate()
            .map(|(index, element)| (index.to_string(), element))
            .collect(),
        Value::Object(members) => members.iter().map(|(key, member)| (escape(key), member)).collect(),
        _ => Vec::new(),
    };
    for (segment, child) in children {
        let place = format!("{at}/{segment}");
        places(child, &place, found);
        found.push(place);
    }
}

fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn unescape(segment: &str) -> String {
    segment.replace("~1", "/").replace("~0", "~")
}

impl Mutation {
    fn apply(&self, document: &mut Value) {
        let mut all = Vec::new();
        places(document, "", &mut all);
        if all.is_empty() {
            return;
        }
        match self {
            Self::Replace(at, value) => put(document, pick(&all, at), value.clone()),
            Self::Remove(at) => drop(take(document, pick(&all, at))),
            Self::Copy(at, from) => {
                let copy = document.pointer(pick(&all, from)).cloned().unwrap();
                put(document, pick(&all, at), copy);
            }
            Self::Rename(at, key) => {
                let old = pick(&all, at);
                let (parent, _) = old.rsplit_once('/').unwrap();
                let value = take(document, old);
                match document.pointer_mut(parent).unwrap() {
                    Value::Object(members) => drop(members.insert(key.clone(), value)),
                    Value::Array(elements) => elements.push(value),
                    _ => unreachable!("{parent} had a child"),
                }
            }
        }
    }
}

fn pick<'p>(places: &'p [String], at: &Index) -> &'p str {
    at.get::<String>(places)
}

fn put(document: &mut Value, at: &str, value: Value) {
    *document.pointer_mut(at).unwrap() = value;
}

fn take(document: &mut Value, at: &str) -> Value {
    let (parent, segment) = at.rsplit_once('/').unwrap();
    match document.pointer_mut(parent).unwrap() {
        Value::Object(members) => members.remove(&unescape(segment)).unwrap(),
        Value::Array(elements) => elements.remove(segment.parse().unwrap()),
        _ => unreachable!("{parent} has a child"),
    }
}

/// Whether `pointer` leads to a value of the document, or to a required field that is missing from an object of it.
fn is_findable(document: &Value, pointer: &str) -> bool {
    let mut current = document;
    let mut segments = pointer.split('/').skip(1);
    for segment in segments.by_ref() {
        let next = match current {
            Value::Array(elements) => segment.parse::<usize>().ok().and_then(|index| elements.get(index)),
            _ => current.get(unescape(segment)),
        };
        match next {
            Some(value) => current = value,
            None => {
                let is_open = matches!(current, Value::Object(_) | Value::Null);
                return is_open
                    && [segment]
                        .into_iter()
                        .chain(segments)
                        .all(|missing| REQUIRED.contains(&missing));
            }
        }
    }
    true
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn a_mutated_dashboard_is_taken_or_refused_at_places_that_are_there(
        mutations in prop::collection::vec(any_mutation(), 1..4),
    ) {
        let mut document: Value = serde_json::from_str(EVERYTHING).unwrap();
        for mutation in &mutations {
            mutation.apply(&mut document);
        }
        let text = document.to_string();
        match DashboardSpec::parse(text.clone(), &SpecLimits::default()) {
            Ok(spec) => prop_assert_eq!(spec.text(), text),
            Err(violations) => {
                prop_assert!((1..=MAX_VIOLATIONS).contains(&violations.len()));
                let paths: BTreeSet<&str> = violations.iter().map(|violation| violation.field.as_str()).collect();
                for path in paths {
                    prop_assert!(is_findable(&document, path), "{path:?} is not in {text}");
                }
            }
        }
    }
}

#[test]
fn places_are_told_from_what_is_not_there() {
    let document = json!({"a/b": [{"x": 1}], "panels": {"p": null}});
    for there in ["", "/a~1b", "/a~1b/0/x", "/panels/p/spec/plugin/kind", "/a~1b/0/kind"] {
        assert!(is_findable(&document, there), "{there}");
    }
    for missing in [
        "/a/b",
        "/a~1b/1",
        "/a~1b/kind",
        "/panels/q",
        "/panels/p/x",
        "/a~1b/0/x/kind",
    ] {
        assert!(!is_findable(&document, missing), "{missing}");
    }
}
