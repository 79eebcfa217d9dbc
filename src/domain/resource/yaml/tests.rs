use std::fmt::Write;

use proptest::prelude::*;
use serde::Deserialize;

use super::*;
use crate::domain::reason::Reason;
use crate::domain::spec::json::Json;
use crate::domain::spec::{canonical, json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    yaml: String,
    go: Option<String>,
    #[serde(default, deserialize_with = "present")]
    ours: Option<Option<String>>,
    why: Option<String>,
}

/// Tells null from absent.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

fn digest(text: &str) -> crate::domain::digest::Digest {
    canonical::digest(&json::parse(text).unwrap())
}

fn refused(yaml: &str) -> (Reason, String) {
    let violations = to_json(yaml).unwrap_err();
    (violations[0].reason, violations[0].field.clone())
}

#[test]
fn yaml_is_read_as_go_reads_it() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("../../../../tests/yaml/cases.json")).unwrap();
    assert!(cases.len() > 250);
    for case in cases {
        assert_eq!(case.ours.is_some(), case.why.is_some(), "{:?}", case.yaml);
        let expected = case.ours.unwrap_or(case.go);
        let read = to_json(&case.yaml).ok();
        let digests = (read.as_deref().map(digest), expected.as_deref().map(digest));
        assert_eq!(digests.0, digests.1, "{:?}: {read:?} and not {expected:?}", case.yaml);
    }
}

#[test]
fn numbers_of_json_keep_their_spelling_and_others_are_written_as_go_writes_them() {
    for (yaml, expected) in [
        ("1.50", "1.50"),
        ("1E5", "1E5"),
        ("-0", "-0"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ("1.", "1"),
        ("+1e21", "1e+21"),
        (".0000001", "1e-7"),
        ("+1.5", "1.5"),
        ("0123", "83"),
        ("08.50", "8.5"),
        ("+123456789012345678901", "123456789012345680000"),
    ] {
        assert_eq!(to_json(yaml).as_deref(), Ok(expected), "{yaml}");
    }
}

#[test]
fn members_keep_their_order() {
    let yaml = "b: &b {z: 1, a: 2}\na:\n  x: 0\n  <<: *b\n";
    assert_eq!(
        to_json(yaml).as_deref(),
        Ok(r#"{"b":{"z":1,"a":2},"a":{"x":0,"z":1,"a":2}}"#)
    );
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    let violations = to_json("a:\n  - b: 1\n    b: 2\n  - !!int x\n  - .inf\n").unwrap_err();
    let found: Vec<(&str, Reason)> = violations.iter().map(|v| (v.field.as_str(), v.reason)).collect();
    assert_eq!(
        found,
        [
            ("/a/0/b", Reason::SpecDuplicateKey),
            ("/a/1", Reason::SpecMalformed),
            ("/a/2", Reason::SpecMalformed),
        ]
    );
    assert!(
        violations[1].description.ends_with("at line 4 column 11"),
        "{}",
        violations[1].description
    );
    let syntax = to_json("a: 1\nb: 'x\n").unwrap_err();
    assert!(
        syntax[0].description.contains("at line 2 column"),
        "{}",
        syntax[0].description
    );
    assert_eq!(refused("a: 1\n---\nb: 2\n"), (Reason::SpecMalformed, String::new()));
}

#[test]
fn anchors_that_multiply_are_refused_before_they_do() {
    let mut lists = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    let mut merges = "a0: &a0 {k: &t [x, x, x, x, x, x, x, x, x]}\n".to_owned();
    let mut long = format!("a0: &a0 {}\n", "x".repeat(10_000));
    for level in 1..10 {
        let below = level - 1;
        writeln!(lists, "a{level}: &a{level} [{}]", format!("*a{below},").repeat(9)).unwrap();
        let pairs: String = (0..9).map(|key| format!("k{key}: *a{below},")).collect();
        writeln!(merges, "a{level}: &a{level} {{{pairs} <<: *a{below}}}").unwrap();
        writeln!(long, "a{level}: &a{level} [{}]", format!("*a{below},").repeat(3)).unwrap();
    }
    let deep: String = (1..200)
        .map(|level| format!("a{level}: &a{level} [*a{}]\n", level - 1))
        .collect();
    for bomb in [&lists, &merges, &long, &format!("a0: &a0 1\n{deep}")] {
        assert_eq!(refused(bomb).0, Reason::SpecLimitExceeded, "{bomb}");
    }
}

#[test]
fn limits_hold_at_and_one_beyond() {
    let elements = |count: usize| format!("[{}]", vec!["1"; count].join(","));
    assert!(to_json(&elements(MAX_NODES - 1)).is_ok());
    assert_eq!(refused(&elements(MAX_NODES)).0, Reason::SpecLimitExceeded);
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(to_json(&nested(MAX_DEPTH)).is_ok());
    assert_eq!(refused(&nested(MAX_DEPTH + 1)).0, Reason::SpecLimitExceeded);
}

/// Texts that readers of YAML trip over, and any others.
fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[^\0]{0,12}",
        "[-?:,#&*!|>'\"%@`{}\\[\\]<=~ \t\n.0-9a-fxobyesnoTF_+]{0,12}",
        "( ?[a#-]{1,3} ?\n{0,2}){0,4}",
        prop::sample::select(vec![
            "yes",
            "No",
            "on",
            "~",
            "null",
            "",
            "0777",
            "0x1F",
            "1_000",
            ".5",
            "1e3",
            ".inf",
            "<<",
            "=",
            "190:20:30",
            "2001-01-01",
            "---",
            "...",
            "- a",
            "a: b",
            "a #b",
            "\u{85}",
            "\u{2028}",
            "\u{feff}a",
            "\u{ffff}",
            "\r\n",
            "🚀",
        ])
        .prop_map(str::to_owned),
    ]
}

