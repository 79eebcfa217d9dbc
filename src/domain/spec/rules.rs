//! The rules of Perses for a dashboard as a whole.
//!
//! Verdict and words are those of a Perses server without the schemas of plugins (perses `internal/api/validate`,
//! perses/spec `go/dashboard/dashboard.go`); what a plugin's `spec` holds is the plugin's business. Legal are, as there:
//! panels that no layout shows or that several show, unknown plugins, and any geometry.
//!
//! Each part of the document has a module of its own, of this form: read as a struct ([`super::fields`]), then hold against
//! the rules, so that every violation is found at once.

use super::fields::{Fields, refuse_type};
use super::findings::Findings;
use super::json::Json;
use super::pointer::Pointer;
use super::{datasources, duration, layouts, panels, variables};
use crate::domain::timezone;
use crate::domain::violation::quoted;

/// The fields that Perses knows of a dashboard.
const FIELDS: [&str; 11] = [
    "display",
    "datasources",
    "variables",
    "annotations",
    "panels",
    "layouts",
    "duration",
    "refreshInterval",
    "timezone",
    "links",
    "queryBatching",
];

/// Holds `document`, an object, against every rule.
pub(super) fn check<'t>(document: &'t Json<'t>, findings: &mut Findings) {
    let Some(spec) = Fields::of(document, Pointer::Root, findings) else {
        return;
    };
    if !spec.has_any(&FIELDS, findings) {
        findings.refuse(&spec.pointer, "spec cannot be empty");
        return;
    }
    check_display(&spec, findings);
    datasources::check(&spec, findings);
    variables::check(&spec, findings);
    spec.check_elements("annotations", findings, check_annotation);
    panels::check(&spec, findings);
    layouts::check(&spec, findings);
    check_duration("duration", &spec, findings);
    check_duration("refreshInterval", &spec, findings);
    check_timezone(&spec, findings);
    spec.check_elements("links", findings, check_link);
    check_query_batching(&spec, findings);
}

/// Checks the field `display` of a dashboard or a datasource.
pub(super) fn check_display(owner: &Fields<'_, '_>, findings: &mut Findings) {
    if let Some(display) = owner.nested("display", findings) {
        display.check_texts(&["name", "description"], findings);
    }
}

/// Checks the field `plugin` and returns its kind, which is required; its `spec` is not looked at.
pub(super) fn check_plugin<'t>(owner: &Fields<'t, '_>, findings: &mut Findings) -> Option<&'t str> {
    let plugin = owner.nested("plugin", findings)?;
    if let Some(metadata) = plugin.nested("metadata", findings) {
        metadata.check_texts(&["version", "registry"], findings);
    }
    check_kind(&plugin, findings)
}

/// Returns the field `kind`; none, with a violation, if it is missing.
pub(super) fn check_kind<'t>(owner: &Fields<'t, '_>, findings: &mut Findings) -> Option<&'t str> {
    let kind = owner.text("kind", findings)?;
    if kind.is_empty() {
        findings.refuse(&owner.pointer.key("kind"), "kind cannot be empty");
        return None;
    }
    Some(kind)
}

/// Checks an annotation of a dashboard or a panel.
pub(super) fn check_annotation<'t>(annotation: &'t Json<'t>, pointer: Pointer<'_>, findings: &mut Findings) {
    let Some(annotation) = Fields::of(annotation, pointer, findings) else {
        return;
    };
    if let Some(display) = annotation.nested("display", findings) {
        if display.text("name", findings) == Some("") {
            findings.refuse(&display.pointer.key("name"), "annotation name cannot be empty");
        }
        display.check_texts(&["description", "color"], findings);
        display.check_flags(&["hidden"], findings);
    }
    check_plugin(&annotation, findings);
}

/// Checks a link of a dashboard or a panel.
pub(super) fn check_link<'t>(link: &'t Json<'t>, pointer: Pointer<'_>, findings: &mut Findings) {
    if let Some(link) = Fields::of(link, pointer, findings) {
        link.check_texts(&["name", "url", "tooltip"], findings);
        link.check_flags(&["renderVariables", "targetBlank"], findings);
    }
}

/// Checks the duration in the field `key`; empty is absent.
fn check_duration(key: &str, spec: &Fields<'_, '_>, findings: &mut Findings) {
    let Some(text) = spec.text(key, findings).filter(|text| !text.is_empty()) else {
        return;
    };
    if let Err(description) = duration::parse(text) {
        findings.refuse(&spec.pointer.key(key), description);
    }
}

/// Checks the field `timezone`.
fn check_timezone(spec: &Fields<'_, '_>, findings: &mut Findings) {
    let Some(text) = spec.text("timezone", findings) else {
        return;
    };
    if let Err(description) = timezone::check(text) {
        findings.refuse(&spec.pointer.key("timezone"), description);
    }
}

fn check_query_batching(spec: &Fields<'_, '_>, findings: &mut Findings) {
    let Some(batching) = spec.nested("queryBatching", findings) else {
        return;
    };
    match batching.text("mode", findings) {
        None | Some("" | "off" | "panel" | "viewport" | "dashboard") => {}
        Some(mode) => {
            let wanted = "is invalid (want off|panel|viewport|dashboard)";
            let description = format!("queryBatching.mode {} {wanted}", quoted(mode));
            findings.refuse(&batching.pointer.key("mode"), description);
        }
    }
    let maximum = batching.pointer.key("maxPerRequest");
    match batching.get("maxPerRequest", findings) {
        None => {}
        // Go takes digits alone for an integer here: `1.0` and `1e2` are none.
        Some(Json::Number(number)) => match number.as_str().parse::<i64>() {
            Ok(0..) => {}
            Ok(_) => findings.refuse(&maximum, "queryBatching.maxPerRequest must be >= 0"),
            Err(_) => findings.refuse(&maximum, "must be an integer of 64 bits, without point or exponent"),
        },
        Some(other) => refuse_type(other, "an integer", &maximum, findings),
    }
}
