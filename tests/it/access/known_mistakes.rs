//! Mistakes of others, each by its name: they must not be possible here.

use dashboard_store::grpc::proto;
use dashboard_store::grpc::proto::dashboard_service_client::DashboardServiceClient;
use proto::{ErrorReason, Role};
use tonic::{Code, Status};

use crate::support::TestServer;
use crate::support::access::{grant, granted, list_request};
use crate::support::channel::Channel;
use crate::support::mutation::{Call, Mutation};
use crate::support::requests::{apply, as_user, assert_refused, delete, reason, spec_named};
use crate::support::templates;
use crate::support::transfer::{options, resource, whole};

const D: &str = "projects/p/dashboards/d";
const E: &str = "projects/p/dashboards/e";

/// A server with the dashboards `d` and `e` of `projects/p`; `user:guest` has a role on `d`.
async fn start_with_guest(role: Role) -> (TestServer, DashboardServiceClient<Channel>) {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    for name in [D, E] {
        apply(&mut client, name, spec_named("first")).await;
        apply(&mut client, name, spec_named("second")).await;
    }
    grant(&server, D, "user:guest", role).await;
    (server, client)
}

async fn get(client: &mut DashboardServiceClient<Channel>, name: &str) -> Result<proto::Dashboard, Status> {
    let request = proto::GetDashboardRequest {
        name: name.into(),
        ..Default::default()
    };
    let answer = client.get_dashboard(as_user("guest", request)).await?;
    Ok(answer.into_inner().dashboard.unwrap())
}

#[track_caller]
fn assert_denied<T: std::fmt::Debug>(answer: Result<T, Status>) {
    assert_refused(&answer.unwrap_err(), Code::PermissionDenied, "PERMISSION_DENIED");
}

/// Grafana: whoever could view a snapshot could delete it.
#[tokio::test]
async fn cve_2024_1313_who_may_see_a_dashboard_may_not_delete_it() {
    let (_server, mut client) = start_with_guest(Role::Viewer).await;
    get(&mut client, D).await.unwrap();
    for mutation in [Mutation::Update, Mutation::Apply, Mutation::Delete, Mutation::Restore] {
        assert_denied(mutation.call_as(&mut client, "guest", Call::on("d", "*")).await);
    }
    delete(&mut client, D).await;
    for mutation in [Mutation::Undelete, Mutation::Purge] {
        assert_denied(mutation.call_as(&mut client, "guest", Call::on("d", "*")).await);
    }
}

/// Grafana: the action was checked, and not what it was done to.
#[tokio::test]
async fn cve_2026_21721_a_role_on_one_dashboard_is_none_on_the_next() {
    let (server, mut client) = start_with_guest(Role::Editor).await;
    for mutation in [Mutation::Update, Mutation::Apply, Mutation::Restore, Mutation::Delete] {
        assert_denied(mutation.call_as(&mut client, "guest", Call::on("e", "*")).await);
        mutation
            .call_as(&mut client, "guest", Call::on("d", "*"))
            .await
            .unwrap();
    }
    // One that is not there yet is not the one that was granted.
    assert_denied(Mutation::Apply.call_as(&mut client, "guest", Call::on("f", "")).await);
    let mut sharing = server.sharing().await;
    for parent in [D, E, "projects/p", "platform"] {
        assert_denied(sharing.list_access_grants(as_user("guest", list_request(parent))).await);
    }
}

/// Grafana: a path that was added later skipped the check.
#[tokio::test]
async fn cve_2025_3260_no_path_to_a_dashboard_skips_the_check() {
    let (server, mut client) = start_with_guest(Role::Viewer).await;
    assert_denied(get(&mut client, E).await);
    let revisions = proto::ListDashboardRevisionsRequest {
        parent: E.into(),
        ..Default::default()
    };
    assert_denied(client.list_dashboard_revisions(as_user("guest", revisions)).await);
    let revision = proto::GetDashboardRevisionRequest {
        name: format!("{E}/revisions/1"),
        ..Default::default()
    };
    assert_denied(client.get_dashboard_revision(as_user("guest", revision)).await);
    let diff = proto::DiffDashboardRevisionsRequest {
        name: E.into(),
        from_revision: 1,
        to_revision: 2,
    };
    assert_denied(client.diff_dashboard_revisions(as_user("guest", diff)).await);
    let batch = proto::BatchGetDashboardsRequest {
        parent: "projects/p".into(),
        names: vec![D.into(), E.into()],
        ..Default::default()
    };
    assert_denied(client.batch_get_dashboards(as_user("guest", batch)).await);
    let favorite = proto::AddFavoriteRequest {
        parent: "users/me".into(),
        dashboard: E.into(),
        ..Default::default()
    };
    assert_denied(
        server
            .preferences()
            .await
            .add_favorite(as_user("guest", favorite))
            .await,
    );
}

/// Grafana: after delete and re-create an old permission was good for the new one. The grant is still known when the second
/// dashboard is there, so it is its uid that counts.
#[tokio::test]
async fn cve_2026_21725_a_grant_ends_with_the_life_of_its_dashboard() {
    let (server, mut client) = start_with_guest(Role::Editor).await;
    let first = get(&mut client, D).await.unwrap();
    delete(&mut client, D).await;
    Mutation::Purge.call(&mut client, Call::on("d", "*")).await.unwrap();
    assert_denied(get(&mut client, D).await);

    let second = apply(&mut client, D, spec_named("another life")).await;

    assert_ne!(second.uid, first.uid);
    assert_denied(get(&mut client, D).await);
    for mutation in [Mutation::Update, Mutation::Apply, Mutation::Delete] {
        assert_denied(mutation.call_as(&mut client, "guest", Call::on("d", "*")).await);
    }
    let listed = crate::support::requests::list_request("projects/p");
    let page = client.list_dashboards(as_user("guest", listed)).await;
    assert!(page.map_or(true, |answer| answer.into_inner().dashboards.is_empty()));
    assert_eq!(granted(&mut server.sharing().await, D).await.unwrap(), []);
}