fn any_value() -> impl Strategy<Value = serde_json::Value> {
    let scalar = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        any::<f64>().prop_filter_map("finite and within the limits", |float| {
            let is_small = float == 0.0 || (1e-290..1e290).contains(&float.abs());
            is_small.then(|| float.into())
        }),
        any_text().prop_map(Into::into),
    ];
    scalar.prop_recursive(5, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
            prop::collection::hash_map(any_text(), inner, 0..5)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

/// `value` as the member `v` of a YAML document.
fn write(value: &str) -> String {
    let mut yaml = String::new();
    write_members(&[("v".into(), json::parse(value).unwrap())], 0, &mut yaml);
    yaml
}

#[test]
fn yaml_is_written_as_perses_writes_it() {
    let value = r##"{"a":{"b":[{"k":"v","l":{"m":[1.50,[true,"x"]]}},"yes","#r","{{a}}","a: b","it's: ","a\nb","a\n"," a\n\nb\n\n",
        "t\t","190:20:30","2001-01-01","x-y",""]},"e":[],"o":{},"n":null,"true":"é🚀","text":" a\nb"}"##;
    let expected = r##"v:
    a:
        b:
            - k: v
              l:
                m:
                    - 1.50
                    - - true
                      - x
            - "yes"
            - '#r'
            - '{{a}}'
            - 'a: b'
            - 'it''s: '
            - |-
              a
              b
            - |
              a
            - |2+
               a

              b

            - "t\t"
            - "190:20:30"
            - "2001-01-01"
            - x-y
            - ""
    e: []
    o: {}
    "n": null
    "true": é🚀
    text: |4-
         a
        b
"##;
    assert_eq!(write(value), expected);
}

proptest! {
    #[test]
    fn values_that_are_written_are_read_back(value in any_value()) {
        let text = value.to_string();
        let yaml = write(&text);
        let read = to_json(&yaml);
        prop_assert!(read.is_ok(), "{read:?}\n{yaml}");
        let expected = digest(&format!(r#"{{"v":{text}}}"#));
        prop_assert_eq!(digest(&read.unwrap_or_default()), expected, "{}", yaml);
    }

    #[test]
    fn any_text_is_read_or_refused(text in any_text(), other in "\\PC{0,40}|([-?:&*!|>'\"{}\\[\\], \n\t~a1<]{0,60})") {
        for yaml in [&text, &other] {
            if let Ok(read) = to_json(yaml) {
                // What is read is JSON, though a text may hold what intake refuses.
                prop_assert!(serde_json::from_str::<&serde_json::value::RawValue>(&read).is_ok(), "{yaml:?}: {read}");
            }
        }
    }

    #[test]
    fn long_keys_and_texts_are_read_back(key in "[a-z :#'\"]{100,300}", text in "[a-z\n ]{0,300}") {
        let value = serde_json::json!({key: [text]}).to_string();
        let read = to_json(&write(&value)).unwrap_or_default();
        prop_assert_eq!(digest(&read), digest(&format!(r#"{{"v":{value}}}"#)));
        prop_assert!(matches!(json::parse(&read), Ok(Json::Object(_))));
    }
}
