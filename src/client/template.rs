//! Templates, as a client tries them.

use std::collections::HashMap;

use super::{Client, ClientError};
use crate::domain::template::{ParameterType, Scalar};
use crate::grpc::proto;
use crate::grpc::proto::dashboard_spec::Content;

impl Client {
    /// The types of the parameters of a template, by their names. One that this version does not know is left out.
    ///
    /// # Errors
    /// What the service refuses it for.
    pub async fn parameter_types(&self, name: &str) -> Result<HashMap<String, ParameterType>, ClientError> {
        let request = proto::GetTemplateRequest {
            name: name.to_owned(),
            view: proto::DashboardView::Basic.into(),
            ..Default::default()
        };
        let answer = self.templates().get_template(request).await?.into_inner();
        let parameters = answer.template.map(|template| template.parameters).unwrap_or_default();
        let typed = parameters.into_iter().filter_map(|parameter| {
            let known = parameter_type(parameter.r#type())?;
            Some((parameter.name, known))
        });
        Ok(typed.collect())
    }

    /// The JSON text of the spec that a template makes of `parameters`.
    ///
    /// # Errors
    /// What the service refuses it for.
    pub async fn render(&self, name: &str, parameters: HashMap<String, Scalar>) -> Result<String, ClientError> {
        let values = parameters.into_iter().map(|(key, scalar)| (key, value(scalar)));
        let request = proto::RenderTemplateRequest {
            name: name.to_owned(),
            parameters: values.collect(),
            spec_format: proto::SpecFormat::Json.into(),
        };
        let answer = self.templates().render_template(request).await?.into_inner();
        match answer.spec.and_then(|spec| spec.content) {
            Some(Content::Json(text)) => Ok(text),
            Some(Content::Structured(_)) | None => Err(ClientError::Answer("no spec as JSON text".to_owned())),
        }
    }
}

fn parameter_type(sent: proto::TemplateParameterType) -> Option<ParameterType> {
    match sent {
        proto::TemplateParameterType::String => Some(ParameterType::String),
        proto::TemplateParameterType::Int => Some(ParameterType::Int),
        proto::TemplateParameterType::Number => Some(ParameterType::Number),
        proto::TemplateParameterType::Bool => Some(ParameterType::Bool),
        proto::TemplateParameterType::Enum => Some(ParameterType::Enum),
        proto::TemplateParameterType::Duration => Some(ParameterType::Duration),
        proto::TemplateParameterType::Unspecified => None,
    }
}

fn value(scalar: Scalar) -> prost_types::Value {
    use prost_types::value::Kind;
    let kind = match scalar {
        Scalar::Bool(truth) => Kind::BoolValue(truth),
        Scalar::Number(double) => Kind::NumberValue(double),
        Scalar::Text(text) => Kind::StringValue(text),
    };
    prost_types::Value { kind: Some(kind) }
}
