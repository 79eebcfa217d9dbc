//! Calls that were denied, and callers that nobody knows: folded, bounded, and of no cost to others.

use std::collections::BTreeSet;
use std::time::Instant;

use futures_util::stream::{self, StreamExt as _};
use tonic::{Code, Request};
use tonic_health::pb::health_check_response::ServingStatus;

use super::*;

use crate::support::access::grant;
use crate::support::network::{Traffic, serve_behind_gateway};
use crate::support::requests::{create, get, reason};
use crate::support::{access, http, sharing};

/// How many calls a flood has.
const FLOOD: usize = 100_000;

/// On how many connections they come, and how many at a time on each.
const CONNECTIONS: usize = 4;
const AT_A_TIME: usize = 32;

fn get_request(id: &str) -> proto::GetDashboardRequest {
    proto::GetDashboardRequest {
        name: format!("projects/p/dashboards/{id}"),
        ..Default::default()
    }
}

/// A request whose credential is refused.
fn unknown<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request
        .metadata_mut()
        .insert("authorization", "Bearer nonsense".parse().unwrap());
    request
}

/// Sends calls that are refused because nobody knows who calls.
async fn flood(server: &TestServer, calls: usize) {
    let mut clients = Vec::new();
    for _ in 0..CONNECTIONS {
        clients.push(server.dashboards().await);
    }
    let send = |number: usize| {
        let mut own = clients[number % CONNECTIONS].clone();
        async move {
            let refused = own.get_dashboard(unknown(get_request("gpu"))).await.unwrap_err();
            assert_eq!(refused.code(), Code::Unauthenticated, "{refused:?}");
        }
    };
    let calls = stream::iter(0..calls);
    calls.for_each_concurrent(CONNECTIONS * AT_A_TIME, send).await;
}

fn total(events: &[Stored]) -> usize {
    events.iter().map(|event| usize::try_from(event.count).unwrap()).sum()
}

#[tokio::test]
async fn what_was_denied_is_one_event_with_a_count() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    for id in ["a", "b", "c"] {
        let denied = client
            .get_dashboard(as_user("mallory", get_request(id)))
            .await
            .unwrap_err();
        assert_eq!(denied.code(), Code::PermissionDenied);
    }
    let events = stored_after_stop(server).await;
    assert_eq!(total(&events), 3);
    // A round of writing, or the turn of a minute, may have come in between.
    assert!(events.len() <= 3, "{events:?}");
    let first = Stored {
        actor: "user:mallory".into(),
        method: "perses.dashboards.v1.DashboardService/GetDashboard".into(),
        permission: "dashboards.get".into(),
        resource: "projects/p/dashboards/a".into(),
        project: Some("p".into()),
        result: "denied".into(),
        reason: Some("PERMISSION_DENIED".into()),
        count: events[0].count,
    };
    assert_eq!(events[0], first);
}

#[tokio::test]
async fn what_was_denied_is_soon_there_to_read() {
    let server = TestServer::start().await;
    let mut dashboards = server.dashboards().await;
    dashboards
        .get_dashboard(as_user("mallory", get_request("a")))
        .await
        .unwrap_err();
    let mut client = client(&server).await;
    let [event] = found("one event", async || {
        let events = list(&mut client, "projects/p", "result = DENIED").await;
        <[_; 1]>::try_from(events).ok()
    })
    .await;
    assert_eq!(
        (event.reason.as_str(), event.permission.as_str()),
        ("PERMISSION_DENIED", "dashboards.get")
    );
    let details: serde_json::Value = serde_json::from_str(&event.details).unwrap();
    assert_eq!(details["first_time"], details["last_time"]);
    // It does not wait for its minute to be over.
    let called_at: prost_types::Timestamp = details["first_time"].as_str().unwrap().parse().unwrap();
    assert!(event.time.unwrap().seconds - called_at.seconds < 30, "{event:?}");
}

