//! The requests of TemplateService.

use super::parameter;
use crate::domain::dashboard::View;
use crate::domain::etag::EtagCondition;
use crate::domain::filter::TemplateFilter;
use crate::domain::list::ListTemplates;
use crate::domain::mutation::template::{CreateTemplate, DeleteTemplate, InstantiateTemplate, UpdateTemplate};
use crate::domain::mutation::{ChangeNote, WriteOptions};
use crate::domain::name::{Parent, ProjectId, TemplateName};
use crate::domain::order_by::OrderBy;
use crate::domain::page::PageSize;
use crate::domain::reason::Reason;
use crate::domain::spec::SpecLimits;
use crate::domain::tags::Tags;
use crate::domain::template::{Category, GivenValues, Summary, TemplateChange, TemplateContent, TemplateDocument};
use crate::domain::violation::{Violation, Violations};
use crate::grpc::convert::mask::{Mask, unknown_path};
use crate::grpc::convert::mutation::parse_dashboard_id;
use crate::grpc::convert::read::parse_presentation;
use crate::grpc::convert::spec::{SpecFormat, spec_text, unknown_enum};
use crate::grpc::proto;

/// The field that every path into a template's document begins with.
const SPEC: &str = "template.spec";

/// The fields that a mask can select.
const FIELDS: [&str; 5] = ["display_name", "description", "category", "parameters", "spec"];

/// The fields that the server sets; a mask may name them, to no effect.
const OUTPUT_ONLY: &[&str] = &[
    "name",
    "uid",
    "spec_sha256",
    "spec_size_bytes",
    "is_system",
    "revision",
    "usage_count",
    "last_use_time",
    "created_by",
    "updated_by",
    "create_time",
    "update_time",
    "etag",
];

/// Parses all of a create request but its parent, which was authorised before.
pub fn parse_create(
    request: proto::CreateTemplateRequest,
    project: ProjectId,
    limits: &SpecLimits,
) -> Result<CreateTemplate, Violations> {
    let mut wrong = Violations::default();
    let name = wrong.note(parse_template_id(project, &request.template_id));
    let content = wrong.note(parse_content(request.template.unwrap_or_default(), limits));
    let options = wrong.note(WriteOptions::parse(&request.request_id, request.validate_only));
    match (name, content, options) {
        (Some(name), Some(content), Some(options)) => Ok(CreateTemplate { name, content, options }),
        _ => Err(wrong),
    }
}

/// Parses all of an update request but its name, which was authorised before.
pub fn parse_update(
    request: proto::UpdateTemplateRequest,
    name: TemplateName,
    limits: &SpecLimits,
) -> Result<UpdateTemplate, Violations> {
    let mut wrong = Violations::default();
    let template = request.template.unwrap_or_default();
    let etag = wrong.note(EtagCondition::parse_required("template.etag", &template.etag));
    let paths = request.update_mask.map(|mask| mask.paths).unwrap_or_default();
    let selected = wrong.note(selected(&paths, &template));
    let change = selected.and_then(|selected| wrong.note(parse_change(template, &selected, limits)));
    let options = wrong.note(WriteOptions::parse(&request.request_id, request.validate_only));
    match (etag, change, options) {
        (Some(etag), Some(change), Some(options)) => Ok(UpdateTemplate {
            name,
            etag,
            change,
            limits: *limits,
            options,
        }),
        _ => Err(wrong),
    }
}

/// Parses all of a delete request but its name, which was authorised before.
pub fn parse_delete(request: &proto::DeleteTemplateRequest, name: TemplateName) -> Result<DeleteTemplate, Violations> {
    let mut wrong = Violations::default();
    let etag = wrong.note(EtagCondition::parse_required("etag", &request.etag));
    let options = wrong.note(WriteOptions::parse(&request.request_id, request.validate_only));
    match (etag, options) {
        (Some(etag), Some(options)) => Ok(DeleteTemplate { name, etag, options }),
        _ => Err(wrong),
    }
}

