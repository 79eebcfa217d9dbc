//! ImportDashboards.

use dashboard_store::grpc::proto;
use dashboard_store::grpc::proto::import_dashboards_request::Part;
use proto::{ErrorReason, ImportConflictPolicy, ImportOutcome};
use tonic::Code;
use uuid::Uuid;

use crate::support::TestServer;
use crate::support::audit::{events, stored};
use crate::support::blocking::wait_until_pool_is_free;
use crate::support::requests::{
    apply, assert_invalid, assert_refused, delete, get, json_text, list_revisions, spec_named,
};
use crate::support::transfer::{atomic, begin, import, item, message, options, outcomes, resource, send, whole};
use crate::support::waiting::UNREACHED;

/// What an import meets: `new` is not there, `equal` and `other` are, `gone` and `gone_other` are soft-deleted.
const IDS: [&str; 5] = ["new", "equal", "other", "gone", "gone_other"];

async fn scene() -> TestServer {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    for (id, display_name) in [
        ("equal", "equal"),
        ("other", "differs"),
        ("gone", "gone"),
        ("gone_other", "differs"),
    ] {
        import(&mut client, options(), vec![resource("p", id, display_name)]).await;
    }
    for id in ["gone", "gone_other"] {
        delete(&mut client, &format!("projects/p/dashboards/{id}")).await;
    }
    server
}

fn all() -> Vec<String> {
    IDS.iter().map(|id| resource("p", id, id)).collect()
}

#[tokio::test]
async fn each_policy_settles_each_conflict_its_own_way() {
    use ImportOutcome::{Created, Refused, Restored, Skipped, Unchanged, Updated};
    for (policy, expected, reasons) in [
        (
            ImportConflictPolicy::Update,
            [Created, Unchanged, Updated, Restored, Restored],
            [0; 5].map(|_: i32| ErrorReason::Unspecified),
        ),
        (
            ImportConflictPolicy::Skip,
            [Created, Unchanged, Skipped, Skipped, Skipped],
            [
                ErrorReason::Unspecified,
                ErrorReason::Unspecified,
                ErrorReason::DashboardExists,
                ErrorReason::DashboardSoftDeleted,
                ErrorReason::DashboardSoftDeleted,
            ],
        ),
        (
            ImportConflictPolicy::Unspecified,
            [Created, Unchanged, Refused, Refused, Refused],
            [
                ErrorReason::Unspecified,
                ErrorReason::Unspecified,
                ErrorReason::DashboardExists,
                ErrorReason::DashboardSoftDeleted,
                ErrorReason::DashboardSoftDeleted,
            ],
        ),
    ] {
        let server = scene().await;
        let mut client = server.dashboards().await;
        let with_policy = proto::ImportOptions {
            conflict_policy: policy.into(),
            change_note: "brought over".into(),
            ..options()
        };
        let events_before = events(&server).await.len();

        let answers = import(&mut client, with_policy, all()).await;

        assert_eq!(outcomes(&answers), expected, "{policy:?}");
        let found: Vec<ErrorReason> = answers.iter().map(proto::ImportDashboardsResponse::reason).collect();
        assert_eq!(found, reasons, "{policy:?}");
        let written = |outcome: &ImportOutcome| matches!(outcome, Created | Updated | Restored);
        let new_events = events(&server).await.split_off(events_before);
        assert_eq!(
            new_events.len(),
            expected.iter().filter(|outcome| written(outcome)).count()
        );
        for event in &new_events {
            assert_eq!(event.method, "perses.dashboards.v1.DashboardService/ImportDashboards");
            assert_eq!(event.permission, "dashboards.import");
        }
        let other = get(&mut client, "other").await;
        let kept = if policy == ImportConflictPolicy::Update {
            "other"
        } else {
            "differs"
        };
        assert_eq!(
            (other.display_name.as_str(), other.tags.as_slice()),
            (kept, &["imported".to_owned()][..])
        );
        assert_eq!(list_revisions(&mut client, "new").await[0].change_note, "brought over");
    }
}

