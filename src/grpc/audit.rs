//! AuditService: name → authorise → parse → call → present.

mod export;
mod read;
mod verify;

use tonic::{Request, Response, Status, async_trait};

use super::answers::StreamLimits;
use super::call::answer;
use crate::access::AccessControl;
use crate::grpc::audit::export::ExportedEvents;
use crate::grpc::audit::verify::Verification;
use crate::grpc::proto::audit_service_server::AuditService;
use crate::grpc::proto::{
    ExportAuditEventsRequest, GetAuditEventRequest, GetAuditEventResponse, ListAuditEventsRequest,
    ListAuditEventsResponse, ListAuditSealsRequest, ListAuditSealsResponse, VerifyAuditLogRequest,
};
use crate::signing::PublicKeys;
use crate::store::Store;

/// The handlers of AuditService.
#[derive(Debug, Clone)]
pub struct AuditLog {
    store: Store,
    access: AccessControl,
    keys: PublicKeys,
    streams: StreamLimits,
}

impl AuditLog {
    /// Creates the service; `keys` are those whose signatures count.
    pub fn new(store: Store, access: AccessControl, keys: PublicKeys, streams: StreamLimits) -> Self {
        Self {
            store,
            access,
            keys,
            streams,
        }
    }
}

/// One line per RPC: each handler is a method of the same name in `read`, `export` or `verify`.
#[async_trait]
impl AuditService for AuditLog {
    async fn list_audit_events(
        &self,
        request: Request<ListAuditEventsRequest>,
    ) -> Result<Response<ListAuditEventsResponse>, Status> {
        answer(self.list(request).await)
    }

    async fn get_audit_event(
        &self,
        request: Request<GetAuditEventRequest>,
    ) -> Result<Response<GetAuditEventResponse>, Status> {
        answer(self.get(request).await)
    }

    type ExportAuditEventsStream = ExportedEvents;

    async fn export_audit_events(
        &self,
        request: Request<ExportAuditEventsRequest>,
    ) -> Result<Response<ExportedEvents>, Status> {
        answer(self.export(request).await)
    }

    async fn list_audit_seals(
        &self,
        request: Request<ListAuditSealsRequest>,
    ) -> Result<Response<ListAuditSealsResponse>, Status> {
        answer(self.list_seals(request).await)
    }

    type VerifyAuditLogStream = Verification;

    async fn verify_audit_log(
        &self,
        request: Request<VerifyAuditLogRequest>,
    ) -> Result<Response<Verification>, Status> {
        answer(self.verify(request).await)
    }
}
