//! SearchDashboards: what is found, in which order, and where.

use dashboard_store::grpc::proto;
use dashboard_store::grpc::proto::dashboard_service_client::DashboardServiceClient;
use serde_json::json;

use crate::support::TestServer;
use crate::support::channel::Channel;
use crate::support::requests::{
    apply, assert_invalid, create, create_request, delete, ids, json_spec, json_text, spec_named,
};
use crate::support::rows::{copy_dashboard, load_dashboards};

type Client = DashboardServiceClient<Channel>;

fn search_request(query: &str) -> proto::SearchDashboardsRequest {
    proto::SearchDashboardsRequest {
        parent: "projects/-".into(),
        query: query.into(),
        ..Default::default()
    }
}

async fn search(client: &mut Client, query: &str) -> proto::SearchDashboardsResponse {
    let answer = client.search_dashboards(search_request(query)).await.unwrap();
    answer.into_inner()
}

/// The ids of what is found, the best first.
async fn found(client: &mut Client, query: &str) -> Vec<String> {
    ids_of(search(client, query).await)
}

fn ids_of(answer: proto::SearchDashboardsResponse) -> Vec<String> {
    let dashboards: Vec<_> = answer
        .results
        .into_iter()
        .map(|result| result.dashboard.unwrap())
        .collect();
    ids(&dashboards).into_iter().map(str::to_owned).collect()
}

/// The same in alphabetical order.
async fn found_at_all(client: &mut Client, query: &str) -> Vec<String> {
    let mut ids = found(client, query).await;
    ids.sort();
    ids
}

/// A document with a panel for each of these titles and PromQL expressions.
fn spec_with_panels(display_name: &str, description: &str, panels: &[(&str, &str)]) -> String {
    let panels: serde_json::Map<_, _> = panels
        .iter()
        .enumerate()
        .map(|(number, (title, query))| {
            let plugin = json!({ "kind": "PrometheusTimeSeriesQuery", "spec": { "query": query } });
            let panel = json!({ "kind": "Panel", "spec": {
                "display": { "name": title },
                "plugin": { "kind": "TimeSeriesChart", "spec": {} },
                "queries": [{ "kind": "TimeSeriesQuery", "spec": { "plugin": plugin } }],
            } });
            (format!("panel-{number}"), panel)
        })
        .collect();
    let display = json!({ "name": display_name, "description": description });
    json!({ "display": display, "panels": panels, "layouts": [] }).to_string()
}

async fn create_with(client: &mut Client, id: &str, spec: String, tags: &[&str]) {
    let request = proto::CreateDashboardRequest {
        dashboard: Some(proto::Dashboard {
            tags: tags.iter().copied().map(Into::into).collect(),
            spec: json_spec(spec),
            ..Default::default()
        }),
        ..create_request(id)
    };
    client.create_dashboard(request).await.unwrap();
}

/// Creates `gpu-nodes`, which has something in every field.
async fn create_gpu_nodes(client: &mut Client) {
    let spec = spec_with_panels(
        "Accelerators",
        "What the cards of a node do",
        &[
            (
                "Utilisation per card",
                "avg by (gpu) (DCGM_FI_DEV_GPU_UTIL{node=\"$node\"})",
            ),
            ("Scrapes", "up{job=\"dcgm\"}"),
        ],
    );
    create_with(client, "gpu-nodes", spec, &["hardware", "two words"]).await;
}

#[tokio::test]
async fn a_word_is_found_in_every_field_and_the_answer_tells_where() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    create_gpu_nodes(&mut client).await;
    create(&mut client, "other").await;

    for (query, fields) in [
        ("pu-nod", vec!["name"]),
        ("ACCEL", vec!["display_name"]),
        ("cards", vec!["description"]),
        ("hardware", vec!["tags"]),
        ("words", vec!["tags"]),
        ("utilisation", vec!["panel_titles"]),
        ("card", vec!["description", "panel_titles"]),
        ("DCGM_FI_DEV_GPU_UTIL", vec!["metric_names"]),
        ("node", vec!["name", "description"]),
        ("hardware up", vec!["tags", "metric_names"]),
    ] {
        let answer = search(&mut client, query).await;
        assert_eq!(answer.results.len(), 1, "{query}");
        assert_eq!(answer.results[0].matched_fields, fields, "{query}");
        assert!(!answer.truncated, "{query}");
    }
}

