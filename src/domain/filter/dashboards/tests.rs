use time::Duration;

use super::super::Filter;
use super::*;

/// The expression of `filter`, or the sentence that refuses it.
fn parse(filter: &str) -> Result<Expr<Term>, String> {
    match Filter::parse("filter", filter) {
        Ok(Some(parsed)) => Ok(parsed.expr().clone()),
        Ok(None) => Err("blank".into()),
        Err(violation) => Err(violation.description),
    }
}

fn not(term: Term) -> Expr<Term> {
    Expr::Not(Box::new(Expr::Term(term)))
}

#[test]
fn each_field_has_its_meaning() {
    let new_year = OffsetDateTime::UNIX_EPOCH + Duration::days(365);
    for (filter, term) in [
        ("name = cpu", Term::NameIs("cpu".into())),
        ("name=\"cpu\"", Term::NameIs("cpu".into())),
        ("name = cpu*", Term::NameStartsWith("cpu".into())),
        ("name = \"cpu*\"", Term::NameStartsWith("cpu".into())),
        ("name:dashboard-0.", Term::NameStartsWith("dashboard-0.".into())),
        ("name:cpu*", Term::NameStartsWith("cpu".into())),
        ("display_name = \"\"", Term::DisplayNameIs(String::new())),
        ("display_name = 'GPU *'", Term::DisplayNameIs("GPU *".into())),
        ("display_name : \"100%_\"", Term::DisplayNameContains("100%_".into())),
        ("tags:team:ml", Term::HasTag("team:ml".into())),
        ("tags:\"two words\"", Term::HasTag("two words".into())),
        ("tags:\"*\"", Term::HasTag("*".into())),
        ("tags:*", Term::HasAnyTag),
        ("labels.team = ml", label("team", "ml")),
        ("labels.team : ml", label("team", "ml")),
        ("labels.team = ''", label("team", "")),
        (
            "labels.\"app.kubernetes.io/name\" = x",
            label("app.kubernetes.io/name", "x"),
        ),
        ("labels.team:*", Term::HasLabel { key: "team".into() }),
        ("labels:team", Term::HasLabel { key: "team".into() }),
        ("created_by = user:alice", Term::CreatedBy("user:alice".into())),
        (
            "template = templates/model-serving",
            Term::FromTemplate(TemplateName::parse("", "templates/model-serving").unwrap()),
        ),
        ("template:*", Term::FromAnyTemplate),
        (
            "create_time < 1971-01-01T00:00:00Z",
            Term::CreateTime(TimeOrder::Before, new_year),
        ),
        (
            "create_time <= \"1971-01-01T02:00:00+02:00\"",
            Term::CreateTime(TimeOrder::NotAfter, new_year),
        ),
        (
            "update_time > 1971-01-01T00:00:00.000000999Z",
            Term::UpdateTime(TimeOrder::After, new_year),
        ),
        (
            "update_time >= 1971-01-01T00:00:00Z",
            Term::UpdateTime(TimeOrder::NotBefore, new_year),
        ),
        (
            "update_time = 1971-01-01T00:00:00Z",
            Term::UpdateTime(TimeOrder::At, new_year),
        ),
        ("state = ACTIVE", Term::IsActive),
        ("state = DASHBOARD_STATE_DELETED", Term::IsDeleted),
    ] {
        assert_eq!(parse(filter), Ok(Expr::Term(term)), "{filter}");
    }
}

fn label(key: &str, value: &str) -> Term {
    Term::LabelIs {
        key: key.into(),
        value: value.into(),
    }
}

#[test]
fn unequal_is_the_negation_of_equal() {
    assert_eq!(parse("name != cpu*"), Ok(not(Term::NameStartsWith("cpu".into()))));
    assert_eq!(parse("labels.a != b"), Ok(not(label("a", "b"))));
    assert_eq!(parse("state != DELETED"), Ok(not(Term::IsDeleted)));
    let epoch = OffsetDateTime::UNIX_EPOCH;
    let created = not(Term::CreateTime(TimeOrder::At, epoch));
    assert_eq!(parse("create_time != 1970-01-01T00:00:00Z"), Ok(created));
}

#[test]
fn what_does_not_fit_a_field_is_refused_with_its_position() {
    for (filter, start) in [
        (
            "title = x",
            "at character 1: no field \"title\": the fields are name, display_name, tags,",
        ),
        ("name = a AND Name = b", "at character 14: no field \"Name\""),
        (
            "spec.display.name = x",
            "at character 1: no field \"spec.display.name\"",
        ),
        ("name.x = y", "at character 1: no field \"name.x\""),
        ("name < b", "at character 1: \"name\" does not take <, only = != :"),
        ("tags = x", "at character 1: \"tags\" does not take =, only :"),
        (
            "labels.a > x",
            "at character 1: \"labels.a\" does not take >, only = != :",
        ),
        ("labels:*", "at character 8: a bare * asks whether"),
        ("tags != x", "at character 1: \"tags\" does not take !="),
        (
            "create_time : x",
            "at character 1: \"create_time\" does not take :, only = != < <= > >=",
        ),
        ("state > ACTIVE", "at character 1: \"state\" does not take >"),
        (
            "labels.app.kubernetes.io/name = x",
            "at character 1: a key with dots stands in quotes: labels.\"app.kubernetes.io/name\"",
        ),
        ("labels.\"\" = x", "at character 1: the key of a label is not empty"),
        ("labels:''", "at character 8: the value must not be empty"),
        (
            "name = projects/p/dashboards/d",
            "at character 8: \"projects/p/dashboards/d\" is not a correct name.",
        ),
        (
            "name : projects/p",
            "at character 8: \"projects/p\" begins no id of a dashboard",
        ),
        ("name = *cpu", "at character 8: \"*cpu\" is not a correct name."),
        (
            "name = \"*\"",
            "at character 8: the beginning of a name must not be empty",
        ),
        ("name : *", "at character 8: a bare * asks whether"),
        ("display_name : *", "at character 16: a bare * asks whether"),
        ("display_name : ''", "at character 16: the value must not be empty"),
        ("labels.x = *", "at character 12: a bare * asks whether"),
        ("tags:''", "at character 6: the value must not be empty"),
        ("created_by=''", "at character 12: the value must not be empty"),
        (
            "create_time > yesterday",
            "at character 15: \"yesterday\" is not a time of RFC 3339",
        ),
        (
            "create_time > 2026-01-31",
            "at character 15: \"2026-01-31\" is not a time",
        ),
        (
            "create_time < 9999-12-31T23:59:59-23:59",
            "at character 15: \"9999-12-31T23:59:59-23:59\" is not",
        ),
        (
            "state = active",
            "at character 9: \"active\" is no state: ACTIVE and DELETED are",
        ),
        ("state = ''", "at character 9: \"\" is no state"),
    ] {
        let refused = parse(filter).expect_err(filter);
        assert!(refused.starts_with(start), "{filter}: {refused}");
    }
}
