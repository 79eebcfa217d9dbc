//! ListDashboards: what each filter finds.

use dashboard_store::grpc::proto;
use dashboard_store::grpc::proto::dashboard_service_client::DashboardServiceClient;

use crate::support::TestServer;
use crate::support::channel::Channel;
use crate::support::requests::{
    assert_invalid, create, create_request, delete, ids, json_spec, list_request, spec_named,
};

/// A dashboard: id, display name, tags, labels.
type Sample = (
    &'static str,
    &'static str,
    &'static [&'static str],
    &'static [(&'static str, &'static str)],
);

/// What the filters are tried on.
const DASHBOARDS: [Sample; 6] = [
    ("cpu", "CPU usage", &["infra"], &[("team", "core")]),
    ("cpu.old", "cpu", &[], &[("team", "")]),
    (
        "gpu_1",
        "GPU 100% busy",
        &["gpu", "ml"],
        &[("team", "ml"), ("app.kubernetes.io/name", "trainer")],
    ),
    (
        "gpux1",
        "GPU_100 Überblick",
        &["gpu", "two words"],
        &[("team", "core"), ("tier", "a.b")],
    ),
    ("mem", "", &["say \"hi\""], &[]),
    ("Mem-2", "it's a \\ slash", &[], &[("AND", "OR")]),
];

/// Creates them; the n-th is created on day n of 2026 and changed on day n of February, the last is deleted.
async fn create_dashboards(server: &TestServer, client: &mut DashboardServiceClient<Channel>) {
    for (id, display_name, tags, labels) in DASHBOARDS {
        let request = proto::CreateDashboardRequest {
            dashboard: Some(proto::Dashboard {
                tags: tags.iter().copied().map(Into::into).collect(),
                labels: labels
                    .iter()
                    .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                    .collect(),
                spec: json_spec(spec_named(display_name)),
                ..Default::default()
            }),
            ..create_request(id)
        };
        client.create_dashboard(request).await.unwrap();
    }
    delete(client, "projects/p/dashboards/Mem-2").await;
    let sql = server.sql().await;
    for (id, day, creator) in [
        ("cpu", 1, "user:alice"),
        ("cpu.old", 2, "user:system:serviceaccount:ns:bot"),
        ("gpu_1", 3, "user:alice"),
        ("gpux1", 4, "user:bob"),
        ("mem", 5, "user:bob"),
        ("Mem-2", 6, "user:bob"),
    ] {
        let statement = "UPDATE dashboard SET created_by = $2,
                created_at = make_timestamptz(2026, 1, $3, 12, 30, 0.000001, 'UTC'),
                updated_at = make_timestamptz(2026, 2, $3, 0, 0, 0, 'UTC')
            WHERE name = $1";
        sql.execute(statement, &[&id, &creator, &day]).await.unwrap();
    }
}

/// Asserts what each filter finds among all dashboards, the deleted one too.
async fn assert_found(table: &[(&str, &[&str])]) {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    create_dashboards(&server, &mut client).await;
    for (filter, expected) in table {
        for parent in ["projects/p", "projects/-"] {
            let request = proto::ListDashboardsRequest {
                filter: (*filter).into(),
                show_deleted: true,
                order_by: "create_time".into(),
                ..list_request(parent)
            };
            let page = client.list_dashboards(request).await.expect(filter).into_inner();
            assert_eq!(ids(&page.dashboards), *expected, "{filter}");
        }
    }
}

const ALL: &[&str] = &["cpu", "cpu.old", "gpu_1", "gpux1", "mem", "Mem-2"];

#[tokio::test]
async fn filters_find_names_and_their_beginnings() {
    assert_found(&[
        ("", ALL),
        (" ", ALL),
        ("name = cpu", &["cpu"]),
        ("name=\"cpu\"", &["cpu"]),
        ("name = CPU", &[]),
        ("name != cpu", &["cpu.old", "gpu_1", "gpux1", "mem", "Mem-2"]),
        ("name:cpu", &["cpu", "cpu.old"]),
        ("name = \"cpu*\"", &["cpu", "cpu.old"]),
        ("name != \"cpu*\"", &["gpu_1", "gpux1", "mem", "Mem-2"]),
        ("name:cpu.", &["cpu.old"]),
        ("name:\"gpu_\"", &["gpu_1"]),
        ("name:gpu", &["gpu_1", "gpux1"]),
        ("name:m", &["mem"]),
        ("name:Mem-", &["Mem-2"]),
    ])
    .await;
}

