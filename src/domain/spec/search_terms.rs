//! What a search finds a dashboard by, beside its names and tags: the titles of its panels and the metrics that it uses.
//!
//! What belongs here: where in a document they are, and how many are kept. What a PromQL expression uses is in `metrics`.
//!
//! # Where PromQL is
//! In the plugins of Perses for Prometheus, and in any other whose kind begins with `Prometheus`: the text `query`
//! (`PrometheusTimeSeriesQuery`) or `expr` (`PrometheusPromQLVariable`, `PrometheusPromQLAnnotation`) and the selectors
//! `matchers` (`PrometheusLabelValuesVariable`, `PrometheusLabelNamesVariable`), wherever a panel's query, a variable or an
//! annotation has its plugin. The queries of other kinds are not looked at: LogQL, TraceQL and SQL have words where PromQL has
//! metrics, and who searches for a metric wants the dashboards that use it and no others.

use std::collections::BTreeSet;

use super::json::Json;
use super::metrics::{self, MetricNames};

/// The most panel titles of a dashboard, and the most metrics, that are kept: the first in alphabetical order.
pub const MAX_TERMS: usize = 1_000;

/// How much of a panel title is kept, in bytes; metrics with a longer name are left out.
pub const MAX_TERM_BYTES: usize = metrics::MAX_NAME_BYTES;

/// How the kinds of plugins whose spec holds PromQL begin.
const PROMETHEUS: &str = "Prometheus";

/// Panel titles and metrics of a dashboard, each sorted and without duplicates.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SearchTerms {
    /// `panels.*.spec.display.name`, without blanks around; at most [`MAX_TERMS`] of at most [`MAX_TERM_BYTES`].
    pub panel_titles: Vec<String>,
    /// The metrics that queries, variables and annotations name; at most [`MAX_TERMS`] of at most [`MAX_TERM_BYTES`].
    pub metric_names: Vec<String>,
}

/// The texts of a document that its terms are in, as intake finds them. To read PromQL is a third of the work for a document, and
/// many that are taken in are never written: they are there already, or refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SearchTexts {
    /// Without blanks around, cut, sorted and each once.
    panel_titles: Vec<String>,
    /// PromQL, in the order of the document.
    expressions: Vec<String>,
}

impl SearchTexts {
    /// Finds the texts of a spec. It never fails: what is not of the form that Perses gives it has none.
    pub(super) fn of(spec: &Json<'_>) -> Self {
        let mut titles = BTreeSet::new();
        let mut expressions = Vec::new();
        for panel in children(spec.get("panels")) {
            let Some(panel) = panel.get("spec") else {
                continue;
            };
            titles.extend(title(panel));
            for query in children(panel.get("queries")) {
                collect_from_plugin(query.get("spec"), &mut expressions);
            }
            for annotation in children(panel.get("annotations")) {
                collect_from_plugin(Some(annotation), &mut expressions);
            }
        }
        for variable in children(spec.get("variables")) {
            collect_from_plugin(variable.get("spec"), &mut expressions);
        }
        for annotation in children(spec.get("annotations")) {
            collect_from_plugin(Some(annotation), &mut expressions);
        }
        Self {
            panel_titles: titles.into_iter().take(MAX_TERMS).map(str::to_owned).collect(),
            expressions,
        }
    }

    /// Reads the terms.
    pub(super) fn terms(&self) -> SearchTerms {
        let mut names = MetricNames::new();
        for expression in &self.expressions {
            names.add(expression);
        }
        SearchTerms {
            panel_titles: self.panel_titles.clone(),
            metric_names: names.into_sorted().take(MAX_TERMS).collect(),
        }
    }
}

/// The elements of an array or the values of an object; nothing of anything else.
fn children<'t>(value: Option<&'t Json<'t>>) -> impl Iterator<Item = &'t Json<'t>> {
    let (elements, members): (&[Json<'t>], &[_]) = match value {
        Some(Json::Array(elements)) => (elements, &[]),
        Some(Json::Object(members)) => (&[], members),
        _ => (&[], &[]),
    };
    elements.iter().chain(members.iter().map(|(_, member)| member))
}

/// The title of a panel, cut to a length that is kept; none if it is blank.
fn title<'t>(panel: &'t Json<'t>) -> Option<&'t str> {
    let title = panel.get("display")?.get("name")?.as_str()?.trim();
    let kept = &title[..title.floor_char_boundary(MAX_TERM_BYTES)];
    (!kept.is_empty()).then_some(kept)
}

/// Collects the PromQL of the field `plugin` of `owner`.
fn collect_from_plugin(owner: Option<&Json<'_>>, expressions: &mut Vec<String>) {
    let Some(plugin) = owner.and_then(|owner| owner.get("plugin")) else {
        return;
    };
    let kind = plugin.get("kind").and_then(Json::as_str);
    let Some(spec) = plugin
        .get("spec")
        .filter(|_| kind.is_some_and(|kind| kind.starts_with(PROMETHEUS)))
    else {
        return;
    };
    let texts = ["query", "expr"].into_iter().filter_map(|key| spec.get(key));
    let with_matchers = texts.chain(children(spec.get("matchers")));
    expressions.extend(with_matchers.filter_map(Json::as_str).map(str::to_owned));
}

#[cfg(test)]
mod tests;
