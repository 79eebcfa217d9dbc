//! ExportDashboards.

use std::time::Duration;

use dashboard_store::grpc::proto;
use tonic::Code;

use crate::support::TestServer;
use crate::support::blocking::wait_until_pool_is_free;
use crate::support::requests::{apply, assert_invalid, assert_refused, create, delete, spec_named, spec_of_size};
use crate::support::rows::copy_dashboard;
use crate::support::transfer::{export, import, options, outcomes, read_all};

fn request(parent: &str) -> proto::ExportDashboardsRequest {
    proto::ExportDashboardsRequest {
        parent: parent.into(),
        ..Default::default()
    }
}

#[tokio::test]
async fn live_dashboards_come_out_in_the_order_of_their_names() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    let spec = r#"{"panels":{}, "n": 1.00,"display":{"name":"exact text"}}"#;
    for name in [
        "projects/q/dashboards/a",
        "projects/p/dashboards/b",
        "projects/p/dashboards/a",
    ] {
        apply(&mut client, name, spec).await;
    }
    apply(&mut client, "projects/p/dashboards/gone", spec).await;
    delete(&mut client, "projects/p/dashboards/gone").await;

    let everything = export(&mut client, "projects/-").await;

    let names: Vec<&str> = everything.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "projects/p/dashboards/a",
            "projects/p/dashboards/b",
            "projects/q/dashboards/a"
        ]
    );
    assert!(everything.iter().all(|(_, text)| text.contains(spec)), "{everything:?}");
    assert_eq!(export(&mut client, "projects/q").await, everything[2..]);
    assert!(export(&mut client, "projects/empty").await.is_empty());

    let filtered = proto::ExportDashboardsRequest {
        filter: r#"name = "b""#.into(),
        ..request("projects/-")
    };
    let (read, end) = read_all(client.export_dashboards(filtered).await.unwrap().into_inner()).await;
    end.unwrap();
    assert_eq!((read.len(), read[0].name.as_str()), (1, names[1]));
}

#[tokio::test]
async fn what_was_exported_goes_in_elsewhere_and_comes_out_equal() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    create(&mut client, "d").await;
    copy_dashboard(&server.sql().await, "d", 250).await;
    let exported = export(&mut client, "projects/p").await;
    assert_eq!(exported.len(), 251, "several portions");

    let elsewhere = TestServer::start().await;
    let mut other_client = elsewhere.dashboards().await;
    let texts: Vec<String> = exported.iter().map(|(_, text)| text.clone()).collect();
    let answers = import(&mut other_client, options(), texts.clone()).await;
    assert!(
        outcomes(&answers)
            .iter()
            .all(|outcome| *outcome == proto::ImportOutcome::Created)
    );
    let again = import(&mut other_client, options(), texts).await;
    assert!(
        outcomes(&again)
            .iter()
            .all(|outcome| *outcome == proto::ImportOutcome::Unchanged)
    );

    let without_record = |exported: Vec<(String, String)>| -> Vec<serde_json::Value> {
        let parsed = exported.iter().map(|(_, text)| serde_json::from_str(text).unwrap());
        parsed
            .map(|mut resource: serde_json::Value| {
                let metadata = resource["metadata"].as_object_mut().unwrap();
                metadata.retain(|key, _| ["name", "project", "tags", "labels"].contains(&key.as_str()));
                resource
            })
            .collect()
    };
    let copies = export(&mut other_client, "projects/p").await;
    assert_eq!(without_record(copies), without_record(exported));
}

#[tokio::test]
async fn yaml_comes_out_and_goes_in_again() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    apply(
        &mut client,
        "projects/p/dashboards/d",
        r#"{"panels":{},"answer":"yes","n":1.50}"#,
    )
    .await;
    let as_yaml = proto::ExportDashboardsRequest {
        format: proto::ResourceFormat::Yaml.into(),
        ..request("projects/p")
    };
    let (read, end) = read_all(client.export_dashboards(as_yaml).await.unwrap().into_inner()).await;
    end.unwrap();
    assert_eq!(read[0].format(), proto::ResourceFormat::Yaml);
    assert!(
        read[0].text.starts_with("kind: Dashboard\nmetadata:\n"),
        "{}",
        read[0].text
    );

    let answers = import(&mut client, options(), vec![read[0].text.clone()]).await;
    assert_eq!(outcomes(&answers), [proto::ImportOutcome::Unchanged]);
}

