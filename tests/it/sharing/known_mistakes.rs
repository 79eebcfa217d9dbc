//! Mistakes of others, each by its name: they must not be possible here.

use dashboard_store::grpc::proto;
use serde_json::json;
use tonic::Code;
use uuid::Uuid;

use crate::support::audit::stored;
use crate::support::requests::{apply, as_user, assert_refused, delete, json_text, spec_named};
use crate::support::sharing::{
    D, assert_not_usable, create_request, for_uses, get, resolve, resolve_request, revoke_request, share, start,
};

/// Grafana: an empty or a placeholder key of a snapshot gave out some row.
#[tokio::test]
async fn cve_2021_39226_an_empty_or_a_placeholder_token_shows_nothing() {
    let (server, mut client) = start().await;
    let (link, token) = share(&mut client, for_uses(10)).await;
    let before = stored(&server).await;
    let id = link.name.rsplit('/').next().unwrap();
    let half = &token[..26];
    for guess in [
        "",
        " ",
        "*",
        "%",
        "_",
        "-",
        "0",
        "null",
        "undefined",
        ":key",
        "{token}",
        "psh_",
        id,
        half,
        &link.name,
        &link.etag,
    ] {
        assert_not_usable(resolve(&mut client, guess).await);
    }
    assert_eq!(stored(&server).await, before);
}

/// Grafana: the key to view a snapshot was enough to delete it.
#[tokio::test]
async fn cve_2024_1313_a_token_that_views_changes_nothing() {
    let (server, mut client) = start().await;
    let (link, token) = share(&mut client, for_uses(10)).await;
    client
        .resolve_share_link(as_user("guest", resolve_request(&token)))
        .await
        .unwrap();
    let before = stored(&server).await;
    let get_dashboard = proto::GetDashboardRequest {
        name: D.into(),
        ..Default::default()
    };
    let denied = server
        .dashboards()
        .await
        .get_dashboard(as_user("guest", get_dashboard))
        .await
        .unwrap_err();
    assert_refused(&denied, Code::PermissionDenied, "PERMISSION_DENIED");
    let denied = client
        .revoke_share_link(as_user("guest", revoke_request(&link.name)))
        .await
        .unwrap_err();
    assert_refused(&denied, Code::PermissionDenied, "PERMISSION_DENIED");
    let denied = client
        .create_share_link(as_user("guest", create_request(for_uses(1))))
        .await
        .unwrap_err();
    assert_refused(&denied, Code::PermissionDenied, "PERMISSION_DENIED");
    let by_token = proto::GetShareLinkRequest {
        name: format!("{D}/shareLinks/{token}"),
    };
    let refused = client.get_share_link(by_token).await.unwrap_err();
    assert_refused(&refused, Code::InvalidArgument, "INVALID_NAME");
    assert_eq!(stored(&server).await, before);
}

/// Grafana: what was granted on something that was deleted held for what got its name.
#[tokio::test]
async fn cve_2026_21725_a_link_does_not_pass_to_the_next_dashboard_of_the_name() {
    let (server, mut client) = start().await;
    let (link, token) = share(&mut client, for_uses(10)).await;
    let mut dashboards = server.dashboards().await;
    delete(&mut dashboards, D).await;
    let purge = proto::PurgeDashboardRequest {
        name: D.into(),
        etag: "*".into(),
        ..Default::default()
    };
    dashboards.purge_dashboard(purge).await.unwrap();
    apply(&mut dashboards, D, spec_named("another life")).await;
    assert_not_usable(resolve(&mut client, &token).await);
    let refused = get(&mut client, &link.name).await.unwrap_err();
    assert_refused(&refused, Code::NotFound, "SHARE_LINK_NOT_FOUND");
}

/// Grafana: a public dashboard gave out the credentials of its datasources.
#[tokio::test]
async fn cve_2026_27877_what_is_shared_holds_no_credentials() {
    let (server, mut client) = start().await;
    let canary = format!("canary-{}", Uuid::new_v4());
    let spec = |url: &str| {
        json!({
            "directUrl": url,
            "password": canary,
            "proxy": { "kind": "HTTPProxy", "spec": {
                "url": url,
                "secret": canary,
                "headers": { "Authorization": format!("Bearer {canary}") },
                "allowedEndpoints": [{ "endpointPattern": "/api", "method": "GET", "token": canary }]
            } }
        })
    };
    let document = json!({
        "datasources": {
            "a": { "default": true, "token": canary, "plugin": {
                "kind": "PrometheusDatasource", "key": canary, "spec": spec(&format!("https://u:{canary}@prom.example/?k={canary}"))
            } },
            "b": { "default": false, "plugin": {
                "kind": "LokiDatasource", "spec": spec(&format!("https:u:{canary}@loki.example"))
            } },
        },
        "Datasources": { "c": { "password": canary } },
        "panels": {}, "layouts": []
    });
    let mut dashboards = server.dashboards().await;
    apply(&mut dashboards, D, document.to_string()).await;
    let pinned = proto::ShareLink {
        pinned_revision: Some(2),
        ..for_uses(10)
    };
    for link in [for_uses(10), pinned] {
        let (_, token) = share(&mut client, link).await;
        let shown = resolve(&mut client, &token).await.unwrap();
        assert!(!format!("{shown:?}").contains(&canary), "{shown:?}");
        assert!(json_text(shown.dashboard.unwrap().spec).contains("prom.example"));
        let refused = resolve(&mut client, &format!("{token}x")).await.unwrap_err();
        assert!(!format!("{refused:?}").contains(&canary));
    }
}
