//! The rules for variables, one by one; how they refer to each other is in [`super::variable_graph`].

use std::collections::HashSet;

use super::fields::{Fields, refuse_type};
use super::findings::Findings;
use super::json::Json;
use super::pointer::Pointer;
use super::rules::check_plugin;
use super::variable_graph::{self, Variable};
use crate::domain::name::check_id;
use crate::domain::violation::quoted;

/// What the names of Perses' own variables begin with (`$__range`, `$__project`); they are used, never declared.
pub(super) const BUILTIN_PREFIX: &str = "__";

/// How a list can be sorted; empty is as `none`.
const SORT_METHODS: [&str; 8] = [
    "",
    "none",
    "alphabetical-asc",
    "alphabetical-desc",
    "numerical-asc",
    "numerical-desc",
    "alphabetical-ci-asc",
    "alphabetical-ci-desc",
];

/// Checks the field `variables` of the dashboard.
pub(super) fn check(spec: &Fields<'_, '_>, findings: &mut Findings) {
    let list = spec.pointer.key("variables");
    let mut names = HashSet::new();
    let mut variables = Vec::new();
    for (index, variable) in spec.elements("variables", findings).iter().enumerate() {
        let Some(variable) = check_variable(index, variable, list.index(index), findings) else {
            continue;
        };
        if names.insert(variable.name) {
            variables.push(variable);
        } else {
            let description = format!("variable {} (index {index}) already exists", quoted(variable.name));
            let pointer = list.index(index);
            findings.refuse(&pointer.key("spec").key("name"), description);
        }
    }
    variable_graph::check(&variables, &list, findings);
}

/// Checks one variable; none if it has no valid name or kind to go on with.
fn check_variable<'t>(
    index: usize,
    variable: &'t Json<'t>,
    pointer: Pointer<'_>,
    findings: &mut Findings,
) -> Option<Variable<'t>> {
    let variable = Fields::of(variable, pointer, findings)?;
    let kind = variable.text("kind", findings)?;
    let spec = variable.nested("spec", findings)?;
    let values = match kind {
        "TextVariable" => check_text_variable(&spec, findings),
        "ListVariable" => check_list_variable(&spec, findings),
        _ => {
            let description = match kind {
                "" => "variable.kind cannot be empty".to_owned(),
                unknown => format!("unknown variable.kind {} used", quoted(unknown)),
            };
            findings.refuse(&variable.pointer.key("kind"), description);
            return None;
        }
    };
    let name = check_name(&spec, findings)?;
    let references = values.map(variable_graph::references).unwrap_or_default();
    Some(Variable {
        index,
        name,
        references,
    })
}

/// Checks the spec of a text variable and returns the value that may refer to other variables.
fn check_text_variable<'t>(spec: &Fields<'t, '_>, findings: &mut Findings) -> Option<&'t Json<'t>> {
    check_display(spec, findings);
    let value = spec.text("value", findings);
    if spec.flag("constant", findings) && value == Some("") {
        let description = "value for a constant text variable cannot be empty";
        findings.refuse(&spec.pointer.key("value"), description);
    }
    spec.get("value", findings)
}

/// Checks the spec of a list variable and returns the value that may refer to other variables.
fn check_list_variable<'t>(spec: &Fields<'t, '_>, findings: &mut Findings) -> Option<&'t Json<'t>> {
    check_display(spec, findings);
    spec.check_texts(&["capturingRegexp"], findings);
    let custom_all_value = spec.text("customAllValue", findings);
    if !spec.flag("allowAllValue", findings) && custom_all_value.is_some_and(|value| !value.is_empty()) {
        let description = "customAllValue cannot be set if allowAllValue is not set to true";
        findings.refuse(&spec.pointer.key("customAllValue"), description);
    }
    check_default_value(spec, findings);
    if let Some(method) = spec.text("sort", findings)
        && !SORT_METHODS.contains(&method)
    {
        findings.refuse(
            &spec.pointer.key("sort"),
            format!("unknown sort method {} used", quoted(method)),
        );
    }
    check_plugin(spec, findings);
    spec.get("plugin", findings)?.get("spec")
}

fn check_display(spec: &Fields<'_, '_>, findings: &mut Findings) {
    if let Some(display) = spec.nested("display", findings) {
        display.check_texts(&["name", "description"], findings);
        display.check_flags(&["hidden"], findings);
    }
}

/// Checks `defaultValue`: a string, or strings. A list of one is a string to Perses, so it does not need `allowMultiple`.
fn check_default_value(spec: &Fields<'_, '_>, findings: &mut Findings) {
    let allows_multiple = spec.flag("allowMultiple", findings);
    let pointer = spec.pointer.key("defaultValue");
    match spec.get("defaultValue", findings) {
        None | Some(Json::String(_)) => {}
        Some(Json::Array(values)) => {
            let is_text = |value: &Json<'_>| matches!(value, Json::String(_) | Json::Null);
            for (index, value) in values.iter().enumerate().filter(|(_, value)| !is_text(value)) {
                refuse_type(value, "a string", &pointer.index(index), findings);
            }
            if values.len() > 1 && !allows_multiple {
                let description = "you can not use a list of default values if allowMultiple is set to false";
                findings.refuse(&pointer, description);
            }
        }
        Some(_) => {
            let description = "unable to unmarshal defaultValue. Only string or array of string can be used";
            findings.refuse(&pointer, description);
        }
    }
}

/// Checks `name` and returns it; none, with a violation, if it is refused.
fn check_name<'t>(spec: &Fields<'t, '_>, findings: &mut Findings) -> Option<&'t str> {
    let name = spec.text("name", findings)?;
    let verdict = check_id(name).and_then(|()| {
        if !has_variable_syntax(name) {
            return Err(format!("variable name '{name}' is not valid"));
        }
        if name.starts_with(BUILTIN_PREFIX) {
            return Err(format!(
                "variable name '{name}' can not have builtin variable prefix: {BUILTIN_PREFIX}"
            ));
        }
        Ok(())
    });
    match verdict {
        Ok(()) => Some(name),
        Err(description) => {
            findings.refuse(&spec.pointer.key("name"), description);
            None
        }
    }
}

/// Whether `name` matches Perses' `^\w*?[^0-9]\w*$`: at most one character that is not of a word, and not digits alone.
fn has_variable_syntax(name: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let others = name.chars().filter(|c| !is_word(*c)).count();
    others <= 1 && name.chars().any(|c| !c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variable_names_have_the_syntax_of_perses() {
        for name in ["a", "A_1", "1a", "_", "__x", "a-b", "a.", "é", "1-"] {
            assert!(has_variable_syntax(name), "{name}");
        }
        for name in ["", "1", "123", "a-b-c", "a..b"] {
            assert!(!has_variable_syntax(name), "{name}");
        }
    }
}
