//! UpdateShareLink.

use std::time::Duration;

use dashboard_store::grpc::proto;
use dashboard_store::grpc::proto::share_link::Expiry;
use prost_types::FieldMask;
use tonic::Code;
use uuid::Uuid;

use crate::support::audit::{events, stored};
use crate::support::requests::{assert_invalid, assert_refused};
use crate::support::sharing::{
    for_seconds, for_uses, from_networks, get, resolve, revoke_request, share, start, start_with,
};

/// Asks for `change` of the link.
fn update(link: &proto::ShareLink, change: proto::ShareLink) -> proto::UpdateShareLinkRequest {
    proto::UpdateShareLinkRequest {
        share_link: Some(proto::ShareLink {
            name: link.name.clone(),
            etag: link.etag.clone(),
            ..change
        }),
        ..Default::default()
    }
}

/// What links of these tests begin with.
fn wide() -> proto::ShareLink {
    proto::ShareLink {
        max_uses: Some(10),
        allowed_cidrs: vec!["127.0.0.0/8".into()],
        note: "n".into(),
        ..for_seconds(3600)
    }
}

fn tighter() -> proto::ShareLink {
    proto::ShareLink {
        max_uses: Some(5),
        allowed_cidrs: vec!["127.0.0.0/16".into()],
        note: "tighter".into(),
        ..for_seconds(60)
    }
}

#[tokio::test]
async fn a_link_can_be_tightened() {
    let (server, mut client) = start().await;
    let (link, token) = share(&mut client, wide()).await;
    resolve(&mut client, &token).await.unwrap();
    let answer = client.update_share_link(update(&link, tighter())).await.unwrap();
    let new = answer.into_inner().share_link.unwrap();
    assert_eq!(
        (new.max_uses, new.use_count, new.note.as_str()),
        (Some(5), 1, "tighter")
    );
    assert_eq!(new.allowed_cidrs, ["127.0.0.0/16"]);
    assert_ne!((new.expiry, new.etag.as_str()), (link.expiry, link.etag.as_str()));
    let event = events(&server).await.pop().unwrap();
    assert_eq!(
        event.changed_paths,
        ["expire_time", "max_uses", "allowed_cidrs", "note"]
    );
    resolve(&mut client, &token).await.unwrap();
}

#[tokio::test]
async fn what_would_allow_more_is_refused() {
    let (server, mut client) = start().await;
    let (link, _) = share(&mut client, wide()).await;
    let before = stored(&server).await;
    let masked = |path: &str| proto::UpdateShareLinkRequest {
        update_mask: Some(FieldMask {
            paths: vec![path.into()],
        }),
        ..update(&link, proto::ShareLink::default())
    };
    let wider_networks = proto::ShareLink {
        allowed_cidrs: vec!["127.0.0.0/8".into(), "10.0.0.0/8".into()],
        ..Default::default()
    };
    for request in [
        update(&link, for_seconds(7200)),
        update(&link, for_uses(11)),
        update(&link, wider_networks),
        masked("max_uses"),
        masked("allowed_cidrs"),
    ] {
        let refused = client.update_share_link(request).await.unwrap_err();
        assert_refused(&refused, Code::FailedPrecondition, "SHARE_LINK_WIDENED");
    }
    for endless in ["expire_time", "ttl", "*"] {
        let refused = client.update_share_link(masked(endless)).await.unwrap_err();
        assert_invalid(&refused, &[("share_link.expire_time", "FIELD_REQUIRED")]);
    }
    assert_eq!(stored(&server).await, before);
}

#[tokio::test]
async fn a_link_is_not_ended_by_limits_that_it_broke() {
    let (_server, mut client) = start().await;
    let (link, token) = share(&mut client, wide()).await;
    for _ in 0..2 {
        resolve(&mut client, &token).await.unwrap();
    }
    let past = proto::ShareLink {
        expiry: Some(Expiry::ExpireTime(prost_types::Timestamp { seconds: 1, nanos: 0 })),
        max_uses: Some(1),
        ..Default::default()
    };
    let refused = client.update_share_link(update(&link, past)).await.unwrap_err();
    assert_invalid(
        &refused,
        &[
            ("share_link.expire_time", "FIELD_OUT_OF_RANGE"),
            ("share_link.max_uses", "FIELD_OUT_OF_RANGE"),
        ],
    );
    client.update_share_link(update(&link, for_uses(2))).await.unwrap();
}