#[tokio::test]
async fn what_is_found_comes_without_its_document() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    let mut expected = create(&mut client, "gpu").await;
    expected.spec = None;
    let answer = search(&mut client, "gpu").await;
    assert_eq!(answer.results[0].dashboard, Some(expected));
}

#[tokio::test]
async fn metrics_are_found_by_their_exact_names_alone() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    create_gpu_nodes(&mut client).await;
    let ratio = spec_with_panels("a", "", &[("b", "DCGM_FI_DEV_GPU_UTIL_RATIO / 2")]);
    create_with(&mut client, "ratio", ratio, &[]).await;

    assert_eq!(found(&mut client, "DCGM_FI_DEV_GPU_UTIL").await, ["gpu-nodes"]);
    assert_eq!(found(&mut client, "DCGM_FI_DEV_GPU_UTIL_RATIO").await, ["ratio"]);
    assert_eq!(found(&mut client, "up").await, ["gpu-nodes"], "shorter than a trigram");
    for none in ["DCGM_FI_DEV_GPU", "dcgm_fi_dev_gpu_util", "UP"] {
        assert!(found(&mut client, none).await.is_empty(), "{none}");
    }
}

#[tokio::test]
async fn every_word_has_to_be_found() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    create_gpu_nodes(&mut client).await;
    assert_eq!(
        found(&mut client, " hardware\tnodes  UTILISATION up ").await,
        ["gpu-nodes"]
    );
    for query in ["hardware missing", "up missing", "hardware x!"] {
        assert!(found(&mut client, query).await.is_empty(), "{query}");
    }
    let across = "hardwaretwo";
    assert!(found(&mut client, across).await.is_empty(), "no word spans two tags");
}

#[tokio::test]
async fn signs_of_patterns_mean_themselves() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    for (id, display_name) in [
        ("percent", "100% busy"),
        ("underscore", "a_b"),
        ("backslash", "C:\\temp"),
        ("plain", "axb 100 temp"),
    ] {
        create_with(&mut client, id, spec_named(display_name), &["say \"hi\"", "it's"]).await;
    }
    for (query, expected) in [
        ("%", "percent"),
        ("100%", "percent"),
        ("_", "underscore"),
        ("a_b", "underscore"),
        ("\\", "backslash"),
        ("C:\\temp", "backslash"),
        (":\\t", "backslash"),
    ] {
        assert_eq!(found(&mut client, query).await, [expected], "{query}");
    }
    for (query, count) in [
        ("say \"hi\"", 4),
        ("it's", 4),
        ("'); --", 0),
        ("$1", 0),
        ("%%", 0),
        ("__", 0),
    ] {
        assert_eq!(found(&mut client, query).await.len(), count, "{query}");
    }
}

#[tokio::test]
async fn every_script_is_found() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    for (id, display_name) in [
        ("arabic", "لوحة المراقبة الرئيسية"),
        ("hebrew", "לוח בקרה ראשי"),
        ("emoji", "Burn rate 🔥🚒"),
        ("chinese", "服务器监控"),
        ("german", "Überblick"),
    ] {
        create_with(&mut client, id, spec_named(display_name), &[]).await;
    }
    for (query, expected) in [
        ("المراقبة", "arabic"),
        ("الرئيسية لوحة", "arabic"),
        ("בקרה", "hebrew"),
        ("🔥", "emoji"),
        ("🚒 burn", "emoji"),
        ("监控", "chinese"),
        ("Überblick", "german"),
        ("BLICK", "german"),
    ] {
        assert_eq!(found(&mut client, query).await, [expected], "{query}");
    }
    assert!(found(&mut client, "🚀").await.is_empty());
}

#[tokio::test]
async fn short_queries_are_answered() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    for (id, display_name) in [("cpu", "CPU"), ("db", "Databases"), ("mem", "Memory")] {
        create_with(&mut client, id, spec_named(display_name), &[]).await;
    }
    assert_eq!(found_at_all(&mut client, "m").await, ["mem"]);
    assert_eq!(found_at_all(&mut client, "db").await, ["db"]);
    assert_eq!(found_at_all(&mut client, "P u").await, ["cpu"]);
    assert_eq!(found_at_all(&mut client, "E").await, ["db", "mem"]);
}

