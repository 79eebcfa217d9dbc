//! Templates, presented; what comes in is parsed in the files below.

pub mod parameter;
pub mod request;

use std::slice;

use super::spec::{SpecFormat, json_spec, present_specs};
use super::time::timestamp;
use crate::domain::template::{Category, Template, TemplateOrigin};
use crate::grpc::proto;

/// Presents the templates of one answer.
pub fn present_templates(templates: Vec<Template>, format: SpecFormat) -> Vec<proto::Template> {
    let mut presented: Vec<_> = templates.into_iter().map(present_written).collect();
    present_specs(&mut presented, format, |message| &mut message.spec);
    presented
}

/// Presents the only template of an answer.
pub fn present_template(template: Template, format: SpecFormat) -> proto::Template {
    let mut presented = present_written(template);
    present_specs(slice::from_mut(&mut presented), format, |message| &mut message.spec);
    presented
}

/// Presents a template that a mutation left; its document comes as JSON text.
pub fn present_written(template: Template) -> proto::Template {
    let etag = template.etag().to_string();
    proto::Template {
        name: template.name.to_string(),
        uid: template.uid.to_string(),
        display_name: template.display_name,
        description: template.description,
        category: present_category(template.category).into(),
        parameters: parameter::present(&template.parameters),
        spec: template.spec.map(json_spec),
        spec_sha256: template.spec_sha256.to_string(),
        spec_size_bytes: template.spec_size_bytes,
        is_system: template.name.is_system(),
        revision: template.revision,
        usage_count: template.usage_count,
        last_use_time: template.last_use_time.map(timestamp),
        created_by: template.created_by,
        updated_by: template.updated_by,
        create_time: Some(timestamp(template.create_time)),
        update_time: Some(timestamp(template.update_time)),
        etag,
    }
}

/// Presents where a dashboard came from.
pub fn present_origin(origin: TemplateOrigin) -> proto::TemplateOrigin {
    let values = origin.parameters.into_iter();
    proto::TemplateOrigin {
        template: origin.template.to_string(),
        template_revision: origin.template_revision,
        parameters: values
            .map(|(name, value)| (name, parameter::present_scalar(&value)))
            .collect(),
    }
}

fn present_category(category: Category) -> proto::TemplateCategory {
    match category {
        Category::ModelServing => proto::TemplateCategory::ModelServing,
        Category::TrainingJob => proto::TemplateCategory::TrainingJob,
        Category::NotebookServer => proto::TemplateCategory::NotebookServer,
        Category::DataPipeline => proto::TemplateCategory::DataPipeline,
        Category::General => proto::TemplateCategory::General,
    }
}
