//! The system templates of `templates/`: what they promise to a person on call, held against every one.
//!
//! Each parameter has a default, so that it is a dashboard when nothing is chosen.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::LazyLock;

use dashboard_store::domain::digest::Digest;
use dashboard_store::domain::spec::{DashboardSpec, SpecLimits};
use dashboard_store::domain::template::{GivenValues, ParameterType, Scalar, SystemTemplate, TemplateContent, render};
use dashboard_store::grpc::proto;
use serde_json::{Value, json};

use crate::support::TestServer;
use crate::support::requests::json_text;
use crate::support::templates::{install_system_templates, instantiate_request, values};

/// The files, by their ids.
const IDS: [&str; 4] = ["data-pipeline", "model-serving", "notebook-server", "training-job"];

/// The fewest panels of a template.
const MIN_PANELS: usize = 8;

/// How wide the grid of Perses is.
const COLUMNS: u64 = 24;

/// The kinds of Perses' own plugins that a template may use.
const PLUGINS: [&str; 8] = [
    "BarChart",
    "Markdown",
    "PrometheusDatasource",
    "PrometheusLabelValuesVariable",
    "PrometheusTimeSeriesQuery",
    "StatChart",
    "Table",
    "TimeSeriesChart",
];

/// The units that Perses knows and a template uses.
const UNITS: [&str; 9] = [
    "bytes",
    "bytes/sec",
    "counts/sec",
    "decimal",
    "events/sec",
    "percent",
    "percent-decimal",
    "requests/sec",
    "seconds",
];

/// Each template with its version and a digest of its content. Whoever changes a template raises its version, without which
/// the change reaches no database that has it already, and writes both down here.
const VERSIONS: [(&str, i32, &str); 4] = [
    (
        "data-pipeline",
        1,
        "046d2d6e1e49efec58618342400bbe96b8ee3e29f68bd24fc349ebfb7dd564d1",
    ),
    (
        "model-serving",
        1,
        "d0b8ef0120fe466098c8c019cb0d75f28f5852fb93ea53ab419f1630c1b69803",
    ),
    (
        "notebook-server",
        1,
        "0e0c20773f5f2ab5ae08df150475604d50c286bee723608dcbe5135d3a5dea8f",
    ),
    (
        "training-job",
        1,
        "540927b25e0f9c2c1dfa73a77f3b7bfe93eeb553b59e7d62c8708f5d4a53a121",
    ),
];

/// The metrics that exist on OpenShift AI, from the sources of what exports them.
const METRICS: [&str; 69] = [
    "DCGM_FI_DEV_FB_FREE",
    "DCGM_FI_DEV_FB_USED",
    "DCGM_FI_DEV_GPU_UTIL",
    "DCGM_FI_PROF_PIPE_TENSOR_ACTIVE",
    "accelerator_gpu_utilization",
    "argo_workflows_gauge",
    "argo_workflows_operation_duration_seconds_bucket",
    "argo_workflows_pod_pending_count",
    "argo_workflows_pods_gauge",
    "argo_workflows_total_count",
    "container_cpu_cfs_periods_total",
    "container_cpu_cfs_throttled_periods_total",
    "container_cpu_usage_seconds_total",
    "container_memory_working_set_bytes",
    "container_network_transmit_bytes_total",
    "data_science_pipelines_application_apiserver_ready",
    "data_science_pipelines_application_database_available",
    "data_science_pipelines_application_mlmdproxy_ready",
    "data_science_pipelines_application_object_store_available",
    "data_science_pipelines_application_persistenceagent_ready",
    "data_science_pipelines_application_ready",
    "data_science_pipelines_application_scheduledworkflow_ready",
    "data_science_pipelines_application_workflowcontroller_ready",
    "haproxy_backend_http_responses_total",
    "kserve_vllm:e2e_request_latency_seconds_bucket",
    "kserve_vllm:generation_tokens_total",
    "kserve_vllm:gpu_cache_usage_perc",
    "kserve_vllm:inter_token_latency_seconds_bucket",
    "kserve_vllm:kv_cache_usage_perc",
    "kserve_vllm:num_requests_running",
    "kserve_vllm:num_requests_waiting",
    "kserve_vllm:prompt_tokens_total",
    "kserve_vllm:request_success_total",
    "kserve_vllm:time_per_output_token_seconds_bucket",
    "kserve_vllm:time_to_first_token_seconds_bucket",
    "kube_pod_container_resource_limits",
    "kube_pod_container_status_restarts_total",
    "kube_pod_owner",
    "kube_pod_status_ready",
    "kubelet_volume_stats_capacity_bytes",
    "kubelet_volume_stats_used_bytes",
    "kueue_admission_wait_time_seconds_bucket",
    "kueue_admitted_active_workloads",
    "kueue_cluster_queue_nominal_quota",
    "kueue_cluster_queue_resource_usage",
    "kueue_evicted_workloads_total",
    "kueue_pending_workloads",
    "node_namespace_pod_container:container_cpu_usage_seconds_total:sum_irate",
    "notebook_create_failed_total",
    "notebook_create_total",
    "notebook_running",
    "resource_manager_workflow_runs_failed",
    "resource_manager_workflow_runs_success",
    "run_server_run_count",
    "training_operator_jobs_created_total",
    "training_operator_jobs_failed_total",
    "training_operator_jobs_restarted_total",
    "training_operator_jobs_successful_total",
    "vllm:e2e_request_latency_seconds_bucket",
    "vllm:generation_tokens_total",
    "vllm:gpu_cache_usage_perc",
    "vllm:inter_token_latency_seconds_bucket",
    "vllm:kv_cache_usage_perc",
    "vllm:num_requests_running",
    "vllm:num_requests_waiting",
    "vllm:prompt_tokens_total",
    "vllm:request_success_total",
    "vllm:time_per_output_token_seconds_bucket",
    "vllm:time_to_first_token_seconds_bucket",
];

