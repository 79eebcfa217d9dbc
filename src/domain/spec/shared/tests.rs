//! What stays of a document and what goes.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn redact(document: &Value) -> (Value, Vec<String>) {
    let shared = SharedSpec::redact(document.to_string()).unwrap();
    assert_eq!(shared.sha256, Digest::of(shared.text.as_bytes()));
    (serde_json::from_str(&shared.text).unwrap(), shared.redacted_paths)
}

/// A dashboard with one datasource.
fn with(datasource: Value) -> Value {
    json!({ "datasources": { "prom": datasource }, "panels": {} })
}

#[test]
fn a_document_without_secrets_stays_byte_for_byte() {
    let text = r#"{ "panels": {}, "b":1.50, "datasources" :{"prom": {"default":true,"plugin": {"kind":"PrometheusDatasource","spec":{"directUrl":"https://prom.example:9090/api"}}}} }"#;
    let shared = SharedSpec::redact(text.to_owned()).unwrap();
    assert_eq!((shared.text.as_str(), shared.redacted_paths), (text, Vec::new()));
}

#[test]
fn a_datasource_keeps_what_it_is_and_loses_how_to_get_in() {
    let (shown, paths) = redact(&with(json!({
        "kind": "Datasource",
        "display": { "name": "Prom", "description": "d", "token": "SECRET" },
        "default": true,
        "secret": "SECRET",
        "plugin": {
            "kind": "PrometheusDatasource",
            "apiKey": "SECRET",
            "spec": {
                "directUrl": "https://ada:SECRET@prom.example/a?token=SECRET#SECRET",
                "basicAuth": { "password": "SECRET" },
                "proxy": {
                    "kind": "HTTPProxy",
                    "spec": {
                        "url": "http://prom.example:9090/b?key=SECRET",
                        "allowedEndpoints": [{ "endpointPattern": "/api/.*", "method": "POST", "header": "SECRET" }],
                        "headers": { "Authorization": "SECRET" },
                        "secret": "SECRET"
                    }
                }
            }
        }
    })));
    let expected = with(json!({
        "kind": "Datasource",
        "display": { "name": "Prom", "description": "d" },
        "default": true,
        "plugin": {
            "kind": "PrometheusDatasource",
            "spec": {
                "directUrl": "https://prom.example/a",
                "proxy": {
                    "kind": "HTTPProxy",
                    "spec": {
                        "url": "http://prom.example:9090/b",
                        "allowedEndpoints": [{ "endpointPattern": "/api/.*", "method": "POST" }]
                    }
                }
            }
        }
    }));
    assert_eq!(shown, expected);
    let below = "/datasources/prom/plugin/spec";
    let expected_paths = [
        "/datasources/prom/display/token".to_owned(),
        "/datasources/prom/secret".to_owned(),
        "/datasources/prom/plugin/apiKey".to_owned(),
        format!("{below}/directUrl"),
        format!("{below}/basicAuth"),
        format!("{below}/proxy/spec/url"),
        format!("{below}/proxy/spec/allowedEndpoints/0/header"),
        format!("{below}/proxy/spec/headers"),
        format!("{below}/proxy/spec/secret"),
    ];
    let sorted = |mut paths: Vec<String>| {
        paths.sort();
        paths
    };
    assert_eq!(sorted(paths), sorted(expected_paths.into()));
}

#[test]
fn values_of_another_type_can_be_secrets_and_go() {
    for datasource in [
        json!("SECRET"),
        json!(["SECRET"]),
        json!({ "kind": ["SECRET"] }),
        json!({ "default": "SECRET" }),
        json!({ "display": "SECRET" }),
        json!({ "display": { "name": { "x": "SECRET" } } }),
        json!({ "plugin": "SECRET" }),
        json!({ "plugin": { "kind": ["SECRET"] } }),
        json!({ "plugin": { "spec": ["SECRET"] } }),
        json!({ "plugin": { "spec": { "directUrl": ["SECRET"] } } }),
        json!({ "plugin": { "spec": { "directURL": "SECRET" } } }),
        json!({ "plugin": { "spec": { "proxy": "SECRET" } } }),
        json!({ "plugin": { "spec": { "proxy": { "kind": "SECRET" } } } }),
        json!({ "plugin": { "spec": { "proxy": { "spec": { "allowedEndpoints": "SECRET" } } } } }),
        json!({ "plugin": { "spec": { "proxy": { "spec": { "allowedEndpoints": ["SECRET"] } } } } }),
    ] {
        let (shown, paths) = redact(&with(datasource.clone()));
        assert!(!shown.to_string().contains("SECRET"), "{datasource}: {shown}");
        assert_eq!(paths.len(), 1, "{datasource}");
    }
}