/// Whether it may reach the links of others, too, is asked in each of these calls, and is not what they are about.
#[tokio::test]
async fn an_editor_who_acts_on_its_own_share_links_is_denied_nothing() {
    let (server, mut client) = sharing::start().await;
    access::grant(&server, "projects/p", "user:eve", proto::Role::Editor).await;
    let create = as_user("eve", sharing::create_request(sharing::for_uses(9)));
    let created = client.create_share_link(create).await.unwrap().into_inner();
    let link = created.share_link.unwrap();
    let name = link.name.clone();
    let get = as_user("eve", proto::GetShareLinkRequest { name: name.clone() });
    client.get_share_link(get).await.unwrap();
    let list = proto::ListShareLinksRequest {
        parent: sharing::D.into(),
        ..Default::default()
    };
    client.list_share_links(as_user("eve", list)).await.unwrap();
    let note = |note: &str| proto::UpdateShareLinkRequest {
        share_link: Some(proto::ShareLink {
            note: note.into(),
            name: name.clone(),
            etag: link.etag.clone(),
            ..Default::default()
        }),
        ..Default::default()
    };
    client.update_share_link(as_user("eve", note("new"))).await.unwrap();
    let stale = client.update_share_link(as_user("eve", note("stale"))).await;
    assert_eq!(reason(&stale.unwrap_err()), "ETAG_MISMATCH");
    let revoke = sharing::revoke_request(&name);
    client.revoke_share_link(as_user("eve", revoke)).await.unwrap();
    let revoke_all = proto::RevokeDashboardShareLinksRequest {
        parent: sharing::D.into(),
        ..Default::default()
    };
    client
        .revoke_dashboard_share_links(as_user("eve", revoke_all))
        .await
        .unwrap();

    let mut events = stored_after_stop(server).await;
    events.retain(|event| event.result != "success");
    let failed = Stored {
        actor: "user:eve".into(),
        method: "perses.dashboards.v1.ShareService/UpdateShareLink".into(),
        permission: "share_links.update".into(),
        resource: name,
        project: Some("p".into()),
        result: "failed".into(),
        reason: Some("ETAG_MISMATCH".into()),
        count: 1,
    };
    assert_eq!(events, [failed]);
}

