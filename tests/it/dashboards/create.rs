//! CreateDashboard.

use dashboard_store::grpc::proto;
use tonic::Code;
use uuid::Uuid;

use crate::support::TestServer;
use crate::support::requests::{
    as_user, create, create_request, get, json_spec, json_text, list_revisions, reason, spec_named, violations,
};

#[tokio::test]
async fn create_answers_with_the_dashboard_and_get_reads_it_back() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    let text = "{ \"display\": {\"name\": \"GPU\", \"description\": \"cards\"},\n  \"panels\": {}, \"x\": 1.50 }";
    let request = proto::CreateDashboardRequest {
        dashboard: Some(proto::Dashboard {
            tags: vec!["ml".into(), "gpu".into(), "ml".into()],
            labels: [("team".to_owned(), "a".to_owned())].into(),
            spec: json_spec(text),
            ..Default::default()
        }),
        ..create_request("gpu")
    };

    let answer = client.create_dashboard(request).await.unwrap().into_inner();

    let created = answer.dashboard.unwrap();
    assert_eq!(created.name, "projects/p/dashboards/gpu");
    assert_eq!(
        (created.display_name.as_str(), created.description.as_str()),
        ("GPU", "cards")
    );
    assert_eq!(created.tags, ["gpu", "ml"]);
    assert_eq!(created.labels, [("team".to_owned(), "a".to_owned())].into());
    assert_eq!(json_text(created.spec.clone()), text);
    assert_eq!(created.spec_size_bytes as usize, text.len());
    assert_eq!(created.state(), proto::DashboardState::Active);
    assert_eq!(created.revision, 1);
    assert_eq!(created.created_by, "user:developer");
    assert_eq!(created.create_time, created.update_time);
    assert_eq!(Uuid::parse_str(&created.uid).unwrap().get_version_num(), 7);
    assert_eq!(get(&mut client, "gpu").await, created);
}

#[tokio::test]
async fn create_takes_a_name_once() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    create(&mut client, "Gpu").await;

    let taken = client.create_dashboard(create_request("Gpu")).await.unwrap_err();
    assert_eq!(
        (taken.code(), reason(&taken).as_str()),
        (Code::AlreadyExists, "DASHBOARD_EXISTS")
    );

    let other_case = client.create_dashboard(create_request("gPU")).await.unwrap_err();
    assert_eq!(other_case.code(), Code::AlreadyExists);
    assert_eq!(reason(&other_case), "DASHBOARD_EXISTS_IN_OTHER_CASE");
}

#[tokio::test]
async fn create_reports_every_violation_at_once_and_stores_nothing() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    let request = proto::CreateDashboardRequest {
        dashboard: Some(proto::Dashboard {
            tags: vec![" x".into()],
            spec: json_spec(r#"{"panels":{"a b":{"kind":""}}}"#),
            ..Default::default()
        }),
        change_note: "x".repeat(1001),
        request_id: "1".into(),
        ..create_request("a..b")
    };

    let refused = client.create_dashboard(request).await.unwrap_err();

    assert_eq!(refused.code(), Code::InvalidArgument);
    let fields: Vec<String> = violations(&refused).into_iter().map(|(field, _)| field).collect();
    for expected in [
        "dashboard_id",
        "dashboard.tags[0]",
        "change_note",
        "request_id",
        "dashboard.spec/panels/a b/kind",
    ] {
        assert!(fields.iter().any(|field| field == expected), "{expected} in {fields:?}");
    }
    let rows = server
        .sql()
        .await
        .query_one("SELECT count(*) FROM dashboard", &[])
        .await
        .unwrap();
    assert_eq!(rows.get::<_, i64>(0), 0);
}