/// Parses all of an instantiate request but its names, which were authorised before.
pub fn parse_instantiate(
    request: proto::InstantiateTemplateRequest,
    template: TemplateName,
    project: ProjectId,
    limits: &SpecLimits,
) -> Result<InstantiateTemplate, Violations> {
    let mut wrong = Violations::default();
    let dashboard = wrong.note(parse_dashboard_id(project, &request.dashboard_id));
    let parameters = wrong.note(parameter::parse_values("parameters", request.parameters));
    let tags = wrong.note(Tags::parse("tags", request.tags));
    let change_note = wrong.note(ChangeNote::parse(request.change_note));
    let options = wrong.note(WriteOptions::parse(&request.request_id, request.validate_only));
    match (dashboard, parameters, tags, change_note, options) {
        (Some(dashboard), Some(parameters), Some(tags), Some(change_note), Some(options)) => Ok(InstantiateTemplate {
            template,
            dashboard,
            parameters,
            tags,
            change_note,
            limits: *limits,
            options,
        }),
        _ => Err(wrong),
    }
}

/// Parses what RenderTemplate says beside the name.
pub fn parse_render(request: proto::RenderTemplateRequest) -> Result<(GivenValues, SpecFormat), Violations> {
    let mut wrong = Violations::default();
    let values = wrong.note(parameter::parse_values("parameters", request.parameters));
    let format = wrong.note(SpecFormat::parse(request.spec_format));
    values.zip(format).ok_or(wrong)
}

/// Parses what GetTemplate says beside the name.
pub fn parse_get(request: &proto::GetTemplateRequest) -> Result<(View, SpecFormat), Violations> {
    parse_presentation(request.view, View::Full, request.spec_format)
}

/// Parses all of a list request but its parent, which was authorised before.
pub fn parse_list(
    request: &proto::ListTemplatesRequest,
    parent: Parent,
) -> Result<(ListTemplates, SpecFormat), Violations> {
    let mut wrong = Violations::default();
    let presentation = wrong.note(parse_presentation(request.view, View::Basic, request.spec_format));
    let page_size = wrong.note(PageSize::parse("page_size", request.page_size));
    let filter = wrong.note(TemplateFilter::parse("filter", &request.filter));
    let order_by = wrong.note(OrderBy::parse("order_by", &request.order_by));
    let (Some((view, format)), Some(page_size), Some(filter), Some(order_by)) =
        (presentation, page_size, filter, order_by)
    else {
        return Err(wrong);
    };
    let mut query = ListTemplates {
        parent,
        page_size,
        filter,
        order_by,
        view,
        after: None,
    };
    query.after = query.binding().parse_token("page_token", &request.page_token)?;
    Ok((query, format))
}

fn parse_template_id(project: ProjectId, id: &str) -> Result<TemplateName, Violation> {
    const FIELD: &str = "template_id";
    if id.is_empty() {
        return Err(Violation::new(FIELD, Reason::FieldRequired, "must be set"));
    }
    TemplateName::new(project, FIELD, id)
}

/// Parses the whole content of a template, and checks that its parts fit together.
fn parse_content(template: proto::Template, limits: &SpecLimits) -> Result<TemplateContent, Violations> {
    let mut wrong = Violations::default();
    let change = wrong.note(parse_change(template, &FIELDS, limits));
    let Some(TemplateChange {
        display_name: Some(display_name),
        description: Some(description),
        category: Some(category),
        parameters: Some(parameters),
        document: Some(document),
    }) = change
    else {
        return Err(wrong);
    };
    document.check(SPEC, &parameters, limits)?;
    Ok(TemplateContent {
        display_name,
        description,
        category,
        parameters,
        document,
    })
}