/// The templates of this release.
static TEMPLATES: LazyLock<Vec<SystemTemplate>> = LazyLock::new(|| SystemTemplate::all().unwrap());

/// A template by its id.
fn template(id: &str) -> &'static SystemTemplate {
    TEMPLATES.iter().find(|template| template.name.id() == id).unwrap()
}

/// The dashboard that a template makes when nothing is chosen.
fn dashboard(id: &str) -> DashboardSpec {
    let content = &template(id).content;
    let (parameters, text) = (&content.parameters, content.document.text());
    render(parameters, text, &GivenValues::new(), &SpecLimits::default())
        .unwrap()
        .spec
}

/// Its document.
fn rendered(id: &str) -> Value {
    document(dashboard(id).text())
}

fn document(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn intake(spec: &Value) -> DashboardSpec {
    DashboardSpec::parse(spec.to_string(), &SpecLimits::default()).unwrap()
}

/// Each panel with its key.
fn panels(spec: &Value) -> impl Iterator<Item = (&String, &Value)> {
    spec["panels"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(key, panel)| (key, &panel["spec"]))
}

/// Every text that is PromQL: queries, and the selectors of variables.
fn expressions(spec: &Value) -> Vec<&str> {
    let queries = panels(spec).flat_map(|(_, panel)| panel["queries"].as_array().into_iter().flatten());
    let queries = queries.map(|query| &query["spec"]["plugin"]["spec"]["query"]);
    let variables = spec["variables"].as_array().unwrap().iter();
    let matchers = variables.flat_map(|variable| variable["spec"]["plugin"]["spec"]["matchers"].as_array().unwrap());
    queries
        .chain(matchers)
        .map(|expression| expression.as_str().unwrap())
        .collect()
}

#[test]
fn every_file_is_a_template_of_its_id_and_category() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    assert_eq!(files, IDS.map(|id| format!("{id}.yaml")));
    let shipped: Vec<&str> = TEMPLATES.iter().map(|template| template.name.id()).collect();
    assert_eq!(shipped, IDS);
    for id in IDS {
        assert_eq!(template(id).content.category.as_str(), id.replace('-', "_"));
        assert!(!template(id).content.description.as_str().is_empty(), "{id}");
    }
}

#[test]
fn a_template_that_changes_has_another_version() {
    let found: Vec<(&str, i32, String)> = TEMPLATES
        .iter()
        .map(|template| (template.name.id(), template.version, digest(&template.content)))
        .collect();
    let known = VERSIONS.map(|(id, version, sha256)| (id, version, sha256.to_owned()));
    assert_eq!(
        found, known,
        "a template was changed: raise the version in its file, and write version and digest into VERSIONS"
    );
}

/// SHA-256 of all that people and dashboards get of a template.
fn digest(content: &TemplateContent) -> String {
    let parameters = serde_json::to_string(&content.parameters).unwrap();
    let parts = [
        content.display_name.as_str(),
        content.description.as_str(),
        content.category.as_str(),
        &parameters,
        content.document.text(),
    ];
    Digest::of(parts.join("\n").as_bytes()).to_string()
}

