//! Documents through the wire: what is refused, why and where; and that nothing of it is stored.

use dashboard_store::grpc::proto;
use tonic::Code;

use crate::intake::table::{Table, Verdict};
use crate::support::TestServer;
use crate::support::audit::stored;
use crate::support::requests::{apply, create, create_request, get, json_spec, json_text, reason, violations};

/// A document with the members besides its empty panels.
fn with(members: &str) -> String {
    format!(r#"{{"panels":{{}},{members}}}"#)
}

/// A document of so many bytes.
fn of_size(bytes: usize) -> String {
    let around = with(r#""x":"""#).len();
    with(&format!(r#""x":"{}""#, "a".repeat(bytes - around)))
}

/// A document with a list variable for each name, whose query uses the variable after it.
fn with_variables(uses: &[(&str, &str)]) -> String {
    let variables: Vec<String> = uses
        .iter()
        .map(|(name, used)| {
            let plugin = format!(r#"{{"kind":"P","spec":{{"query":"up{{job=\"${used}\"}}"}}}}"#);
            format!(r#"{{"kind":"ListVariable","spec":{{"name":"{name}","plugin":{plugin}}}}}"#)
        })
        .collect();
    with(&format!(r#""variables":[{}]"#, variables.join(",")))
}

fn create_with(spec: Option<proto::DashboardSpec>) -> proto::CreateDashboardRequest {
    proto::CreateDashboardRequest {
        dashboard: Some(proto::Dashboard {
            spec,
            ..Default::default()
        }),
        ..create_request("gpu")
    }
}

#[tokio::test]
async fn documents_of_the_table_are_refused_with_reason_and_path() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    create(&mut client, "there").await;
    let before = stored(&server).await;
    for case in Table::read().cases {
        let Some(text) = case.document().filter(|_| case.verdict == Verdict::Refused) else {
            continue;
        };
        let created = client.create_dashboard(create_with(json_spec(text.clone()))).await;
        let content = || proto::Dashboard {
            name: "projects/p/dashboards/there".into(),
            etag: "*".into(),
            spec: json_spec(text.clone()),
            ..Default::default()
        };
        let update = proto::UpdateDashboardRequest {
            dashboard: Some(content()),
            ..Default::default()
        };
        let apply = proto::ApplyDashboardRequest {
            dashboard: Some(content()),
            ..Default::default()
        };
        let updated = client.update_dashboard(update).await;
        let applied = client.apply_dashboard(apply).await;
        let statuses = [
            created.map(drop).unwrap_err(),
            updated.map(drop).unwrap_err(),
            applied.map(drop).unwrap_err(),
        ];
        let expected = case.reason.as_deref().unwrap();
        for status in statuses {
            assert_eq!(
                (status.code(), reason(&status).as_str()),
                (Code::InvalidArgument, expected),
                "{}",
                case.name
            );
            let violation = (format!("dashboard.spec{}", case.path()), expected.to_owned());
            assert_eq!(violations(&status), [violation], "{}", case.name);
        }
    }
    assert_eq!(stored(&server).await, before);
}

#[tokio::test]
async fn documents_of_the_table_are_taken_and_come_back_byte_for_byte() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    for case in Table::read().cases {
        let Some(text) = case.document().filter(|_| case.verdict == Verdict::Accepted) else {
            continue;
        };
        let id = case.name.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        apply(&mut client, &format!("projects/p/dashboards/{id}"), text.clone()).await;
        // A megabyte is no message to print.
        assert!(json_text(get(&mut client, &id).await.spec) == text, "{}", case.name);
    }
}

#[tokio::test]
async fn the_largest_document_is_what_the_operator_says() {
    let server = TestServer::start_with(|config| config.dashboards.spec_max_bytes = 2048).await;
    let mut client = server.dashboards().await;
    let too_large = client
        .create_dashboard(create_with(json_spec(of_size(2049))))
        .await
        .unwrap_err();
    assert_eq!(reason(&too_large), "SPEC_LIMIT_EXCEEDED");
    client
        .create_dashboard(create_with(json_spec(of_size(2048))))
        .await
        .unwrap();
}

#[tokio::test]
async fn what_is_legal_and_may_be_a_mistake_is_warned_of() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    let text = with_variables(&[("a", "from_the_project")]).replace(r#""panels""#, r#""Panels":{},"panels""#);
    let answer = client
        .create_dashboard(create_with(json_spec(text.clone())))
        .await
        .unwrap();
    let warnings = answer.into_inner().warnings;
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    for word in ["from_the_project", "Panels"] {
        assert!(
            warnings.iter().any(|warning| warning.contains(word)),
            "{word} in {warnings:?}"
        );
    }
    let apply = proto::ApplyDashboardRequest {
        dashboard: Some(proto::Dashboard {
            name: "projects/p/dashboards/gpu".into(),
            spec: json_spec(text),
            ..Default::default()
        }),
        ..Default::default()
    };
    let applied = client.apply_dashboard(apply).await.unwrap().into_inner();
    assert_eq!(applied.warnings, warnings);
}

#[tokio::test]
async fn many_violations_are_cut_to_what_a_client_can_receive() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    let panels = |key: &str| {
        let panels: Vec<String> = (0..60)
            .map(|number| format!(r#""{key}{number}":{{"kind":""}}"#))
            .collect();
        format!(r#"{{"panels":{{{}}}}}"#, panels.join(","))
    };
    let short = client
        .create_dashboard(create_with(json_spec(panels("p"))))
        .await
        .unwrap_err();
    let long = client
        .create_dashboard(create_with(json_spec(panels(&"🚀".repeat(100)))))
        .await
        .unwrap_err();
    for (status, at_least) in [(short, 30), (long, 5)] {
        let count = violations(&status).len();
        assert!((at_least..=50).contains(&count), "{count}");
        let encoded = status.details().len().div_ceil(3) * 4;
        assert!(encoded < 8 * 1024, "{encoded}");
    }
    assert_eq!(stored(&server).await, "");
}