#[tokio::test]
async fn the_etag_has_to_be_the_current_one() {
    let (_server, mut client) = start().await;
    let (link, _) = share(&mut client, wide()).await;
    let noted = proto::ShareLink {
        note: "another".into(),
        ..Default::default()
    };
    let mut request = update(&link, noted);
    client.update_share_link(request.clone()).await.unwrap();
    let stale = client.update_share_link(request.clone()).await.unwrap_err();
    assert_refused(&stale, Code::Aborted, "ETAG_MISMATCH");
    request.share_link.as_mut().unwrap().etag.clear();
    let refused = client.update_share_link(request.clone()).await.unwrap_err();
    assert_invalid(&refused, &[("share_link.etag", "ETAG_REQUIRED")]);
    request.share_link.as_mut().unwrap().etag = "*".into();
    client.update_share_link(request).await.unwrap();
}

#[tokio::test]
async fn a_replay_and_a_check_change_nothing_more() {
    let (server, mut client) = start().await;
    let (link, _) = share(&mut client, wide()).await;
    let before = stored(&server).await;
    let request = proto::UpdateShareLinkRequest {
        request_id: Uuid::new_v4().to_string(),
        ..update(&link, tighter())
    };
    let check = proto::UpdateShareLinkRequest {
        validate_only: true,
        ..request.clone()
    };
    client.update_share_link(check).await.unwrap();
    assert_eq!(stored(&server).await, before);
    let first = client.update_share_link(request.clone()).await.unwrap().into_inner();
    let after = stored(&server).await;
    assert_eq!(client.update_share_link(request).await.unwrap().into_inner(), first);
    let current = first.share_link.unwrap();
    let same = proto::ShareLink {
        note: current.note.clone(),
        ..Default::default()
    };
    let unchanged = client
        .update_share_link(update(&current, same))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(unchanged.share_link.unwrap().etag, current.etag);
    let events_after: Vec<String> = events(&server).await.into_iter().map(|event| event.method).collect();
    let updates = events_after
        .iter()
        .filter(|method| method.ends_with("UpdateShareLink"))
        .count();
    assert_eq!(updates, 1, "{after}");
}

#[tokio::test]
async fn a_revoked_link_stays_as_it_is() {
    let (_server, mut client) = start().await;
    let (link, _) = share(&mut client, wide()).await;
    client.revoke_share_link(revoke_request(&link.name)).await.unwrap();
    let mut request = update(&link, tighter());
    request.share_link.as_mut().unwrap().etag = "*".into();
    let refused = client.update_share_link(request).await.unwrap_err();
    assert_refused(&refused, Code::FailedPrecondition, "SHARE_LINK_REVOKED");
}

#[tokio::test]
async fn the_pinned_revision_stays() {
    let (server, mut client) = start().await;
    let pinned = proto::ShareLink {
        pinned_revision: Some(1),
        ..wide()
    };
    let (link, _) = share(&mut client, pinned).await;
    let (to_the_head, _) = share(&mut client, wide()).await;
    let before = stored(&server).await;
    let asked = |link: &proto::ShareLink, pinned_revision, paths: &[&str]| {
        let change = proto::ShareLink {
            pinned_revision,
            expiry: link.expiry,
            note: "another".into(),
            ..wide()
        };
        let mut request = update(link, change);
        request.share_link.as_mut().unwrap().etag = "*".into();
        request.update_mask = Some(FieldMask {
            paths: paths.iter().map(|path| (*path).to_owned()).collect(),
        });
        request
    };
    for request in [
        asked(&link, Some(2), &[]),
        asked(&link, Some(0), &["*"]),
        asked(&link, Some(2), &["note", "pinned_revision"]),
        asked(&link, None, &["pinned_revision"]),
        asked(&to_the_head, Some(1), &[]),
    ] {
        let refused = client.update_share_link(request).await.unwrap_err();
        assert_invalid(&refused, &[("share_link.pinned_revision", "FIELD_INVALID")]);
    }
    assert_eq!(stored(&server).await, before);
    for request in [
        asked(&link, Some(1), &[]),
        asked(&link, None, &["*"]),
        asked(&link, Some(1), &["note", "pinned_revision"]),
        // What the mask does not name is not asked for.
        asked(&link, Some(2), &["note"]),
        asked(&to_the_head, None, &["pinned_revision"]),
    ] {
        client.update_share_link(request).await.unwrap();
    }
}