#[test]
fn every_parameter_has_a_default_and_a_slot() {
    for id in IDS {
        let content = &template(id).content;
        for parameter in content.parameters.as_slice() {
            let name = &parameter.name;
            assert!(!parameter.display_name.is_empty(), "{id} {name}");
            assert!(!parameter.description.is_empty(), "{id} {name}");
            let default = parameter.default_value.as_ref().unwrap();
            let is_number = matches!(default, Scalar::Number(_));
            assert_eq!(
                is_number,
                parameter.parameter_type == ParameterType::Number,
                "{id} {name}"
            );
            let slot = json!({"$param": name}).to_string();
            assert!(content.document.text().contains(&slot), "{id} has no {slot}");
        }
    }
}

#[test]
fn each_is_a_dashboard_without_a_warning_when_nothing_is_chosen() {
    for id in IDS {
        let spec = dashboard(id);
        assert_eq!(spec.warnings(), [""; 0], "{id}");
        assert_eq!(spec.display_name(), template(id).content.display_name.as_str(), "{id}");
        assert!(!spec.text().contains("$param") && !spec.text().contains("%{"), "{id}");
    }
}

#[tokio::test]
async fn callers_render_each_and_make_dashboards_of_it() {
    let server = TestServer::start().await;
    install_system_templates(&server).await;
    let mut client = server.templates().await;
    let title = r#"Team "A": 100 % of $x \ {y}"#;
    let chosen = values(&[("title", title), ("datasource", "thanos"), ("namespace", "team-a")]);
    for id in IDS {
        let name = format!("templates/{id}");
        let request = proto::RenderTemplateRequest {
            name: name.clone(),
            parameters: chosen.clone(),
            ..Default::default()
        };
        let rendered_text = json_text(client.render_template(request).await.unwrap().into_inner().spec);
        let spec = document(&rendered_text);
        assert_eq!(intake(&spec).display_name(), title);
        assert_eq!(spec["variables"][0]["spec"]["defaultValue"], "team-a", "{id}");
        assert!(rendered_text.contains(r#""name":"thanos""#), "{id}");
        assert!(!rendered_text.contains("cluster-prometheus-datasource"), "{id}");
        assert_promql(&spec, id);

        let request = proto::InstantiateTemplateRequest {
            parameters: chosen.clone(),
            ..instantiate_request(&name, id)
        };
        let made = client.instantiate_template(request).await.unwrap().into_inner();
        let dashboard = made.dashboard.unwrap();
        let origin = dashboard.template_origin.unwrap();
        assert_eq!((origin.template, origin.template_revision), (name, 1));
        assert_eq!(json_text(dashboard.spec), rendered_text, "{id}");
    }
}

#[test]
fn every_expression_is_promql() {
    for id in IDS {
        assert_promql(&rendered(id), id);
    }
}

/// Asserts that all expressions of a dashboard are PromQL as soon as Perses has replaced its variables.
#[track_caller]
fn assert_promql(spec: &Value, id: &str) {
    let expressions = expressions(spec);
    assert!(expressions.len() > MIN_PANELS, "{id}");
    for expression in expressions {
        let substituted = expression
            .replace("[$__rate_interval]", "[5m]")
            .replace("[$__range]", "[1h]")
            .replace("$", "a_");
        assert!(
            !substituted.contains("a___"),
            "{id}: a variable stands where none is replaced: {expression}"
        );
        promql_parser::parser::parse(&substituted).unwrap_or_else(|why| panic!("{id}: {why}: {expression}"));
    }
}

#[test]
fn every_metric_exists() {
    let known = BTreeSet::from(METRICS);
    for id in IDS {
        let spec = dashboard(id);
        let names = &spec.search_terms().metric_names;
        let unknown: Vec<&String> = names.iter().filter(|name| !known.contains(name.as_str())).collect();
        assert_eq!(unknown, [""; 0], "{id}");
        for expression in expressions(&rendered(id)) {
            let query =
                json!({"spec": {"plugin": {"kind": "PrometheusTimeSeriesQuery", "spec": {"query": expression}}}});
            let panel = json!({"kind": "Panel", "spec": {"plugin": {"kind": "P"}, "queries": [query]}});
            let alone = intake(&json!({"panels": {"a": panel}}));
            assert!(
                !alone.search_terms().metric_names.is_empty(),
                "{id}: no metric is seen in {expression}"
            );
        }
    }
}

#[test]
fn every_variable_that_is_used_is_declared_and_used() {
    for id in IDS {
        let spec = rendered(id);
        let declared: Vec<&str> = spec["variables"]
            .as_array()
            .unwrap()
            .iter()
            .map(|variable| variable["spec"]["name"].as_str().unwrap())
            .collect();
        let mut used = BTreeSet::new();
        for expression in expressions(&spec) {
            for reference in expression.split('$').skip(1) {
                let end = reference
                    .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                    .unwrap_or(reference.len());
                used.insert(&reference[..end]);
            }
        }
        used.retain(|name| !name.starts_with("__"));
        assert_eq!(used, declared.into_iter().collect(), "{id}");
    }
}

#[test]
fn every_plugin_is_one_of_perses() {
    for id in IDS {
        let mut kinds = BTreeSet::new();
        collect_plugin_kinds(&rendered(id), &mut kinds);
        let unknown: Vec<&String> = kinds.iter().filter(|kind| !PLUGINS.contains(&kind.as_str())).collect();
        assert_eq!(unknown, [""; 0], "{id}");
    }
}

fn collect_plugin_kinds(value: &Value, kinds: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for key in ["plugin", "datasource"] {
                kinds.extend(
                    members
                        .get(key)
                        .map(|plugin| plugin["kind"].as_str().unwrap().to_owned()),
                );
            }
            members.values().for_each(|member| collect_plugin_kinds(member, kinds));
        }
        Value::Array(elements) => elements.iter().for_each(|element| collect_plugin_kinds(element, kinds)),
        _ => {}
    }
}

