//! Exports: what is asked for, and one dashboard as a file.

use crate::domain::dashboard::Dashboard;
use crate::domain::filter::Filter;
use crate::domain::list::MAX_PAGE_BYTES;
use crate::domain::resource::DashboardResource;
use crate::domain::violation::{Violation, Violations};
use crate::error::{Error, Result};
use crate::grpc::proto;

use super::spec::unknown_enum;

/// The form of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResourceFormat {
    /// JSON, with the text of the spec as it is.
    Json,
    /// YAML where the text is not too large.
    Yaml,
}

/// Parses all of an export request but its parent, which was authorised before.
pub fn parse_export(request: &proto::ExportDashboardsRequest) -> Result<(Option<Filter>, ResourceFormat), Violations> {
    let mut wrong = Violations::default();
    let filter = wrong.note(Filter::parse("filter", &request.filter));
    let parsed_format = match proto::ResourceFormat::try_from(request.format) {
        Ok(proto::ResourceFormat::Unspecified | proto::ResourceFormat::Json) => Ok(ResourceFormat::Json),
        Ok(proto::ResourceFormat::Yaml) => Ok(ResourceFormat::Yaml),
        Err(_) => Err(unknown_enum("format", request.format)),
    };
    let format = wrong.note(parsed_format);
    filter.zip(format).ok_or(wrong)
}

/// Presents a dashboard that was read with its document.
///
/// # Errors
/// A document that is no JSON, which the database takes none of.
pub fn present_exported(dashboard: &Dashboard, format: ResourceFormat) -> Result<proto::ExportDashboardsResponse> {
    let missing = || Error::internal("a dashboard was read without its document");
    let resource = DashboardResource::of(dashboard).ok_or_else(missing)?;
    let yaml = match format {
        ResourceFormat::Json => None,
        ResourceFormat::Yaml => Some(resource.to_yaml().map_err(unreadable)?).filter(|text| fits(text)),
    };
    let (text, shown) = match yaml {
        Some(text) => (text, proto::ResourceFormat::Yaml),
        None => (resource.to_json().map_err(unreadable)?, proto::ResourceFormat::Json),
    };
    Ok(proto::ExportDashboardsResponse {
        name: dashboard.name.to_string(),
        text,
        format: shown.into(),
    })
}

/// Indented, a document can take many times the bytes of its JSON text.
fn fits(text: &str) -> bool {
    text.len() <= MAX_PAGE_BYTES as usize
}

/// The error for a document that is no JSON, though the database let it in.
fn unreadable(wrong: impl Into<Violations>) -> Error {
    let violations: Vec<Violation> = wrong.into().into();
    let first = violations.into_iter().next();
    Error::internal(first.map_or_else(String::new, |violation| violation.description))
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;
    use uuid::Uuid;

    use super::*;
    use crate::domain::dashboard::DashboardState;
    use crate::domain::digest::Digest;
    use crate::domain::labels::Labels;
    use crate::domain::name::DashboardName;
    use crate::domain::tags::Tags;

    fn dashboard(spec: &str) -> Dashboard {
        Dashboard {
            uid: Uuid::nil(),
            name: DashboardName::parse("name", "projects/p/dashboards/d").unwrap(),
            display_name: String::new(),
            description: String::new(),
            tags: Tags::default(),
            labels: Labels::default(),
            template_origin: None,
            spec: Some(spec.to_owned()),
            spec_sha256: Digest::of(spec.as_bytes()),
            spec_size_bytes: 0,
            state: DashboardState::Active,
            revision: 1,
            generation: 1,
            created_by: String::new(),
            updated_by: String::new(),
            create_time: OffsetDateTime::UNIX_EPOCH,
            update_time: OffsetDateTime::UNIX_EPOCH,
            delete_time: None,
            purge_time: None,
        }
    }

    /// Many values, each indented as deep as a document may be.
    fn much_larger_as_yaml() -> String {
        let values = vec!["1"; 50_000].join(",");
        format!("{{\"panels\":{}[{values}]{}}}", r#"{"a":"#.repeat(50), "}".repeat(50))
    }

    #[test]
    fn a_text_that_would_be_too_large_as_yaml_comes_as_json() {
        for (spec, shown) in [
            (r#"{"panels":{}}"#.to_owned(), proto::ResourceFormat::Yaml),
            (much_larger_as_yaml(), proto::ResourceFormat::Json),
        ] {
            let presented = present_exported(&dashboard(&spec), ResourceFormat::Yaml).unwrap();
            assert_eq!(presented.format(), shown);
            assert!(fits(&presented.text));
        }
    }
}
