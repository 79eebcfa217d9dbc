//! The handlers that change something.

use tonic::Request;

use super::Templates;
use crate::access::Permission;
use crate::domain::name::{TemplateName, parse_project};
use crate::error::Result;
use crate::grpc::call::open;
use crate::grpc::convert::template::present_written;
use crate::grpc::convert::template::request::{parse_create, parse_delete, parse_instantiate, parse_update};
use crate::grpc::{convert, proto};

impl Templates {
    pub(super) async fn create(
        &self,
        request: Request<proto::CreateTemplateRequest>,
    ) -> Result<proto::CreateTemplateResponse> {
        let (caller, message) = open(request)?;
        let project = parse_project("parent", &message.parent)?;
        let access = self.access.require(&caller, &project).await?;
        let create = parse_create(message, project, &self.limits)?;
        let template = self.store.create_template(&access, create).await?;
        Ok(proto::CreateTemplateResponse {
            template: Some(present_written(template)),
        })
    }

    pub(super) async fn update(
        &self,
        request: Request<proto::UpdateTemplateRequest>,
    ) -> Result<proto::UpdateTemplateResponse> {
        let (caller, message) = open(request)?;
        let given_name = message.template.as_ref().map_or("", |template| &template.name);
        let name = TemplateName::parse("template.name", given_name)?;
        let access = self.access.require(&caller, &name).await?;
        let update = parse_update(message, name, &self.limits)?;
        let template = self.store.update_template(&access, update).await?;
        Ok(proto::UpdateTemplateResponse {
            template: Some(present_written(template)),
        })
    }

    pub(super) async fn delete(
        &self,
        request: Request<proto::DeleteTemplateRequest>,
    ) -> Result<proto::DeleteTemplateResponse> {
        let (caller, message) = open(request)?;
        let name = TemplateName::parse("name", &message.name)?;
        let access = self.access.require(&caller, &name).await?;
        let delete = parse_delete(&message, name)?;
        self.store.delete_template(&access, delete).await?;
        Ok(proto::DeleteTemplateResponse {})
    }

    /// The two names that it carries are authorised both: the template to be read, the project to be written.
    pub(super) async fn instantiate(
        &self,
        request: Request<proto::InstantiateTemplateRequest>,
    ) -> Result<proto::InstantiateTemplateResponse> {
        let (caller, message) = open(request)?;
        let template = TemplateName::parse("name", &message.name)?;
        let project = parse_project("parent", &message.parent)?;
        let writing = self.access.require(&caller, &project).await?;
        let reading = self
            .access
            .require_also(&writing, Permission::TemplatesRender, &template)
            .await?;
        let instantiate = parse_instantiate(message, template, project, &self.limits)?;
        let dashboard = self.store.instantiate_template(&reading, &writing, instantiate).await?;
        Ok(proto::InstantiateTemplateResponse {
            dashboard: Some(convert::dashboard::present_written(dashboard)),
        })
    }
}
