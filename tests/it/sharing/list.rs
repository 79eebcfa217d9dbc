//! ListShareLinks.

use dashboard_store::grpc::proto;
use dashboard_store::grpc::proto::Role;
use tonic::Code;

use crate::support::access::grant;
use crate::support::requests::{as_user, assert_invalid, assert_refused, delete};
use crate::support::sharing::{Client, D, create_request, for_uses, resolve, revoke_request, share, start};

fn list_request() -> proto::ListShareLinksRequest {
    proto::ListShareLinksRequest {
        parent: D.into(),
        ..Default::default()
    }
}

/// The notes of all links, page by page.
async fn notes(client: &mut Client, mut request: proto::ListShareLinksRequest) -> Vec<String> {
    let mut notes = Vec::new();
    loop {
        let page = client.list_share_links(request.clone()).await.unwrap().into_inner();
        assert!(request.page_size == 0 || page.share_links.len() <= request.page_size as usize);
        notes.extend(page.share_links.into_iter().map(|link| link.note));
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return notes;
        }
    }
}

fn noted(note: &str) -> proto::ShareLink {
    proto::ShareLink {
        note: note.into(),
        ..for_uses(1)
    }
}

#[tokio::test]
async fn pages_follow_each_other_in_both_directions() {
    let (server, mut client) = start().await;
    assert_eq!(notes(&mut client, list_request()).await, [""; 0]);
    for note in ["a", "b", "c", "d", "e"] {
        share(&mut client, noted(note)).await;
    }
    for page_size in [0, 1, 2, 5] {
        let request = proto::ListShareLinksRequest {
            page_size,
            ..list_request()
        };
        assert_eq!(notes(&mut client, request.clone()).await, ["a", "b", "c", "d", "e"]);
        let newest_first = proto::ListShareLinksRequest {
            order_by: "create_time desc".into(),
            ..request
        };
        assert_eq!(notes(&mut client, newest_first).await, ["e", "d", "c", "b", "a"]);
    }
    delete(&mut server.dashboards().await, D).await;
    assert_eq!(notes(&mut client, list_request()).await.len(), 5);
}

#[tokio::test]
async fn filters_know_the_state_and_the_creator() {
    let (server, mut client) = start().await;
    let (_, token) = share(&mut client, noted("exhausted")).await;
    resolve(&mut client, &token).await.unwrap();
    let (revoked, _) = share(&mut client, noted("revoked")).await;
    client.revoke_share_link(revoke_request(&revoked.name)).await.unwrap();
    share(&mut client, noted("expired")).await;
    let expire = "UPDATE share_token SET created_at = now() - interval '2 days', expires_at = now() - interval '1 day'
        WHERE note = 'expired'";
    server.sql().await.execute(expire, &[]).await.unwrap();
    share(&mut client, noted("active")).await;
    for (filter, expected) in [
        ("state = ACTIVE", &["active"][..]),
        ("state = EXPIRED", &["expired"]),
        ("state = EXHAUSTED", &["exhausted"]),
        ("state = REVOKED", &["revoked"]),
        (
            "state != REVOKED AND create_time > 2026-01-01T00:00:00Z",
            &["expired", "exhausted", "active"],
        ),
        ("created_by = user:nobody", &[]),
        ("expire_time < 2000-01-01T00:00:00Z", &[]),
    ] {
        let request = proto::ListShareLinksRequest {
            filter: filter.into(),
            ..list_request()
        };
        assert_eq!(notes(&mut client, request).await, expected, "{filter}");
    }
}

#[tokio::test]
async fn editors_see_their_own_links_alone() {
    let (server, mut client) = start().await;
    grant(&server, "projects/p", "user:ada", Role::Editor).await;
    share(&mut client, noted("of the developer")).await;
    client
        .create_share_link(as_user("ada", create_request(noted("own"))))
        .await
        .unwrap();
    let page = client
        .list_share_links(as_user("ada", list_request()))
        .await
        .unwrap()
        .into_inner();
    let own: Vec<String> = page.share_links.into_iter().map(|link| link.note).collect();
    assert_eq!(own, ["own"]);
    assert_eq!(notes(&mut client, list_request()).await, ["of the developer", "own"]);
}

#[tokio::test]
async fn what_is_wrong_with_a_list_is_named() {
    let (_server, mut client) = start().await;
    let request = proto::ListShareLinksRequest {
        page_size: -1,
        filter: "token = x".into(),
        order_by: "note".into(),
        ..list_request()
    };
    let refused = client.list_share_links(request).await.unwrap_err();
    assert_invalid(
        &refused,
        &[
            ("page_size", "FIELD_OUT_OF_RANGE"),
            ("filter", "INVALID_FILTER"),
            ("order_by", "INVALID_ORDER_BY"),
        ],
    );
    let foreign = proto::ListShareLinksRequest {
        page_token: "AAAA".into(),
        ..list_request()
    };
    let refused = client.list_share_links(foreign).await.unwrap_err();
    assert_invalid(&refused, &[("page_token", "INVALID_PAGE_TOKEN")]);
    let missing = proto::ListShareLinksRequest {
        parent: "projects/p/dashboards/missing".into(),
        ..Default::default()
    };
    let refused = client.list_share_links(missing).await.unwrap_err();
    assert_refused(&refused, Code::NotFound, "DASHBOARD_NOT_FOUND");
}
