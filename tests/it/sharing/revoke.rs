//! RevokeShareLink and RevokeDashboardShareLinks.

use dashboard_store::grpc::proto;
use dashboard_store::grpc::proto::Role;
use tonic::Code;
use uuid::Uuid;

use crate::support::access::grant;
use crate::support::audit::{events, stored};
use crate::support::requests::{as_user, assert_refused};
use crate::support::sharing::{
    D, assert_not_usable, create_request, for_uses, get, resolve, revoke_request, share, start,
};

#[tokio::test]
async fn a_revoked_link_is_of_no_use_and_says_who_revoked_it() {
    let (server, mut client) = start().await;
    let (link, token) = share(&mut client, for_uses(10)).await;
    let request = proto::RevokeShareLinkRequest {
        request_id: Uuid::new_v4().to_string(),
        ..revoke_request(&link.name)
    };
    let before = stored(&server).await;
    let check = proto::RevokeShareLinkRequest {
        validate_only: true,
        ..request.clone()
    };
    client.revoke_share_link(check).await.unwrap();
    assert_eq!(stored(&server).await, before);

    let answer = client.revoke_share_link(request.clone()).await.unwrap().into_inner();
    let revoked = answer.share_link.clone().unwrap();
    assert_eq!(
        (revoked.state(), revoked.revoked_by.as_str()),
        (proto::ShareLinkState::Revoked, "user:developer")
    );
    assert!(revoked.revoke_time.is_some() && revoked.etag != link.etag);
    assert_not_usable(resolve(&mut client, &token).await);

    let event = events(&server).await.pop().unwrap();
    assert_eq!(
        (event.resource, event.changed_paths),
        (link.name.clone(), vec!["state".to_owned()])
    );
    let after = stored(&server).await;
    assert_eq!(client.revoke_share_link(request).await.unwrap().into_inner(), answer);
    assert_eq!(stored(&server).await, after);
}

#[tokio::test]
async fn revoking_twice_leaves_the_first_revocation() {
    let (server, mut client) = start().await;
    let (link, _) = share(&mut client, for_uses(10)).await;
    let first = client
        .revoke_share_link(revoke_request(&link.name))
        .await
        .unwrap()
        .into_inner();
    let events_before = events(&server).await.len();
    let second = client
        .revoke_share_link(as_user("alice", revoke_request(&link.name)))
        .await;
    assert_eq!(second.unwrap().into_inner(), first);
    assert_eq!(events(&server).await.len(), events_before);
    let unknown = format!("{D}/shareLinks/{}", Uuid::new_v4());
    let refused = client.revoke_share_link(revoke_request(&unknown)).await.unwrap_err();
    assert_refused(&refused, Code::NotFound, "SHARE_LINK_NOT_FOUND");
}

#[tokio::test]
async fn all_links_of_a_dashboard_are_revoked_or_all_of_ones_own() {
    let (server, mut client) = start().await;
    grant(&server, "projects/p", "user:ada", Role::Editor).await;
    let (of_developer, _) = share(&mut client, for_uses(1)).await;
    for _ in 0..2 {
        client
            .create_share_link(as_user("ada", create_request(for_uses(1))))
            .await
            .unwrap();
    }
    let request = proto::RevokeDashboardShareLinksRequest {
        parent: D.into(),
        request_id: Uuid::new_v4().to_string(),
        ..Default::default()
    };
    let events_before = events(&server).await.len();
    for _ in 0..2 {
        let answer = client
            .revoke_dashboard_share_links(as_user("ada", request.clone()))
            .await;
        assert_eq!(answer.unwrap().into_inner().revoked_share_links, 2);
    }
    assert_eq!(events(&server).await.len(), events_before + 2);
    assert_eq!(
        get(&mut client, &of_developer.name).await.unwrap().state(),
        proto::ShareLinkState::Active
    );

    let check = proto::RevokeDashboardShareLinksRequest {
        validate_only: true,
        ..request.clone()
    };
    let before = stored(&server).await;
    let shown = client.revoke_dashboard_share_links(check).await.unwrap().into_inner();
    assert_eq!((shown.revoked_share_links, stored(&server).await == before), (1, true));
    let answer = client.revoke_dashboard_share_links(request).await.unwrap().into_inner();
    assert_eq!(answer.revoked_share_links, 1);
    assert_eq!(
        get(&mut client, &of_developer.name).await.unwrap().state(),
        proto::ShareLinkState::Revoked
    );

    let missing = proto::RevokeDashboardShareLinksRequest {
        parent: "projects/p/dashboards/missing".into(),
        ..Default::default()
    };
    let refused = client.revoke_dashboard_share_links(missing).await.unwrap_err();
    assert_refused(&refused, Code::NotFound, "DASHBOARD_NOT_FOUND");
}
