//! Expressions: any text has metrics that can be kept and shown.

#![no_main]

use dashboard_store_fuzz::domain::spec::search_terms::{MAX_TERM_BYTES, MAX_TERMS};
use dashboard_store_fuzz::domain::spec::{DashboardSpec, SpecLimits};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|expression: &str| {
    let plugin = serde_json::json!({"kind": "PrometheusTimeSeriesQuery", "spec": {"query": expression}});
    let panel = serde_json::json!({"plugin": {"kind": "P"}, "queries": [{"spec": {"plugin": plugin}}]});
    let spec = serde_json::json!({"panels": {"a": {"kind": "Panel", "spec": panel}}});
    // A text that is no string of a document, because it holds NUL, is none of ours.
    if let Ok(spec) = DashboardSpec::parse(spec.to_string(), &SpecLimits::default()) {
        let names = &spec.search_terms().metric_names;
        assert!(names.len() <= MAX_TERMS);
        assert!(names.is_sorted_by(|a, b| a < b));
        for name in names {
            assert!((1..=MAX_TERM_BYTES).contains(&name.len()));
            assert!(!name.contains(char::is_control));
        }
    }
});
