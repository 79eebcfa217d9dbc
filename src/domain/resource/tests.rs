use proptest::prelude::*;

use super::*;

fn project() -> ProjectId {
    ProjectId::parse("project", "ml").unwrap()
}

/// What is wrong with `text`, as fields and reasons.
fn refused(text: &str) -> Vec<(String, Reason)> {
    let violations = DashboardResource::parse(text, Some(&project())).unwrap_err();
    violations.into_iter().map(|v| (v.field, v.reason)).collect()
}

#[test]
fn native_json_is_read_with_the_text_of_its_spec() {
    let spec = "{ \"panels\" : {},\n\"layouts\":[ 1.50 ] }";
    let text = format!(
        r#"{{"kind": "dashboard", "metadata": {{"name": "gpu", "project": "ml", "version": 7, "createdAt": "never",
            "tags": ["b", "a"], "labels": {{"team": "x"}}}}, "spec": {spec}, "status": null}}"#
    );
    for given in [None, Some(&project())] {
        let resource = DashboardResource::parse(&text, given).unwrap();
        assert_eq!(resource.name.to_string(), "projects/ml/dashboards/gpu");
        assert_eq!(resource.tags.as_slice(), ["a", "b"]);
        assert_eq!(resource.labels.as_map().len(), 1);
        assert_eq!(resource.spec, spec);
        assert_eq!(resource.record, None);
    }
}

#[test]
fn all_that_is_wrong_around_the_spec_is_said_at_once() {
    let text = r#"{"kind": "Dashboard", "metadata": {"project": "other", "name": 7, "tags": ["", 1], "labels": {"a/b/c": ""}}}"#;
    let expected = [
        ("/metadata/project", Reason::FieldInvalid),
        ("/metadata/name", Reason::FieldInvalid),
        ("/metadata/tags/1", Reason::FieldInvalid),
        ("/metadata/labels/a~1b~1c", Reason::FieldInvalid),
        ("/spec", Reason::FieldRequired),
    ];
    assert_eq!(
        refused(text),
        expected.map(|(field, reason)| (field.to_owned(), reason))
    );
}

const CUSTOM: &str = r#"
apiVersion: perses.dev/v1alpha2
kind: PersesDashboard
metadata:
  name: gpu
  namespace: ml
  labels: {app.kubernetes.io/name: gpu}
  annotations: {perses.dev/tags: " b, A,,a "}
spec:
  instanceSelector: {}
  config:
    duration: 1h
    layouts: []
"#;

