//! CreateShareLink.

use dashboard_store::grpc::proto;
use dashboard_store::grpc::proto::share_link::Expiry;
use prost_types::Timestamp;
use tonic::Code;
use tonic_types::StatusExt as _;
use uuid::Uuid;

use crate::support::audit::{events, stored};
use crate::support::requests::{assert_invalid, assert_refused, delete};
use crate::support::sharing::{
    D, create_request, for_seconds, for_uses, from_networks, get, resolve, share, start, start_with,
};

fn seconds(link: &proto::ShareLink) -> i64 {
    let Some(Expiry::ExpireTime(Timestamp { seconds, .. })) = link.expiry else {
        panic!("no time in {link:?}");
    };
    seconds - link.create_time.as_ref().unwrap().seconds
}

#[tokio::test]
async fn a_link_has_what_was_asked_for_and_a_token_that_works() {
    let (server, mut client) = start().await;
    let asked = proto::ShareLink {
        max_uses: Some(3),
        allowed_cidrs: vec!["127.0.0.0/8".into(), "::ffff:10.0.0.0/104".into()],
        note: "for Grace".into(),
        pinned_revision: Some(1),
        ..for_seconds(60)
    };
    let (link, token) = share(&mut client, asked).await;

    assert!(link.name.starts_with(&format!("{D}/shareLinks/")), "{}", link.name);
    assert_eq!(link.allowed_cidrs, ["10.0.0.0/8", "127.0.0.0/8"]);
    assert_eq!(
        (link.max_uses, link.use_count, link.pinned_revision),
        (Some(3), 0, Some(1))
    );
    assert_eq!(
        (link.note.as_str(), link.created_by.as_str()),
        ("for Grace", "user:developer")
    );
    assert_eq!((seconds(&link), link.state()), (60, proto::ShareLinkState::Active));
    assert_eq!(get(&mut client, &link.name).await.unwrap(), link);
    assert_eq!(token.len(), 53);
    resolve(&mut client, &token).await.unwrap();

    let event = events(&server).await.into_iter().rev().nth(1).unwrap();
    assert_eq!(
        (
            event.method.as_str(),
            event.permission.as_str(),
            event.resource.as_str()
        ),
        (
            "perses.dashboards.v1.ShareService/CreateShareLink",
            "share_links.create",
            link.name.as_str()
        )
    );
}

#[tokio::test]
async fn without_wishes_a_link_lasts_a_week_or_what_is_allowed() {
    let (_server, mut client) = start().await;
    let (link, _) = share(&mut client, proto::ShareLink::default()).await;
    assert_eq!(seconds(&link), 7 * 86_400);
    assert_eq!((link.max_uses, link.allowed_cidrs), (None, vec![]));

    let hour = std::time::Duration::from_secs(3600);
    let (_server, mut strict) = start_with(|config| config.access.share_link_max_ttl = hour).await;
    let (link, _) = share(&mut strict, proto::ShareLink::default()).await;
    assert_eq!(seconds(&link), 3600);
    let refused = strict
        .create_share_link(create_request(for_seconds(3601)))
        .await
        .unwrap_err();
    assert_invalid(&refused, &[("share_link.ttl", "FIELD_OUT_OF_RANGE")]);
}

#[tokio::test]
async fn every_violation_is_named_at_once() {
    let (server, mut client) = start().await;
    let before = stored(&server).await;
    let request = proto::CreateShareLinkRequest {
        request_id: "x".into(),
        ..create_request(proto::ShareLink {
            pinned_revision: Some(0),
            max_uses: Some(0),
            allowed_cidrs: ["10.0.0.1/8", "0.0.0.0/0", "::/0", "10.0.0.1", "10.0.0.0/8"]
                .map(str::to_owned)
                .into(),
            note: "n".repeat(1001),
            ..for_seconds(0)
        })
    };
    let refused = client.create_share_link(request).await.unwrap_err();
    assert_invalid(
        &refused,
        &[
            ("share_link.pinned_revision", "FIELD_OUT_OF_RANGE"),
            ("share_link.ttl", "FIELD_OUT_OF_RANGE"),
            ("share_link.max_uses", "FIELD_OUT_OF_RANGE"),
            ("share_link.allowed_cidrs[0]", "FIELD_INVALID"),
            ("share_link.allowed_cidrs[1]", "FIELD_INVALID"),
            ("share_link.allowed_cidrs[2]", "FIELD_INVALID"),
            ("share_link.allowed_cidrs[3]", "FIELD_INVALID"),
            ("share_link.note", "FIELD_TOO_LONG"),
            ("request_id", "FIELD_INVALID"),
        ],
    );
    let past = proto::ShareLink {
        expiry: Some(Expiry::ExpireTime(Timestamp { seconds: 1, nanos: 0 })),
        ..Default::default()
    };
    let refused = client.create_share_link(create_request(past)).await.unwrap_err();
    assert_invalid(&refused, &[("share_link.expire_time", "FIELD_OUT_OF_RANGE")]);
    assert_eq!(stored(&server).await, before);
}

#[tokio::test]
async fn a_replay_is_told_which_link_has_the_token() {
    let (server, mut client) = start().await;
    let request = proto::CreateShareLinkRequest {
        request_id: Uuid::new_v4().to_string(),
        ..create_request(for_uses(1))
    };
    let first = client.create_share_link(request.clone()).await.unwrap().into_inner();
    let before = stored(&server).await;
    let refused = client.create_share_link(request.clone()).await.unwrap_err();
    assert_refused(&refused, Code::AlreadyExists, "SHARE_TOKEN_ALREADY_ISSUED");
    let resource = refused.get_details_resource_info().unwrap();
    assert_eq!(resource.resource_type, "dashboards.perses.dev/ShareLink");
    assert_eq!(resource.resource_name, first.share_link.unwrap().name);

    let other = proto::CreateShareLinkRequest {
        share_link: Some(for_uses(2)),
        ..request
    };
    let reused = client.create_share_link(other).await.unwrap_err();
    assert_refused(&reused, Code::InvalidArgument, "REQUEST_ID_REUSED");
    assert_eq!(stored(&server).await, before);
}

#[tokio::test]
async fn validate_only_shows_a_link_without_a_token_and_stores_nothing() {
    let (server, mut client) = start().await;
    let before = stored(&server).await;
    let request = proto::CreateShareLinkRequest {
        validate_only: true,
        ..create_request(from_networks(&["10.0.0.0/8"]))
    };
    let shown = client.create_share_link(request).await.unwrap().into_inner();
    assert_eq!(shown.token, "");
    assert_eq!(shown.share_link.unwrap().allowed_cidrs, ["10.0.0.0/8"]);
    assert_eq!(stored(&server).await, before);
}

#[tokio::test]
async fn there_has_to_be_a_live_dashboard_with_that_revision() {
    let (server, mut client) = start().await;
    let missing = proto::CreateShareLinkRequest {
        parent: "projects/p/dashboards/missing".into(),
        ..Default::default()
    };
    let refused = client.create_share_link(missing).await.unwrap_err();
    assert_refused(&refused, Code::NotFound, "DASHBOARD_NOT_FOUND");
    let second = proto::ShareLink {
        pinned_revision: Some(2),
        ..Default::default()
    };
    let refused = client.create_share_link(create_request(second)).await.unwrap_err();
    assert_refused(&refused, Code::NotFound, "REVISION_NOT_FOUND");
    delete(&mut server.dashboards().await, D).await;
    let refused = client.create_share_link(create_request(for_uses(1))).await.unwrap_err();
    assert_refused(&refused, Code::FailedPrecondition, "DASHBOARD_DELETED");
}
