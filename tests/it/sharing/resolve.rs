//! ResolveShareLink.

use dashboard_store::grpc::proto;
use dashboard_store::grpc::proto::share_link::Expiry;
use data_encoding::HEXLOWER;
use http::HeaderMap;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tonic::{Code, Status};

use crate::support::TestServer;
use crate::support::audit::{details, events};
use crate::support::requests::{
    apply, as_user, assert_invalid, assert_refused, delete, is_tree, json_text, shared_spec_named, spec_named,
};
use crate::support::sharing::{
    Client, D, assert_not_usable, for_uses, from_networks, get, resolve, resolve_request, revoke_request, share, start,
};

/// A dashboard whose datasource has credentials.
fn with_secrets() -> Value {
    json!({
        "display": { "name": "GPU" },
        "datasources": { "prom": { "default": true, "plugin": { "kind": "PrometheusDatasource", "spec": {
            "directUrl": "https://ada:hunter2@prom.example/?token=hunter2",
            "basicAuth": { "password": "hunter2" }
        } } } },
        "panels": {},
        "layouts": []
    })
}

#[tokio::test]
async fn a_token_shows_the_head_and_counts_each_use() {
    let (server, mut client) = start().await;
    let (link, token) = share(&mut client, for_uses(2)).await;
    let stranger = client
        .resolve_share_link(as_user("stranger", resolve_request(&token)))
        .await;
    let shown = stranger.unwrap().into_inner();
    assert_eq!(shown.share_link_name, link.name);
    let dashboard = shown.dashboard.unwrap();
    assert_eq!(
        (dashboard.name.as_str(), dashboard.uid.as_str()),
        (D, link.dashboard_uid.as_str())
    );
    assert_eq!((dashboard.revision, dashboard.display_name.as_str()), (1, "first"));
    assert_eq!(json_text(dashboard.spec), shared_spec_named("first"));
    assert_eq!(
        (dashboard.created_by, dashboard.updated_by, dashboard.etag),
        Default::default()
    );

    apply(&mut server.dashboards().await, D, spec_named("second")).await;
    let second = resolve(&mut client, &token).await.unwrap().dashboard.unwrap();
    assert_eq!(
        (second.revision, json_text(second.spec)),
        (2, shared_spec_named("second"))
    );
    let used = get(&mut client, &link.name).await.unwrap();
    assert_eq!((used.use_count, used.state()), (2, proto::ShareLinkState::Exhausted));
    assert!(used.last_use_time.is_some());
    assert_eq!(used.etag, link.etag, "being used makes no new version");
    assert_not_usable(resolve(&mut client, &token).await);
    assert_eq!(get(&mut client, &link.name).await.unwrap().use_count, 2);
}

#[tokio::test]
async fn each_use_is_an_event_and_a_refusal_is_none() {
    let (server, mut client) = start().await;
    let (link, token) = share(&mut client, for_uses(1)).await;
    let before = events(&server).await.len();
    client
        .resolve_share_link(as_user("stranger", resolve_request(&token)))
        .await
        .unwrap();
    assert_not_usable(resolve(&mut client, &token).await);
    let written = events(&server).await;
    assert_eq!(written.len(), before + 1);
    let event = written.last().unwrap();
    assert_eq!(
        (event.actor.as_str(), event.permission.as_str()),
        ("user:stranger", "share_links.resolve")
    );
    assert_eq!(
        (event.resource.as_str(), event.result.as_str()),
        (link.name.as_str(), "success")
    );
    assert_eq!((event.revision_before, event.revision_after), (Some(1), Some(1)));
    assert!(details(&server).await.last().unwrap().contains("127.0.0.1"));
}

#[tokio::test]
async fn credentials_are_taken_out_and_the_hash_is_that_of_what_is_served() {
    let (server, mut client) = start().await;
    apply(&mut server.dashboards().await, D, with_secrets().to_string()).await;
    let (_, token) = share(&mut client, for_uses(9)).await;
    let shown = resolve(&mut client, &token).await.unwrap();
    let below = "/datasources/prom/plugin/spec";
    assert_eq!(
        shown.redacted_paths,
        [format!("{below}/basicAuth"), format!("{below}/directUrl")]
    );
    let dashboard = shown.dashboard.unwrap();
    let text = json_text(dashboard.spec);
    assert!(!text.contains("hunter2"), "{text}");
    assert!(text.contains("https://prom.example/"), "{text}");
    assert_eq!(dashboard.spec_sha256, HEXLOWER.encode(&Sha256::digest(&text)));
    assert_eq!(dashboard.spec_size_bytes, i32::try_from(text.len()).unwrap());

    let as_tree = proto::ResolveShareLinkRequest {
        spec_format: proto::SpecFormat::Structured.into(),
        ..resolve_request(&token)
    };
    let tree = client
        .resolve_share_link(as_tree)
        .await
        .unwrap()
        .into_inner()
        .dashboard
        .unwrap();
    assert!(is_tree(tree.spec.as_ref()) && !format!("{tree:?}").contains("hunter2"));
}

