//! GetShareLink, and whose links are there for whom.

use dashboard_store::grpc::proto;
use dashboard_store::grpc::proto::Role;
use tonic::Code;
use uuid::Uuid;

use crate::support::access::grant;
use crate::support::requests::{as_user, assert_refused};
use crate::support::sharing::{D, create_request, for_uses, get, revoke_request, share, start};

fn by_name(name: &str) -> proto::GetShareLinkRequest {
    proto::GetShareLinkRequest { name: name.into() }
}

#[tokio::test]
async fn an_unknown_link_is_not_found() {
    let (_server, mut client) = start().await;
    let (link, _) = share(&mut client, for_uses(1)).await;
    let id = link.name.rsplit('/').next().unwrap();
    for name in [
        format!("{D}/shareLinks/{}", Uuid::new_v4()),
        format!("projects/p/dashboards/other/shareLinks/{id}"),
        format!("projects/q/dashboards/d/shareLinks/{id}"),
    ] {
        let refused = get(&mut client, &name).await.unwrap_err();
        assert_refused(&refused, Code::NotFound, "SHARE_LINK_NOT_FOUND");
    }
}

#[tokio::test]
async fn editors_have_their_own_links_and_admins_those_of_all() {
    let (server, mut client) = start().await;
    for (user, role) in [
        ("ada", Role::Editor),
        ("eve", Role::Editor),
        ("root", Role::Admin),
        ("vic", Role::Viewer),
    ] {
        grant(&server, "projects/p", &format!("user:{user}"), role).await;
    }
    let created = client
        .create_share_link(as_user("ada", create_request(for_uses(1))))
        .await;
    let link = created.unwrap().into_inner().share_link.unwrap();

    for user in ["ada", "root"] {
        let answer = client.get_share_link(as_user(user, by_name(&link.name))).await.unwrap();
        assert_eq!(answer.into_inner().share_link.as_ref(), Some(&link), "{user}");
    }
    let others = client
        .get_share_link(as_user("eve", by_name(&link.name)))
        .await
        .unwrap_err();
    assert_refused(&others, Code::NotFound, "SHARE_LINK_NOT_FOUND");
    let update = proto::UpdateShareLinkRequest {
        share_link: Some(proto::ShareLink {
            name: link.name.clone(),
            etag: "*".into(),
            note: "mine".into(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let others = client.update_share_link(as_user("eve", update)).await.unwrap_err();
    assert_refused(&others, Code::NotFound, "SHARE_LINK_NOT_FOUND");
    let others = client
        .revoke_share_link(as_user("eve", revoke_request(&link.name)))
        .await
        .unwrap_err();
    assert_refused(&others, Code::NotFound, "SHARE_LINK_NOT_FOUND");
    for user in ["vic", "stranger"] {
        let denied = client
            .get_share_link(as_user(user, by_name(&link.name)))
            .await
            .unwrap_err();
        assert_refused(&denied, Code::PermissionDenied, "PERMISSION_DENIED");
    }
}

#[tokio::test]
async fn an_editor_of_one_dashboard_is_not_told_which_links_there_are() {
    let (server, mut client) = start().await;
    grant(&server, D, "user:guest", Role::Editor).await;
    let created = client
        .create_share_link(as_user("guest", create_request(for_uses(1))))
        .await;
    let own = created.unwrap().into_inner().share_link.unwrap();
    client
        .get_share_link(as_user("guest", by_name(&own.name)))
        .await
        .unwrap();
    let (of_another, _) = share(&mut client, for_uses(1)).await;
    for name in [of_another.name, format!("{D}/shareLinks/{}", Uuid::new_v4())] {
        let denied = client
            .get_share_link(as_user("guest", by_name(&name)))
            .await
            .unwrap_err();
        assert_refused(&denied, Code::PermissionDenied, "PERMISSION_DENIED");
    }
}
