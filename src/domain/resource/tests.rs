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