#[test]
fn datasources_that_go_by_other_capitals_go_as_a_whole() {
    for key in ["Datasources", "DATASOURCES", "data\u{17f}ources"] {
        let (shown, paths) = redact(&json!({ "panels": {}, key: { "prom": { "plugin": { "kind": "K" } } } }));
        assert_eq!((shown, paths), (json!({ "panels": {} }), vec![format!("/{key}")]));
    }
}

#[test]
fn urls_lose_their_credentials_or_go() {
    for (url, shown) in [
        ("https://prom.example", Some("https://prom.example")),
        ("https://prom.example:9090/a/b", Some("https://prom.example:9090/a/b")),
        ("HTTP://u:p@[2001:db8::1]:9090/", Some("HTTP://[2001:db8::1]:9090/")),
        ("https://u:p@w@prom.example/a", Some("https://prom.example/a")),
        ("https://u@prom.example?x#y", Some("https://prom.example")),
        ("https://prom.example/#x", Some("https://prom.example/")),
        ("/proxy/prom", Some("/proxy/prom")),
        ("/proxy/prom?token=x", Some("/proxy/prom")),
        ("", Some("")),
        // A browser takes each of these for a URL with credentials, or may.
        ("//u:p@prom.example", None),
        ("https:u:p@prom.example", None),
        ("https:/u:p@prom.example", None),
        ("https:///u:p@prom.example", None),
        ("https:\\\\u:p@prom.example", None),
        ("https://prom.example\\@u:p", None),
        ("ht\ttps://u:p@prom.example", None),
        (" https://u:p@prom.example", None),
        ("postgres://u:p@db/x", None),
        ("javascript:alert(1)", None),
        ("u:p@prom.example", None),
        // Whoever wrote them meant a password.
        ("https://u:p/w@prom.example/a", None),
        ("https://u:p?w@prom.example/a", None),
        ("https://u:p#w@prom.example/a", None),
        ("https://u:9090/w@prom.example/a", None),
        ("https://u:9090?w@prom.example/a", None),
        ("https://u:9090#w@prom.example/a", None),
        ("https://u/p@prom.example", None),
        ("https://prom.example/a/https://u:p@other.example/", None),
        ("/a/u:p@prom.example", None),
        ("?u:p@prom.example", None),
        ("https://u:p/w", None),
        ("https://u:65536", None),
        ("https://u:+80", None),
        ("https://u:", None),
        ("https://u:p:9090", None),
        ("https://[::1]p", None),
        ("https://[p]", None),
        ("https://u%3Ap", None),
        ("https://prom_1.example:65535", Some("https://prom_1.example:65535")),
        ("https://192.0.2.1/a", Some("https://192.0.2.1/a")),
        ("?x", Some("")),
        ("https://[::1]", Some("https://[::1]")),
        ("token", None),
    ] {
        assert_eq!(public_part(url).as_deref(), shown, "{url}");
    }
}

#[test]
fn the_list_of_what_went_has_an_end() {
    let members: serde_json::Map<String, Value> = (0..5000).map(|n| (format!("k{n}"), json!(1))).collect();
    let (shown, paths) = redact(&with(Value::Object(members)));
    assert_eq!(shown, with(json!({})));
    assert_eq!(paths.len(), MAX_REDACTED_PATHS);
    assert_eq!(paths.last().map(String::as_str), Some("/datasources"));

    let members: serde_json::Map<String, Value> =
        (0..MAX_REDACTED_PATHS).map(|n| (format!("k{n}"), json!(1))).collect();
    let (_, paths) = redact(&with(Value::Object(members)));
    assert_eq!(paths.len(), MAX_REDACTED_PATHS);
    assert!(
        !paths.contains(&"/datasources".to_owned()),
        "each of them has its place"
    );
}

/// A key may be as long as a document.
#[test]
fn what_goes_below_a_long_key_takes_no_more_room() {
    let members: serde_json::Map<String, Value> = (0..1100).map(|n| (format!("k{n}"), json!(1))).collect();
    let document = json!({ "datasources": { ("x".repeat(1_000_000)): members } });
    let shared = SharedSpec::redact(document.to_string()).unwrap();
    let room: usize = shared.redacted_paths.iter().map(String::capacity).sum();
    assert!(room < 1_000_000, "{room} bytes");
}

proptest! {
    #[test]
    fn whatever_a_datasource_is_secrets_do_not_stay(
        path in proptest::collection::vec("[a-zA-Z]{1,8}|kind|plugin|spec|proxy|display|url|directUrl|allowedEndpoints", 0..7),
    ) {
        // Whatever has these keys where it may stay is text for people, or a URL.
        let value = path.iter().rev().fold(json!({ "password": "hunter2" }), |inner, key| json!({ key: inner }));
        let (shown, _) = redact(&with(value));
        prop_assert!(!shown.to_string().contains("hunter2"));
    }
}