/// What a call was denied is told, and never what it was granted on its way there.
#[tokio::test]
async fn the_event_names_what_was_denied_of_several_things() {
    let server = TestServer::start().await;
    access::grant(&server, "projects/p", "user:eve", proto::Role::Editor).await;
    access::grant(&server, "platform", "user:front", proto::Role::Gateway).await;
    let instantiate = proto::InstantiateTemplateRequest {
        name: "projects/q/templates/t".into(),
        parent: "projects/p".into(),
        dashboard_id: "d".into(),
        ..Default::default()
    };
    let mut templates = server.templates().await;
    let denied = templates.instantiate_template(as_user("eve", instantiate)).await;
    assert_eq!(reason(&denied.unwrap_err()), "PERMISSION_DENIED");
    let mut client = server.sharing().await;
    for user in ["eve", "front"] {
        let resolve = proto::ResolveShareLinkRequest {
            client_ip: "192.0.2.7".into(),
            ..sharing::resolve_request("psh_x")
        };
        client.resolve_share_link(as_user(user, resolve)).await.unwrap_err();
    }

    let mut events = stored_after_stop(server).await;
    events.retain(|event| event.result == "denied");
    events.sort_by(|a, b| (&a.actor, &a.permission).cmp(&(&b.actor, &b.permission)));
    let told: Vec<_> = events
        .iter()
        .map(|event| {
            let reason = event.reason.as_deref().unwrap();
            (
                event.actor.as_str(),
                event.permission.as_str(),
                event.resource.as_str(),
                reason,
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("user:eve", "share_links.state_client", "platform", "PERMISSION_DENIED"),
            (
                "user:eve",
                "templates.render",
                "projects/q/templates/t",
                "PERMISSION_DENIED"
            ),
            // It may state a client: the token is what it was refused for.
            ("user:front", "share_links.resolve", "platform", "SHARE_NOT_USABLE"),
        ]
    );
}

/// Also where the right to it is had on something else.
#[tokio::test]
async fn the_event_names_what_was_asked_for() {
    let (server, mut client) = sharing::start().await;
    let nil = uuid::Uuid::nil();
    let link = format!("{}/shareLinks/{nil}", sharing::D);
    let (grant, event) = (format!("platform/accessGrants/{nil}"), format!("auditEvents/{nil}"));
    let revoke = || sharing::revoke_request(&link);
    let get = proto::GetShareLinkRequest { name: link.clone() };
    let revoke_grant = proto::RevokeAccessRequest {
        name: grant.clone(),
        ..Default::default()
    };
    client.revoke_share_link(as_user("eve", revoke())).await.unwrap_err();
    client.get_share_link(as_user("eve", get)).await.unwrap_err();
    client.revoke_access(as_user("eve", revoke_grant)).await.unwrap_err();
    client.revoke_share_link(as_user("alice", revoke())).await.unwrap_err();
    let mut log = self::client(&server).await;
    let get_event = |name: &str| proto::GetAuditEventRequest { name: name.into() };
    log.get_audit_event(as_user("eve", get_event(&event)))
        .await
        .unwrap_err();
    // Under many names they are few all the same.
    for _ in 0..200 {
        let name = format!("auditEvents/{}", uuid::Uuid::new_v4());
        log.get_audit_event(as_user("mallory", get_event(&name)))
            .await
            .unwrap_err();
    }

    let mut events = stored_after_stop(server).await;
    let of_mallory: Vec<Stored> = events.extract_if(.., |event| event.actor == "user:mallory").collect();
    assert_eq!(total(&of_mallory), 200);
    assert!(of_mallory.len() <= 10, "{}", of_mallory.len());
    let mut told: Vec<_> = events
        .iter()
        .filter(|event| event.result != "success")
        .map(|event| {
            let method = event.method.rsplit('/').next().unwrap();
            (event.result.as_str(), method, event.resource.as_str())
        })
        .collect();
    told.sort_unstable();
    assert_eq!(
        told,
        [
            ("denied", "GetAuditEvent", event.as_str()),
            ("denied", "GetShareLink", link.as_str()),
            ("denied", "RevokeAccess", grant.as_str()),
            ("denied", "RevokeShareLink", link.as_str()),
            ("failed", "RevokeShareLink", link.as_str()),
        ]
    );
}

#[tokio::test]
async fn invented_methods_are_one() {
    let server = TestServer::start().await;
    let channel = server.channel().await;
    for number in 0..20 {
        let mut grpc = tonic::client::Grpc::new(channel.clone());
        grpc.ready().await.unwrap();
        let path = format!("/invented.Service/Method{number}").parse().unwrap();
        let codec = tonic_prost::ProstCodec::<(), ()>::default();
        let refused = grpc.unary(unknown(()), path, codec).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unauthenticated);
    }
    let events = stored_after_stop(server).await;
    assert_eq!(total(&events), 20);
    assert!(
        events
            .iter()
            .all(|event| event.method == "_OTHER" && event.actor == "anonymous"),
        "{events:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_leaves_a_handful_of_events_and_costs_others_nothing() {
    let server = TestServer::start().await;
    let mut others = server.dashboards().await;
    create(&mut others, "gpu").await;
    let before = server.pool().stats();
    let reads = async {
        for _ in 0..50 {
            get(&mut others, "gpu").await;
        }
    };
    let begin = Instant::now();
    tokio::join!(flood(&server, FLOOD), reads);
    let minutes = usize::try_from(begin.elapsed().as_secs() / 60).unwrap();
    let after = server.pool().stats();
    assert_eq!((after.wait_count, after.timeouts), (before.wait_count, before.timeouts));
    // One for who reads, one for what is written meanwhile.
    assert!(after.open <= before.open + 1, "{before:?} {after:?}");
    let (_, metrics) = http::get(server.http_addr(), "/metrics").await;
    let counted = format!(r#"audit_calls_total{{audit_result="denied"}} {FLOOD}"#);
    assert!(metrics.lines().any(|line| line == counted), "{metrics}");

    let events = stored_after_stop(server).await;
    assert_eq!(total(&events), FLOOD);
    // Of each minute that it touched the first call at once, and the others when the minute was over.
    assert!(events.len() <= 2 * (minutes + 2), "{minutes} minutes: {events:?}");
    let known =
        |event: &Stored| (event.actor.as_str(), event.reason.as_deref()) == ("anonymous", Some("UNAUTHENTICATED"));
    assert!(events.iter().all(known), "{events:?}");
}

/// Whoever may change something can fail at it under as many names as there are.
#[tokio::test]
async fn who_fails_at_many_things_leaves_few_events_more_than_are_told_by_name() {
    let server = TestServer::start().await;
    grant(&server, "projects/p", "user:eve", proto::Role::Editor).await;
    let client = server.dashboards().await;
    let fail = |number| {
        let mut own = client.clone();
        let request = proto::DeleteDashboardRequest {
            name: format!("projects/p/dashboards/d-{number}"),
            etag: "*".into(),
            ..Default::default()
        };
        async move {
            let refused = own.delete_dashboard(as_user("eve", request)).await.unwrap_err();
            assert_eq!(refused.code(), Code::NotFound);
        }
    };
    let failures = 300;
    stream::iter(0..failures).for_each_concurrent(4, fail).await;

    let mut events = stored_after_stop(server).await;
    events.retain(|event| event.actor == "user:eve");
    assert_eq!(total(&events), failures);
    let resources: BTreeSet<&str> = events.iter().map(|event| event.resource.as_str()).collect();
    // Of each minute that it took.
    assert!(resources.len() >= 64, "{}", resources.len());
    assert!(events.len() < failures, "{}", events.len());
}

#[tokio::test]
async fn what_was_denied_while_the_database_was_away_is_written_when_it_is_back() {
    let (server, gateway) = serve_behind_gateway(|_| {}).await;
    gateway.set(Traffic::IsRefused);
    gateway.cut();
    server.wait_until(ServingStatus::NotServing).await;
    flood(&server, 1000).await;
    assert_eq!(total(&stored(server.database()).await), 0);

    gateway.set(Traffic::Passes);
    server.wait_until(ServingStatus::Serving).await;
    let events = stored_after_stop(server).await;
    assert_eq!(total(&events), 1000);
    assert!(events.len() <= 10, "{}", events.len());
}
