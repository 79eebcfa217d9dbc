//! What is JSON, and how much of it is taken.

use proptest::prelude::*;

use super::*;

#[test]
fn duplicate_keys_are_found_in_large_objects_and_all_at_once() {
    let many: Vec<String> = (0..100).map(|key| format!("\"{key}\":1")).collect();
    let text = format!("{{{},\"7\":2,\"99\":{{\"q\":1,\"q\":1}}}}", many.join(","));
    let fields: Vec<String> = parse(&text).unwrap_err().into_iter().map(|v| v.field).collect();
    assert_eq!(fields, ["/99/q", "/7", "/99"]);
}

#[test]
fn size_is_limited_as_the_operator_says() {
    let limits = SpecLimits { max_bytes: 16 };
    let fits = r#"{"panels":{   }}"#;
    assert!(DashboardSpec::parse(fits.into(), &limits).is_ok());
    let violations = DashboardSpec::parse(format!("{fits} "), &limits).unwrap_err();
    assert_eq!(violations[0].reason, Reason::SpecLimitExceeded);
    assert_eq!(SpecLimits::default().max_bytes, 1_048_576);
}

#[test]
fn hostile_nesting_is_harmless() {
    let megabyte = SpecLimits::default().max_bytes;
    for hostile in ["[".repeat(megabyte), "{\"a\":".repeat(megabyte / 5)] {
        let violations = parse(&hostile).unwrap_err();
        assert_eq!(violations[0].reason, Reason::SpecLimitExceeded);
        assert!(violations[0].field.len() < 300);
    }
}

#[test]
fn numbers_beyond_the_limits_are_found_all_at_once() {
    let text =
        r#"{"panels":{},"x":[1e308,-1e-308,1e309,{"y":1e-309},9e308,12345678901234567890123456789012345678901,0.1]}"#;
    let violations = parse(text).unwrap_err();
    let found: Vec<(&str, Reason)> = violations.iter().map(|v| (v.field.as_str(), v.reason)).collect();
    let places = ["/x/2", "/x/3/y", "/x/4", "/x/5"];
    assert_eq!(found, places.map(|place| (place, Reason::SpecLimitExceeded)));
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
