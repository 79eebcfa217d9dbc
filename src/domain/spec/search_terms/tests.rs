use super::*;
use crate::domain::spec::{DashboardSpec, SpecLimits};

fn terms(spec: &str) -> SearchTerms {
    let spec = DashboardSpec::parse(spec.to_owned(), &SpecLimits::default()).unwrap();
    spec.search_terms()
}

/// A dashboard with one panel, whose spec has `fields`.
fn panel(fields: &str) -> String {
    format!(r#"{{"panels":{{"a":{{"kind":"Panel","spec":{{"plugin":{{"kind":"P"}},{fields}}}}}}}}}"#)
}

#[test]
fn titles_and_metrics_are_sorted_and_there_once() {
    let spec = r#"{
        "variables": [
            {"kind":"ListVariable","spec":{"name":"a","plugin":{"kind":"PrometheusPromQLVariable","spec":{"expr":"group by (x) (of_expr)","labelName":"x"}}}},
            {"kind":"ListVariable","spec":{"name":"b","plugin":{"kind":"PrometheusLabelValuesVariable","spec":{"labelName":"no_metric","matchers":["of_matcher{a=\"$a\"}","{__name__=\"of_name\"}"]}}}},
            {"kind":"ListVariable","spec":{"name":"c","plugin":{"kind":"PrometheusLabelNamesVariable","spec":{"matchers":["of_names"]}}}},
            {"kind":"TextVariable","spec":{"name":"d","value":"no_metric"}}
        ],
        "annotations": [{"display":{"name":"x"},"plugin":{"kind":"PrometheusPromQLAnnotation","spec":{"expr":"of_annotation > 0"}}}],
        "panels": {
            "b": {"kind":"Panel","spec":{"display":{"name":" Second "},"plugin":{"kind":"TimeSeriesChart","spec":{"query":"no_metric"}},
                "queries":[{"kind":"TimeSeriesQuery","spec":{"plugin":{"kind":"PrometheusTimeSeriesQuery","spec":{"query":"rate(of_query[$__rate_interval])","seriesNameFormat":"no_metric"}}}},
                           {"kind":"TimeSeriesQuery","spec":{"plugin":{"kind":"PrometheusTimeSeriesQuery","spec":{"query":"of_query + of_annotation"}}}}],
                "annotations":[{"display":{"name":"x"},"plugin":{"kind":"PrometheusPromQLAnnotation","spec":{"expr":"of_panel_annotation"}}}]}},
            "a": {"kind":"Panel","spec":{"display":{"name":"First"},"plugin":{"kind":"Markdown"}}},
            "c": {"kind":"Panel","spec":{"display":{"name":"Second"},"plugin":{"kind":"Markdown"}}}
        }
    }"#;
    let expected = SearchTerms {
        panel_titles: vec!["First".into(), "Second".into()],
        metric_names: [
            "of_annotation",
            "of_expr",
            "of_matcher",
            "of_name",
            "of_names",
            "of_panel_annotation",
            "of_query",
        ]
        .map(str::to_owned)
        .to_vec(),
    };
    assert_eq!(terms(spec), expected);
}

#[test]
fn kinds_that_do_not_hold_promql_have_no_metrics() {
    for (kind, expected) in [
        ("PrometheusTimeSeriesQuery", &["up"][..]),
        ("PrometheusHeatmapQuery", &["up"]),
        ("LokiTimeSeriesQuery", &[]),
        ("TempoTraceQuery", &[]),
        ("ClickHouseTimeSeriesQuery", &[]),
        ("prometheustimeseriesquery", &[]),
    ] {
        let query =
            format!(r#""queries":[{{"kind":"Q","spec":{{"plugin":{{"kind":"{kind}","spec":{{"query":"up"}}}}}}}}]"#);
        assert_eq!(terms(&panel(&query)).metric_names, expected, "{kind}");
    }
}

#[test]
fn plugins_of_another_form_have_no_metrics() {
    let specs = [
        "null",
        "[]",
        "{}",
        r#""up""#,
        r#"{"query":1}"#,
        r#"{"query":["up"]}"#,
        r#"{"matchers":"up"}"#,
        r#"{"matchers":[1,null,{"a":["up"]}]}"#,
    ];
    for spec in specs {
        let query =
            format!(r#""queries":[{{"spec":{{"plugin":{{"kind":"PrometheusTimeSeriesQuery","spec":{spec}}}}}}}]"#);
        assert_eq!(terms(&panel(&query)), SearchTerms::default(), "{spec}");
    }
}

#[test]
fn blank_titles_are_none_and_long_ones_are_cut_between_characters() {
    let title = |title: &str| terms(&panel(&format!(r#""display":{{"name":"{title}"}}"#))).panel_titles;
    assert_eq!(title(""), [""; 0]);
    assert_eq!(title("  "), [""; 0]);
    assert_eq!(
        title(&format!("a{}", "é".repeat(200))),
        [format!("a{}", "é".repeat(127))]
    );
}

#[test]
fn terms_have_a_most() {
    let sum: Vec<String> = (0..MAX_TERMS + 1).map(|number| format!("m{number:04}")).collect();
    let queries: Vec<String> = sum
        .chunks(100)
        .map(|part| {
            format!(
                r#"{{"spec":{{"plugin":{{"kind":"PrometheusTimeSeriesQuery","spec":{{"query":"{}"}}}}}}}}"#,
                part.join("+")
            )
        })
        .collect();
    let names = terms(&panel(&format!(r#""queries":[{}]"#, queries.join(",")))).metric_names;
    assert_eq!(names, sum[..MAX_TERMS]);
}
