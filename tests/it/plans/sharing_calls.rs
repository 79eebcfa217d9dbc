//! Calls that make the service run each statement about share links.

use dashboard_store::grpc::proto;

use crate::support::TestServer;
use crate::support::sharing::{for_uses, get, resolve, revoke_request};

/// In the first of the loaded projects, and no link of those that are loaded shows it.
const LOADED: &str = "projects/project-1/dashboards/dashboard-0000001";

/// Runs every statement at least once.
pub async fn each(server: &TestServer) {
    let mut client = server.sharing().await;
    let request = proto::CreateShareLinkRequest {
        parent: LOADED.into(),
        share_link: Some(for_uses(10)),
        ..Default::default()
    };
    let created = client.create_share_link(request).await.unwrap().into_inner();
    let link = created.share_link.unwrap();
    get(&mut client, &link.name).await.unwrap();
    resolve(&mut client, &created.token).await.unwrap();
    let list = proto::ListShareLinksRequest {
        parent: LOADED.into(),
        ..Default::default()
    };
    client.list_share_links(list).await.unwrap();
    let update = proto::UpdateShareLinkRequest {
        share_link: Some(proto::ShareLink {
            name: link.name.clone(),
            etag: link.etag,
            ..for_uses(5)
        }),
        ..Default::default()
    };
    client.update_share_link(update).await.unwrap();
    let revoke_all = proto::RevokeDashboardShareLinksRequest {
        parent: LOADED.into(),
        ..Default::default()
    };
    client.revoke_share_link(revoke_request(&link.name)).await.unwrap();
    client.revoke_dashboard_share_links(revoke_all).await.unwrap();
}