#[tokio::test]
async fn one_bad_item_among_five_hundred_is_told_and_the_rest_goes_in() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    let mut texts: Vec<String> = (0..500).map(|n| resource("p", &format!("d{n}"), "d")).collect();
    texts[77] = r#"{"kind":"Dashboard","metadata":{"name":"bad"},"spec":{"panels":{"x y":{}}}}"#.into();

    let answers = import(&mut client, options(), texts).await;

    let mut expected = vec![ImportOutcome::Created; 500];
    expected[77] = ImportOutcome::Refused;
    assert_eq!(outcomes(&answers), expected);
    let refused = &answers[77];
    assert_eq!(
        (refused.name.as_str(), refused.reason()),
        ("projects/p/dashboards/bad", ErrorReason::SpecInvalid)
    );
    assert!(
        refused
            .violations
            .iter()
            .all(|violation| violation.field.starts_with("/spec/panels/x y"))
    );
    let count = "SELECT count(*) FROM dashboard";
    assert_eq!(
        server.sql().await.query_one(count, &[]).await.unwrap().get::<_, i64>(0),
        499
    );
}

#[tokio::test]
async fn an_item_that_can_not_go_in_says_why() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    let texts = vec![
        resource("p", "gpu", "first"),
        resource("p", "GPU", "twice"),
        resource("q", "elsewhere", "another project"),
        "no resource".into(),
    ];
    let answers = import(&mut client, options(), texts).await;
    assert_eq!(outcomes(&answers)[0], ImportOutcome::Created);
    for (answer, field) in answers[1..].iter().zip(["/metadata/name", "/metadata/project", ""]) {
        assert_eq!(answer.outcome(), ImportOutcome::Refused);
        assert_eq!(answer.violations[0].field, field, "{answer:?}");
    }

    let again = import(&mut client, options(), vec![resource("p", "GPU", "other case")]).await;
    assert_eq!(again[0].reason(), ErrorReason::DashboardExistsInOtherCase);
}

#[tokio::test]
async fn items_name_their_projects_where_the_import_names_none() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    let into_all = proto::ImportOptions {
        parent: "projects/-".into(),
        ..options()
    };
    let nameless = resource("p", "d", "d").replace(r#","project":"p""#, "");
    let texts = vec![resource("p", "d", "d"), resource("q", "d", "d"), nameless];
    let answers = import(&mut client, into_all, texts).await;
    let names: Vec<&str> = answers.iter().map(|answer| answer.name.as_str()).collect();
    assert_eq!(names, ["projects/p/dashboards/d", "projects/q/dashboards/d", ""]);
    assert_eq!(outcomes(&answers)[2], ImportOutcome::Refused);
}

#[tokio::test]
async fn an_atomic_import_goes_in_whole() {
    let server = scene().await;
    let mut client = server.dashboards().await;
    use ImportOutcome::{Created, Restored, Unchanged, Updated};
    let answers = import(&mut client, atomic(), all()).await;
    assert_eq!(outcomes(&answers), [Created, Unchanged, Updated, Restored, Restored]);
    assert_eq!(get(&mut client, "gone_other").await.display_name, "gone_other");
    assert!(import(&mut client, atomic(), Vec::new()).await.is_empty());
}