#[tokio::test]
async fn filters_find_display_names_and_their_parts() {
    assert_found(&[
        ("display_name = \"CPU usage\"", &["cpu"]),
        ("display_name = 'it\\'s a \\\\ slash'", &["Mem-2"]),
        ("display_name = cpu", &["cpu.old"]),
        ("display_name = \"\"", &["mem"]),
        ("display_name != \"\"", &["cpu", "cpu.old", "gpu_1", "gpux1", "Mem-2"]),
        ("display_name:cpu", &["cpu", "cpu.old"]),
        ("display_name:CPU", &["cpu", "cpu.old"]),
        ("display_name:\"gPU \"", &["gpu_1"]),
        ("display_name:\"%\"", &["gpu_1"]),
        ("display_name:\"100_\"", &[]),
        ("display_name:_100", &["gpux1"]),
        ("display_name:\"Überblick\"", &["gpux1"]),
        ("display_name:\"\\\\\"", &["Mem-2"]),
        ("display_name:\"*\"", &[]),
    ])
    .await;
}

#[tokio::test]
async fn filters_find_tags_and_labels() {
    assert_found(&[
        ("tags:gpu", &["gpu_1", "gpux1"]),
        ("tags:GPU", &[]),
        ("tags:gp", &[]),
        ("tags:\"two words\"", &["gpux1"]),
        ("tags:'say \"hi\"'", &["mem"]),
        ("tags:\"say \\\"hi\\\"\"", &["mem"]),
        ("tags:*", &["cpu", "gpu_1", "gpux1", "mem"]),
        ("NOT tags:*", &["cpu.old", "Mem-2"]),
        ("labels.team = core", &["cpu", "gpux1"]),
        ("labels.team:core", &["cpu", "gpux1"]),
        ("labels.team = \"\"", &["cpu.old"]),
        ("labels.team != core", &["cpu.old", "gpu_1", "mem", "Mem-2"]),
        ("labels.team:*", &["cpu", "cpu.old", "gpu_1", "gpux1"]),
        ("labels:team", &["cpu", "cpu.old", "gpu_1", "gpux1"]),
        ("NOT labels:team", &["mem", "Mem-2"]),
        ("labels.tier = a.b", &["gpux1"]),
        ("labels.\"app.kubernetes.io/name\" = trainer", &["gpu_1"]),
        ("labels:\"app.kubernetes.io/name\"", &["gpu_1"]),
        ("labels.\"AND\" = \"OR\"", &["Mem-2"]),
        ("labels.none = \"\"", &[]),
    ])
    .await;
}

#[tokio::test]
async fn filters_find_creators_times_and_states() {
    assert_found(&[
        ("created_by = user:alice", &["cpu", "gpu_1"]),
        ("created_by = \"user:alice\"", &["cpu", "gpu_1"]),
        ("created_by = user:system:serviceaccount:ns:bot", &["cpu.old"]),
        ("created_by != user:bob", &["cpu", "cpu.old", "gpu_1"]),
        ("created_by = alice", &[]),
        ("create_time < 2026-01-02T12:30:00.000001Z", &["cpu"]),
        ("create_time <= 2026-01-02T12:30:00.000001Z", &["cpu", "cpu.old"]),
        ("create_time = 2026-01-02T12:30:00.000001Z", &["cpu.old"]),
        ("create_time = \"2026-01-02T13:30:00.000001+01:00\"", &["cpu.old"]),
        (
            "create_time != 2026-01-02T12:30:00.000001Z",
            &["cpu", "gpu_1", "gpux1", "mem", "Mem-2"],
        ),
        ("create_time >= 2026-01-05T12:30:00.000001Z", &["mem", "Mem-2"]),
        ("create_time > 2026-01-05T12:30:00.000001Z", &["Mem-2"]),
        ("create_time > 2026-01-05T12:30:00Z", &["mem", "Mem-2"]),
        ("update_time > 2026-02-05T00:00:00Z", &["Mem-2"]),
        ("update_time >= 2026-02-05T00:00:00Z", &["mem", "Mem-2"]),
        ("update_time < \"2026-02-02T00:00:00Z\"", &["cpu"]),
        ("update_time = 2026-02-01T00:00:00Z", &["cpu"]),
        ("create_time > 9999-12-31T23:59:59Z", &[]),
        ("create_time > 0000-01-01T00:00:00Z", ALL),
        ("state = ACTIVE", &["cpu", "cpu.old", "gpu_1", "gpux1", "mem"]),
        ("state = DELETED", &["Mem-2"]),
        ("state = DASHBOARD_STATE_DELETED", &["Mem-2"]),
        ("state != DELETED", &["cpu", "cpu.old", "gpu_1", "gpux1", "mem"]),
    ])
    .await;
}