#[tokio::test]
async fn the_best_come_first() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    for (id, display_name, panel, query) in [
        ("d-in-a-panel", "x", "All about gpu", "vector(1)"),
        ("a-name-that-has-gpu", "x", "x", "vector(1)"),
        ("gpu-2", "x", "x", "vector(1)"),
        ("gpu-1", "x", "x", "vector(1)"),
        ("z-exact", "GPU", "x", "vector(1)"),
        ("z-metric", "x", "x", "rate(gpu[5m])"),
        ("gpu", "x", "x", "vector(1)"),
    ] {
        create_with(
            &mut client,
            id,
            spec_with_panels(display_name, "", &[(panel, query)]),
            &[],
        )
        .await;
    }
    let answer = search(&mut client, "gpu").await;
    let scores: Vec<f64> = answer.results.iter().map(|result| result.score).collect();
    assert_eq!(scores[..5], [1.0, 1.0, 1.0, 0.75, 0.75]);
    assert!(
        0.5 >= scores[5] && scores[5] > scores[6] && scores[6] >= 0.0,
        "{scores:?}"
    );
    let best_first = [
        "gpu",
        "z-exact",
        "z-metric",
        "gpu-1",
        "gpu-2",
        "a-name-that-has-gpu",
        "d-in-a-panel",
    ];
    assert_eq!(ids_of(answer), best_first);
}

#[tokio::test]
async fn only_live_dashboards_of_the_parent_that_pass_the_filter_are_found() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    apply(&mut client, "projects/a/dashboards/gpu-a", spec_named("cards")).await;
    apply(&mut client, "projects/b/dashboards/gpu-b", spec_named("cards")).await;
    create_with(&mut client, "gpu-p", spec_named("cards"), &["kept"]).await;
    create(&mut client, "gpu-deleted").await;
    delete(&mut client, "projects/p/dashboards/gpu-deleted").await;

    for query in ["gpu", "u-"] {
        assert_eq!(found_at_all(&mut client, query).await, ["gpu-a", "gpu-b", "gpu-p"]);
        for (parent, filter, expected) in [
            ("projects/b", "", vec!["gpu-b"]),
            ("projects/c", "", vec![]),
            ("projects/-", "tags:kept", vec!["gpu-p"]),
            ("projects/-", "name:gpu AND NOT tags:kept", vec!["gpu-a", "gpu-b"]),
            ("projects/a", "tags:kept", vec![]),
            ("projects/-", "state = DELETED", vec![]),
        ] {
            let request = proto::SearchDashboardsRequest {
                parent: parent.into(),
                filter: filter.into(),
                ..search_request(query)
            };
            let answer = client.search_dashboards(request).await.unwrap().into_inner();
            assert!(!answer.truncated);
            let mut ids = ids_of(answer);
            ids.sort();
            assert_eq!(ids, expected, "{query} in {parent} with {filter}");
        }
    }

    let undelete = proto::UndeleteDashboardRequest {
        name: "projects/p/dashboards/gpu-deleted".into(),
        etag: "*".into(),
        ..Default::default()
    };
    client.undelete_dashboard(undelete).await.unwrap();
    assert_eq!(found(&mut client, "gpu-deleted").await, ["gpu-deleted"]);
}

#[tokio::test]
async fn every_write_is_found_at_once_and_what_it_replaced_no_longer() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    let old = spec_with_panels("Before", "", &[("Former title", "former_total")]);
    let new = spec_with_panels("After", "", &[("Later title", "later_total")]);
    let (is_old, is_new) = (["former_total", "former", "before"], ["later_total", "later", "after"]);
    create_with(&mut client, "d", old.clone(), &["first"]).await;
    assert_finds(&mut client, &is_old, &is_new).await;

    // Tags alone: what was taken from the document stays.
    let retag = proto::UpdateDashboardRequest {
        dashboard: Some(proto::Dashboard {
            name: "projects/p/dashboards/d".into(),
            etag: "*".into(),
            tags: vec!["second".into()],
            ..Default::default()
        }),
        ..Default::default()
    };
    client.update_dashboard(retag).await.unwrap();
    assert_finds(&mut client, &is_old, &is_new).await;
    assert_finds(&mut client, &["second"], &["first"]).await;

    apply(&mut client, "projects/p/dashboards/d", new).await;
    assert_finds(&mut client, &is_new, &is_old).await;

    let restore = proto::RestoreDashboardRevisionRequest {
        name: "projects/p/dashboards/d/revisions/1".into(),
        etag: "*".into(),
        ..Default::default()
    };
    let restored = client.restore_dashboard_revision(restore).await.unwrap();
    assert_eq!(json_text(restored.into_inner().dashboard.unwrap().spec), old);
    assert_finds(&mut client, &is_old, &is_new).await;
    assert_finds(&mut client, &["first"], &["second"]).await;
}