#[tokio::test]
async fn create_writes_one_audit_event_in_its_transaction() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    let created = create(&mut client, "gpu").await;
    let row = server
        .sql()
        .await
        .query_one(
            "SELECT actor, method, permission, resource, resource_uid::text, revision_before, revision_after, result,
                encode(sha256_after, 'hex') AS sha256_after, changed_paths, (SELECT count(*) FROM audit_log) AS events
             FROM audit_log",
            &[],
        )
        .await
        .unwrap();
    assert_eq!(row.get::<_, i64>("events"), 1);
    assert_eq!(row.get::<_, &str>("actor"), "user:developer");
    assert_eq!(
        row.get::<_, &str>("method"),
        "perses.dashboards.v1.DashboardService/CreateDashboard"
    );
    assert_eq!(row.get::<_, &str>("permission"), "dashboards.create");
    assert_eq!(row.get::<_, &str>("resource"), created.name);
    assert_eq!(row.get::<_, &str>("resource_uid"), created.uid);
    assert_eq!(row.get::<_, Option<i32>>("revision_before"), None);
    assert_eq!(row.get::<_, Option<i32>>("revision_after"), Some(1));
    assert_eq!(row.get::<_, &str>("result"), "success");
    assert_eq!(row.get::<_, &str>("sha256_after"), created.spec_sha256);
    assert_eq!(row.get::<_, Vec<&str>>("changed_paths"), ["spec", "tags", "labels"]);
}

#[tokio::test]
async fn create_with_the_same_request_id_answers_the_same_and_creates_once() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    let request = proto::CreateDashboardRequest {
        request_id: Uuid::new_v4().to_string(),
        ..create_request("gpu")
    };
    let first = client.create_dashboard(request.clone()).await.unwrap().into_inner();
    let second = client.create_dashboard(request.clone()).await.unwrap().into_inner();
    assert_eq!(first, second);

    let other_content = proto::CreateDashboardRequest {
        change_note: "other".into(),
        ..request
    };
    let refused = client.create_dashboard(other_content).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::InvalidArgument, "REQUEST_ID_REUSED")
    );

    let events = server
        .sql()
        .await
        .query_one("SELECT count(*) FROM audit_log WHERE result = 'success'", &[])
        .await
        .unwrap();
    assert_eq!(events.get::<_, i64>(0), 1);
}

#[tokio::test]
async fn create_with_validate_only_checks_and_stores_nothing() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    let request = proto::CreateDashboardRequest {
        validate_only: true,
        ..create_request("gpu")
    };
    let answer = client.create_dashboard(request.clone()).await.unwrap().into_inner();
    assert_eq!(json_text(answer.dashboard.unwrap().spec), spec_named("gpu"));
    let stored = "SELECT (SELECT count(*) FROM dashboard) + (SELECT count(*) FROM audit_log WHERE result = 'success') + (SELECT count(*) FROM mutation_request)";
    let rows = server.sql().await.query_one(stored, &[]).await.unwrap();
    assert_eq!(rows.get::<_, i64>(0), 0);

    create(&mut client, "gpu").await;
    let taken = client.create_dashboard(request).await.unwrap_err();
    assert_eq!(reason(&taken), "DASHBOARD_EXISTS");
}

#[tokio::test]
async fn create_keeps_who_wrote_it_and_why() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    let request = proto::CreateDashboardRequest {
        change_note: "first try".into(),
        ..create_request("gpu")
    };
    let answer = client.create_dashboard(as_user("alice", request)).await.unwrap();
    let created = answer.into_inner().dashboard.unwrap();
    assert_eq!(
        (created.created_by.as_str(), created.updated_by.as_str()),
        ("user:alice", "user:alice")
    );
    let revisions = list_revisions(&mut client, "gpu").await;
    assert_eq!(revisions.len(), 1);
    assert_eq!(
        (revisions[0].author.as_str(), revisions[0].change_note.as_str()),
        ("user:alice", "first try")
    );
    assert_eq!(
        (&revisions[0].spec, revisions[0].create_time),
        (&created.spec, created.create_time)
    );
}

#[tokio::test]
async fn create_refuses_a_parent_that_is_no_project() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    for (parent, expected) in [
        ("", "FIELD_REQUIRED"),
        ("p", "INVALID_NAME"),
        ("projects/", "INVALID_NAME"),
        ("projects/-", "INVALID_NAME"),
        ("projects/a..b", "INVALID_NAME"),
        ("projects/p/dashboards", "INVALID_NAME"),
    ] {
        let request = proto::CreateDashboardRequest {
            parent: parent.into(),
            ..create_request("gpu")
        };
        let refused = client.create_dashboard(request).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{parent}");
        assert_eq!(
            violations(&refused),
            [("parent".to_owned(), expected.to_owned())],
            "{parent}"
        );
    }
}