#[tokio::test]
async fn an_atomic_import_of_more_than_one_statement_takes_goes_in_whole() {
    let server = scene().await;
    let mut client = server.dashboards().await;
    let before = events(&server).await.len();
    let news = (0..40).map(|number| resource("p", &format!("a-{number}"), "new"));
    let texts: Vec<String> = news.chain(all()).collect();

    let answers = import(&mut client, atomic(), texts).await;

    use ImportOutcome::{Created, Restored, Unchanged, Updated};
    let (of_new, of_scene) = answers.split_at(40);
    assert!(
        of_new
            .iter()
            .all(|answer| answer.outcome() == Created && answer.revision == 1)
    );
    let outcomes_of_scene: Vec<ImportOutcome> = of_scene.iter().map(|answer| answer.outcome()).collect();
    assert_eq!(outcomes_of_scene, [Created, Unchanged, Updated, Restored, Restored]);
    assert_eq!(events(&server).await.len() - before, 40 + 4);
    for answer in &answers {
        let id = answer.name.rsplit('/').next().unwrap();
        assert_eq!(get(&mut client, id).await.uid, answer.uid);
    }
}

#[tokio::test]
async fn an_atomic_import_with_a_bad_item_stores_nothing_and_tells_of_every_refusal() {
    let server = scene().await;
    let mut client = server.dashboards().await;
    let before = stored(&server).await;
    let mut texts = all();
    texts.push("[]".into());
    texts.push(resource("p", "bad", "d").replace("\"layouts\":[]", "\"layouts\":[{}]"));
    let refusing = proto::ImportOptions {
        conflict_policy: ImportConflictPolicy::Fail.into(),
        ..atomic()
    };

    let (answers, end) = send(&mut client, whole(refusing, texts)).await;

    assert_refused(&end.unwrap_err(), Code::FailedPrecondition, "IMPORT_REFUSED");
    use ImportOutcome::{Abandoned, Refused};
    let expected = [Abandoned, Abandoned, Refused, Refused, Refused, Refused, Refused];
    assert_eq!(outcomes(&answers), expected);
    assert_eq!(answers[2].reason(), ErrorReason::DashboardExists);
    assert!(!answers[5].violations.is_empty() && !answers[6].violations.is_empty());
    assert_eq!(stored(&server).await, before);
}

#[tokio::test]
async fn an_atomic_import_in_conflict_stores_nothing() {
    let server = scene().await;
    let mut client = server.dashboards().await;
    let before = stored(&server).await;
    let refusing = proto::ImportOptions {
        conflict_policy: ImportConflictPolicy::Fail.into(),
        ..atomic()
    };
    let texts = vec![resource("p", "new", "new"), resource("p", "other", "other")];
    let (answers, end) = send(&mut client, whole(refusing, texts)).await;
    assert_refused(&end.unwrap_err(), Code::FailedPrecondition, "IMPORT_REFUSED");
    assert_eq!(outcomes(&answers), [ImportOutcome::Abandoned, ImportOutcome::Refused]);
    assert_eq!(stored(&server).await, before);
}

#[tokio::test]
async fn an_atomic_import_without_an_end_stores_nothing() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    let mut cut = whole(atomic(), vec![resource("p", "d", "d")]);
    cut.pop();
    let (answers, end) = send(&mut client, cut).await;
    assert!(answers.is_empty());
    assert_invalid(&end.unwrap_err(), &[("end", "FIELD_REQUIRED")]);
    let count = "SELECT count(*) FROM dashboard";
    assert_eq!(
        server.sql().await.query_one(count, &[]).await.unwrap().get::<_, i64>(0),
        0
    );
}

#[tokio::test]
async fn a_stream_that_is_cut_keeps_what_was_acknowledged() {
    let server = TestServer::start_with(|config| config.requests.stream_idle_timeout = UNREACHED).await;
    for (with_options, kept) in [(options(), true), (atomic(), false)] {
        let mut client = server.dashboards().await;
        let (sender, mut answers) = begin(&mut client, with_options).await;
        sender.send(item(resource("p", "cut", "cut"))).await.unwrap();
        if kept {
            let first = answers.message().await.unwrap().unwrap();
            assert_eq!(first.outcome(), ImportOutcome::Created);
        }
        // The call is cancelled with its stream of messages open.
        drop(answers);
        wait_until_pool_is_free(&server).await;
        let count = "SELECT count(*) FROM dashboard WHERE name = 'cut'";
        let found: i64 = server.sql().await.query_one(count, &[]).await.unwrap().get(0);
        assert_eq!(found, i64::from(kept));
        server.sql().await.batch_execute("DELETE FROM dashboard").await.unwrap();
    }
}