async fn assert_finds(client: &mut Client, present: &[&str], absent: &[&str]) {
    for query in present {
        assert_eq!(found(client, query).await, ["d"], "{query}");
    }
    for query in absent {
        assert!(found(client, query).await.is_empty(), "{query}");
    }
}

#[tokio::test]
async fn an_answer_that_leaves_some_out_says_so() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    create(&mut client, "gpu").await;
    copy_dashboard(&server.sql().await, "gpu", 149).await;
    for (page_size, expected) in [(0, 50), (1, 1), (100, 100), (101, 100), (i32::MAX, 100)] {
        let request = proto::SearchDashboardsRequest {
            page_size,
            ..search_request("gpu")
        };
        let answer = client.search_dashboards(request).await.unwrap().into_inner();
        assert_eq!(
            (answer.results.len(), answer.truncated),
            (expected, true),
            "{page_size}"
        );
        assert_eq!(ids_of(answer)[0], "gpu");
    }
    let some = search(&mut client, "gpu-14").await;
    assert_eq!((some.results.len(), some.truncated), (11, false));
}

#[tokio::test]
async fn an_answer_ends_before_it_is_too_large() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    let large = spec_with_panels("large", &"x".repeat(1_000_000), &[]);
    for id in ["large-1", "large-2", "large-3", "large-4"] {
        create_with(&mut client, id, large.clone(), &[]).await;
    }
    let answer = search(&mut client, "large").await;
    assert!(answer.truncated);
    assert_eq!(ids_of(answer), ["large-1", "large-2", "large-3"]);
}

#[tokio::test]
async fn words_without_an_index_are_looked_for_among_the_latest_and_metrics_everywhere() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    let old = spec_with_panels("🚒", "", &[("x", "qq")]);
    create_with(&mut client, "old", old, &[]).await;
    let sql = server.sql().await;
    sql.batch_execute("UPDATE dashboard SET updated_at = '2020-01-01Z'")
        .await
        .unwrap();
    let within = search(&mut client, "🚒").await;
    assert_eq!((within.results.len(), within.truncated), (1, false));

    // One in 20 is deleted, so this leaves at least 10,000 that are newer.
    load_dashboards(&sql, 10_600).await;
    let beyond = search(&mut client, "🚒").await;
    assert_eq!((beyond.results.len(), beyond.truncated), (0, true));
    let metric = search(&mut client, "qq").await;
    assert!(metric.truncated, "words may be in others");
    assert_eq!(ids_of(metric), ["old"]);
    let indexed = search(&mut client, "old").await;
    assert!(!indexed.truncated);
    assert_eq!(ids_of(indexed), ["old"]);
}

#[tokio::test]
async fn a_search_that_is_not_valid_is_refused_with_every_violation() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    let nothing = proto::SearchDashboardsRequest {
        page_size: -1,
        filter: "name".into(),
        ..search_request(" \t\n")
    };
    let refused = client.search_dashboards(nothing).await.unwrap_err();
    let expected = [
        ("query", "FIELD_REQUIRED"),
        ("filter", "INVALID_FILTER"),
        ("page_size", "FIELD_OUT_OF_RANGE"),
    ];
    assert_invalid(&refused, &expected);

    let words: Vec<String> = (0..17).map(|number| format!("word{number}")).collect();
    for (query, reason) in [
        ("x".repeat(10_000), "FIELD_TOO_LONG"),
        ("🔥".repeat(257), "FIELD_TOO_LONG"),
        (words[..17].join(" "), "FIELD_TOO_LONG"),
        ("a\0b".to_owned(), "FIELD_INVALID"),
    ] {
        let refused = client.search_dashboards(search_request(&query)).await.unwrap_err();
        assert_invalid(&refused, &[("query", reason)]);
    }
    assert!(found(&mut client, &"🔥".repeat(256)).await.is_empty());
    assert!(found(&mut client, &words[..16].join(" ")).await.is_empty());

    let nowhere = proto::SearchDashboardsRequest {
        parent: "p".into(),
        ..search_request("x")
    };
    let refused = client.search_dashboards(nowhere).await.unwrap_err();
    assert_invalid(&refused, &[("parent", "INVALID_NAME")]);
}
