//! The rules for the datasources that a dashboard brings along.

use std::collections::HashSet;

use super::fields::Fields;
use super::findings::Findings;
use super::rules::{check_display, check_plugin};
use crate::domain::violation::quoted;

/// Checks the field `datasources` of the dashboard: at most one default for each kind of plugin.
pub(super) fn check(spec: &Fields<'_, '_>, findings: &mut Findings) {
    let datasources = spec.pointer.key("datasources");
    let mut kinds_with_default = HashSet::new();
    for (name, datasource) in spec.entries("datasources", findings) {
        let Some(datasource) = Fields::of(datasource, datasources.key(name), findings) else {
            continue;
        };
        check_display(&datasource, findings);
        let kind = check_plugin(&datasource, findings);
        let is_default = datasource.flag("default", findings);
        let Some(kind) = kind.filter(|_| is_default) else {
            continue;
        };
        if !kinds_with_default.insert(kind) {
            let description = format!(
                "{} can not be defined as default datasource: there is already a default defined for kind {}",
                quoted(name),
                quoted(kind),
            );
            findings.refuse(&datasource.pointer.key("default"), description);
        }
    }
}
