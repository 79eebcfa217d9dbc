//! What is JSON, and how much of it is taken.

use proptest::prelude::*;

use super::super::json::{MAX_DEPTH, MAX_NODES};
use super::*;

#[test]
fn text_that_is_not_json_is_refused_with_its_place() {
    for (text, words) in [
        ("", "EOF while parsing a value at line 1 column 0"),
        ("  ", "EOF while parsing a value"),
        ("{", "EOF while parsing an object"),
        ("{\"a\":1,}", "trailing comma at line 1 column 8"),
        ("{\n \"a\" 1}", "expected `:` at line 2 column 6"),
        ("{a:1}", "key must be a string"),
        ("{'a':1}", "key must be a string"),
        ("{\"a\":1} x", "trailing characters at line 1 column 9"),
        ("{\"a\":1}{}", "trailing characters"),
        ("{\"a\":[1 2]}", "expected `,` or `]`"),
        ("{\"a\":tru}", "expected ident"),
        ("{\"a\":True}", "expected value"),
        ("{\"a\":/**/1}", "expected value"),
        ("{\"a\":NaN}", "expected value"),
        ("{\"a\":Infinity}", "expected value"),
        ("{\"a\":-Infinity}", "at line 1"),
        ("{\"a\":01}", "invalid number"),
        ("{\"a\":-}", "invalid number"),
        ("{\"a\":1.}", "invalid number"),
        ("{\"a\":.5}", "expected value"),
        ("{\"a\":+1}", "expected value"),
        ("{\"a\":1e}", "invalid number"),
        ("{\"a\":0x1}", "expected `,` or `}`"),
        ("{\"a\":\"\n\"}", "control character"),
        ("{\"a\":\"\0\"}", "control character"),
        ("{\"a\":\"\\x\"}", "invalid escape"),
        ("{\"a\":\"\\u12g4\"}", "invalid escape"),
        ("{\"a\":\"\\ud800\"}", "unexpected end of hex escape"),
        ("{\"a\":\"\\ud800x\"}", "unexpected end of hex escape"),
        ("{\"a\":\"\\ud800\\u0041\"}", "surrogate"),
        ("{\"a\":\"\\udc00\"}", "surrogate"),
        ("{\"\\udc00\":1}", "surrogate"),
        ("{\"a\":\"x}", "EOF while parsing a string"),
        ("\u{feff}{}", "byte order mark"),
        ("\0", "expected value"),
    ] {
        assert_refused(text, "", Reason::SpecMalformed, words);
    }
}

#[test]
fn documents_other_than_objects_are_refused() {
    for (text, kind) in [
        ("[]", "an array"),
        ("\"{}\"", "a string"),
        ("null", "null"),
        ("1", "a number"),
        ("true", "a boolean"),
    ] {
        let words = format!("must be a JSON object, not {kind}");
        assert_refused(text, "", Reason::SpecMalformed, &words);
    }
}

