//! Documents at random.

use std::fmt::Write as _;

use proptest::prelude::*;

/// A real dashboard, with every field that Perses knows.
pub const EVERYTHING: &str = include_str!("../../intake/everything.json");

/// JSON text of any value inside the limits, in any spelling: white space, escapes, the order of keys, digits of numbers.
pub fn any_json() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        prop::sample::select(vec!["null", "true", "false"]).prop_map(str::to_owned),
        any_number(),
        any_string(),
    ];
    scalar.prop_recursive(8, 64, 6, |inner| {
        let element = (any_blank(), inner, any_blank())
            .prop_map(|(before, value, after)| format!("{before}{value}{after}"))
            .boxed();
        let elements = prop::collection::vec(element.clone(), 0..6);
        let members = prop::collection::vec((any_blank(), any_string(), element), 0..6);
        prop_oneof![
            elements.prop_map(|elements| format!("[{}]", elements.join(","))),
            members.prop_map(|members| write_object(&members)),
        ]
    })
}

/// Writes an object; a number before each key keeps them apart.
fn write_object(members: &[(String, String, String)]) -> String {
    let mut object = String::from("{");
    for (index, (blank, key, value)) in members.iter().enumerate() {
        let separator = if index > 0 { "," } else { "" };
        let rest = &key[1..];
        write!(object, "{separator}{blank}\"{index} {rest}{blank}:{value}").unwrap();
    }
    object.push('}');
    object
}

/// Dashboards that obey every rule and carry any JSON where Perses does not look: in the spec of a plugin and in a field
/// that it does not know.
pub fn any_dashboard() -> impl Strategy<Value = String> {
    (any_json(), any_json(), any_blank()).prop_map(|(plugin, unknown, blank)| {
        let plugin = format!(r#"{{"kind":"Mine",{blank}"spec":{plugin}}}"#);
        format!(
            r#"{blank}{{"panels":{{"a":{{"kind":"Panel","spec":{{"plugin":{plugin}}}}}}},"unknown":{unknown}}}{blank}"#
        )
    })
}

fn any_blank() -> impl Strategy<Value = String> {
    "[ \t\r\n]{0,2}"
}

/// Numbers of at most 40 digits whose value is finite; an exponent of at most 260 leaves room for 40 digits.
fn any_number() -> impl Strategy<Value = String> {
    "-?(0|[1-9][0-9]{0,19})(\\.[0-9]{1,20})?([eE][+-]?([0-9]{1,2}|1[0-9]{2}|2[0-5][0-9]))?"
}

/// Strings in quotes, of characters that need no escape, of short escapes, and of long ones.
fn any_string() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[^\"\\\\\u{0}-\u{1f}]{1,8}",
        1 => prop::sample::select(vec![r#"\""#, r"\\", r"\/", r"\b", r"\f", r"\n", r"\r", r"\t"]).prop_map(str::to_owned),
        1 => "\\\\u00(0[1-9a-f]|[1-9A-F][0-9A-F])",
        1 => any::<char>().prop_filter("NUL can't be stored", |c| *c != '\0').prop_map(|c| {
            let mut units = [0; 2];
            c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect()
        }),
    ];
    prop::collection::vec(piece, 0..4).prop_map(|pieces| format!("\"{}\"", pieces.concat()))
}
