use promql_parser::parser::{Expr, parse};
use proptest::prelude::*;

use super::*;
use crate::domain::reason::Reason;
use crate::domain::spec::json::{self, Json};

/// The value that every kind of slot is tried with.
const HOSTILE: &str = r#"a"b\c{$x}${y}"#;

fn declared(name: &str, parameter_type: ParameterType) -> Parameter {
    Parameter {
        name: name.into(),
        display_name: String::new(),
        description: String::new(),
        parameter_type,
        required: true,
        default_value: None,
        allowed_values: Vec::new(),
        pattern: String::new(),
        minimum: None,
        maximum: None,
    }
}

fn parameters(declarations: &[(&str, ParameterType)]) -> Parameters {
    let declarations = declarations
        .iter()
        .map(|(name, parameter_type)| declared(name, *parameter_type));
    Parameters::parse("template.parameters", declarations.enumerate().collect()).unwrap()
}

fn strings() -> Parameters {
    parameters(&[("x", ParameterType::String)])
}

fn given(values: &[(&str, Scalar)]) -> GivenValues {
    values
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect()
}

fn text(text: &str) -> Scalar {
    Scalar::Text(text.into())
}

/// The text that `spec` becomes with the value `x`.
fn rendered(spec: &str, x: &str) -> String {
    let values = given(&[("x", text(x))]);
    render(&strings(), spec, &values, &SpecLimits::default())
        .unwrap()
        .spec
        .text()
        .to_owned()
}

fn fields<T>(result: Result<T, Violations>) -> Vec<(String, Reason)> {
    let violations: Vec<Violation> = result.err().map(Into::into).unwrap_or_default();
    violations
        .into_iter()
        .map(|violation| (violation.field, violation.reason))
        .collect()
}

/// The text under the key `q` of a document.
fn q_of(document: &str) -> String {
    let tree = json::parse(document).unwrap();
    tree.get("q").and_then(Json::as_str).unwrap().to_owned()
}

/// The value of the only matcher of a selector, as PromQL reads it.
fn matched_by(query: &str) -> String {
    match parse(query) {
        Ok(Expr::VectorSelector(selector)) => selector.matchers.matchers[0].value.clone(),
        other => panic!("{query} is {other:?}"),
    }
}

#[test]
fn objects_become_values_of_their_type() {
    let declared = parameters(&[
        ("text", ParameterType::String),
        ("int", ParameterType::Int),
        ("number", ParameterType::Number),
        ("flag", ParameterType::Bool),
        ("window", ParameterType::Duration),
    ]);
    let values = given(&[
        ("text", text(HOSTILE)),
        ("int", text("9007199254740993")),
        ("number", Scalar::Number(0.5)),
        ("flag", Scalar::Bool(false)),
        ("window", text("1h30m")),
    ]);
    let spec = r#"{"panels":{}, "text": {"$param":"text"}, "list":[{"$param":"int"},{"$param":"number"},{"$param":"flag"}],
        "duration":{"$param":"window"},"in text":"%{int} %{number} %{flag} %{window}"}"#;
    let result = render(&declared, spec, &values, &SpecLimits::default()).unwrap();
    assert_eq!(
        result.spec.text(),
        r#"{"panels":{},"text":"a\"b\\c{$x}${y}","list":[9007199254740993,0.5,false],"duration":"1h30m","in text":"9007199254740993 0.5 false 1h30m"}"#
    );
    assert_eq!(result.parameters, values);
}

#[test]
fn the_rest_of_the_document_stays_as_it_is() {
    let spec = r#"{"z":1.50,"panels":{},"a":[1e2,null,true,"é\"\\\n"],"%{x}":"%%{x}","$ref":"$x ${y}"}"#;
    assert_eq!(
        rendered(spec, "v"),
        r#"{"z":1.50,"panels":{},"a":[1e2,null,true,"é\"\\\n"],"%{x}":"%{x}","$ref":"$x ${y}"}"#
    );
}