/// Perses: a project in the body won over the one in the path that was checked.
#[tokio::test]
async fn ghsa_cjgj_2fwf_4c2w_no_second_field_carries_the_project() {
    let server = TestServer::start().await;
    let mut client = server.dashboards().await;
    grant(&server, "projects/p", "user:guest", Role::Editor).await;

    let create = proto::CreateDashboardRequest {
        dashboard: Some(proto::Dashboard {
            name: "projects/q/dashboards/new".into(),
            spec: crate::support::requests::json_spec(spec_named("new")),
            ..Default::default()
        }),
        ..crate::support::requests::create_request("new")
    };
    let created = client
        .create_dashboard(as_user("guest", create))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(created.dashboard.unwrap().name, "projects/p/dashboards/new");

    let batch = proto::BatchGetDashboardsRequest {
        parent: "projects/p".into(),
        names: vec!["projects/q/dashboards/x".into()],
        ..Default::default()
    };
    let refused = client.batch_get_dashboards(as_user("guest", batch)).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::InvalidArgument, "INVALID_NAME")
    );

    // Where each item names its own project, each one is authorised.
    for (parent, expected) in [
        ("projects/p", ErrorReason::FieldInvalid),
        ("projects/-", ErrorReason::PermissionDenied),
    ] {
        let import = proto::ImportOptions {
            parent: parent.into(),
            ..options()
        };
        let messages = whole(import, vec![resource("q", "smuggled", "smuggled")]);
        let request = as_user("guest", futures_util::stream::iter(messages));
        let mut answers = client.import_dashboards(request).await.unwrap().into_inner();
        let answer = answers.message().await.unwrap().unwrap();
        assert_eq!(answer.reason(), expected, "{parent}");
    }
    let elsewhere = "SELECT count(*) FROM dashboard WHERE project <> 'p'";
    let count: i64 = server.sql().await.query_one(elsewhere, &[]).await.unwrap().get(0);
    assert_eq!(count, 0);
}

/// The same where what is made carries a name, or the uid of a dashboard: what counts is the parent that was authorised.
#[tokio::test]
async fn ghsa_cjgj_2fwf_4c2w_what_is_made_lies_where_the_caller_may_make_it() {
    let (server, mut client) = start_with_guest(Role::Editor).await;
    let elsewhere = apply(&mut client, "projects/q/dashboards/d", spec_named("q")).await;
    grant(&server, "projects/p", "user:guest", Role::Admin).await;
    let mut sharing = server.sharing().await;
    let link = proto::CreateShareLinkRequest {
        parent: D.into(),
        share_link: Some(proto::ShareLink {
            name: "projects/q/dashboards/d/shareLinks/7c9e6679-7425-40de-944b-e07fc1f90ae7".into(),
            dashboard_uid: elsewhere.uid.clone(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let made = sharing
        .create_share_link(as_user("guest", link))
        .await
        .unwrap()
        .into_inner();
    let made = made.share_link.unwrap();
    assert!(
        made.name.starts_with(D) && made.dashboard_uid != elsewhere.uid,
        "{made:?}"
    );

    let mut request = crate::support::access::grant_request(D, "user:mallory", Role::Viewer);
    let asked = request.access_grant.as_mut().unwrap();
    asked.name = "platform/accessGrants/7c9e6679-7425-40de-944b-e07fc1f90ae7".into();
    asked.resource_uid = elsewhere.uid.clone();
    let made = sharing
        .grant_access(as_user("guest", request))
        .await
        .unwrap()
        .into_inner();
    let made = made.access_grant.unwrap();
    assert!(
        made.name.starts_with(D) && made.resource_uid != elsewhere.uid,
        "{made:?}"
    );

    let mut request = templates::create_request("t");
    request.template.as_mut().unwrap().name = "projects/q/templates/t".into();
    let made = server
        .templates()
        .await
        .create_template(as_user("guest", request))
        .await
        .unwrap();
    assert_eq!(made.into_inner().template.unwrap().name, "projects/p/templates/t");

    // Of two names that a request carries, each is authorised.
    for (name, parent) in [
        ("projects/q/templates/t", "projects/p"),
        ("projects/p/templates/t", "projects/q"),
    ] {
        let request = proto::InstantiateTemplateRequest {
            name: name.into(),
            parent: parent.into(),
            dashboard_id: "smuggled".into(),
            ..Default::default()
        };
        assert_denied(
            server
                .templates()
                .await
                .instantiate_template(as_user("guest", request))
                .await,
        );
    }
    let request = proto::RestoreDashboardRevisionRequest {
        name: "projects/q/dashboards/d/revisions/1".into(),
        etag: "*".into(),
        ..Default::default()
    };
    assert_denied(client.restore_dashboard_revision(as_user("guest", request)).await);
    assert_eq!(granted(&mut sharing, "projects/q").await.unwrap(), []);
}
