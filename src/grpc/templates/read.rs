//! The handlers that only read.

use std::slice;

use tonic::Request;

use super::Templates;
use crate::domain::dashboard::View;
use crate::domain::name::{Parent, TemplateName};
use crate::domain::template::render;
use crate::error::{Error, Result};
use crate::grpc::call::open;
use crate::grpc::convert::spec::{json_spec, present_specs};
use crate::grpc::convert::template::request::{parse_get, parse_list, parse_render};
use crate::grpc::convert::template::{present_template, present_templates};
use crate::grpc::proto;

impl Templates {
    pub(super) async fn get(&self, request: Request<proto::GetTemplateRequest>) -> Result<proto::GetTemplateResponse> {
        let (caller, message) = open(request)?;
        let name = TemplateName::parse("name", &message.name)?;
        let access = self.access.require(&caller, &name).await?;
        let (view, format) = parse_get(&message)?;
        let template = self.store.get_template(&access, &name, view).await?;
        Ok(proto::GetTemplateResponse {
            template: Some(present_template(template, format)),
        })
    }

    pub(super) async fn list(
        &self,
        request: Request<proto::ListTemplatesRequest>,
    ) -> Result<proto::ListTemplatesResponse> {
        let (caller, message) = open(request)?;
        let parent = Parent::parse("parent", &message.parent)?;
        let access = self.access.require(&caller, &parent).await?;
        let (query, format) = parse_list(&message, parent)?;
        let page = self.store.list_templates(&access, &query).await?;
        Ok(proto::ListTemplatesResponse {
            templates: present_templates(page.items, format),
            next_page_token: query.binding().next_token(page.next.as_ref()),
        })
    }

    pub(super) async fn render(
        &self,
        request: Request<proto::RenderTemplateRequest>,
    ) -> Result<proto::RenderTemplateResponse> {
        let (caller, message) = open(request)?;
        let name = TemplateName::parse("name", &message.name)?;
        let access = self.access.require(&caller, &name).await?;
        let (values, format) = parse_render(message)?;
        let template = self.store.get_template(&access, &name, View::Full).await?;
        let text = template.spec.ok_or_else(|| Error::internal("a document is missing"))?;
        let rendered = render(&template.parameters, &text, &values, &self.limits)?;
        let mut response = proto::RenderTemplateResponse {
            spec: Some(json_spec(rendered.spec.text().to_owned())),
        };
        present_specs(slice::from_mut(&mut response), format, |message| &mut message.spec);
        Ok(response)
    }
}
