//! DashboardService: name → authorise → parse → call → present.

mod export;
mod import;
mod read;
mod write;

use tonic::{Request, Response, Status, Streaming, async_trait};

use super::answers::StreamLimits;
use super::call::answer;
use crate::access::AccessControl;
use crate::domain::spec::SpecLimits;
use crate::grpc::dashboards::export::Exported;
use crate::grpc::dashboards::import::ImportAnswers;
use crate::grpc::proto::dashboard_service_server::DashboardService;
use crate::grpc::proto::{
    ApplyDashboardRequest, ApplyDashboardResponse, BatchGetDashboardsRequest, BatchGetDashboardsResponse,
    CreateDashboardRequest, CreateDashboardResponse, DeleteDashboardRequest, DeleteDashboardResponse,
    DiffDashboardRevisionsRequest, DiffDashboardRevisionsResponse, ExportDashboardsRequest, GetDashboardRequest,
    GetDashboardResponse, GetDashboardRevisionRequest, GetDashboardRevisionResponse, ImportDashboardsRequest,
    ListDashboardRevisionsRequest, ListDashboardRevisionsResponse, ListDashboardsRequest, ListDashboardsResponse,
    PurgeDashboardRequest, PurgeDashboardResponse, PurgeProjectRequest, PurgeProjectResponse,
    RestoreDashboardRevisionRequest, RestoreDashboardRevisionResponse, SearchDashboardsRequest,
    SearchDashboardsResponse, UndeleteDashboardRequest, UndeleteDashboardResponse, UpdateDashboardRequest,
    UpdateDashboardResponse,
};
use crate::store::Store;

/// The handlers of DashboardService.
#[derive(Debug, Clone)]
pub struct Dashboards {
    store: Store,
    access: AccessControl,
    limits: SpecLimits,
    streams: StreamLimits,
}

impl Dashboards {
    /// Creates the service.
    pub fn new(store: Store, access: AccessControl, limits: SpecLimits, streams: StreamLimits) -> Self {
        Self {
            store,
            access,
            limits,
            streams,
        }
    }
}

/// One line per RPC: each handler is a method of the same name in `read`, `write`, `import` or `export`.
#[async_trait]
impl DashboardService for Dashboards {
    async fn create_dashboard(
        &self,
        request: Request<CreateDashboardRequest>,
    ) -> Result<Response<CreateDashboardResponse>, Status> {
        answer(self.create(request).await)
    }

    async fn get_dashboard(
        &self,
        request: Request<GetDashboardRequest>,
    ) -> Result<Response<GetDashboardResponse>, Status> {
        answer(self.get(request).await)
    }

    async fn batch_get_dashboards(
        &self,
        request: Request<BatchGetDashboardsRequest>,
    ) -> Result<Response<BatchGetDashboardsResponse>, Status> {
        answer(self.batch_get(request).await)
    }

    async fn list_dashboards(
        &self,
        request: Request<ListDashboardsRequest>,
    ) -> Result<Response<ListDashboardsResponse>, Status> {
        answer(self.list(request).await)
    }

    async fn search_dashboards(
        &self,
        request: Request<SearchDashboardsRequest>,
    ) -> Result<Response<SearchDashboardsResponse>, Status> {
        answer(self.search(request).await)
    }

    async fn update_dashboard(
        &self,
        request: Request<UpdateDashboardRequest>,
    ) -> Result<Response<UpdateDashboardResponse>, Status> {
        answer(self.update(request).await)
    }

    async fn apply_dashboard(
        &self,
        request: Request<ApplyDashboardRequest>,
    ) -> Result<Response<ApplyDashboardResponse>, Status> {
        answer(self.apply(request).await)
    }

    async fn delete_dashboard(
        &self,
        request: Request<DeleteDashboardRequest>,
    ) -> Result<Response<DeleteDashboardResponse>, Status> {
        answer(self.delete(request).await)
    }

    async fn undelete_dashboard(
        &self,
        request: Request<UndeleteDashboardRequest>,
    ) -> Result<Response<UndeleteDashboardResponse>, Status> {
        answer(self.undelete(request).await)
    }

    async fn purge_dashboard(
        &self,
        request: Request<PurgeDashboardRequest>,
    ) -> Result<Response<PurgeDashboardResponse>, Status> {
        answer(self.purge(request).await)
    }

    async fn purge_project(
        &self,
        request: Request<PurgeProjectRequest>,
    ) -> Result<Response<PurgeProjectResponse>, Status> {
        answer(self.purge_all(request).await)
    }

    async fn list_dashboard_revisions(
        &self,
        request: Request<ListDashboardRevisionsRequest>,
    ) -> Result<Response<ListDashboardRevisionsResponse>, Status> {
        answer(self.list_revisions(request).await)
    }

    async fn get_dashboard_revision(
        &self,
        request: Request<GetDashboardRevisionRequest>,
    ) -> Result<Response<GetDashboardRevisionResponse>, Status> {
        answer(self.get_revision(request).await)
    }

    async fn diff_dashboard_revisions(
        &self,
        request: Request<DiffDashboardRevisionsRequest>,
    ) -> Result<Response<DiffDashboardRevisionsResponse>, Status> {
        answer(self.diff_revisions(request).await)
    }

    async fn restore_dashboard_revision(
        &self,
        request: Request<RestoreDashboardRevisionRequest>,
    ) -> Result<Response<RestoreDashboardRevisionResponse>, Status> {
        answer(self.restore_revision(request).await)
    }

    type ImportDashboardsStream = ImportAnswers;

    async fn import_dashboards(
        &self,
        request: Request<Streaming<ImportDashboardsRequest>>,
    ) -> Result<Response<ImportAnswers>, Status> {
        answer(self.import(request))
    }

    type ExportDashboardsStream = Exported;

    async fn export_dashboards(&self, request: Request<ExportDashboardsRequest>) -> Result<Response<Exported>, Status> {
        answer(self.export(request).await)
    }
}
