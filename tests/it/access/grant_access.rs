//! GrantAccess.

use dashboard_store::grpc::proto;
use proto::Role;
use tonic::Code;
use tonic_types::StatusExt as _;
use uuid::Uuid;

use crate::support::TestServer;
use crate::support::access::{grant, grant_request, granted};
use crate::support::audit::{details, events, stored};
use crate::support::requests::{as_user, assert_invalid, assert_refused, create, delete, list_request};

const DASHBOARD: &str = "projects/p/dashboards/d";

#[tokio::test]
async fn a_role_is_granted_on_each_kind_of_resource() {
    let server = TestServer::start().await;
    let dashboard = create(&mut server.dashboards().await, "d").await;
    for (parent, role, uid) in [
        ("platform", Role::Auditor, ""),
        ("projects/p", Role::Admin, ""),
        (DASHBOARD, Role::Editor, dashboard.uid.as_str()),
    ] {
        let made = grant(&server, parent, "group:sre", role).await;
        let (made_on, id) = made.name.rsplit_once("/accessGrants/").unwrap();
        assert_eq!((made_on, Uuid::parse_str(id).is_ok()), (parent, true));
        assert_eq!((made.resource_uid.as_str(), made.role()), (uid, role));
        assert_eq!(
            (made.subject.as_str(), made.created_by.as_str()),
            ("group:sre", "user:developer")
        );
        assert!(made.create_time.is_some() && !made.etag.is_empty());
        let listed = granted(&mut server.sharing().await, parent).await.unwrap();
        assert_eq!(listed, [("group:sre".to_owned(), role)]);
    }
}

#[tokio::test]
async fn a_grant_is_audited_with_whose_role_it_is() {
    let server = TestServer::start().await;
    let made = grant(&server, "projects/p", "user:ada", Role::Viewer).await;
    let event = events(&server).await.pop().unwrap();
    assert_eq!(event.method, "perses.dashboards.v1.ShareService/GrantAccess");
    assert_eq!(
        (event.permission.as_str(), &event.resource),
        ("access_grants.create", &made.name)
    );
    assert_eq!(
        details(&server).await.pop().unwrap(),
        r#"{"role": "viewer", "subject": "user:ada"}"#
    );
}

#[tokio::test]
async fn validate_only_stores_nothing() {
    let server = TestServer::start().await;
    let before = stored(&server).await;
    let request = proto::GrantAccessRequest {
        validate_only: true,
        ..grant_request("platform", "user:ada", Role::Gateway)
    };
    let shown = server.sharing().await.grant_access(request).await.unwrap().into_inner();
    assert_eq!(shown.access_grant.unwrap().subject, "user:ada");
    assert_eq!(stored(&server).await, before);
}

#[tokio::test]
async fn a_repeated_call_gets_the_first_answer() {
    let server = TestServer::start().await;
    let mut client = server.sharing().await;
    let request = proto::GrantAccessRequest {
        request_id: Uuid::new_v4().to_string(),
        ..grant_request("projects/p", "user:ada", Role::Viewer)
    };
    let first = client.grant_access(request.clone()).await.unwrap().into_inner();
    let after_first = stored(&server).await;
    assert_eq!(client.grant_access(request.clone()).await.unwrap().into_inner(), first);
    let other = proto::GrantAccessRequest {
        request_id: request.request_id,
        ..grant_request("projects/p", "user:ada", Role::Editor)
    };
    let refused = client.grant_access(other).await.unwrap_err();
    assert_refused(&refused, Code::InvalidArgument, "REQUEST_ID_REUSED");
    assert_eq!(stored(&server).await, after_first);
}

#[tokio::test]
async fn a_role_is_granted_once() {
    let server = TestServer::start().await;
    create(&mut server.dashboards().await, "d").await;
    let mut client = server.sharing().await;
    for parent in ["platform", "projects/p", DASHBOARD] {
        let made = grant(&server, parent, "user:ada", Role::Viewer).await;
        let refused = client
            .grant_access(grant_request(parent, "user:ada", Role::Viewer))
            .await
            .unwrap_err();
        assert_refused(&refused, Code::AlreadyExists, "ACCESS_GRANT_EXISTS");
        let resource = refused.get_details_resource_info().unwrap();
        assert_eq!(resource.resource_type, "dashboards.perses.dev/AccessGrant");
        assert_eq!(resource.resource_name, made.name);
        grant(&server, parent, "user:ada", Role::Editor).await;
    }
}

#[tokio::test]
async fn every_violation_is_told_at_once() {
    let server = TestServer::start().await;
    let mut client = server.sharing().await;
    let request = proto::GrantAccessRequest {
        request_id: "x".into(),
        ..grant_request("projects/p", "ada", Role::Unspecified)
    };
    let refused = client.grant_access(request).await.unwrap_err();
    let fields = [
        ("access_grant.subject", "FIELD_INVALID"),
        ("access_grant.role", "FIELD_REQUIRED"),
        ("request_id", "FIELD_INVALID"),
    ];
    assert_invalid(&refused, &fields);
    let unknown = proto::GrantAccessRequest {
        access_grant: Some(proto::AccessGrant {
            role: 99,
            ..Default::default()
        }),
        ..grant_request("platform", "", Role::Viewer)
    };
    let refused = client.grant_access(unknown).await.unwrap_err();
    let fields = [
        ("access_grant.subject", "FIELD_REQUIRED"),
        ("access_grant.role", "ENUM_UNKNOWN"),
    ];
    assert_invalid(&refused, &fields);
}

