//! RevokeAccess.

use std::time::Duration;

use dashboard_store::domain::subject::Subject;
use dashboard_store::grpc::proto;
use dashboard_store::grpc::proto::import_dashboards_request::Part;
use proto::Role;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::support::TestServer;
use crate::support::access::{Client, grant, granted, revoke_request};
use crate::support::audit::{details, events, stored};
use crate::support::blocking::wait_for_locks;
use crate::support::network::{LostCommit, serve_behind_gateway};
use crate::support::requests::{as_user, assert_invalid, assert_refused, create, list_request};
use crate::support::transfer::{atomic, begin_as, item, message, options, read_all, resource};
use crate::support::waiting::found;

async fn revoke(client: &mut Client, name: &str) -> Result<(), Status> {
    client.revoke_access(revoke_request(name)).await.map(drop)
}

/// The names of all dashboards.
async fn names(server: &TestServer) -> Vec<String> {
    let select = "SELECT name FROM dashboard ORDER BY name";
    let rows = server.sql().await.query(select, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// A server that no configuration gives an admin.
pub async fn start_without_bootstrap() -> TestServer {
    TestServer::start_with(|config| config.access.bootstrap_admins.clear()).await
}

#[tokio::test]
async fn a_revoked_role_is_gone_at_once() {
    let server = TestServer::start().await;
    create(&mut server.dashboards().await, "d").await;
    let made = grant(&server, "projects/p", "user:eve", Role::Viewer).await;
    let mut dashboards = server.dashboards().await;
    dashboards
        .list_dashboards(as_user("eve", list_request("projects/p")))
        .await
        .unwrap();

    revoke(&mut server.sharing().await, &made.name).await.unwrap();

    let listed = dashboards
        .list_dashboards(as_user("eve", list_request("projects/p")))
        .await;
    assert_refused(&listed.unwrap_err(), Code::PermissionDenied, "PERMISSION_DENIED");
}

/// Written by hand, or by a release that took it.
#[tokio::test]
async fn a_role_of_a_name_that_nobody_can_have_is_listed_and_revoked() {
    let server = TestServer::start().await;
    let made = grant(&server, "projects/p", "user:eve", Role::Viewer).await;
    let blank = "UPDATE access_grant SET subject = 'user:eve '";
    server.sql().await.batch_execute(blank).await.unwrap();
    let mut client = server.sharing().await;
    let listed = granted(&mut client, "projects/p").await.unwrap();
    assert_eq!(listed, [("user:eve ".to_owned(), Role::Viewer)]);
    revoke(&mut client, &made.name).await.unwrap();
    assert_eq!(granted(&mut client, "projects/p").await.unwrap(), []);
}

/// The revocation was committed, and its call was over before that was known.
#[tokio::test]
async fn a_role_is_gone_at_once_where_the_answer_of_its_revocation_came_too_late() {
    let (server, gateway) = serve_behind_gateway(|config| {
        config.requests.timeout = Duration::from_secs(2);
    })
    .await;
    let made = grant(&server, "projects/p", "user:eve", Role::Viewer).await;
    let mut dashboards = server.dashboards().await;
    let mut list = async || {
        let request = as_user("eve", list_request("projects/p"));
        dashboards.list_dashboards(request).await.map(drop)
    };
    list().await.unwrap();
    gateway.lose_commit(LostCommit::Swallowed);

    let late = revoke(&mut server.sharing().await, &made.name).await.unwrap_err();

    assert_eq!(late.code(), Code::DeadlineExceeded);
    let left = "SELECT count(*) FROM access_grant";
    let left: i64 = server.sql().await.query_one(left, &[]).await.unwrap().get(0);
    assert_eq!(left, 0);
    gateway.heal();
    // The connections on which all vanished have to be replaced before anybody is answered.
    let listed = found("an answer", async || match list().await {
        Err(status) if status.code() != Code::PermissionDenied => None,
        answer => Some(answer),
    })
    .await;
    assert_refused(&listed.unwrap_err(), Code::PermissionDenied, "PERMISSION_DENIED");
}

/// A stream may last long: what was allowed when it began is not allowed for ever.
#[tokio::test]
async fn an_import_that_goes_on_ends_where_its_role_was_revoked() {
    for parent in ["projects/p", "projects/-"] {
        let server = TestServer::start().await;
        let made = grant(&server, "projects/p", "user:eve", Role::Editor).await;
        let into = proto::ImportOptions {
            parent: parent.into(),
            ..options()
        };
        let (sender, mut answers) = begin_as(&mut server.dashboards().await, "eve", into).await;
        let mut import = async |id: &str| {
            sender.send(item(resource("p", id, id))).await.unwrap();
            answers.message().await.unwrap().unwrap().reason()
        };
        assert_eq!(import("before").await, proto::ErrorReason::Unspecified, "{parent}");
        revoke(&mut server.sharing().await, &made.name).await.unwrap();
        assert_eq!(import("after").await, proto::ErrorReason::PermissionDenied, "{parent}");
        assert_eq!(names(&server).await, ["before"], "{parent}");
    }
}

#[tokio::test]
async fn an_atomic_import_is_refused_where_its_role_is_revoked_before_its_end() {
    for parent in ["projects/p", "projects/-"] {
        let server = TestServer::start().await;
        let made = grant(&server, "projects/p", "user:eve", Role::Editor).await;
        let into = proto::ImportOptions {
            parent: parent.into(),
            ..atomic()
        };
        let mut client = server.dashboards().await;
        let (sender, answers) = begin_as(&mut client, "eve", into).await;
        sender.send(item(resource("p", "d", "d"))).await.unwrap();
        // What is answered on this connection came behind the item.
        client.list_dashboards(list_request("projects/p")).await.unwrap();
        revoke(&mut server.sharing().await, &made.name).await.unwrap();
        sender.send(message(Part::End(proto::ImportEnd {}))).await.unwrap();
        let (items, end) = read_all(answers).await;
        let reasons: Vec<_> = items.iter().map(proto::ImportDashboardsResponse::reason).collect();
        assert_eq!(reasons, [proto::ErrorReason::PermissionDenied], "{parent}");
        assert_eq!(end.unwrap_err().code(), Code::FailedPrecondition, "{parent}");
        assert_eq!(names(&server).await, [""; 0], "{parent}");
    }
}

#[tokio::test]
async fn a_revocation_is_audited_once_with_whose_role_it_was() {
    let server = TestServer::start().await;
    let made = grant(&server, "projects/p", "user:ada", Role::Viewer).await;
    let mut client = server.sharing().await;
    revoke(&mut client, &made.name).await.unwrap();
    revoke(&mut client, &made.name).await.unwrap();
    let written = events(&server).await;
    assert_eq!(written.len(), 2);
    assert_eq!(written[1].method, "perses.dashboards.v1.ShareService/RevokeAccess");
    assert_eq!(
        (written[1].permission.as_str(), &written[1].resource),
        ("access_grants.revoke", &made.name)
    );
    assert_eq!(
        details(&server).await[1],
        r#"{"role": "viewer", "subject": "user:ada"}"#
    );
}

#[tokio::test]
async fn validate_only_and_repeated_calls_change_nothing() {
    let server = TestServer::start().await;
    let made = grant(&server, "projects/p", "user:ada", Role::Viewer).await;
    let mut client = server.sharing().await;
    let before = stored(&server).await;
    let request = proto::RevokeAccessRequest {
        request_id: Uuid::new_v4().to_string(),
        ..revoke_request(&made.name)
    };
    let validating = proto::RevokeAccessRequest {
        validate_only: true,
        ..request.clone()
    };
    client.revoke_access(validating).await.unwrap();
    assert_eq!(stored(&server).await, before);

    client.revoke_access(request.clone()).await.unwrap();
    let revoked = stored(&server).await;
    client.revoke_access(request.clone()).await.unwrap();
    assert_eq!(stored(&server).await, revoked);
    let other = proto::RevokeAccessRequest {
        name: format!("platform/accessGrants/{}", Uuid::new_v4()),
        ..request
    };
    let refused = client.revoke_access(other).await.unwrap_err();
    assert_refused(&refused, Code::InvalidArgument, "REQUEST_ID_REUSED");
}

#[tokio::test]
async fn a_grant_is_not_found_below_another_resource() {
    let server = TestServer::start().await;
    create(&mut server.dashboards().await, "d").await;
    let of_platform = grant(&server, "platform", "user:ada", Role::PlatformAdmin).await;
    grant(&server, "projects/p", "user:eve", Role::Admin).await;
    let id = of_platform.name.rsplit('/').next().unwrap();
    let before = stored(&server).await;
    let mut client = server.sharing().await;
    for parent in ["projects/p", "projects/p/dashboards/d", "projects/p/dashboards/missing"] {
        let request = revoke_request(&format!("{parent}/accessGrants/{id}"));
        client.revoke_access(as_user("eve", request)).await.unwrap();
    }
    let request = as_user("eve", revoke_request(&of_platform.name));
    let refused = client.revoke_access(request).await.unwrap_err();
    assert_refused(&refused, Code::PermissionDenied, "PERMISSION_DENIED");
    let grants = |text: &str| text.lines().filter(|line| line.contains("platform-admin")).count();
    assert_eq!(grants(&stored(&server).await), grants(&before));
    assert_eq!(granted(&mut client, "platform").await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_broken_name_is_refused() {
    let server = TestServer::start().await;
    let mut client = server.sharing().await;
    for (name, reason) in [
        ("", "FIELD_REQUIRED"),
        ("platform", "INVALID_NAME"),
        ("platform/accessGrants/1", "INVALID_NAME"),
    ] {
        assert_invalid(&revoke(&mut client, name).await.unwrap_err(), &[("name", reason)]);
    }
}

#[tokio::test]
async fn the_last_platform_admin_stays() {
    let server = start_without_bootstrap().await;
    let first = grant(&server, "platform", "user:ada", Role::PlatformAdmin).await;
    let second = grant(&server, "platform", "group:sre", Role::PlatformAdmin).await;
    let mut client = server.sharing().await;
    revoke(&mut client, &first.name).await.unwrap();
    let refused = revoke(&mut client, &second.name).await.unwrap_err();
    assert_refused(&refused, Code::FailedPrecondition, "LAST_PLATFORM_ADMIN");
    let other_role = grant(&server, "platform", "user:ada", Role::Auditor).await;
    revoke(&mut client, &other_role.name).await.unwrap();
}

#[tokio::test]
async fn the_last_grant_may_go_where_the_configuration_names_admins() {
    let server = TestServer::start_with(|config| {
        config.access.bootstrap_admins = vec![Subject::parse("", "user:root").unwrap()];
    })
    .await;
    let only = grant(&server, "platform", "user:ada", Role::PlatformAdmin).await;
    revoke(&mut server.sharing().await, &only.name).await.unwrap();
}

#[tokio::test]
async fn of_admins_who_revoke_each_other_at_once_one_stays() {
    let server = start_without_bootstrap().await;
    let mut names = Vec::new();
    for number in 0..8 {
        names.push(
            grant(&server, "platform", &format!("user:{number}"), Role::PlatformAdmin)
                .await
                .name,
        );
    }
    let client = server.sharing().await;
    let calls = names.iter().map(|name| {
        let mut own = client.clone();
        async move { revoke(&mut own, name).await }
    });
    let revoked = futures_util::future::join_all(calls).await;
    let refused: Vec<&Status> = revoked.iter().filter_map(|answer| answer.as_ref().err()).collect();
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert_refused(refused[0], Code::FailedPrecondition, "LAST_PLATFORM_ADMIN");
    assert_eq!(granted(&mut server.sharing().await, "platform").await.unwrap().len(), 1);
}

/// Somebody else is left who is platform-admin, and what was asked for is done: another call was faster.
#[tokio::test]
async fn an_admin_who_is_revoked_twice_at_once_is_gone_and_nobody_is_refused() {
    let server = start_without_bootstrap().await;
    let doubly = grant(&server, "platform", "user:ada", Role::PlatformAdmin).await;
    grant(&server, "platform", "user:bob", Role::PlatformAdmin).await;
    let holder = server.sql().await;
    holder
        .batch_execute("BEGIN; SELECT FROM access_grant FOR UPDATE")
        .await
        .unwrap();
    let client = server.sharing().await;
    let calls = [client.clone(), client].map(|mut own| {
        let name = doubly.name.clone();
        tokio::spawn(async move { revoke(&mut own, &name).await })
    });
    wait_for_locks(&server.sql().await, "lock_platform_admins", 2).await;
    holder.batch_execute("COMMIT").await.unwrap();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    let left = granted(&mut server.sharing().await, "platform").await.unwrap();
    assert_eq!(left, [("user:bob".to_owned(), Role::PlatformAdmin)]);
}
