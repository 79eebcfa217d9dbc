//! What gives rights that stay rests on what the caller may do at that moment, and not on a decision of some seconds ago.

use dashboard_store::grpc::proto::Role;
use tonic::Code;

use super::purge_project::purge_request;
use super::revoke_access::start_without_bootstrap;
use crate::support::TestServer;
use crate::support::access::{grant, grant_request, granted, list_request, revoke_request};
use crate::support::blocking::wait_for_locks;
use crate::support::requests::{as_user, assert_refused, create, list_request as list_dashboards};
use crate::support::sharing::{create_request, for_uses};

/// Two servers on one database; no configuration gives them an admin.
async fn start_two() -> [TestServer; 2] {
    let first = start_without_bootstrap().await;
    let (database, connect) = (first.database().clone(), first.database().service_config());
    let second = TestServer::launch(database, connect, |config| config.access.bootstrap_admins.clear()).await;
    [first, second]
}

#[tokio::test]
async fn an_admin_who_was_revoked_on_another_server_gives_and_takes_no_role() {
    for (parent, role) in [("platform", Role::PlatformAdmin), ("projects/p", Role::Admin)] {
        let [first, second] = start_two().await;
        let eve = grant(&first, parent, "user:eve", role).await;
        let other = grant(&first, parent, "user:ada", role).await;
        let mut client = second.sharing().await;
        // From here on the other server knows what she may do.
        client
            .list_access_grants(as_user("eve", list_request(parent)))
            .await
            .unwrap();
        first
            .sharing()
            .await
            .revoke_access(revoke_request(&eve.name))
            .await
            .unwrap();

        let again = client
            .grant_access(as_user("eve", grant_request(parent, "user:eve", role)))
            .await;
        assert_refused(&again.unwrap_err(), Code::PermissionDenied, "PERMISSION_DENIED");
        let others = client.revoke_access(as_user("eve", revoke_request(&other.name))).await;
        assert_refused(&others.unwrap_err(), Code::PermissionDenied, "PERMISSION_DENIED");

        let left = granted(&mut first.sharing().await, parent).await.unwrap();
        assert_eq!(left, [("user:ada".to_owned(), role)]);
    }
}

/// Whoever was admin of a project that is gone gives nobody a look at the next one.
#[tokio::test]
async fn an_admin_of_a_purged_project_shares_nothing_of_the_next_one() {
    let [first, second] = start_two().await;
    create(&mut first.dashboards().await, "d").await;
    grant(&first, "projects/p", "user:eve", Role::Admin).await;
    let list = as_user("eve", list_dashboards("projects/p"));
    second.dashboards().await.list_dashboards(list).await.unwrap();
    let purge = purge_request("projects/p");
    first.dashboards().await.purge_project(purge).await.unwrap();
    create(&mut first.dashboards().await, "d").await;

    let mut client = second.sharing().await;
    let link = client
        .create_share_link(as_user("eve", create_request(for_uses(1))))
        .await;
    assert_refused(&link.unwrap_err(), Code::PermissionDenied, "PERMISSION_DENIED");
    let role = client
        .grant_access(as_user("eve", grant_request("projects/p", "user:eve", Role::Admin)))
        .await;
    assert_refused(&role.unwrap_err(), Code::PermissionDenied, "PERMISSION_DENIED");
    assert_eq!(granted(&mut first.sharing().await, "projects/p").await.unwrap(), []);
}

/// The grant was there when the caller was let in, and is gone when it is used.
#[tokio::test]
async fn a_role_that_is_revoked_while_it_is_used_gives_nothing() {
    let server = TestServer::start().await;
    grant(&server, "projects/p", "user:eve", Role::Admin).await;
    let revoker = server.sql().await;
    revoker.batch_execute("BEGIN; DELETE FROM access_grant").await.unwrap();
    let mut client = server.sharing().await;
    let request = as_user("eve", grant_request("projects/p", "user:mallory", Role::Viewer));
    let granting = tokio::spawn(async move { client.grant_access(request).await });
    wait_for_locks(&server.sql().await, "hold_grants", 1).await;
    revoker.batch_execute("COMMIT").await.unwrap();

    let refused = granting.await.unwrap().unwrap_err();

    assert_refused(&refused, Code::PermissionDenied, "PERMISSION_DENIED");
    let left = granted(&mut server.sharing().await, "projects/p").await.unwrap();
    assert_eq!(left, []);
}