#[tokio::test]
async fn filters_join_with_or_before_and() {
    assert_found(&[
        ("tags:gpu AND labels.team = core", &["gpux1"]),
        ("name = cpu OR name = mem", &["cpu", "mem"]),
        // AIP-160: OR binds tighter than AND.
        ("tags:gpu AND name = cpu OR name = gpu_1", &["gpu_1"]),
        ("(tags:gpu AND name = cpu) OR name = gpu_1", &["gpu_1"]),
        ("(tags:gpu AND name = gpux1) OR name = cpu", &["cpu", "gpux1"]),
        ("tags:gpu AND name = gpux1 OR name = cpu", &["gpux1"]),
        ("name = cpu OR name = mem AND labels:team", &["cpu"]),
        ("NOT name = cpu AND labels.team = core", &["gpux1"]),
        ("NOT name:cpu OR name = cpu", &["cpu", "gpu_1", "gpux1", "mem", "Mem-2"]),
        ("NOT (name:cpu OR name:gpu)", &["mem", "Mem-2"]),
        (
            "NOT (tags:gpu AND tags:ml)",
            &["cpu", "cpu.old", "gpux1", "mem", "Mem-2"],
        ),
        ("-tags:gpu AND -labels:team", &["mem", "Mem-2"]),
        ("NOT name != cpu", &["cpu"]),
        ("((((name = cpu))))", &["cpu"]),
    ])
    .await;
}

#[tokio::test]
async fn a_filter_does_not_bring_deleted_dashboards_into_a_list_of_live_ones() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    create_dashboards(&server, &mut client).await;
    for (filter, expected) in [
        ("state = DELETED", &[][..]),
        (
            "state = ACTIVE OR state = DELETED",
            &["cpu", "cpu.old", "gpu_1", "gpux1", "mem"],
        ),
        ("name:M OR name = cpu", &["cpu"]),
    ] {
        let request = proto::ListDashboardsRequest {
            filter: filter.into(),
            ..list_request("projects/p")
        };
        let page = client.list_dashboards(request).await.unwrap().into_inner();
        assert_eq!(ids(&page.dashboards), expected, "{filter}");
    }
}

#[tokio::test]
async fn a_filter_stays_in_its_project_and_holds_on_every_page() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    create_dashboards(&server, &mut client).await;
    create(&mut client, "other").await;
    let mut request = proto::ListDashboardsRequest {
        page_size: 1,
        filter: "name = other OR tags:gpu".into(),
        order_by: "name desc".into(),
        ..list_request("projects/p")
    };
    for (expected, is_last) in [("other", false), ("gpux1", false), ("gpu_1", true)] {
        let page = client.list_dashboards(request.clone()).await.unwrap().into_inner();
        assert_eq!(ids(&page.dashboards), [expected]);
        assert_eq!(page.next_page_token.is_empty(), is_last);
        request.page_token = page.next_page_token;
    }

    let elsewhere = proto::ListDashboardsRequest {
        filter: request.filter,
        ..list_request("projects/q")
    };
    let page = client.list_dashboards(elsewhere).await.unwrap().into_inner();
    assert!(page.dashboards.is_empty());
}

#[tokio::test]
async fn bad_filters_are_refused() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    let too_many_terms = vec!["name = a"; 33].join(" OR ");
    let too_deep = format!("{}name = a{}", "(".repeat(17), ")".repeat(17));
    for filter in [
        "name",
        "gpu",
        "name =",
        "= cpu",
        "name = cpu name = mem",
        "name = cpu AND",
        "name = cpu and name = mem",
        "(name = cpu",
        "name = cpu)",
        "name = \"cpu",
        "name = \"a\\b\"",
        "name == cpu",
        "size > 3",
        "spec = x",
        "labels = x",
        "labels.app.kubernetes.io/name = x",
        "labels.\"\" = x",
        "tags = gpu",
        "tags:\"\"",
        "name > a",
        "name:\"a%\"",
        "name:\"\"",
        "name = \"a b\"",
        "display_name:\"\"",
        "created_by:alice",
        "create_time:*",
        "create_time > yesterday",
        "create_time > 2026-01-01",
        "create_time > 2026-02-30T00:00:00Z",
        "state = PURGED",
        "state > ACTIVE",
        "display_name = \"\0\"",
        "name = a; DROP TABLE dashboard",
        &too_many_terms,
        &too_deep,
    ] {
        let request = proto::ListDashboardsRequest {
            filter: filter.into(),
            ..list_request("projects/p")
        };
        let refused = client.list_dashboards(request).await.expect_err(filter);
        assert_invalid(&refused, &[("filter", "INVALID_FILTER")]);
    }
}

#[tokio::test]
async fn a_filter_has_at_most_two_kibibytes() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    create(&mut client, "d").await;
    let terms = vec!["labels.a != \"b\" AND display_name:\"d\""; 16].join(" AND ");
    let padded = format!("{terms}{}", " ".repeat(2048 - terms.len()));
    let mut request = proto::ListDashboardsRequest {
        filter: padded,
        ..list_request("projects/p")
    };
    let page = client.list_dashboards(request.clone()).await.unwrap().into_inner();
    assert_eq!(ids(&page.dashboards), ["d"]);

    request.filter.push(' ');
    let refused = client.list_dashboards(request).await.unwrap_err();
    assert_invalid(&refused, &[("filter", "FIELD_TOO_LONG")]);
}
