use super::*;

fn parameter(parameter_type: ParameterType) -> Parameter {
    Parameter {
        name: "x".into(),
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

fn text(text: &str) -> Scalar {
    Scalar::Text(text.into())
}

/// What is wrong with the declarations, as fields with reasons.
fn refused(declarations: Vec<Parameter>) -> Vec<(String, Reason)> {
    let numbered = declarations.into_iter().enumerate().collect();
    fields(Parameters::parse("template.parameters", numbered).map(|_| ()))
}

fn fields(checked: Result<(), Violations>) -> Vec<(String, Reason)> {
    let violations: Vec<Violation> = checked.err().map(Into::into).unwrap_or_default();
    violations
        .into_iter()
        .map(|violation| (violation.field, violation.reason))
        .collect()
}

fn bind(declarations: &[Parameter], given: &[(&str, Scalar)]) -> Result<Vec<(String, String)>, Violations> {
    let parameters = Parameters::parse("", declarations.iter().cloned().enumerate().collect())?;
    let values = given
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect();
    let binding = parameters.bind("parameters", &values)?;
    Ok(binding.into_iter().map(|(name, bound)| (name, bound.text)).collect())
}

/// What is wrong with one value of one parameter.
fn reasons(declaration: &Parameter, value: Scalar) -> Vec<(String, Reason)> {
    fields(bind(std::slice::from_ref(declaration), &[("x", value)]).map(|_| ()))
}

#[test]
fn sound_declarations_are_taken() {
    let described = Parameter {
        default_value: Some(text("prod")),
        allowed_values: vec![text("prod"), text("test")],
        pattern: "[a-z]{1,10}".into(),
        required: false,
        ..parameter(ParameterType::String)
    };
    let limited = Parameter {
        name: "limit".into(),
        default_value: Some(text("9223372036854775807")),
        minimum: Some(-1.0),
        ..parameter(ParameterType::Int)
    };
    let window = Parameter {
        name: "_window1".into(),
        minimum: Some(60.0),
        maximum: Some(3600.0),
        default_value: Some(text("1h")),
        ..parameter(ParameterType::Duration)
    };
    assert_eq!(refused(vec![described, limited, window]), []);
}

#[test]
fn everything_that_is_wrong_with_declarations_is_told_at_once() {
    let nameless = Parameter {
        name: String::new(),
        display_name: "x".repeat(MAX_DISPLAY_NAME_CHARS + 1),
        description: "a\0b".into(),
        required: false,
        minimum: Some(1.0),
        ..parameter(ParameterType::Bool)
    };
    let of_no_values = Parameter {
        name: "1x".into(),
        pattern: "a".into(),
        ..parameter(ParameterType::Enum)
    };
    let broken = Parameter {
        name: "y".into(),
        pattern: "(".into(),
        minimum: Some(f64::NAN),
        ..parameter(ParameterType::String)
    };
    let empty = Parameter {
        name: "y".into(),
        minimum: Some(2.0),
        maximum: Some(1.0),
        ..parameter(ParameterType::Number)
    };
    let found = refused(vec![nameless, of_no_values, broken, empty]);
    let expected = [
        ("[0].name", Reason::FieldRequired),
        ("[0].display_name", Reason::FieldTooLong),
        ("[0].description", Reason::FieldInvalid),
        ("[0].minimum", Reason::FieldInvalid),
        ("[0].default_value", Reason::FieldRequired),
        ("[1].name", Reason::FieldInvalid),
        ("[1].pattern", Reason::FieldInvalid),
        ("[1].allowed_values", Reason::FieldRequired),
        ("[2].minimum", Reason::FieldInvalid),
        ("[2].pattern", Reason::FieldInvalid),
        ("[3].maximum", Reason::FieldInvalid),
        ("[3].name", Reason::FieldInvalid),
    ];
    let expected: Vec<_> = expected
        .map(|(field, reason)| (format!("template.parameters{field}"), reason))
        .into();
    assert_eq!(found, expected);
}

#[test]
fn a_default_or_an_allowed_value_that_breaks_its_own_rules_is_refused() {
    let pattern = Parameter {
        pattern: "[a-z]+".into(),
        default_value: Some(text("A")),
        allowed_values: vec![text("b"), text("B"), Scalar::Number(1.0)],
        ..parameter(ParameterType::String)
    };
    let at = |field: &str| (format!("template.parameters[0].{field}"), Reason::ParameterInvalid);
    assert_eq!(
        refused(vec![pattern]),
        [
            at("allowed_values[1]"),
            at("allowed_values[2]"),
            // It is neither allowed, nor does it match.
            at("default_value"),
            at("default_value"),
        ]
    );
    let below = Parameter {
        default_value: Some(Scalar::Number(1.0)),
        minimum: Some(2.0),
        ..parameter(ParameterType::Int)
    };
    assert_eq!(refused(vec![below]), [at("default_value")]);
}

#[test]
fn the_size_of_declarations_is_limited() {
    let numbered = |count: usize| {
        let named = |number: usize| Parameter {
            name: format!("p{number}"),
            ..parameter(ParameterType::String)
        };
        (0..count).map(named).collect::<Vec<_>>()
    };
    assert_eq!(refused(numbered(MAX_PARAMETERS)), []);
    let too_many = [("template.parameters".to_owned(), Reason::FieldTooLong)];
    assert_eq!(refused(numbered(MAX_PARAMETERS + 1)), too_many);

    let allowing = |count: usize, bytes: usize| Parameter {
        allowed_values: vec![text(&"x".repeat(bytes)); count],
        ..parameter(ParameterType::String)
    };
    assert_eq!(refused(vec![allowing(MAX_ALLOWED_VALUES, 100)]), []);
    let many = ("template.parameters[0].allowed_values".to_owned(), Reason::FieldTooLong);
    assert_eq!(refused(vec![allowing(MAX_ALLOWED_VALUES + 1, 1)]), [many]);
    assert_eq!(refused(vec![allowing(17, 4000)]), too_many);
}

#[test]
fn values_are_bound_and_defaults_fill_in() {
    let replicas = Parameter {
        name: "replicas".into(),
        required: false,
        default_value: Some(Scalar::Number(3.0)),
        ..parameter(ParameterType::Int)
    };
    let declarations = [parameter(ParameterType::String), replicas];
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let bound = bind(&declarations, &[("x", text("a"))]).unwrap();
    assert_eq!(bound, [pair("replicas", "3"), pair("x", "a")]);
    let given = [("x", text("a")), ("replicas", text("9007199254740993"))];
    let bound = bind(&declarations, &given).unwrap();
    assert_eq!(bound, [pair("replicas", "9007199254740993"), pair("x", "a")]);
}

#[test]
fn everything_that_is_wrong_with_values_is_told_at_once() {
    let required_with_default = Parameter {
        name: "env".into(),
        default_value: Some(text("prod")),
        ..parameter(ParameterType::String)
    };
    let flag = Parameter {
        name: "flag".into(),
        ..parameter(ParameterType::Bool)
    };
    let declarations = [parameter(ParameterType::String), required_with_default, flag];
    let given = [("flag", text("yes")), ("nobody", text("a")), ("X", text("a"))];
    assert_eq!(
        fields(bind(&declarations, &given).map(|_| ())),
        [
            ("parameters.x".to_owned(), Reason::FieldRequired),
            ("parameters.env".to_owned(), Reason::FieldRequired),
            ("parameters.flag".to_owned(), Reason::ParameterInvalid),
            ("parameters.X".to_owned(), Reason::ParameterUnknown),
            ("parameters.nobody".to_owned(), Reason::ParameterUnknown),
        ]
    );
}

#[test]
fn limits_hold_at_and_one_beyond() {
    let invalid = [("parameters.x".to_owned(), Reason::ParameterInvalid)];
    let int = Parameter {
        minimum: Some(1.0),
        maximum: Some(3.0),
        ..parameter(ParameterType::Int)
    };
    for (value, is_taken) in [(0.0, false), (1.0, true), (3.0, true), (4.0, false)] {
        let expected = if is_taken { &[][..] } else { &invalid };
        assert_eq!(reasons(&int, Scalar::Number(value)), expected, "{value}");
    }
    let duration = Parameter {
        minimum: Some(60.0),
        maximum: Some(3600.0),
        ..parameter(ParameterType::Duration)
    };
    for (value, is_taken) in [("59s", false), ("1m", true), ("60m", true), ("1h1ms", false)] {
        let expected = if is_taken { &[][..] } else { &invalid };
        assert_eq!(reasons(&duration, text(value)), expected, "{value}");
    }
}

#[test]
fn allowed_values_and_patterns_restrict() {
    let invalid = [("parameters.x".to_owned(), Reason::ParameterInvalid)];
    let window = Parameter {
        allowed_values: vec![text("5m"), text("1h")],
        ..parameter(ParameterType::Duration)
    };
    assert_eq!(reasons(&window, text("60m")), []);
    assert_eq!(reasons(&window, text("61m")), invalid);
    let mode = Parameter {
        allowed_values: vec![text("a"), text("b")],
        ..parameter(ParameterType::Enum)
    };
    assert_eq!(reasons(&mode, text("b")), []);
    assert_eq!(reasons(&mode, text("B")), invalid);
    let name = Parameter {
        pattern: "[a-z]+".into(),
        ..parameter(ParameterType::String)
    };
    assert_eq!(reasons(&name, text("gpu")), []);
    assert_eq!(reasons(&name, text("gpu1")), invalid);
}

#[test]
fn samples_are_defaults_then_allowed_values_then_made_up_within_the_limits() {
    let sample = |declaration: Parameter| declaration.sample().text;
    let with_default = Parameter {
        default_value: Some(text("d")),
        allowed_values: vec![text("a"), text("d")],
        ..parameter(ParameterType::String)
    };
    assert_eq!(sample(with_default.clone()), "d");
    let without = Parameter {
        default_value: None,
        ..with_default
    };
    assert_eq!(sample(without), "a");
    for (parameter_type, minimum, maximum, expected) in [
        (ParameterType::String, None, None, "sample"),
        (ParameterType::Bool, None, None, "true"),
        (ParameterType::Int, None, None, "1"),
        (ParameterType::Int, Some(2.5), None, "3"),
        (ParameterType::Int, None, Some(-2.5), "-3"),
        (ParameterType::Int, Some(1e17), None, "100000000000000000"),
        (ParameterType::Number, Some(2.5), None, "2.5"),
        (ParameterType::Duration, None, None, "300000ms"),
        (ParameterType::Duration, None, Some(60.0), "60000ms"),
        (ParameterType::Duration, None, Some(-1.0), "0ms"),
        (ParameterType::Int, Some(1e30), None, "sample"),
    ] {
        let declaration = Parameter {
            minimum,
            maximum,
            ..parameter(parameter_type)
        };
        assert_eq!(
            sample(declaration),
            expected,
            "{parameter_type:?} {minimum:?} {maximum:?}"
        );
    }
}

/// Stored ones outlive the release: a field may be added with a default, none renamed or removed.
#[test]
fn the_stored_form_stays_as_it_is() {
    let stored = r#"[{"name":"x","display_name":"X","description":"d","type":"int","required":false,"default_value":1.0,"allowed_values":[1.0,"9007199254740993"],"pattern":"","minimum":0.5,"maximum":null}]"#;
    let parameters: Parameters = serde_json::from_str(stored).unwrap();
    assert_eq!(parameters.as_slice()[0].allowed_values[1], text("9007199254740993"));
    assert_eq!(serde_json::to_string(&parameters).unwrap(), stored);
}
