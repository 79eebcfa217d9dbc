//! The rules for the parts of a dashboard, but for variables.

use super::*;

#[test]
fn panels_have_keys_kinds_and_plugins() {
    let panel = |key: &str, panel: &str| format!(r#"{{"panels":{{"{key}":{panel}}}}}"#);
    let plain = r#"{"kind":"Panel","spec":{"plugin":{"kind":"P"}}}"#;
    let longest = "k".repeat(75);
    for key in ["a", "0_0", "A.b-c", &longest] {
        assert_accepted(&panel(key, plain));
    }
    assert_invalid(&panel("", plain), "/panels/", "name cannot be empty");
    assert_invalid(&panel("a b", plain), "/panels/a b", "is not a correct name");
    assert_invalid(&panel("a..b", plain), "/panels/a..b", "should not contain '..'");
    assert_invalid(&panel(".a", plain), "/panels/.a", "should not start or end with '.'");
    let too_long = format!("{longest}k");
    assert_invalid(
        &panel(&too_long, plain),
        &format!("/panels/{too_long}"),
        "more than 75 characters",
    );

    let spec = |members: &str| {
        panel(
            "a",
            &format!(r#"{{"kind":"Panel","spec":{{"plugin":{{"kind":"P"}},{members}}}}}"#),
        )
    };
    for members in [
        r#""display":null,"queries":null,"links":null"#,
        r#""queries":[{"kind":"","spec":{"name":"q","plugin":{"kind":"Q","spec":null}}}]"#,
        r#""annotations":[{"display":{"name":"x"},"plugin":{"kind":"A"}}]"#,
    ] {
        assert_accepted(&spec(members));
    }
    for (text, field, words) in [
        (panel("a", "[]"), "/panels/a", "must be an object, not an array"),
        (
            panel("a", r#"{"kind":"","spec":{"plugin":{"kind":"P"}}}"#),
            "/panels/a/kind",
            "kind cannot be empty",
        ),
        (
            panel("a", r#"{"kind":1,"spec":{"plugin":{"kind":"P"}}}"#),
            "/panels/a/kind",
            "must be a string",
        ),
        (
            panel("a", r#"{"kind":"Panel"}"#),
            "/panels/a/spec/plugin/kind",
            "kind cannot be empty",
        ),
        (
            panel("a", r#"{"kind":"Panel","spec":{"plugin":{"kind":null}}}"#),
            "/panels/a/spec/plugin/kind",
            "empty",
        ),
        (
            panel("a", r#"{"kind":"Panel","spec":{"plugin":[]}}"#),
            "/panels/a/spec/plugin",
            "must be an object",
        ),
        (
            panel(
                "a",
                r#"{"kind":"P","spec":{"plugin":{"kind":"P","metadata":{"version":1}}}}"#,
            ),
            "/panels/a/spec/plugin/metadata/version",
            "must be a string",
        ),
        (
            spec(r#""display":{"name":1}"#),
            "/panels/a/spec/display/name",
            "must be a string",
        ),
        (
            spec(r#""display":{"hideHeader":1}"#),
            "/panels/a/spec/display/hideHeader",
            "must be a boolean",
        ),
        (spec(r#""queries":{}"#), "/panels/a/spec/queries", "must be an array"),
        (
            spec(r#""queries":[{"kind":"Q"}]"#),
            "/panels/a/spec/queries/0/spec/plugin/kind",
            "kind cannot be empty",
        ),
        (
            spec(r#""queries":[{"kind":[],"spec":{"plugin":{"kind":"Q"}}}]"#),
            "/panels/a/spec/queries/0/kind",
            "string",
        ),
        (
            spec(r#""links":[{"name":[]}]"#),
            "/panels/a/spec/links/0/name",
            "must be a string",
        ),
        (
            spec(r#""annotations":[{"plugin":{"kind":"A"}}]"#),
            "/panels/a/spec/annotations/0/display/name",
            "annotation name cannot be empty",
        ),
    ] {
        assert_invalid(&text, field, words);
    }
}

#[test]
fn layouts_are_of_known_kinds() {
    let layout = |text: &str| with_panels(&format!(r#""layouts":[{text}]"#));
    for text in [
        r#"{"kind":"Grid"}"#,
        r#"{"kind":"Grid","spec":null}"#,
        r#"{"kind":"Grid","spec":{"display":{"title":"x","collapse":{"open":true}},"repeatVariable":"v","items":[]}}"#,
        r#"{"kind":"Tabs","spec":{"defaultTab":1,"tabs":[{"name":"x","items":null}]}}"#,
    ] {
        assert_accepted(&layout(text));
    }
    for (text, field, words) in [
        ("null", "/layouts/0/kind", "layout.kind cannot be empty"),
        (
            r#"{"kind":"grid"}"#,
            "/layouts/0/kind",
            "unknown layout.kind \"grid\" used",
        ),
        (r#"{"kind":2}"#, "/layouts/0/kind", "must be a string"),
        (r#"{"kind":"Grid","spec":[]}"#, "/layouts/0/spec", "must be an object"),
        (
            r#"{"kind":"Grid","spec":{"items":{}}}"#,
            "/layouts/0/spec/items",
            "must be an array",
        ),
        (
            r#"{"kind":"Grid","spec":{"repeatVariable":[]}}"#,
            "/layouts/0/spec/repeatVariable",
            "must be a string",
        ),
        (
            r#"{"kind":"Grid","spec":{"display":{"title":1}}}"#,
            "/layouts/0/spec/display/title",
            "must be a string",
        ),
        (
            r#"{"kind":"Grid","spec":{"display":{"collapse":{"open":0}}}}"#,
            "/layouts/0/spec/display/collapse/open",
            "must be a boolean",
        ),
        (
            r#"{"kind":"Tabs","spec":{"tabs":[{"name":1}]}}"#,
            "/layouts/0/spec/tabs/0/name",
            "must be a string",
        ),
        (
            r#"{"kind":"Tabs","spec":{"defaultTab":"0"}}"#,
            "/layouts/0/spec/defaultTab",
            "must be an integer",
        ),
    ] {
        assert_invalid(&layout(text), field, words);
    }
}

#[test]
fn grid_geometry_takes_whole_numbers_only() {
    let item = |x: &str| {
        let item = format!(r##"{{"x":{x},"y":-3,"width":99,"content":{{"$ref":"#/spec/panels/a"}}}}"##);
        with_panels(&format!(r#""layouts":[{{"kind":"Grid","spec":{{"items":[{item}]}}}}]"#))
    };
    for x in [
        "0",
        "-5",
        "1.0",
        "1e2",
        "-0.0",
        "null",
        "9007199254740993",
        "-9223372036854775808",
    ] {
        assert_accepted(&item(x));
    }
    for x in ["0.5", "1e-1", "\"1\"", "true", "9223372036854775808", "1e300"] {
        let violations = parse(&item(x)).unwrap_err();
        assert_eq!(violations.len(), 1, "{x}");
        assert_eq!(violations[0].field, "/layouts/0/spec/items/0/x", "{x}");
    }
}

#[test]
fn references_lead_to_panels() {
    let reference = |kind: &str, reference: &str| {
        let items = format!(r#""items":[{{"content":{reference}}}]"#);
        let spec = match kind {
            "Grid" => items,
            _ => format!(r#""tabs":[{{{items}}}]"#),
        };
        with_panels(&format!(r#""layouts":[{{"kind":"{kind}","spec":{{{spec}}}}}]"#))
    };
    for accepted in ["#/spec/panels/a", "/spec/panels/a"] {
        assert_accepted(&reference("Grid", &format!(r#"{{"$ref":"{accepted}"}}"#)));
    }
    let grid = "/layouts/0/spec/items/0/content/$ref";
    for (refused, words) in [
        ("null", "ref \"\" is not accepted"),
        ("{}", "ref \"\" is not accepted"),
        (r#"{"$ref":"a"}"#, "ref \"a\" is not accepted"),
        (r##"{"$ref":"#"}"##, "is not accepted"),
        (r##"{"$ref":"#/"}"##, "is not accepted"),
        (r###"{"$ref":"##/spec/panels/a"}"###, "is not accepted"),
        (r##"{"$ref":"#/spec/panels/a/"}"##, "is not accepted"),
        (r##"{"$ref":"#/spec//panels/a"}"##, "is not accepted"),
        (
            r##"{"$ref":"#/spec/panels/b.c"}"##,
            "ref \"#/spec/panels/b.c\" is not accepted",
        ),
        (
            r##"{"$ref":"#/panels/a"}"##,
            "reference \"#/panels/a\" is pointing to the void",
        ),
        (r##"{"$ref":"#/spec/panels/a/x"}"##, "is pointing to the void"),
        (
            r##"{"$ref":"#/spex/panels/a"}"##,
            "at position 0 doesn't have the expected element \"spec\"",
        ),
        (
            r##"{"$ref":"#/spec/panel/a"}"##,
            "at position 1 doesn't have the expected element \"panels\"",
        ),
        (r##"{"$ref":"#/spec/panels/z"}"##, "no panel found for ref \"z\""),
    ] {
        assert_invalid(&reference("Grid", refused), grid, words);
    }
    let tabs = "/layouts/0/spec/tabs/0/items/0/content/$ref";
    assert_invalid(&reference("Tabs", r#"{"$ref":"a"}"#), tabs, "ref \"a\" is not accepted");
    let dangling = parse(&reference("Tabs", r##"{"$ref":"#/spec/panels/z"}"##)).unwrap();
    assert_eq!(dangling.warnings(), [format!("{tabs}: no panel found for ref \"z\"")]);
}

#[test]
fn unplaced_and_doubly_placed_panels_are_legal() {
    let item = r##"{"x":0,"y":0,"width":1,"height":1,"content":{"$ref":"#/spec/panels/a"}}"##;
    assert_accepted(&with_panels(&format!(
        r#""layouts":[{{"kind":"Grid","spec":{{"items":[{item},{item}]}}}}]"#
    )));
}

#[test]
fn datasources_have_one_default_for_each_kind() {
    let default = |kind: &str| format!(r#"{{"default":true,"plugin":{{"kind":"{kind}"}}}}"#);
    let two = |first: &str, second: &str| format!(r#"{{"datasources":{{"a":{first},"b":{second}}}}}"#);
    assert_accepted(&two(&default("A"), &default("B")));
    assert_accepted(&two(&default("A"), r#"{"display":{"name":"x"},"plugin":{"kind":"A"}}"#));
    assert_invalid(
        &two(&default("A"), &default("A")),
        "/datasources/b/default",
        "\"b\" can not be defined as default datasource: there is already a default defined for kind \"A\"",
    );
    assert_invalid(
        r#"{"datasources":{"a":null}}"#,
        "/datasources/a/plugin/kind",
        "kind cannot be empty",
    );
    let text = r#"{"datasources":{"a":{"default":"yes","plugin":{"kind":"A"}}}}"#;
    assert_invalid(text, "/datasources/a/default", "must be a boolean");
}

#[test]
fn annotations_have_a_name() {
    let annotation = |display: &str| format!(r#"{{"annotations":[{{"display":{display},"plugin":{{"kind":"A"}}}}]}}"#);
    assert_accepted(&annotation(
        r##"{"name":"x","description":"y","hidden":true,"color":"#fff"}"##,
    ));
    for (display, field, words) in [
        ("null", "name", "annotation name cannot be empty"),
        (r#"{"name":""}"#, "name", "annotation name cannot be empty"),
        (r#"{"name":"x","color":1}"#, "color", "must be a string"),
        (r#"{"name":"x","hidden":1}"#, "hidden", "must be a boolean"),
    ] {
        assert_invalid(&annotation(display), &format!("/annotations/0/display/{field}"), words);
    }
    let no_plugin = r#"{"annotations":[{"display":{"name":"x"}}]}"#;
    assert_invalid(no_plugin, "/annotations/0/plugin/kind", "kind cannot be empty");
}

#[test]
fn durations_timezones_and_batching_are_checked() {
    let member = |member: &str| format!(r#"{{"panels":{{}},{member}}}"#);
    for accepted in [
        r#""duration":"1h30m","refreshInterval":"0""#,
        r#""duration":"""#,
        r#""timezone":"""#,
        r#""timezone":"local""#,
        r#""timezone":"UTC""#,
        r#""timezone":"Europe/Berlin""#,
        r#""queryBatching":{"mode":"viewport","maxPerRequest":0}"#,
        r#""queryBatching":{}"#,
    ] {
        assert_accepted(&member(accepted));
    }
    for (refused, field, words) in [
        (
            r#""duration":"1 hour""#,
            "/duration",
            "unknown unit \" hour\" in duration \"1 hour\"",
        ),
        (
            r#""refreshInterval":"1m1h""#,
            "/refreshInterval",
            "not a valid duration string: \"1m1h\"",
        ),
        (r#""duration":"300y""#, "/duration", "duration out of range"),
        (
            r#""timezone":"Europe/Atlantis""#,
            "/timezone",
            "\"Europe/Atlantis\" is not a valid timezone",
        ),
        (r#""timezone":"europe/berlin""#, "/timezone", "is not a valid timezone"),
        (r#""timezone":"Local""#, "/timezone", "is not a valid timezone"),
        (
            r#""queryBatching":{"mode":"all"}"#,
            "/queryBatching/mode",
            "\"all\" is invalid (want off|panel|viewport|dashboard)",
        ),
        (
            r#""queryBatching":{"maxPerRequest":-1}"#,
            "/queryBatching/maxPerRequest",
            "must be >= 0",
        ),
        (
            r#""queryBatching":{"maxPerRequest":1.0}"#,
            "/queryBatching/maxPerRequest",
            "without point or exponent",
        ),
        (
            r#""queryBatching":{"maxPerRequest":"1"}"#,
            "/queryBatching/maxPerRequest",
            "must be an integer, not a string",
        ),
    ] {
        assert_invalid(&member(refused), field, words);
    }
}
