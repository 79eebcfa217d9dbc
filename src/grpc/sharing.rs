//! ShareService: name → authorise → parse → call → present.

mod grants;

use tonic::{Request, Response, Status, async_trait};

use super::call::answer;
use crate::access::AccessControl;
use crate::grpc::proto::share_service_server::ShareService;
use crate::grpc::proto::{
    GrantAccessRequest, GrantAccessResponse, ListAccessGrantsRequest, ListAccessGrantsResponse, RevokeAccessRequest,
    RevokeAccessResponse,
};
use crate::store::Store;

/// The handlers of ShareService.
#[derive(Debug, Clone)]
pub struct Sharing {
    store: Store,
    access: AccessControl,
}

impl Sharing {
    /// Creates the service.
    pub fn new(store: Store, access: AccessControl) -> Self {
        Self { store, access }
    }
}

/// One line per RPC: each handler is a method in `grants`.
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
}