#[tokio::test]
async fn an_empty_parent_is_not_the_widest_grant() {
    let server = TestServer::start().await;
    let mut client = server.sharing().await;
    for (parent, reason) in [
        ("", "FIELD_REQUIRED"),
        ("*", "INVALID_NAME"),
        ("projects/-", "INVALID_NAME"),
    ] {
        let refused = client
            .grant_access(grant_request(parent, "user:ada", Role::Viewer))
            .await
            .unwrap_err();
        assert_invalid(&refused, &[("parent", reason)]);
    }
}

#[tokio::test]
async fn roles_of_the_platform_are_granted_on_it_alone() {
    let server = TestServer::start().await;
    create(&mut server.dashboards().await, "d").await;
    let mut client = server.sharing().await;
    for (parent, role) in [
        ("projects/p", Role::PlatformAdmin),
        ("projects/p", Role::Auditor),
        ("projects/p", Role::Gateway),
        (DASHBOARD, Role::Admin),
        (DASHBOARD, Role::PlatformAdmin),
    ] {
        let refused = client
            .grant_access(grant_request(parent, "user:ada", role))
            .await
            .unwrap_err();
        assert_invalid(&refused, &[("access_grant.role", "FIELD_INVALID")]);
    }
}

#[tokio::test]
async fn a_dashboard_has_to_be_there_and_live() {
    let server = TestServer::start().await;
    let mut client = server.sharing().await;
    let refused = client
        .grant_access(grant_request(DASHBOARD, "user:ada", Role::Viewer))
        .await
        .unwrap_err();
    assert_refused(&refused, Code::NotFound, "DASHBOARD_NOT_FOUND");
    let mut dashboards = server.dashboards().await;
    create(&mut dashboards, "d").await;
    delete(&mut dashboards, DASHBOARD).await;
    let refused = client
        .grant_access(grant_request(DASHBOARD, "user:ada", Role::Viewer))
        .await
        .unwrap_err();
    assert_refused(&refused, Code::FailedPrecondition, "DASHBOARD_DELETED");
}

#[tokio::test]
async fn an_admin_grants_on_its_project_and_nowhere_else() {
    let server = TestServer::start().await;
    create(&mut server.dashboards().await, "d").await;
    grant(&server, "projects/p", "user:eve", Role::Admin).await;
    let mut client = server.sharing().await;
    for (parent, may) in [
        ("projects/p", true),
        (DASHBOARD, true),
        ("projects/q", false),
        ("projects/q/dashboards/d", false),
        ("platform", false),
    ] {
        let request = as_user("eve", grant_request(parent, "user:mallory", Role::Viewer));
        let answered = client.grant_access(request).await.map_err(|refused| refused.code());
        assert_eq!(
            answered.map(drop),
            may.then_some(()).ok_or(Code::PermissionDenied),
            "{parent}"
        );
    }
}

#[tokio::test]
async fn an_admin_of_all_projects_is_no_admin_of_the_platform() {
    let server = TestServer::start().await;
    grant(&server, "platform", "user:eve", Role::Admin).await;
    let mut client = server.sharing().await;
    let everywhere = as_user("eve", grant_request("projects/any", "user:eve", Role::Admin));
    client.grant_access(everywhere).await.unwrap();
    let higher = as_user("eve", grant_request("platform", "user:eve", Role::PlatformAdmin));
    let refused = client.grant_access(higher).await.unwrap_err();
    assert_refused(&refused, Code::PermissionDenied, "PERMISSION_DENIED");
}

/// A grant is for one name, and not for all that look like it.
#[tokio::test]
async fn a_grant_to_a_pattern_is_for_whoever_has_that_name() {
    let server = TestServer::start().await;
    create(&mut server.dashboards().await, "d").await;
    let patterns = [
        "user:*",
        "user:%",
        "user:a%",
        "user:_da",
        "user:.*",
        "group:*",
        "group:%",
        "user:ADA",
        "user:a da",
    ];
    for pattern in patterns {
        grant(&server, "projects/p", pattern, Role::Admin).await;
        grant(&server, DASHBOARD, pattern, Role::Editor).await;
    }
    let mut client = server.dashboards().await;
    let mut request = as_user("ada", list_request("projects/p"));
    request
        .metadata_mut()
        .insert("x-remote-group", "makers".parse().unwrap());
    let denied = client.list_dashboards(request).await.unwrap_err();
    assert_refused(&denied, Code::PermissionDenied, "PERMISSION_DENIED");
    for literally in ["*", "a%", "_da", ".*"] {
        client
            .list_dashboards(as_user(literally, list_request("projects/p")))
            .await
            .unwrap();
    }
}
