//! The rules for panels and their queries.

use super::fields::Fields;
use super::findings::Findings;
use super::json::Json;
use super::pointer::Pointer;
use super::rules::{check_annotation, check_kind, check_link, check_plugin};
use crate::domain::name::check_id;

/// Checks the field `panels` of the dashboard.
pub(super) fn check<'t>(spec: &Fields<'t, '_>, findings: &mut Findings) {
    let panels = spec.pointer.key("panels");
    for (key, panel) in spec.entries("panels", findings) {
        let pointer = panels.key(key);
        if let Err(description) = check_id(key) {
            findings.refuse(&pointer, description);
        }
        check_panel(panel, pointer, findings);
    }
}

fn check_panel<'t>(panel: &'t Json<'t>, pointer: Pointer<'_>, findings: &mut Findings) {
    let Some(panel) = Fields::of(panel, pointer, findings) else {
        return;
    };
    check_kind(&panel, findings);
    let Some(spec) = panel.nested("spec", findings) else {
        return;
    };
    if let Some(display) = spec.nested("display", findings) {
        display.check_texts(&["name", "description"], findings);
        display.check_flags(&["hideHeader"], findings);
    }
    check_plugin(&spec, findings);
    spec.check_elements("queries", findings, check_query);
    spec.check_elements("links", findings, check_link);
    spec.check_elements("annotations", findings, check_annotation);
}

fn check_query<'t>(query: &'t Json<'t>, pointer: Pointer<'_>, findings: &mut Findings) {
    let Some(query) = Fields::of(query, pointer, findings) else {
        return;
    };
    query.check_texts(&["kind"], findings);
    if let Some(spec) = query.nested("spec", findings) {
        spec.check_texts(&["name"], findings);
        check_plugin(&spec, findings);
    }
}
