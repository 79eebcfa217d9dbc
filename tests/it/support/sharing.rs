//! Share links that tests begin with.

use dashboard_store::grpc::proto;
use dashboard_store::grpc::proto::share_link::Expiry;
use dashboard_store::grpc::proto::share_service_client::ShareServiceClient;
use tonic::{Code, Status};

use super::TestServer;
use super::channel::Channel;
use super::recording::{self, Kind};
use super::requests::{apply, assert_refused, spec_named};

pub type Client = ShareServiceClient<Channel>;

/// The dashboard that links of the tests show.
pub const D: &str = "projects/p/dashboards/d";

/// A server with the dashboard [`D`] in one revision, and a client of ShareService.
pub async fn start() -> (TestServer, Client) {
    start_with(|_| {}).await
}

/// The same with another configuration.
pub async fn start_with(adjust: impl FnOnce(&mut dashboard_store::config::ServeConfig)) -> (TestServer, Client) {
    let server = TestServer::start_with(adjust).await;
    apply(&mut server.dashboards().await, D, spec_named("first")).await;
    let client = server.sharing().await;
    (server, client)
}

/// Asks for this link to [`D`].
pub fn create_request(share_link: proto::ShareLink) -> proto::CreateShareLinkRequest {
    proto::CreateShareLinkRequest {
        parent: D.into(),
        share_link: Some(share_link),
        ..Default::default()
    }
}

/// Creates this link to [`D`]; the link, and its token.
pub async fn share(client: &mut Client, share_link: proto::ShareLink) -> (proto::ShareLink, String) {
    let answer = client.create_share_link(create_request(share_link)).await.unwrap();
    let created = answer.into_inner();
    recording::secret(Kind::Text, "the token of a share link", &created.token);
    (created.share_link.unwrap(), created.token)
}

/// A link that can be used so often.
pub fn for_uses(max_uses: i32) -> proto::ShareLink {
    proto::ShareLink {
        max_uses: Some(max_uses),
        ..Default::default()
    }
}

/// A link that can be used from there.
pub fn from_networks(networks: &[&str]) -> proto::ShareLink {
    proto::ShareLink {
        allowed_cidrs: networks.iter().map(|network| (*network).to_owned()).collect(),
        ..Default::default()
    }
}

/// A link of this life.
pub fn for_seconds(seconds: i64) -> proto::ShareLink {
    proto::ShareLink {
        expiry: Some(Expiry::Ttl(prost_types::Duration { seconds, nanos: 0 })),
        ..Default::default()
    }
}

/// Asks for what `token` shows.
pub fn resolve_request(token: &str) -> proto::ResolveShareLinkRequest {
    proto::ResolveShareLinkRequest {
        token: token.into(),
        ..Default::default()
    }
}

/// What `token` shows.
pub async fn resolve(client: &mut Client, token: &str) -> Result<proto::ResolveShareLinkResponse, Status> {
    let answer = client.resolve_share_link(resolve_request(token)).await?;
    Ok(answer.into_inner())
}

/// Reads the link `name`.
pub async fn get(client: &mut Client, name: &str) -> Result<proto::ShareLink, Status> {
    let request = proto::GetShareLinkRequest { name: name.into() };
    let answer = client.get_share_link(request).await?;
    Ok(answer.into_inner().share_link.unwrap())
}

/// Asks for the link `name` to be revoked.
pub fn revoke_request(name: &str) -> proto::RevokeShareLinkRequest {
    proto::RevokeShareLinkRequest {
        name: name.into(),
        ..Default::default()
    }
}

/// Asserts that a link could not be used.
#[track_caller]
pub fn assert_not_usable<T: std::fmt::Debug>(answer: Result<T, Status>) {
    assert_refused(&answer.unwrap_err(), Code::PermissionDenied, "SHARE_NOT_USABLE");
}