#[test]
fn every_panel_says_what_it_shows_and_what_a_bad_value_means() {
    for id in IDS {
        let spec = rendered(id);
        assert!(panels(&spec).count() >= MIN_PANELS, "{id}");
        for (key, panel) in panels(&spec) {
            let display = &panel["display"];
            assert!(!display["name"].as_str().unwrap().is_empty(), "{id} {key}");
            let description = display["description"].as_str().unwrap();
            assert!(
                description.len() > 100 && description.contains(". ") || panel["plugin"]["kind"] == "Markdown",
                "{id} {key}: {description}"
            );
            check_plot(panel, &format!("{id} {key}"));
        }
    }
}

/// Checks the unit and the thresholds of a panel.
fn check_plot(panel: &Value, panel_name: &str) {
    let plugin = &panel["plugin"];
    let unit = match plugin["kind"].as_str().unwrap() {
        "TimeSeriesChart" => &plugin["spec"]["yAxis"]["format"]["unit"],
        "Markdown" => return,
        _ => &plugin["spec"]["format"]["unit"],
    };
    assert!(UNITS.contains(&unit.as_str().unwrap()), "{panel_name}: {unit}");
    for step in plugin["spec"]["thresholds"]["steps"].as_array().into_iter().flatten() {
        assert!(
            step["value"].is_number() && step["color"].is_string() && step["name"].is_string(),
            "{panel_name}"
        );
    }
}

#[test]
fn every_panel_is_placed_once_and_overlaps_no_other() {
    for id in IDS {
        let spec = rendered(id);
        let mut placed = BTreeMap::new();
        for layout in spec["layouts"].as_array().unwrap() {
            assert_eq!(layout["kind"], "Grid", "{id}");
            let grid = &layout["spec"];
            assert!(!grid["display"]["title"].as_str().unwrap().is_empty(), "{id}");
            assert!(grid["display"]["collapse"]["open"].is_boolean(), "{id}");
            let mut cells = BTreeSet::new();
            for item in grid["items"].as_array().unwrap() {
                let [x, y, width, height] = ["x", "y", "width", "height"].map(|key| item[key].as_u64().unwrap());
                assert!(x + width <= COLUMNS, "{id}: {item}");
                for cell in (x..x + width).flat_map(|column| (y..y + height).map(move |row| (column, row))) {
                    assert!(cells.insert(cell), "{id}: {item} overlaps");
                }
                *placed
                    .entry(item["content"]["$ref"].as_str().unwrap().to_owned())
                    .or_insert(0) += 1;
            }
        }
        let once = panels(&spec)
            .map(|(key, _)| (format!("#/spec/panels/{key}"), 1))
            .collect();
        assert_eq!(placed, once, "{id}");
    }
}

#[test]
fn the_project_is_chosen_as_openshift_ai_expects_it() {
    for id in IDS {
        let spec = rendered(id);
        let namespace = &spec["variables"][0];
        assert_eq!(namespace["kind"], "ListVariable", "{id}");
        let namespace = &namespace["spec"];
        assert_eq!(namespace["name"], "namespace", "{id}");
        assert_eq!(namespace["display"]["name"], "Project", "{id}");
        assert_eq!(namespace["allowMultiple"], true, "{id}");
        assert_eq!(namespace["allowAllValue"], true, "{id}");
        assert_eq!(namespace["customAllValue"], ".*", "{id}");
        assert_eq!(namespace["defaultValue"], "$__all", "{id}");
    }
}
