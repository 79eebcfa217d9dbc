//! TemplateService: name → authorise → parse → call → present.

mod read;
mod write;

use tonic::{Request, Response, Status, async_trait};

use super::call::answer;
use crate::access::AccessControl;
use crate::domain::spec::SpecLimits;
use crate::grpc::proto::template_service_server::TemplateService;
use crate::grpc::proto::{
    CreateTemplateRequest, CreateTemplateResponse, DeleteTemplateRequest, DeleteTemplateResponse, GetTemplateRequest,
    GetTemplateResponse, InstantiateTemplateRequest, InstantiateTemplateResponse, ListTemplatesRequest,
    ListTemplatesResponse, RenderTemplateRequest, RenderTemplateResponse, UpdateTemplateRequest,
    UpdateTemplateResponse,
};
use crate::store::Store;

/// The handlers of TemplateService.
#[derive(Debug, Clone)]
pub struct Templates {
    store: Store,
    access: AccessControl,
    limits: SpecLimits,
}

impl Templates {
    /// Creates the service.
    pub fn new(store: Store, access: AccessControl, limits: SpecLimits) -> Self {
        Self { store, access, limits }
    }
}

/// One line per RPC: each handler is a method of the same name in `read` or `write`.
#[async_trait]
impl TemplateService for Templates {
    async fn create_template(
        &self,
        request: Request<CreateTemplateRequest>,
    ) -> Result<Response<CreateTemplateResponse>, Status> {
        answer(self.create(request).await)
    }

    async fn get_template(
        &self,
        request: Request<GetTemplateRequest>,
    ) -> Result<Response<GetTemplateResponse>, Status> {
        answer(self.get(request).await)
    }

    async fn list_templates(
        &self,
        request: Request<ListTemplatesRequest>,
    ) -> Result<Response<ListTemplatesResponse>, Status> {
        answer(self.list(request).await)
    }

    async fn update_template(
        &self,
        request: Request<UpdateTemplateRequest>,
    ) -> Result<Response<UpdateTemplateResponse>, Status> {
        answer(self.update(request).await)
    }

    async fn delete_template(
        &self,
        request: Request<DeleteTemplateRequest>,
    ) -> Result<Response<DeleteTemplateResponse>, Status> {
        answer(self.delete(request).await)
    }

    async fn render_template(
        &self,
        request: Request<RenderTemplateRequest>,
    ) -> Result<Response<RenderTemplateResponse>, Status> {
        answer(self.render(request).await)
    }

    async fn instantiate_template(
        &self,
        request: Request<InstantiateTemplateRequest>,
    ) -> Result<Response<InstantiateTemplateResponse>, Status> {
        answer(self.instantiate(request).await)
    }
}
