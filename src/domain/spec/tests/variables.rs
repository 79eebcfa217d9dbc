//! The rules for variables.

use super::*;

/// A dashboard with `variables`, each as `kind|members of the spec`.
fn with_variables(variables: &[&str]) -> String {
    let variables: Vec<String> = variables
        .iter()
        .filter_map(|variable| variable.split_once('|'))
        .map(|(kind, members)| match kind {
            "List" => format!(r#"{{"kind":"ListVariable","spec":{{"plugin":{{"kind":"P"}},{members}}}}}"#),
            _ => format!(r#"{{"kind":"{kind}Variable","spec":{{{members}}}}}"#),
        })
        .collect();
    format!(r#"{{"variables":[{}]}}"#, variables.join(","))
}

#[test]
fn variables_obey_the_rules_of_their_kind() {
    for accepted in [
        r#"Text|"name":"a","value":"""#,
        r#"Text|"name":"a","value":"x","constant":true,"display":{"name":"A","hidden":true}"#,
        r#"Text|"name":"a-b""#,
        r#"Text|"name":"1a""#,
        r#"List|"name":"a","allowAllValue":true,"customAllValue":".*""#,
        r#"List|"name":"a","defaultValue":"x""#,
        r#"List|"name":"a","defaultValue":[]"#,
        r#"List|"name":"a","defaultValue":["x"]"#,
        r#"List|"name":"a","defaultValue":["x","y"],"allowMultiple":true"#,
        r#"List|"name":"a","sort":"alphabetical-ci-desc","capturingRegexp":"(.*)""#,
        r#"List|"name":"a","sort":"""#,
    ] {
        assert_accepted(&with_variables(&[accepted]));
    }
    let digits = "variable name '12' is not valid";
    for (refused, field, words) in [
        (
            r#"Foo|"name":"a""#,
            "kind",
            "unknown variable.kind \"FooVariable\" used",
        ),
        (r#"Text|"value":"x""#, "spec/name", "name cannot be empty"),
        (r#"Text|"name":"12""#, "spec/name", digits),
        (r#"List|"name":"12""#, "spec/name", digits),
        (
            r#"Text|"name":"a-b-c""#,
            "spec/name",
            "variable name 'a-b-c' is not valid",
        ),
        (r#"Text|"name":"a b""#, "spec/name", "is not a correct name"),
        (
            r#"Text|"name":"__a""#,
            "spec/name",
            "variable name '__a' can not have builtin variable prefix: __",
        ),
        (r#"Text|"name":7"#, "spec/name", "must be a string"),
        (r#"Text|"name":"a","value":7"#, "spec/value", "must be a string"),
        (
            r#"Text|"name":"a","value":"","constant":true"#,
            "spec/value",
            "value for a constant text variable cannot be empty",
        ),
        (r#"Text|"name":"a","constant":1"#, "spec/constant", "must be a boolean"),
        (
            r#"Text|"name":"a","display":{"hidden":1}"#,
            "spec/display/hidden",
            "must be a boolean",
        ),
        (
            r#"List|"name":"a","customAllValue":"x""#,
            "spec/customAllValue",
            "cannot be set if allowAllValue is not set to true",
        ),
        (
            r#"List|"name":"a","allowMultiple":"x""#,
            "spec/allowMultiple",
            "must be a boolean",
        ),
        (
            r#"List|"name":"a","defaultValue":["x","y"]"#,
            "spec/defaultValue",
            "if allowMultiple is set to false",
        ),
        (
            r#"List|"name":"a","defaultValue":1"#,
            "spec/defaultValue",
            "Only string or array of string can be used",
        ),
        (
            r#"List|"name":"a","defaultValue":[1]"#,
            "spec/defaultValue/0",
            "must be a string",
        ),
        (
            r#"List|"name":"a","sort":"up""#,
            "spec/sort",
            "unknown sort method \"up\" used",
        ),
    ] {
        assert_invalid(&with_variables(&[refused]), &format!("/variables/0/{field}"), words);
    }
    assert_invalid(
        r#"{"variables":[null]}"#,
        "/variables/0/kind",
        "variable.kind cannot be empty",
    );
    let no_plugin = r#"{"variables":[{"kind":"ListVariable","spec":{"name":"a"}}]}"#;
    assert_invalid(no_plugin, "/variables/0/spec/plugin/kind", "kind cannot be empty");
}

#[test]
fn variable_names_are_unique() {
    let text = with_variables(&[r#"Text|"name":"a""#, r#"Text|"name":"b""#, r#"List|"name":"a""#]);
    assert_invalid(
        &text,
        "/variables/2/spec/name",
        "variable \"a\" (index 2) already exists",
    );
    assert_accepted(&with_variables(&[r#"Text|"name":"a""#, r#"Text|"name":"A""#]));
}

#[test]
fn variables_may_use_each_other_but_not_in_circles() {
    let list = |name: &str, expr: &str| {
        let plugin = format!(r#"{{"kind":"P","spec":{{"$x":[{{"expr":"{expr}"}}]}}}}"#);
        format!(r#"{{"kind":"ListVariable","spec":{{"name":"{name}","plugin":{plugin}}}}}"#)
    };
    let dashboard = |variables: &[String]| format!(r#"{{"variables":[{}]}}"#, variables.join(","));
    let chain = dashboard(&[
        list("c", "up{a=\\\"$a\\\",b=~\\\"${b:regex}\\\"}"),
        list("b", "$a"),
        list("a", "$__range $1"),
    ]);
    assert_eq!(parse(&chain).unwrap().warnings(), [] as [&str; 0]);

    let unknown = dashboard(&[list("a", "$cluster $cluster ${ns}")]);
    let warned = |name| {
        format!(
            "variable {name:?} is used in the variable \"a\" but not defined here: the project or a global variable must supply it"
        )
    };
    assert_eq!(parse(&unknown).unwrap().warnings(), [warned("cluster"), warned("ns")]);

    let circle = dashboard(&[list("z", ""), list("a", "$c"), list("b", "$a"), list("c", "$b $z")]);
    assert_invalid(
        &circle,
        "/variables/1",
        "circular dependency detected: a -> c -> b -> a",
    );
    let own = with_variables(&[r#"Text|"name":"a","value":"x $a""#]);
    assert_invalid(&own, "/variables/0", "circular dependency detected: a -> a");
    let names: Vec<String> = (0..20)
        .map(|name| list(&format!("v{name}"), &format!("$v{}", (name + 1) % 20)))
        .collect();
    assert_invalid(&dashboard(&names), "/variables/0", "v8 -> v9 -> …");
}