#[test]
fn custom_resources_have_their_spec_where_their_version_puts_it() {
    let v2 = DashboardResource::parse(CUSTOM, None).unwrap();
    assert_eq!(v2.name.to_string(), "projects/ml/dashboards/gpu");
    assert_eq!(v2.tags.as_slice(), ["a", "b"]);
    assert_eq!(
        v2.labels.as_map().get("app.kubernetes.io/name").map(String::as_str),
        Some("gpu")
    );
    assert_eq!(v2.spec, r#"{"duration":"1h","layouts":[]}"#);
    let v1 = DashboardResource::parse(&CUSTOM.replace("v1alpha2", "v1alpha1"), None).unwrap();
    assert_eq!(
        v1.spec,
        r#"{"instanceSelector":{},"config":{"duration":"1h","layouts":[]}}"#
    );
    let unknown = refused(&CUSTOM.replace("v1alpha2", "v1"));
    assert_eq!(unknown, [("/apiVersion".to_owned(), Reason::FieldInvalid)]);
    let without = refused(&CUSTOM.replace("config:", "settings:"));
    assert_eq!(without, [("/spec/config".to_owned(), Reason::FieldRequired)]);
}

#[test]
fn what_is_no_dashboard_is_refused() {
    for (text, field, reason) in [
        ("", "", Reason::SpecMalformed),
        ("# nothing", "", Reason::SpecMalformed),
        ("just text", "", Reason::SpecMalformed),
        ("[]", "", Reason::SpecMalformed),
        ("{", "", Reason::SpecMalformed),
        ("a: b: c", "", Reason::SpecMalformed),
        ("{}", "/kind", Reason::FieldRequired),
        ("kind: 1", "/kind", Reason::FieldInvalid),
        ("kind: Datasource", "/kind", Reason::FieldInvalid),
        (
            "{\"kind\": \"Dashboard\", \"kind\": \"Dashboard\"}",
            "/kind",
            Reason::SpecDuplicateKey,
        ),
        ("kind: PersesDashboard", "/apiVersion", Reason::FieldRequired),
        (
            "{kind: Dashboard, apiVersion: grafana.app/v1}",
            "/apiVersion",
            Reason::FieldInvalid,
        ),
        ("kind: Dashboard", "/metadata", Reason::FieldRequired),
    ] {
        assert_eq!(refused(text).first(), Some(&(field.to_owned(), reason)), "{text}");
    }
}

/// It may be as long as a document, or a secret.
#[test]
fn what_stands_for_a_dashboard_is_not_repeated() {
    for text in [
        r#""hunter2""#,
        r#"{"kind": "Dashboard", "metadata": "hunter2", "spec": {}}"#,
    ] {
        let violations = DashboardResource::parse(text, Some(&project())).unwrap_err();
        assert_eq!(violations[0].description, "must be an object", "{text}");
    }
}

#[test]
fn a_project_comes_from_the_resource_or_from_the_import() {
    let text = r#"{"kind": "Dashboard", "metadata": {"name": "gpu"}, "spec": {}}"#;
    let into = DashboardResource::parse(text, Some(&project())).unwrap();
    assert_eq!(into.name.to_string(), "projects/ml/dashboards/gpu");
    let violations = DashboardResource::parse(text, None).unwrap_err();
    assert_eq!(violations[0].field, "/metadata/project");
    let other = CUSTOM.replace("namespace: ml", "namespace: other");
    assert_eq!(
        refused(&other),
        [("/metadata/namespace".to_owned(), Reason::FieldInvalid)]
    );
}

fn resource() -> DashboardResource {
    let spec = r#"{"display":{"name":"GPU: yes"},"layouts":[{"kind":"Grid","spec":{"items":[{"x":0,"y":1.50}]}}]}"#;
    let time = OffsetDateTime::from_unix_timestamp(1_700_000_000).unwrap();
    DashboardResource {
        name: DashboardName::parse("name", "projects/ml/dashboards/gpu").unwrap(),
        tags: Tags::parse("tags", vec!["on".into(), "a b".into()]).unwrap(),
        labels: Labels::parse("labels", [("team".to_owned(), "1".to_owned())]).unwrap(),
        spec: spec.to_owned(),
        record: Some(Record {
            created_at: time,
            updated_at: time + time::Duration::milliseconds(1_500),
            version: 3,
        }),
    }
}

#[test]
fn a_native_resource_is_written_as_perses_writes_it() {
    let expected = r#"kind: Dashboard
metadata:
    name: gpu
    createdAt: 2023-11-14T22:13:20Z
    updatedAt: 2023-11-14T22:13:21.5Z
    version: 3
    tags:
        - a b
        - "on"
    labels:
        team: "1"
    project: ml
spec:
    display:
        name: 'GPU: yes'
    layouts:
        - kind: Grid
          spec:
            items:
                - x: 0
                  "y": 1.50
"#;
    assert_eq!(resource().to_yaml().as_deref(), Ok(expected));
    let json = resource().to_json().unwrap();
    let metadata = concat!(
        r#"{"kind":"Dashboard","metadata":{"name":"gpu","createdAt":"2023-11-14T22:13:20Z","#,
        r#""updatedAt":"2023-11-14T22:13:21.5Z","version":3,"tags":["a b","on"],"labels":{"team":"1"},"project":"ml"},"#
    );
    assert_eq!(json, format!("{metadata}\"spec\":{}}}", resource().spec));
}

#[test]
fn what_is_written_is_read_back() {
    let expected = DashboardResource {
        record: None,
        ..resource()
    };
    for text in [resource().to_json().unwrap(), resource().to_yaml().unwrap()] {
        assert_eq!(DashboardResource::parse(&text, None).as_ref(), Ok(&expected), "{text}");
    }
    // Of a YAML document written without the record, what is written again is the same.
    let bare = expected.to_yaml().unwrap();
    let again = DashboardResource::parse(&bare, None).and_then(|read| read.to_yaml());
    assert_eq!(again, Ok(bare));
}

#[test]
fn streams_are_split_into_documents() {
    for (stream, expected) in [
        ("", &[][..]),
        ("---\n# nothing\n---\n...\n", &[]),
        ("a: 1\n---\nb: 2\n", &["a: 1\n", "---\nb: 2\n"]),
        ("---\na: |\n  ---\n---\nb: 2", &["---\na: |\n  ---\n", "---\nb: 2"]),
        (
            "%YAML 1.1\n---\na: 1\n...\n# c\n---\nb: 2\n",
            &["%YAML 1.1\n---\na: 1\n...\n", "# c\n---\nb: 2\n"],
        ),
        ("{\"a\": 1}", &["{\"a\": 1}"]),
        (
            " {\"a\": 1}{\"b\": \"---\"}\n\n{}\n",
            &["{\"a\": 1}", "{\"b\": \"---\"}", "{}"],
        ),
        ("{\"a\": 1}\n---\n{\"b\": 2}", &["{\"a\": 1}", "{\"b\": 2}"]),
        ("{a: 1}\n---\n{\"b\": ", &["{a: 1}", "{\"b\":"]),
        ("a: 1\r\n---\r\nb: 2\r\n", &["a: 1\r\n", "---\r\nb: 2\r\n"]),
        ("a: 1\n---b\n", &["a: 1\n---b\n"]),
    ] {
        assert_eq!(documents(stream).collect::<Vec<&str>>(), expected, "{stream:?}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_split_and_read_or_refused(stream in "\\PC{0,60}|([-.{}\"\\[\\]: a1\n#%&*|]|---|kind: Dashboard\n){0,40}") {
        for document in documents(&stream) {
            prop_assert!(!document.is_empty());
            if let Err(violations) = DashboardResource::parse(document, None) {
                prop_assert!(!violations.is_empty());
            }
        }
    }
}
