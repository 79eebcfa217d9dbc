//! What goes beyond one document and one rule; the rules one by one are in the table of `tests/intake/`.

mod structure;

use super::*;
use crate::domain::violation::MAX_VIOLATIONS;

fn parse(text: &str) -> Result<DashboardSpec, Vec<Violation>> {
    DashboardSpec::parse(text.to_owned(), &SpecLimits::default())
}

#[test]
fn the_rules_wait_for_a_sound_structure_and_then_speak_all_at_once() {
    let both = parse(r#"{"a":1,"a":1,"duration":"x"}"#).unwrap_err();
    assert_eq!(
        both.into_iter().map(|v| v.reason).collect::<Vec<_>>(),
        [Reason::SpecDuplicateKey]
    );
    let text =
        r#"{"duration":"x","timezone":"y","panels":{"":{"kind":"Panel","spec":{"plugin":{"kind":"P"}}}},"links":0}"#;
    let fields: Vec<String> = parse(text).unwrap_err().into_iter().map(|v| v.field).collect();
    assert_eq!(fields, ["/panels/", "/duration", "/timezone", "/links"]);
}

#[test]
fn violations_and_warnings_have_a_most() {
    let panels: Vec<String> = (0..100).map(|key| format!("\"{key}\":0")).collect();
    let text = format!("{{\"panels\":{{{}}}}}", panels.join(","));
    assert_eq!(parse(&text).unwrap_err().len(), MAX_VIOLATIONS);
    let duplicates = format!("{{{}]", "\"a\":1,".repeat(100));
    assert_eq!(parse(&duplicates).unwrap_err().len(), 1, "the syntax error comes first");
    let inner = "{\"a\":1,\"a\":1},".repeat(100);
    let violations = parse(&format!("{{\"x\":[{inner}]}}")).unwrap_err();
    assert_eq!(violations.len(), MAX_VIOLATIONS);
    assert_eq!(
        violations[MAX_VIOLATIONS - 1].reason,
        Reason::SpecMalformed,
        "what ended the parse is there"
    );
    let used: String = (0..100).map(|name| format!("$v{name} ")).collect();
    let text = format!(r#"{{"variables":[{{"kind":"TextVariable","spec":{{"name":"a","value":"{used}"}}}}]}}"#);
    assert_eq!(parse(&text).unwrap().warnings().len(), 50);
}

#[test]
fn keys_match_exactly_and_near_misses_are_warned_of() {
    let spec = parse(r#"{"panels":{},"Panels":{"a":0},"display":{"NAME":1}}"#).unwrap();
    assert_eq!(
        spec.warnings(),
        [
            "\"/display/NAME\" is kept as an unknown field, but Perses reads it as \"name\"",
            "\"/Panels\" is kept as an unknown field, but Perses reads it as \"panels\"",
        ]
    );
}

#[test]
fn long_circles_are_described_by_their_beginning() {
    let variables: Vec<String> = (0..20)
        .map(|name| {
            let value = format!("$v{}", (name + 1) % 20);
            format!(r#"{{"kind":"TextVariable","spec":{{"name":"v{name}","value":"{value}"}}}}"#)
        })
        .collect();
    let violations = parse(&format!(r#"{{"variables":[{}]}}"#, variables.join(","))).unwrap_err();
    assert_eq!(violations.len(), 1);
    assert!(
        violations[0].description.ends_with("v8 -> v9 -> …"),
        "{}",
        violations[0].description
    );
}

#[test]
fn what_is_known_of_the_text_is_of_the_text_as_written() {
    let text = r#"{ "panels" : {} }"#;
    let spec = parse(text).unwrap();
    assert_eq!(spec.sha256(), Digest::of(text.as_bytes()));
    assert_eq!(spec.size_bytes(), text.len());
    assert_eq!((spec.display_name(), spec.description()), ("", ""));
}
