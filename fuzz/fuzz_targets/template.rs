//! Templates: any declarations, values and document are refused with places or rendered to a document that intake takes, and
//! any text in a slot is read back as it is.

#![no_main]

use dashboard_store_fuzz::domain::spec::json::{self, Json};
use dashboard_store_fuzz::domain::spec::{DashboardSpec, SpecLimits};
use dashboard_store_fuzz::domain::template::{
    GivenValues, Parameter, ParameterType, Parameters, Scalar, TemplateDocument, render,
};
use dashboard_store_fuzz::domain::violation::Violation;
use libfuzzer_sys::fuzz_target;
use promql_parser::parser::Expr;
use regex::Regex;

/// A document with each kind of slot that takes any text.
const SLOTS: &str = r#"{"panels":{},"value":{"$param":"x"},"text":"<%{x:text}>",
    "label":"up{job=\"%{x:label}\"}","regex":"up{job=~\"%{x:regex}\"}"}"#;

// The first line is a JSON array of declarations, the second an object of values, the rest the document: so inputs can be read,
// and stay what they are when they are mutated.
fuzz_target!(|input: &str| {
    let mut parts = input.splitn(3, '\n');
    let (Some(declarations), Some(values), Some(document)) = (parts.next(), parts.next(), parts.next()) else {
        return;
    };
    check_slots(values);
    let Ok(declarations) = serde_json::from_str::<Vec<Parameter>>(declarations) else {
        return;
    };
    let given: GivenValues = serde_json::from_str(values).unwrap_or_default();
    check_template(declarations, &given, document);
});

fn check_template(declarations: Vec<Parameter>, given: &GivenValues, document: &str) {
    let limits = SpecLimits::default();
    let parameters = match Parameters::parse("template.parameters", declarations.into_iter().enumerate().collect()) {
        Ok(parameters) => parameters,
        Err(violations) => return assert_placed(violations, &["template.parameters"]),
    };
    let template = match TemplateDocument::parse(document.to_owned(), &limits) {
        Ok(template) => template,
        Err(violations) => return assert_placed(violations, &["", "/"]),
    };
    assert_eq!(template.text(), document);
    if let Err(violations) = template.check("template.spec", &parameters, &limits) {
        assert_placed(violations, &["template.spec"]);
    }
    match render(&parameters, template.text(), given, &limits) {
        Err(violations) => assert_placed(violations, &["parameters.", "spec"]),
        Ok(rendered) => {
            assert!(DashboardSpec::parse(rendered.spec.text().to_owned(), &limits).is_ok());
            let declared = parameters.as_slice().iter().map(|parameter| &parameter.name);
            assert!(declared.clone().all(|name| rendered.parameters.contains_key(name)));
            assert_eq!(declared.count(), rendered.parameters.len());
        }
    }
}

/// Holds the kinds of slots that take any text against one; what no parameter takes is refused.
fn check_slots(value: &str) {
    let declaration = Parameter {
        name: "x".into(),
        display_name: String::new(),
        description: String::new(),
        parameter_type: ParameterType::String,
        required: true,
        default_value: None,
        allowed_values: Vec::new(),
        pattern: String::new(),
        minimum: None,
        maximum: None,
    };
    let parameters = Parameters::parse("", vec![(0, declaration)]).expect("any text is taken");
    let given = GivenValues::from([("x".into(), Scalar::Text(value.into()))]);
    let rendered = match render(&parameters, SLOTS, &given, &SpecLimits::default()) {
        Ok(rendered) => rendered,
        Err(violations) => return assert_placed(violations, &["parameters.x"]),
    };
    let document = json::parse(rendered.spec.text()).expect("the result is JSON");
    let member = |key: &str| document.get(key).and_then(Json::as_str).expect("a text stays one");
    assert_eq!(member("value"), value);
    assert_eq!(member("text"), format!("<{value}>"));
    // Perses takes no part of a value for a variable of its own.
    assert!(!member("label").contains('$') && !member("regex").contains('$'));
    assert_eq!(matched_by(member("label")), value);
    let pattern = Regex::new(&format!(r"\A(?:{})\z", matched_by(member("regex")))).expect("a pattern");
    assert!(pattern.is_match(value));
    assert!(!pattern.is_match(&format!("{value}x")));
}

/// The value of the only matcher of a selector, as PromQL reads it.
fn matched_by(query: &str) -> String {
    match promql_parser::parser::parse(query) {
        Ok(Expr::VectorSelector(selector)) => selector.matchers.matchers[0].value.clone(),
        other => panic!("{query} is {other:?}"),
    }
}

/// Fails unless there is a violation, and each is of a field that begins in one of these ways.
fn assert_placed(violations: impl Into<Vec<Violation>>, beginnings: &[&str]) {
    let violations = violations.into();
    assert!(!violations.is_empty());
    for Violation { field, .. } in violations {
        let is_placed = beginnings.iter().any(|beginning| match *beginning {
            "" => field.is_empty(),
            beginning => field.starts_with(beginning),
        });
        assert!(is_placed, "{field}");
    }
}