#[tokio::test]
async fn an_export_sees_one_snapshot_while_a_writer_goes_on() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    // More than fits between server and client, so that the last portions are read after the writes below.
    apply(&mut client, "projects/p/dashboards/d", spec_of_size(200_000)).await;
    copy_dashboard(&server.sql().await, "d", 120).await;
    let mut answers = client
        .export_dashboards(request("projects/p"))
        .await
        .unwrap()
        .into_inner();
    let first = answers.message().await.unwrap().unwrap();
    assert_eq!(first.name, "projects/p/dashboards/d");

    let mut writer = server.dashboards().await;
    apply(&mut writer, "projects/p/dashboards/d-99", spec_named("written since")).await;
    apply(&mut writer, "projects/p/dashboards/zzz", spec_named("written since")).await;
    delete(&mut writer, "projects/p/dashboards/d-98").await;

    let (rest, end) = read_all(answers).await;
    end.unwrap();
    assert_eq!(rest.len(), 120);
    assert!(rest.iter().all(|answer| !answer.text.contains("written since")));
}

#[tokio::test]
async fn a_client_that_never_reads_or_goes_away_gives_the_connection_back() {
    let server = TestServer::start_with(|config| {
        config.requests.stream_idle_timeout = Duration::from_millis(200);
    })
    .await;
    let mut client = server.dashboards().await;
    apply(&mut client, "projects/p/dashboards/d", spec_of_size(500_000)).await;
    copy_dashboard(&server.sql().await, "d", 60).await;

    let unread = client
        .export_dashboards(request("projects/p"))
        .await
        .unwrap()
        .into_inner();
    wait_until_pool_is_free(&server).await;
    let (_, end) = read_all(unread).await;
    assert_refused(&end.unwrap_err(), Code::DeadlineExceeded, "STREAM_IDLE");

    let mut left = server.dashboards().await;
    drop(left.export_dashboards(request("projects/p")).await.unwrap());
    wait_until_pool_is_free(&server).await;
    let open = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
    let open_transactions: i64 = server.sql().await.query_one(open, &[]).await.unwrap().get(0);
    assert_eq!(open_transactions, 0);
    create(&mut client, "afterwards").await;
}

#[tokio::test]
async fn a_shutdown_ends_an_export_that_is_no_longer_whole() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    // More than fits between server and client, so that the server is in the middle of it.
    apply(&mut client, "projects/p/dashboards/d", spec_of_size(200_000)).await;
    copy_dashboard(&server.sql().await, "d", 120).await;
    let mut answers = client
        .export_dashboards(request("projects/p"))
        .await
        .unwrap()
        .into_inner();
    answers.message().await.unwrap().unwrap();

    let stopping = tokio::spawn(server.stop());
    let (rest, end) = read_all(answers).await;

    assert_refused(&end.unwrap_err(), Code::Unavailable, "DRAINING");
    assert!(rest.len() < 120, "{}", rest.len());
    stopping.await.unwrap();
}

#[tokio::test]
async fn an_export_has_its_time() {
    let server = TestServer::start_with(|config| {
        config.requests.export_timeout = Duration::from_millis(200);
    })
    .await;
    let mut client = server.dashboards().await;
    apply(&mut client, "projects/p/dashboards/d", spec_of_size(500_000)).await;
    copy_dashboard(&server.sql().await, "d", 60).await;
    let unread = client
        .export_dashboards(request("projects/p"))
        .await
        .unwrap()
        .into_inner();
    wait_until_pool_is_free(&server).await;
    let (_, end) = read_all(unread).await;
    assert_refused(&end.unwrap_err(), Code::DeadlineExceeded, "EXPORT_TOO_LONG");
}

#[tokio::test]
async fn a_wrong_request_is_refused_with_all_that_is_wrong() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    let wrong = proto::ExportDashboardsRequest {
        filter: "nonsense".into(),
        format: 9,
        ..request("projects/p")
    };
    let refused = client.export_dashboards(wrong).await.unwrap_err();
    assert_invalid(&refused, &[("filter", "INVALID_FILTER"), ("format", "ENUM_UNKNOWN")]);
    let nowhere = client.export_dashboards(request("")).await.unwrap_err();
    assert_invalid(&nowhere, &[("parent", "FIELD_REQUIRED")]);
}
