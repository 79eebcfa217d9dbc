//! The secret of a link is in one answer and nowhere else.

use dashboard_store::grpc::proto;
use dashboard_store::grpc::proto::audit_service_client::AuditServiceClient;
use dashboard_store::grpc::proto::preferences_service_client::PreferencesServiceClient;
use dashboard_store::grpc::proto::share_service_client::ShareServiceClient;
use data_encoding::HEXLOWER;
use nix::sys::signal::Signal;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tonic::{Code, Status};
use uuid::Uuid;

use crate::support::access::grant_request;
use crate::support::cluster::TestDatabase;
use crate::support::process::{ServiceProcess, database_url, serve};
use crate::support::requests::{self, apply, as_user, json_spec, spec_named};
use crate::support::sharing::{
    D, create_request, for_uses, get, resolve, resolve_request, revoke_request, share, start,
};

/// Every row of every table, as text.
async fn all_rows(sql: &tokio_postgres::Client) -> String {
    let tables = "SELECT quote_ident(relname) FROM pg_class
        WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = 'public'::regnamespace";
    let mut rows = String::new();
    for table in sql.query(tables, &[]).await.unwrap() {
        let name: String = table.get(0);
        let select = format!("SELECT COALESCE(string_agg(t::text, E'\\n'), '') FROM {name} AS t");
        rows += &sql.query_one(&select, &[]).await.unwrap().get::<_, String>(0);
    }
    rows
}

/// Puts the token into fields that are for something else, and gives what comes back.
async fn misplace(service: &ServiceProcess, token: &str) -> Vec<Status> {
    let channel = service.channel().await;
    let mut sharing = ShareServiceClient::new(channel.clone());
    let mut preferences = PreferencesServiceClient::new(channel.clone());
    let mut audit = AuditServiceClient::new(channel);
    let mut dashboards = service.dashboards().await;

    let mut refusals = Vec::new();
    for name in [
        format!("projects/{token}/dashboards/d"),
        format!("projects/p/dashboards/{token}"),
    ] {
        let get = proto::GetDashboardRequest {
            name,
            ..Default::default()
        };
        refusals.push(dashboards.get_dashboard(get).await.unwrap_err());
    }
    let of_user = proto::GetPreferencesRequest {
        name: format!("users/{token}/preferences"),
    };
    refusals.push(preferences.get_preferences(of_user).await.unwrap_err());
    let grant = grant_request(D, &format!("user:{token}"), proto::Role::Viewer);
    refusals.push(sharing.grant_access(grant).await.unwrap_err());
    let noted = proto::ShareLink {
        note: format!("mine: {token}"),
        ..for_uses(1)
    };
    refusals.push(sharing.create_share_link(create_request(noted)).await.unwrap_err());
    let noted = proto::CreateDashboardRequest {
        change_note: format!("mine: {token}"),
        ..requests::create_request("noted")
    };
    refusals.push(dashboards.create_dashboard(noted).await.unwrap_err());
    let of_key = json!({ "display": { "name": "n" }, "layouts": [], "panels": { (token): { "kind": 1 } } });
    let keyed = proto::CreateDashboardRequest {
        dashboard: Some(proto::Dashboard {
            spec: json_spec(of_key.to_string()),
            ..Default::default()
        }),
        ..requests::create_request("keyed")
    };
    refusals.push(dashboards.create_dashboard(keyed).await.unwrap_err());
    assert!(
        refusals.iter().all(|refusal| refusal.code() == Code::InvalidArgument),
        "{refusals:?}"
    );
    // A filter may ask for any text; the log keeps what was asked for.
    let list = proto::ListAuditEventsRequest {
        parent: "platform".into(),
        filter: format!("actor = \"{token}\""),
        ..Default::default()
    };
    audit.list_audit_events(list).await.unwrap();
    refusals
}

#[tokio::test]
async fn no_row_log_or_error_holds_the_secret() {
    let database = TestDatabase::create().await;
    let mut command = serve(&["--insecure-dev", "--log-level=trace", "--log-format=json"]);
    command.env("DATABASE_URL", database_url(database.config()));
    let service = ServiceProcess::start_serving(command).await;
    apply(&mut service.dashboards().await, D, spec_named("d")).await;
    let mut client = ShareServiceClient::new(service.channel().await);

    let request = proto::CreateShareLinkRequest {
        request_id: Uuid::new_v4().to_string(),
        ..create_request(for_uses(1))
    };
    let created = client.create_share_link(request.clone()).await.unwrap().into_inner();
    let (token, name) = (created.token, created.share_link.unwrap().name);
    let replayed = client.create_share_link(request).await.unwrap_err();
    resolve(&mut client, &token).await.unwrap();
    let exhausted = resolve(&mut client, &token).await.unwrap_err();
    let damaged = resolve(&mut client, &format!("{token}x")).await.unwrap_err();
    let misplaced = misplace(&service, &token).await;
    let link = get(&mut client, &name).await.unwrap();
    let revoked = client.revoke_share_link(revoke_request(&name)).await.unwrap();

    let sql = database.connect().await;
    let rows = all_rows(&sql).await;
    service.signal(Signal::SIGTERM);
    let (_, log) = service.ended().await;
    // What tells one secret from another, however it is cut.
    let random = &token["psh_".len()..token.len() - 6];
    assert!(
        rows.contains(&HEXLOWER.encode(&Sha256::digest(&token))),
        "the hash is stored"
    );
    assert!(log.contains("ResolveShareLink"), "the log has the calls");
    for (place, text) in [
        ("rows", &rows),
        ("log", &log),
        ("answers", &format!("{link:?} {revoked:?}")),
        (
            "errors",
            &format!("{replayed:?} {exhausted:?} {damaged:?} {misplaced:?}"),
        ),
    ] {
        assert!(!text.contains(random), "{place}");
        assert!(!text.contains(&random[..12]), "{place}");
    }
}

/// Auditors read who used which link, and nothing with which they could use it or see what it shows.
#[tokio::test]
async fn no_event_tells_the_secret_its_hash_or_the_document() {
    let (server, mut client) = start().await;
    let marked = format!("marked-{}", Uuid::new_v4());
    apply(&mut server.dashboards().await, D, spec_named(&marked)).await;
    let (link, token) = share(&mut client, for_uses(1)).await;
    resolve(&mut client, &token).await.unwrap();
    resolve(&mut client, &token).await.unwrap_err();
    let by_token = proto::GetShareLinkRequest {
        name: format!("{D}/shareLinks/{token}"),
    };
    client.get_share_link(by_token).await.unwrap_err();
    let as_resource = proto::ResolveShareLinkRequest {
        client_ip: token.clone(),
        ..resolve_request(&token)
    };
    client
        .resolve_share_link(as_user("stranger", as_resource))
        .await
        .unwrap_err();
    client.revoke_share_link(revoke_request(&link.name)).await.unwrap();
    let database = server.database().clone();
    server.stop().await;

    let sql = database.connect().await;
    let all = "SELECT count(*), string_agg(t::text, E'\\n') FROM audit_log AS t";
    let row = sql.query_one(all, &[]).await.unwrap();
    let (count, text): (i64, String) = (row.get(0), row.get(1));
    // Two documents, the link, a use, a revocation; and the two denials.
    assert_eq!(count, 7, "{text}");
    for (what, secret) in [
        ("the secret", token["psh_".len()..16].to_owned()),
        ("its hash", HEXLOWER.encode(&Sha256::digest(&token))),
        ("the document", marked),
    ] {
        assert!(!text.contains(&secret), "{what}: {text}");
    }
}
