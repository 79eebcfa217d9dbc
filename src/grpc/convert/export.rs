//! Exports: what is asked for, and one dashboard as a file.

use crate::domain::dashboard::Dashboard;
use crate::domain::filter::Filter;
use crate::domain::resource::DashboardResource;
use crate::domain::violation::{Violation, Violations};
use crate::error::{Error, Result};
use crate::grpc::proto;

use super::spec::unknown_enum;

/// Parses all of an export request but its parent, which was authorised before.
pub fn parse_export(request: &proto::ExportDashboardsRequest) -> Result<Option<Filter>, Violations> {
    let mut wrong = Violations::default();
    let filter = wrong.note(Filter::parse("filter", &request.filter));
    let format = match proto::ResourceFormat::try_from(request.format) {
        Ok(proto::ResourceFormat::Unspecified | proto::ResourceFormat::Json) => Ok(()),
        Err(_) => Err(unknown_enum("format", request.format)),
    };
    let format = wrong.note(format);
    filter.zip(format).map(|(filter, ())| filter).ok_or(wrong)
}

/// Presents a dashboard that was read with its document.
///
/// # Errors
/// A document that is no JSON, which the database takes none of.
pub fn present_exported(dashboard: &Dashboard) -> Result<proto::ExportDashboardsResponse> {
    let unreadable = |violation: Violation| Error::internal(violation.description);
    let missing = || Error::internal("a dashboard was read without its document");
    let resource = DashboardResource::of(dashboard).ok_or_else(missing)?;
    let text = resource.to_json().map_err(unreadable)?;
    Ok(proto::ExportDashboardsResponse {
        name: dashboard.name.to_string(),
        text,
        format: proto::ResourceFormat::Json.into(),
    })
}
