//! Grants that tests begin with.

use dashboard_store::grpc::proto;
use dashboard_store::grpc::proto::share_service_client::ShareServiceClient;
use proto::Role;
use tonic::Status;

use super::TestServer;
use super::channel::Channel;

pub type Client = ShareServiceClient<Channel>;

/// Asks for `subject` to have `role` on `parent`.
pub fn grant_request(parent: &str, subject: &str, role: Role) -> proto::GrantAccessRequest {
    proto::GrantAccessRequest {
        parent: parent.into(),
        access_grant: Some(proto::AccessGrant {
            subject: subject.into(),
            role: role.into(),
            ..Default::default()
        }),
        ..Default::default()
    }
}

/// Gives `subject` the role on `parent`.
pub async fn grant(server: &TestServer, parent: &str, subject: &str, role: Role) -> proto::AccessGrant {
    let mut client = server.sharing().await;
    let answer = client.grant_access(grant_request(parent, subject, role)).await.unwrap();
    answer.into_inner().access_grant.unwrap()
}

/// Asks for the grant `name` to go.
pub fn revoke_request(name: &str) -> proto::RevokeAccessRequest {
    proto::RevokeAccessRequest {
        name: name.into(),
        ..Default::default()
    }
}

/// Asks for the first page of the grants on `parent`.
pub fn list_request(parent: &str) -> proto::ListAccessGrantsRequest {
    proto::ListAccessGrantsRequest {
        parent: parent.into(),
        ..Default::default()
    }
}

/// The subjects and roles of the grants on `parent`.
pub async fn granted(client: &mut Client, parent: &str) -> Result<Vec<(String, Role)>, Status> {
    let page = client.list_access_grants(list_request(parent)).await?.into_inner();
    let grants = page.access_grants.into_iter();
    Ok(grants.map(|grant| (grant.subject.clone(), grant.role())).collect())
}