#[tokio::test]
async fn validate_only_tells_what_would_be_and_stores_nothing() {
    let server = scene().await;
    let mut client = server.dashboards().await;
    let before = stored(&server).await;
    for with_options in [options(), atomic()] {
        let checking = proto::ImportOptions {
            validate_only: true,
            ..with_options
        };
        let answers = import(&mut client, checking, all()).await;
        use ImportOutcome::{Created, Restored, Unchanged, Updated};
        assert_eq!(outcomes(&answers), [Created, Unchanged, Updated, Restored, Restored]);
        assert_eq!(stored(&server).await, before);
    }
}

#[tokio::test]
async fn a_repeated_import_gets_its_first_answers() {
    for with_options in [options(), atomic()] {
        let server = TestServer::start().await;
        let mut client = server.dashboards().await;
        let repeatable = proto::ImportOptions {
            request_id: Uuid::new_v4().to_string(),
            ..with_options
        };
        let texts = vec![resource("p", "a", "a"), resource("p", "b", "b")];
        let first = import(&mut client, repeatable.clone(), texts.clone()).await;
        apply(&mut client, "projects/p/dashboards/a", spec_named("written since")).await;
        let before = stored(&server).await;

        let again = import(&mut client, repeatable.clone(), texts).await;

        assert_eq!(again, first);
        assert_eq!(stored(&server).await, before);
        assert_eq!(json_text(get(&mut client, "a").await.spec), spec_named("written since"));

        let (answers, end) = send(
            &mut client,
            whole(repeatable.clone(), vec![resource("p", "a", "other")]),
        )
        .await;
        match repeatable.atomic {
            true => assert_refused(&end.unwrap_err(), Code::InvalidArgument, "REQUEST_ID_REUSED"),
            false => assert_eq!(answers[0].reason(), ErrorReason::RequestIdReused),
        }
    }
}

#[tokio::test]
async fn messages_out_of_order_end_the_stream() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    let in_the_middle = message(Part::Options(options()));
    let nothing = proto::ImportDashboardsRequest { part: None };
    let unknown = proto::ImportOptions {
        conflict_policy: 9,
        request_id: "7".into(),
        change_note: "x".repeat(1001),
        ..options()
    };
    for (messages, expected) in [
        (vec![], &[("options", "FIELD_REQUIRED")][..]),
        (vec![item("{}")], &[("options", "FIELD_REQUIRED")]),
        (
            vec![in_the_middle.clone(), in_the_middle.clone()],
            &[("options", "FIELD_INVALID")],
        ),
        (vec![in_the_middle, nothing], &[("item", "FIELD_REQUIRED")]),
        (
            vec![message(Part::Options(proto::ImportOptions::default()))],
            &[("options.parent", "FIELD_REQUIRED")],
        ),
        (
            vec![message(Part::Options(unknown))],
            &[
                ("options.conflict_policy", "ENUM_UNKNOWN"),
                ("options.change_note", "FIELD_TOO_LONG"),
                ("options.request_id", "FIELD_INVALID"),
            ],
        ),
    ] {
        let (answers, end) = send(&mut client, messages).await;
        assert!(answers.is_empty());
        assert_invalid(&end.unwrap_err(), expected);
    }
}

#[tokio::test]
async fn a_client_that_falls_silent_ends_its_stream() {
    let server = TestServer::start_with(|config| {
        config.requests.stream_idle_timeout = std::time::Duration::from_millis(50);
    })
    .await;
    let mut client = server.dashboards().await;
    let (_sender, mut answers) = begin(&mut client, options()).await;
    let ended = answers.message().await.unwrap_err();
    assert_refused(&ended, Code::DeadlineExceeded, "STREAM_IDLE");
}