/// Takes from the message the fields that are selected.
fn parse_change(
    template: proto::Template,
    selected: &[&str],
    limits: &SpecLimits,
) -> Result<TemplateChange, Violations> {
    let mut wrong = Violations::default();
    let mut change = TemplateChange::default();
    if selected.contains(&"display_name") {
        change.display_name = wrong.note(Summary::display_name("template.display_name", template.display_name));
    }
    if selected.contains(&"description") {
        change.description = wrong.note(Summary::description("template.description", template.description));
    }
    if selected.contains(&"category") {
        change.category = wrong.note(parse_category(template.category));
    }
    if selected.contains(&"parameters") {
        change.parameters = wrong.note(parameter::parse("template.parameters", template.parameters));
    }
    if selected.contains(&"spec") {
        change.document = wrong.note(parse_document(template.spec, limits));
    }
    wrong.or_ok(change)
}

fn parse_document(spec: Option<proto::DashboardSpec>, limits: &SpecLimits) -> Result<TemplateDocument, Vec<Violation>> {
    let text = spec_text(SPEC, spec, limits)?;
    TemplateDocument::parse(text, limits)
        .map_err(|violations| violations.into_iter().map(|violation| violation.under(SPEC)).collect())
}

fn parse_category(value: i32) -> Result<Category, Violation> {
    match proto::TemplateCategory::try_from(value) {
        Ok(proto::TemplateCategory::ModelServing) => Ok(Category::ModelServing),
        Ok(proto::TemplateCategory::TrainingJob) => Ok(Category::TrainingJob),
        Ok(proto::TemplateCategory::NotebookServer) => Ok(Category::NotebookServer),
        Ok(proto::TemplateCategory::DataPipeline) => Ok(Category::DataPipeline),
        Ok(proto::TemplateCategory::General | proto::TemplateCategory::Unspecified) => Ok(Category::General),
        Err(_) => Err(unknown_enum("template.category", value)),
    }
}

/// The fields that a mask selects: an absent one those that are populated, `*` all.
fn selected(paths: &[String], template: &proto::Template) -> Result<Vec<&'static str>, Violation> {
    let fields = FIELDS.into_iter();
    let named = match Mask::of(paths)? {
        Mask::Absent => return Ok(fields.filter(|field| is_populated(field, template)).collect()),
        Mask::Everything => return Ok(FIELDS.into()),
        Mask::Paths(named) => named,
    };
    for path in named {
        let is_known = FIELDS.contains(&path.as_str()) || OUTPUT_ONLY.contains(&path.as_str());
        if !is_known {
            return Err(unknown_path(path, &format!("{} and *", FIELDS.join(", "))));
        }
    }
    Ok(fields.filter(|field| named.iter().any(|path| path == field)).collect())
}

fn is_populated(field: &str, template: &proto::Template) -> bool {
    match field {
        "display_name" => !template.display_name.is_empty(),
        "description" => !template.description.is_empty(),
        "category" => template.category != proto::TemplateCategory::Unspecified as i32,
        "parameters" => !template.parameters.is_empty(),
        "spec" => template.spec.is_some(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selected_by(paths: &[&str]) -> Result<Vec<&'static str>, String> {
        let owned: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
        let template = proto::Template {
            description: "d".into(),
            category: proto::TemplateCategory::General.into(),
            ..Default::default()
        };
        selected(&owned, &template).map_err(|violation| violation.description)
    }

    #[test]
    fn masks_select_fields() {
        assert_eq!(selected_by(&[]), Ok(vec!["description", "category"]));
        assert_eq!(selected_by(&["*"]), Ok(FIELDS.into()));
        assert_eq!(
            selected_by(&["spec", "etag", "spec", "parameters"]),
            Ok(vec!["parameters", "spec"])
        );
        assert_eq!(selected_by(&["usage_count"]), Ok(vec![]));
    }

    #[test]
    fn masks_that_contradict_themselves_or_name_nothing_are_refused() {
        for paths in [
            &["*", "spec"][..],
            &["spec.panels"],
            &["parameters.x"],
            &["tags"],
            &[""],
        ] {
            assert!(selected_by(paths).is_err(), "{paths:?}");
        }
    }
}
