//! The handlers of share links.

use tonic::Request;

use super::Sharing;
use crate::access::{Access, Permission};
use crate::domain::name::{DashboardName, ShareLinkName};
use crate::domain::share_link::Whose;
use crate::error::Result;
use crate::grpc::call::open;
use crate::grpc::convert::share_link::{
    parse_create, parse_list, parse_revoke, parse_revoke_all, parse_update, present_link,
};
use crate::grpc::proto;

impl Sharing {
    pub(super) async fn create_link(
        &self,
        request: Request<proto::CreateShareLinkRequest>,
    ) -> Result<proto::CreateShareLinkResponse> {
        let (caller, message) = open(request)?;
        let dashboard = DashboardName::parse("parent", &message.parent)?;
        let access = self.access.require(&caller, &dashboard).await?;
        let create = parse_create(message, dashboard, self.rules.limits)?;
        let is_stored = !create.options.validate_only;
        let issued = self.store.create_share_link(&access, create).await?;
        let token = is_stored.then(|| issued.secret.expose().to_owned());
        Ok(proto::CreateShareLinkResponse {
            share_link: Some(present_link(issued.link)),
            token: token.unwrap_or_default(),
        })
    }

    pub(super) async fn get_link(
        &self,
        request: Request<proto::GetShareLinkRequest>,
    ) -> Result<proto::GetShareLinkResponse> {
        let (caller, message) = open(request)?;
        let name = ShareLinkName::parse("name", &message.name)?;
        let access = self.access.require(&caller, &name).await?;
        let whose = self.whose(&access, &name.dashboard).await?;
        let link = self.store.get_share_link(&access, whose, &name).await?;
        Ok(proto::GetShareLinkResponse {
            share_link: Some(present_link(link)),
        })
    }

    pub(super) async fn list_links(
        &self,
        request: Request<proto::ListShareLinksRequest>,
    ) -> Result<proto::ListShareLinksResponse> {
        let (caller, message) = open(request)?;
        let dashboard = DashboardName::parse("parent", &message.parent)?;
        let access = self.access.require(&caller, &dashboard).await?;
        let whose = self.whose(&access, &dashboard).await?;
        let query = parse_list(&message, dashboard)?;
        let page = self.store.list_share_links(&access, whose, &query).await?;
        Ok(proto::ListShareLinksResponse {
            share_links: page.items.into_iter().map(present_link).collect(),
            next_page_token: query.binding().next_token(page.next.as_ref()),
        })
    }

    pub(super) async fn update_link(
        &self,
        request: Request<proto::UpdateShareLinkRequest>,
    ) -> Result<proto::UpdateShareLinkResponse> {
        let (caller, message) = open(request)?;
        let given_name = message.share_link.as_ref().map_or("", |link| &link.name);
        let name = ShareLinkName::parse("share_link.name", given_name)?;
        let access = self.access.require(&caller, &name).await?;
        let whose = self.whose(&access, &name.dashboard).await?;
        let update = parse_update(message, name)?;
        let link = self.store.update_share_link(&access, whose, update).await?;
        Ok(proto::UpdateShareLinkResponse {
            share_link: Some(present_link(link)),
        })
    }

    pub(super) async fn revoke_link(
        &self,
        request: Request<proto::RevokeShareLinkRequest>,
    ) -> Result<proto::RevokeShareLinkResponse> {
        let (caller, message) = open(request)?;
        let name = ShareLinkName::parse("name", &message.name)?;
        let access = self.access.require(&caller, &name).await?;
        let whose = self.whose(&access, &name.dashboard).await?;
        let revoke = parse_revoke(&message, name)?;
        let link = self.store.revoke_share_link(&access, whose, revoke).await?;
        Ok(proto::RevokeShareLinkResponse {
            share_link: Some(present_link(link)),
        })
    }

    pub(super) async fn revoke_links(
        &self,
        request: Request<proto::RevokeDashboardShareLinksRequest>,
    ) -> Result<proto::RevokeDashboardShareLinksResponse> {
        let (caller, message) = open(request)?;
        let dashboard = DashboardName::parse("parent", &message.parent)?;
        let access = self.access.require(&caller, &dashboard).await?;
        let whose = self.whose(&access, &dashboard).await?;
        let revoke = parse_revoke_all(&message, dashboard)?;
        let revoked_share_links = self.store.revoke_share_links(&access, whose, revoke).await?;
        Ok(proto::RevokeDashboardShareLinksResponse { revoked_share_links })
    }

    /// Which links the caller can do something with.
    async fn whose(&self, access: &Access, dashboard: &DashboardName) -> Result<Whose> {
        let others = Permission::ShareLinksOfOthers;
        let is_admin = self.access.allows_also(access, others, dashboard).await?;
        Ok(if is_admin { Whose::Everybodys } else { Whose::Own })
    }
}
