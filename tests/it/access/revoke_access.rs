//! RevokeAccess.

use dashboard_store::domain::subject::Subject;
use dashboard_store::grpc::proto;
use proto::Role;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::support::TestServer;
use crate::support::access::{Client, grant, granted, revoke_request};
use crate::support::audit::{details, events, stored};
use crate::support::requests::{as_user, assert_invalid, assert_refused, create, list_request};

async fn revoke(client: &mut Client, name: &str) -> Result<(), Status> {
    client.revoke_access(revoke_request(name)).await.map(drop)
}

/// A server that no configuration gives an admin.
async fn start_without_bootstrap() -> TestServer {
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
