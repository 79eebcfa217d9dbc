//! ShareService: name → authorise → parse → call → present.

mod grants;
mod links;
mod resolve;

use tonic::{Request, Response, Status, async_trait};

use super::call::answer;
use crate::access::AccessControl;
use crate::domain::client_address::TrustedProxies;
use crate::domain::share_link::ShareLimits;
use crate::grpc::proto::share_service_server::ShareService;
use crate::grpc::proto::{
    CreateShareLinkRequest, CreateShareLinkResponse, GetShareLinkRequest, GetShareLinkResponse, GrantAccessRequest,
    GrantAccessResponse, ListAccessGrantsRequest, ListAccessGrantsResponse, ListShareLinksRequest,
    ListShareLinksResponse, ResolveShareLinkRequest, ResolveShareLinkResponse, RevokeAccessRequest,
    RevokeAccessResponse, RevokeDashboardShareLinksRequest, RevokeDashboardShareLinksResponse, RevokeShareLinkRequest,
    RevokeShareLinkResponse, UpdateShareLinkRequest, UpdateShareLinkResponse,
};
use crate::store::Store;

/// What an operator says of share links.
#[derive(Debug, Clone)]
pub struct ShareRules {
    /// What a link may be.
    pub limits: ShareLimits,
    /// Who is believed about where a client is.
    pub trusted_proxies: TrustedProxies,
}

/// The handlers of ShareService.
#[derive(Debug, Clone)]
pub struct Sharing {
    store: Store,
    access: AccessControl,
    rules: ShareRules,
}

impl Sharing {
    /// Creates the service.
    pub fn new(store: Store, access: AccessControl, rules: ShareRules) -> Self {
        Self { store, access, rules }
    }
}

/// One line per RPC: each handler is a method in `grants`, `links` or `resolve`.
#[async_trait]
impl ShareService for Sharing {
    async fn grant_access(
        &self,
        request: Request<GrantAccessRequest>,
    ) -> Result<Response<GrantAccessResponse>, Status> {
        answer(self.grant(request).await)
    }

    async fn list_access_grants(
        &self,
        request: Request<ListAccessGrantsRequest>,
    ) -> Result<Response<ListAccessGrantsResponse>, Status> {
        answer(self.list_grants(request).await)
    }

    async fn revoke_access(
        &self,
        request: Request<RevokeAccessRequest>,
    ) -> Result<Response<RevokeAccessResponse>, Status> {
        answer(self.revoke(request).await)
    }

    async fn create_share_link(
        &self,
        request: Request<CreateShareLinkRequest>,
    ) -> Result<Response<CreateShareLinkResponse>, Status> {
        answer(self.create_link(request).await)
    }

    async fn get_share_link(
        &self,
        request: Request<GetShareLinkRequest>,
    ) -> Result<Response<GetShareLinkResponse>, Status> {
        answer(self.get_link(request).await)
    }

    async fn list_share_links(
        &self,
        request: Request<ListShareLinksRequest>,
    ) -> Result<Response<ListShareLinksResponse>, Status> {
        answer(self.list_links(request).await)
    }

    async fn update_share_link(
        &self,
        request: Request<UpdateShareLinkRequest>,
    ) -> Result<Response<UpdateShareLinkResponse>, Status> {
        answer(self.update_link(request).await)
    }

    async fn revoke_share_link(
        &self,
        request: Request<RevokeShareLinkRequest>,
    ) -> Result<Response<RevokeShareLinkResponse>, Status> {
        answer(self.revoke_link(request).await)
    }

    async fn revoke_dashboard_share_links(
        &self,
        request: Request<RevokeDashboardShareLinksRequest>,
    ) -> Result<Response<RevokeDashboardShareLinksResponse>, Status> {
        answer(self.revoke_links(request).await)
    }

    async fn resolve_share_link(
        &self,
        request: Request<ResolveShareLinkRequest>,
    ) -> Result<Response<ResolveShareLinkResponse>, Status> {
        answer(self.resolve_link(request).await)
    }
}
