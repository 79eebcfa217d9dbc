//! The handlers of grants.

use tonic::Request;

use super::Sharing;
use crate::domain::name::{AccessGrantName, GrantParent};
use crate::error::Result;
use crate::grpc::call::open;
use crate::grpc::convert::access_grant::{parse_grant, parse_list, parse_revoke, present_grant};
use crate::grpc::proto;

impl Sharing {
    pub(super) async fn grant(
        &self,
        request: Request<proto::GrantAccessRequest>,
    ) -> Result<proto::GrantAccessResponse> {
        let (caller, message) = open(request)?;
        let parent = GrantParent::parse("parent", &message.parent)?;
        let access = self.access.require(&caller, &parent).await?;
        let grant = parse_grant(message, parent)?;
        let granting = self.store.grant_access(&access, grant);
        let granted = self.access.change_grants(granting).await?;
        Ok(proto::GrantAccessResponse {
            access_grant: Some(present_grant(granted)),
        })
    }

    pub(super) async fn list_grants(
        &self,
        request: Request<proto::ListAccessGrantsRequest>,
    ) -> Result<proto::ListAccessGrantsResponse> {
        let (caller, message) = open(request)?;
        let parent = GrantParent::parse("parent", &message.parent)?;
        let access = self.access.require(&caller, &parent).await?;
        let query = parse_list(&message, parent)?;
        let page = self.store.list_access_grants(&access, &query).await?;
        Ok(proto::ListAccessGrantsResponse {
            access_grants: page.items.into_iter().map(present_grant).collect(),
            next_page_token: query.binding().next_token(page.next.as_ref()),
        })
    }

    pub(super) async fn revoke(
        &self,
        request: Request<proto::RevokeAccessRequest>,
    ) -> Result<proto::RevokeAccessResponse> {
        let (caller, message) = open(request)?;
        let name = AccessGrantName::parse("name", &message.name)?;
        let access = self.access.require(&caller, &name).await?;
        let revoke = parse_revoke(&message, name, self.access.has_bootstrap_admins())?;
        let revoking = self.store.revoke_access(&access, revoke);
        self.access.change_grants(revoking).await?;
        Ok(proto::RevokeAccessResponse {})
    }
}