#[test]
fn nul_is_refused_in_keys_and_values() {
    let words = "\\u0000";
    assert_refused(r#"{"a":{"b":["\u0000"]}}"#, "/a/b/0", Reason::SpecMalformed, words);
    assert_refused(r#"{"a":{"b\u0000":1}}"#, "/a", Reason::SpecMalformed, words);
    assert_accepted(r#"{"panels":{},"a":"\\u0000 \u0001"}"#);
}

#[test]
fn duplicate_keys_are_refused_at_any_depth() {
    assert_refused(r#"{"a":1,"a":1}"#, "/a", Reason::SpecDuplicateKey, "twice");
    assert_refused(
        r#"{"x":[{"a/b":1,"a\u002fb":2}]}"#,
        "/x/0/a~1b",
        Reason::SpecDuplicateKey,
        "twice",
    );
    let many: Vec<String> = (0..100).map(|key| format!("\"{key}\":1")).collect();
    let text = format!("{{{},\"7\":2,\"99\":{{\"q\":1,\"q\":1}}}}", many.join(","));
    let fields: Vec<String> = parse(&text).unwrap_err().into_iter().map(|v| v.field).collect();
    assert_eq!(fields, ["/99/q", "/7", "/99"]);
    assert_accepted(r#"{"panels":{},"a":1,"A":1}"#);
}

#[test]
fn size_is_limited() {
    let limits = SpecLimits { max_bytes: 16 };
    let fits = r#"{"panels":{   }}"#;
    assert!(DashboardSpec::parse(fits.into(), &limits).is_ok());
    let violations = DashboardSpec::parse(format!("{fits} "), &limits).unwrap_err();
    assert_eq!(violations[0].reason, Reason::SpecLimitExceeded);
    assert_eq!(SpecLimits::default().max_bytes, 1_048_576);
}

#[test]
fn depth_is_limited_and_hostile_nesting_is_harmless() {
    let nested = |levels: usize| {
        let inner = levels - 1;
        format!("{{\"panels\":{{}},\"x\":{}{}}}", "[".repeat(inner), "]".repeat(inner))
    };
    assert_accepted(&nested(MAX_DEPTH));
    let too_deep = nested(MAX_DEPTH + 1);
    let field = format!("/x{}", "/0".repeat(MAX_DEPTH - 1));
    assert_refused(&too_deep, &field, Reason::SpecLimitExceeded, "nested more than 64 deep");
    let megabyte = SpecLimits::default().max_bytes;
    for hostile in ["[".repeat(megabyte), "{\"a\":".repeat(megabyte / 5)] {
        let violations = parse(&hostile).unwrap_err();
        assert_eq!(violations[0].reason, Reason::SpecLimitExceeded);
        assert!(violations[0].field.len() < 300);
    }
}

#[test]
fn the_number_of_values_is_limited() {
    // The document, its panels and the array are values too.
    let nodes = |count: usize| format!("{{\"panels\":{{}},\"x\":[0{}]}}", ",0".repeat(count - 4));
    assert_accepted(&nodes(MAX_NODES));
    assert_refused(
        &nodes(MAX_NODES + 1),
        "",
        Reason::SpecLimitExceeded,
        "more than 100000 values",
    );
}

#[test]
fn numbers_are_limited_each_with_its_place() {
    let text =
        r#"{"panels":{},"x":[1e308,-1e-308,1e309,{"y":1e-309},9e308,12345678901234567890123456789012345678901,0.1]}"#;
    let violations = parse(text).unwrap_err();
    let found: Vec<(&str, Reason)> = violations.iter().map(|v| (v.field.as_str(), v.reason)).collect();
    let places = ["/x/2", "/x/3/y", "/x/4", "/x/5"];
    assert_eq!(found, places.map(|place| (place, Reason::SpecLimitExceeded)));
    let endless = format!("{{\"x\":{}}}", "1".repeat(5000));
    assert_refused(&endless, "/x", Reason::SpecLimitExceeded, "too many digits");
    let long_fraction = format!("{{\"x\":0.{}}}", "1".repeat(5000));
    assert_refused(&long_fraction, "/x", Reason::SpecLimitExceeded, "5001 digits");
}

/// A key that Perses knows, or any other.
fn any_key() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "display",
        "name",
        "panels",
        "layouts",
        "variables",
        "datasources",
        "annotations",
        "kind",
        "spec",
        "plugin",
        "items",
        "content",
        "$ref",
        "tabs",
        "queries",
        "links",
        "value",
        "defaultValue",
        "default",
        "duration",
        "timezone",
    ]);
    prop_oneof![4 => known.prop_map(str::to_owned), 1 => any::<String>()]
}

/// Any value, of which many come near to a dashboard.
fn any_document() -> impl Strategy<Value = serde_json::Value> {
    let words = vec![
        "Grid",
        "Tabs",
        "TextVariable",
        "ListVariable",
        "#/spec/panels/a",
        "$a",
        "${name}",
        "1h",
        "UTC",
        "",
    ];
    let scalar = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        prop::sample::select(words).prop_map(Into::into),
        any::<String>().prop_map(Into::into),
    ];
    scalar.prop_recursive(6, 80, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
            prop::collection::hash_map(any_key(), inner, 0..5)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_text_panics(text in any::<String>()) {
        let _ = parse(&text);
    }

    #[test]
    fn no_text_of_json_punctuation_panics(text in r#"[\[\]{}:,"\\u0d8e\-+.1 a\n]{0,80}"#) {
        let agrees = json::parse(&text).is_ok() <= serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
        prop_assert!(agrees, "{text:?} is taken, and serde_json refuses it");
    }

    #[test]
    fn no_document_panics_and_what_is_taken_is_kept(document in any_document()) {
        let text = document.to_string();
        match parse(&text) {
            Ok(spec) => prop_assert_eq!(spec.text(), text),
            Err(violations) => prop_assert!(!violations.is_empty() && violations.len() <= MAX_VIOLATIONS),
        }
    }
}
