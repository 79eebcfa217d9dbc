//! The rules, each with documents that it accepts and refuses.

mod parts;
mod structure;
mod variables;

use super::*;
use crate::domain::violation::MAX_VIOLATIONS;

fn parse(text: &str) -> Result<DashboardSpec, Vec<Violation>> {
    DashboardSpec::parse(text.to_owned(), &SpecLimits::default())
}

#[track_caller]
fn assert_accepted(text: &str) {
    assert_eq!(parse(text).map(|spec| spec.text().to_owned()), Ok(text.to_owned()));
}

/// Asserts that `text` has exactly one violation, at `field`, whose description contains `words`.
#[track_caller]
fn assert_refused(text: &str, field: &str, reason: Reason, words: &str) {
    let violations = parse(text).expect_err(text);
    let [violation] = violations.as_slice() else {
        panic!("{text}: {violations:#?}");
    };
    assert_eq!(
        (violation.field.as_str(), violation.reason),
        (field, reason),
        "{text}: {violation:?}"
    );
    assert!(violation.description.contains(words), "{text}: {violation:?}");
}

/// Asserts that `text` breaks exactly one rule of Perses.
#[track_caller]
fn assert_invalid(text: &str, field: &str, words: &str) {
    assert_refused(text, field, Reason::SpecInvalid, words);
}

/// A dashboard with the panels `a` and `b.c`, and with `members` besides.
fn with_panels(members: &str) -> String {
    let panel = r#"{"kind":"Panel","spec":{"plugin":{"kind":"Markdown"}}}"#;
    format!(r#"{{"panels":{{"a":{panel},"b.c":{panel}}},{members}}}"#)
}

#[test]
fn a_real_dashboard_is_taken_with_all_its_fields() {
    let text = include_str!("tests/everything.json");
    let spec = parse(text).unwrap();
    assert_eq!(spec.text(), text);
    assert_eq!(spec.size_bytes(), text.len());
    assert_eq!(spec.sha256(), Digest::of(text.as_bytes()));
    assert_eq!(
        (spec.display_name(), spec.description()),
        ("Nodes", "Everything \"Perses\" knows")
    );
    assert_eq!(spec.warnings(), [] as [&str; 0]);
}

#[test]
fn the_rules_wait_for_a_sound_structure_and_then_speak_all_at_once() {
    assert_refused(r#"{"a":1,"a":1,"duration":"x"}"#, "/a", Reason::SpecDuplicateKey, "");
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
fn a_spec_that_says_nothing_is_refused() {
    for text in [
        "{}",
        r#"{"x":1}"#,
        r#"{"panels":null}"#,
        r#"{"duration":"","display":null}"#,
    ] {
        assert_invalid(text, "", "spec cannot be empty");
    }
    for text in [
        r#"{"panels":{}}"#,
        r#"{"layouts":[]}"#,
        r#"{"display":{}}"#,
        r#"{"duration":"1h"}"#,
    ] {
        assert_accepted(text);
    }
}

#[test]
fn unknown_fields_are_kept_at_any_depth() {
    assert_accepted(&with_panels(r#""x":{"y":[null,1e3]},"display":{"x":1}"#));
    assert_accepted(r#"{"panels":{"a":{"kind":"P","x":1,"spec":{"x":[],"plugin":{"kind":"P","x":0,"spec":7}}}}}"#);
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
fn wrong_types_are_refused_and_null_is_absent() {
    for (text, field, words) in [
        (r#"{"display":[]}"#, "/display", "must be an object, not an array"),
        (
            r#"{"display":{"name":1}}"#,
            "/display/name",
            "must be a string, not a number",
        ),
        (
            r#"{"display":{"description":{}}}"#,
            "/display/description",
            "must be a string, not an object",
        ),
        (r#"{"panels":[]}"#, "/panels", "must be an object, not an array"),
        (
            r#"{"panels":{},"layouts":{}}"#,
            "/layouts",
            "must be an array, not an object",
        ),
        (
            r#"{"panels":{},"variables":"x"}"#,
            "/variables",
            "must be an array, not a string",
        ),
        (
            r#"{"panels":{},"variables":[1]}"#,
            "/variables/0",
            "must be an object, not a number",
        ),
        (
            r#"{"datasources":[]}"#,
            "/datasources",
            "must be an object, not an array",
        ),
        (r#"{"duration":60}"#, "/duration", "must be a string, not a number"),
        (r#"{"timezone":true}"#, "/timezone", "must be a string, not a boolean"),
        (
            r#"{"links":[{"url":7}]}"#,
            "/links/0/url",
            "must be a string, not a number",
        ),
        (
            r#"{"links":[{"url":"x","targetBlank":"true"}]}"#,
            "/links/0/targetBlank",
            "must be a boolean, not a string",
        ),
    ] {
        assert_invalid(text, field, words);
    }
    assert_accepted(r#"{"panels":{},"display":null,"layouts":null,"variables":null,"duration":null,"links":[null]}"#);
}
