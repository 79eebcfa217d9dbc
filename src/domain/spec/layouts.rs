//! The rules for layouts, and for the references from there to panels.

use std::collections::HashSet;

use super::fields::{Fields, refuse_type};
use super::findings::Findings;
use super::json::Json;
use super::pointer::Pointer;
use crate::domain::violation::quoted;

/// What Perses does with a reference, which has the right syntax, to a panel that is not there.
#[derive(Clone, Copy)]
enum Dangling {
    /// It refuses the dashboard.
    Refused,
    /// It does not look, and shows an empty place: legal, and worth a warning.
    Unnoticed,
}

/// Checks the field `layouts` of the dashboard.
pub(super) fn check(spec: &Fields<'_, '_>, findings: &mut Findings) {
    let panels = match spec.get("panels", findings) {
        Some(Json::Object(panels)) => panels.iter().map(|(key, _)| key.as_ref()).collect(),
        _ => HashSet::new(),
    };
    let layouts = spec.pointer.key("layouts");
    for (index, layout) in spec.elements("layouts", findings).iter().enumerate() {
        if let Some(layout) = Fields::of(layout, layouts.index(index), findings) {
            check_layout(&layout, &panels, findings);
        }
    }
}

fn check_layout(layout: &Fields<'_, '_>, panels: &HashSet<&str>, findings: &mut Findings) {
    let kind = layout.pointer.key("kind");
    match layout.text("kind", findings) {
        Some("Grid") => check_grid(layout, panels, findings),
        Some("Tabs") => check_tabs(layout, panels, findings),
        Some("") => findings.refuse(&kind, "layout.kind cannot be empty"),
        Some(unknown) => findings.refuse(&kind, format!("unknown layout.kind {} used", quoted(unknown))),
        None => {}
    }
}

fn check_grid(layout: &Fields<'_, '_>, panels: &HashSet<&str>, findings: &mut Findings) {
    let Some(grid) = layout.nested("spec", findings) else {
        return;
    };
    check_display(&grid, findings);
    grid.check_texts(&["repeatVariable"], findings);
    check_items(&grid, panels, Dangling::Refused, findings);
}

fn check_tabs(layout: &Fields<'_, '_>, panels: &HashSet<&str>, findings: &mut Findings) {
    let Some(spec) = layout.nested("spec", findings) else {
        return;
    };
    check_display(&spec, findings);
    check_integer("defaultTab", &spec, findings);
    let tabs = spec.pointer.key("tabs");
    for (index, tab) in spec.elements("tabs", findings).iter().enumerate() {
        if let Some(tab) = Fields::of(tab, tabs.index(index), findings) {
            tab.check_texts(&["name"], findings);
            check_items(&tab, panels, Dangling::Unnoticed, findings);
        }
    }
}

fn check_display(layout: &Fields<'_, '_>, findings: &mut Findings) {
    let Some(display) = layout.nested("display", findings) else {
        return;
    };
    display.check_texts(&["title"], findings);
    if let Some(collapse) = display.nested("collapse", findings) {
        collapse.check_flags(&["open"], findings);
    }
}

fn check_items(owner: &Fields<'_, '_>, panels: &HashSet<&str>, dangling: Dangling, findings: &mut Findings) {
    let items = owner.pointer.key("items");
    for (index, item) in owner.elements("items", findings).iter().enumerate() {
        let Some(item) = Fields::of(item, items.index(index), findings) else {
            continue;
        };
        for key in ["x", "y", "width", "height"] {
            check_integer(key, &item, findings);
        }
        let Some(content) = item.nested("content", findings) else {
            continue;
        };
        if let Some(reference) = content.text("$ref", findings) {
            let pointer = content.pointer.key("$ref");
            check_reference(reference, &pointer, panels, dangling, findings);
        }
    }
}

/// Checks that the field `key` is a whole number or absent. `1.0` and `1e2` are whole: Perses decodes the spec of a
/// layout twice, and the first time turns them into `1` and `100`.
fn check_integer(key: &str, owner: &Fields<'_, '_>, findings: &mut Findings) {
    const BEYOND_I64: f64 = 9_223_372_036_854_775_808.0;
    let pointer = owner.pointer.key(key);
    match owner.get(key, findings) {
        None => {}
        Some(Json::Number(number)) => {
            let value = number.to_f64();
            if value.fract() != 0.0 || !(-BEYOND_I64..BEYOND_I64).contains(&value) {
                findings.refuse(&pointer, "must be a whole number of 64 bits");
            }
        }
        Some(other) => refuse_type(other, "an integer", &pointer, findings),
    }
}

fn check_reference(
    reference: &str,
    pointer: &Pointer<'_>,
    panels: &HashSet<&str>,
    dangling: Dangling,
    findings: &mut Findings,
) {
    let Some(path) = reference_path(reference) else {
        findings.refuse(pointer, format!("ref {} is not accepted", quoted(reference)));
        return;
    };
    match (find_panel(reference, &path, panels), dangling) {
        (Ok(()), _) => {}
        (Err(missing), Dangling::Refused) => findings.refuse(pointer, missing),
        (Err(missing), Dangling::Unnoticed) => findings.warn(format!("{}: {missing}", pointer.to_field())),
    }
}

/// The segments of a reference of Perses' syntax, `^#?/([a-zA-Z0-9_-]+)(?:/([a-zA-Z0-9_-]+))*$`. It has no dots, though
/// the key of a panel may have some: no reference reaches such a panel.
fn reference_path(reference: &str) -> Option<Vec<&str>> {
    let is_segment = |segment: &&str| {
        let is_allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        !segment.is_empty() && segment.bytes().all(is_allowed)
    };
    let path: Vec<&str> = reference
        .strip_prefix('#')
        .unwrap_or(reference)
        .strip_prefix('/')?
        .split('/')
        .collect();
    path.iter().all(is_segment).then_some(path)
}

/// Looks for the panel at the end of `path`, the segments of `reference`, which are `spec`, `panels` and its key.
fn find_panel(reference: &str, path: &[&str], panels: &HashSet<&str>) -> Result<(), String> {
    let [first, second, key] = path else {
        return Err(format!("reference {} is pointing to the void", quoted(reference)));
    };
    for (position, (actual, expected)) in [(first, "spec"), (second, "panels")].into_iter().enumerate() {
        if *actual != expected {
            return Err(format!(
                "reference {} at position {position} doesn't have the expected element {expected:?}",
                quoted(reference),
            ));
        }
    }
    if !panels.contains(key) {
        return Err(format!("no panel found for ref {}", quoted(key)));
    }
    Ok(())
}