#[tokio::test]
async fn an_end_that_is_over_can_stay() {
    let (server, mut client) = start().await;
    let (link, _) = share(&mut client, wide()).await;
    let expire =
        "UPDATE share_token SET created_at = created_at - interval '1 day', expires_at = expires_at - interval '1 day'";
    server.sql().await.batch_execute(expire).await.unwrap();
    let expired = get(&mut client, &link.name).await.unwrap();
    assert_eq!(expired.state(), proto::ShareLinkState::Expired);

    let noted = proto::ShareLink {
        note: "over".into(),
        ..expired.clone()
    };
    let answer = client.update_share_link(update(&expired, noted)).await.unwrap();
    let new = answer.into_inner().share_link.unwrap();
    assert_eq!((new.note.as_str(), new.expiry), ("over", expired.expiry));
    assert_eq!(events(&server).await.pop().unwrap().changed_paths, ["note"]);
}

#[tokio::test]
async fn the_same_networks_in_other_words_are_no_change() {
    let (server, mut client) = start().await;
    let halves = from_networks(&["127.128.0.0/9", "10.1.0.0/16", "127.0.0.0/9", "127.0.0.1/32"]);
    let (link, _) = share(&mut client, halves.clone()).await;
    assert_eq!(link.allowed_cidrs, ["10.1.0.0/16", "127.0.0.0/8"]);
    // As an earlier release stored them.
    let split = "UPDATE share_token SET allowed_cidrs = '{127.128.0.0/9,127.0.0.0/9,10.1.0.0/16}'";
    server.sql().await.batch_execute(split).await.unwrap();
    for same in [from_networks(&["127.0.0.0/8", "10.1.0.0/16"]), halves] {
        let answer = client.update_share_link(update(&link, same)).await.unwrap();
        assert_eq!(answer.into_inner().share_link.unwrap(), link);
    }
    let narrower = from_networks(&["127.64.0.0/10", "127.128.0.0/9"]);
    let answer = client.update_share_link(update(&link, narrower)).await.unwrap();
    let new = answer.into_inner().share_link.unwrap();
    assert_eq!(new.allowed_cidrs, ["127.64.0.0/10", "127.128.0.0/9"]);
    let wider = update(&new, from_networks(&["127.0.0.0/9", "127.128.0.0/9"]));
    let refused = client.update_share_link(wider).await.unwrap_err();
    assert_refused(&refused, Code::FailedPrecondition, "SHARE_LINK_WIDENED");
}

#[tokio::test]
async fn a_life_is_measured_by_that_of_the_link_and_not_by_what_new_ones_may_have() {
    let hour = Duration::from_secs(3600);
    let (server, mut client) = start_with(|config| config.access.share_link_max_ttl = hour).await;
    let (link, _) = share(&mut client, for_seconds(3600)).await;
    // As one that was created before the operator allowed less.
    let lengthen = "UPDATE share_token SET expires_at = created_at + interval '10 hours'";
    server.sql().await.batch_execute(lengthen).await.unwrap();

    for longer in [11 * 3600, i64::MAX] {
        let request = update(&link, for_seconds(longer));
        let refused = client.update_share_link(request).await.unwrap_err();
        assert_refused(&refused, Code::FailedPrecondition, "SHARE_LINK_WIDENED");
    }
    for no_life in [0, -1, i64::MIN] {
        let request = update(&link, for_seconds(no_life));
        let refused = client.update_share_link(request).await.unwrap_err();
        assert_invalid(&refused, &[("share_link.ttl", "FIELD_OUT_OF_RANGE")]);
    }
    client
        .update_share_link(update(&link, for_seconds(5 * 3600)))
        .await
        .unwrap();
}