#[tokio::test]
async fn a_link_without_a_limit_never_stops_at_the_end_of_its_counter() {
    let (server, mut client) = start().await;
    let unlimited = proto::ShareLink {
        max_uses: None,
        ..for_uses(1)
    };
    let (link, token) = share(&mut client, unlimited).await;
    let set = "UPDATE share_token SET use_count = 2147483647";
    server.sql().await.batch_execute(set).await.unwrap();
    resolve(&mut client, &token).await.unwrap();
    let used = get(&mut client, &link.name).await.unwrap();
    assert_eq!(
        (used.use_count, used.state()),
        (i32::MAX, proto::ShareLinkState::Active)
    );
}

/// The whole of an error as it goes over the wire, but for the id of the call and the time.
fn bytes(status: &Status) -> (Code, String, Vec<u8>, HeaderMap) {
    let mut headers = status.metadata().clone().into_headers();
    for of_the_call in ["x-request-id", "date"] {
        headers.remove(of_the_call);
    }
    (
        status.code(),
        status.message().to_owned(),
        status.details().to_vec(),
        headers,
    )
}

/// A token that can't be used, by the reason why.
async fn useless_tokens(server: &TestServer, client: &mut Client) -> Vec<(&'static str, String)> {
    let sql = server.sql().await;
    let (_, unknown) = share(client, for_uses(1)).await;
    sql.execute("DELETE FROM share_token", &[]).await.unwrap();
    let (link, revoked) = share(client, for_uses(1)).await;
    client.revoke_share_link(revoke_request(&link.name)).await.unwrap();
    let (link, expired) = share(client, for_uses(1)).await;
    let expire = "UPDATE share_token SET created_at = now() - interval '2 s', expires_at = clock_timestamp() WHERE id::text = $1";
    let id = link.name.rsplit('/').next().unwrap();
    sql.execute(expire, &[&id]).await.unwrap();
    let (_, exhausted) = share(client, for_uses(1)).await;
    resolve(client, &exhausted).await.unwrap();
    let (_, elsewhere) = share(client, from_networks(&["192.0.2.0/24"])).await;
    let gone = proto::CreateShareLinkRequest {
        parent: "projects/p/dashboards/gone".into(),
        ..Default::default()
    };
    apply(&mut server.dashboards().await, &gone.parent, spec_named("gone")).await;
    let deleted = client.create_share_link(gone.clone()).await.unwrap().into_inner().token;
    delete(&mut server.dashboards().await, &gone.parent).await;
    vec![
        ("malformed", "psh_x".into()),
        ("empty", String::new()),
        ("unknown", unknown),
        ("revoked", revoked),
        ("expired", expired),
        ("exhausted", exhausted),
        ("elsewhere", elsewhere),
        ("deleted", deleted),
    ]
}

#[tokio::test]
async fn all_refusals_are_the_same_byte_for_byte_and_count_nothing() {
    let (server, mut client) = start().await;
    let useless = useless_tokens(&server, &mut client).await;
    let uses = "SELECT sum(use_count)::bigint FROM share_token";
    let sql = server.sql().await;
    let before: i64 = sql.query_one(uses, &[]).await.unwrap().get(0);
    let mut refusals = Vec::new();
    for (why, token) in useless {
        let refused = resolve(&mut client, &token).await.unwrap_err();
        assert_refused(&refused, Code::PermissionDenied, "SHARE_NOT_USABLE");
        refusals.push((why, bytes(&refused)));
    }
    for (why, refusal) in &refusals {
        assert_eq!(refusal, &refusals[0].1, "{why}");
    }
    let after: i64 = sql.query_one(uses, &[]).await.unwrap().get(0);
    assert_eq!(after, before);
}

#[tokio::test]
async fn a_dashboard_that_is_undeleted_is_shown_again() {
    let (server, mut client) = start().await;
    let mut dashboards = server.dashboards().await;
    let (_, token) = share(&mut client, for_uses(1)).await;
    delete(&mut dashboards, D).await;
    assert_not_usable(resolve(&mut client, &token).await);
    let undelete = proto::UndeleteDashboardRequest {
        name: D.into(),
        etag: "*".into(),
        ..Default::default()
    };
    dashboards.undelete_dashboard(undelete).await.unwrap();
    resolve(&mut client, &token).await.unwrap();
}

#[tokio::test]
async fn what_is_wrong_beside_the_token_is_named() {
    let (_server, mut client) = start().await;
    let request = proto::ResolveShareLinkRequest {
        client_ip: "localhost".into(),
        spec_format: 99,
        ..resolve_request("psh_x")
    };
    let refused = client.resolve_share_link(request).await.unwrap_err();
    assert_invalid(
        &refused,
        &[("client_ip", "FIELD_INVALID"), ("spec_format", "ENUM_UNKNOWN")],
    );
}

#[tokio::test]
async fn a_link_lasts_until_the_time_that_was_asked_for() {
    let (_server, mut client) = start().await;
    let time = prost_types::Timestamp {
        seconds: 4_000_000_000,
        nanos: 0,
    };
    let far = proto::ShareLink {
        expiry: Some(Expiry::ExpireTime(time)),
        ..Default::default()
    };
    let request = crate::support::sharing::create_request(far);
    let refused = client.create_share_link(request).await.unwrap_err();
    assert_invalid(&refused, &[("share_link.expire_time", "FIELD_OUT_OF_RANGE")]);
}