#[test]
fn a_text_slot_takes_any_text() {
    assert_eq!(
        q_of(&rendered(r#"{"panels":{},"q":"<%{x:text}>"}"#, HOSTILE)),
        format!("<{HOSTILE}>")
    );
}

#[test]
fn a_label_slot_is_read_back_by_promql() {
    let spec = r#"{"panels":{},"q":"up{job=\"%{x:label}\"}"}"#;
    let query = q_of(&rendered(spec, HOSTILE));
    assert_eq!(matched_by(&query), HOSTILE);
    // Perses finds no variable of its own in it.
    assert!(!query.contains('$'), "{query}");
}

#[test]
fn a_regex_slot_matches_the_value_alone() {
    let spec = r#"{"panels":{},"q":"up{job=~\"%{x:regex}\"}"}"#;
    for value in [HOSTILE, "a.b", "a|b", "(", "^$"] {
        let pattern = matched_by(&q_of(&rendered(spec, value)));
        let anchored = regex::Regex::new(&format!("^(?:{pattern})$")).unwrap();
        assert!(anchored.is_match(value), "{pattern}");
        assert!(!anchored.is_match("axb"), "{pattern}");
    }
}

#[test]
fn a_plain_slot_refuses_what_means_something_with_its_path() {
    let spec = r#"{"panels":{"a":{"kind":"Panel","spec":{"plugin":{"kind":"Markdown","spec":{"text":["","%{x}"]}}}}}}"#;
    let values = given(&[("x", text(HOSTILE))]);
    let refused = render(&strings(), spec, &values, &SpecLimits::default());
    let path = "spec/panels/a/spec/plugin/spec/text/1".to_owned();
    assert_eq!(fields(refused), [(path, Reason::SlotInvalid)]);
}

#[test]
fn documents_with_malformed_slots_are_refused_all_at_once() {
    let spec =
        r#"{"panels":{},"a":"%{x","b":["%{x:json}"],"c":{"$param":1},"d":{"$param":"x","e":1},"f":{"$param":"y"}}"#;
    let refused = TemplateDocument::parse(spec.into(), &SpecLimits::default());
    let found: Vec<(String, Reason)> = refused
        .unwrap_err()
        .into_iter()
        .map(|violation| (violation.field, violation.reason))
        .collect();
    let at = |field: &str| (field.to_owned(), Reason::SlotInvalid);
    assert_eq!(found, [at("/a"), at("/b/0"), at("/c"), at("/d")]);
    for no_object in ["[]", "1", "{", r#"{"a":1,"a":2}"#] {
        assert!(TemplateDocument::parse(no_object.into(), &SpecLimits::default()).is_err());
    }
}

#[test]
fn a_document_is_checked_with_its_parameters_as_a_dashboard_would_be() {
    let check = |spec: &str, declared: &Parameters| {
        let document = TemplateDocument::parse(spec.into(), &SpecLimits::default()).unwrap();
        fields(document.check("template.spec", declared, &SpecLimits::default()))
    };
    let at = |field: &str, reason: Reason| (format!("template.spec{field}"), reason);
    assert_eq!(check(r#"{"panels":{},"a":"%{x}"}"#, &strings()), []);
    assert_eq!(
        check(r#"{"panels":{},"a":"%{y}","b":{"$param":"z"}}"#, &strings()),
        [at("/a", Reason::SlotInvalid), at("/b", Reason::SlotInvalid)]
    );
    assert_eq!(
        check(r#"{"panels":{"a b":{"kind":"%{x}"}}}"#, &strings()).first(),
        Some(&at("/panels/a b", Reason::SpecInvalid))
    );
    let window = parameters(&[("x", ParameterType::Duration)]);
    assert_eq!(check(r#"{"panels":{},"duration":{"$param":"x"}}"#, &window), []);
    let number = parameters(&[("x", ParameterType::Int)]);
    assert_eq!(
        check(r#"{"panels":{},"duration":{"$param":"x"}}"#, &number),
        [at("/duration", Reason::SpecInvalid)]
    );
}

#[test]
fn results_go_through_the_intake_of_dashboards() {
    let spec = r#"{"panels":{},"timezone":"%{x}"}"#;
    assert_eq!(
        rendered(spec, "Europe/Berlin"),
        r#"{"panels":{},"timezone":"Europe/Berlin"}"#
    );
    let values = given(&[("x", text("Nowhere"))]);
    let refused = render(&strings(), spec, &values, &SpecLimits::default());
    assert_eq!(fields(refused), [("spec/timezone".to_owned(), Reason::SpecInvalid)]);
}

#[test]
fn values_can_not_make_a_document_of_any_size() {
    let limits = SpecLimits { max_bytes: 10_000 };
    let slots = "%{x:text}".repeat(1000);
    let spec = format!(r#"{{"panels":{{}},"a":"{slots}"}}"#);
    let values = given(&[("x", text(&"v".repeat(4000)))]);
    let refused = render(&strings(), &spec, &values, &limits);
    assert_eq!(fields(refused), [("spec/a".to_owned(), Reason::SpecLimitExceeded)]);
}

#[test]
fn wrong_values_are_told_before_the_document_is_looked_at() {
    let refused = render(&strings(), "{}", &given(&[("y", text("a"))]), &SpecLimits::default());
    let expected = [
        ("parameters.x".to_owned(), Reason::FieldRequired),
        ("parameters.y".to_owned(), Reason::ParameterUnknown),
    ];
    assert_eq!(fields(refused), expected);
}

proptest! {
    #[test]
    fn no_value_breaks_out_of_its_slot(value in "([ab\"\\\\{}$%:\n\r]|\\PC){0,12}") {
        prop_assume!(!value.contains('\0'));
        let object = rendered(r#"{"panels":{},"q":{"$param":"x"},"z":0}"#, &value);
        prop_assert_eq!(q_of(&object), value.clone());
        let label = rendered(r#"{"panels":{},"q":"up{job=\"%{x:label}\"}","z":0}"#, &value);
        prop_assert_eq!(matched_by(&q_of(&label)), value.clone());
        let any = rendered(r#"{"panels":{},"q":"%{x:text}","z":0}"#, &value);
        prop_assert_eq!(q_of(&any), value);
    }

    #[test]
    fn no_document_makes_rendering_panic(inside in "([%{}:$\"x]|label|regex|text|param){0,16}", value in "\\PC{0,8}") {
        let spec = serde_json::json!({ "panels": {}, "a": inside, "b": { "$param": inside } }).to_string();
        let values = given(&[("x", text(&value))]);
        let _ = render(&strings(), &spec, &values, &SpecLimits::default());
    }
}
