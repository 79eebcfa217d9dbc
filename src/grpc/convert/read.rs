//! Requests that only read.

use crate::domain::dashboard::View;
use crate::domain::filter::Filter;
use crate::domain::list::{ListDashboardRevisions, ListDashboards};
use crate::domain::name::{DashboardName, Parent};
use crate::domain::order_by::OrderBy;
use crate::domain::page::PageSize;
use crate::domain::reason::Reason;
use crate::domain::revision::RevisionRange;
use crate::domain::violation::{Violation, Violations};
use crate::grpc::proto;

use super::spec::{SpecFormat, unknown_enum};

/// The most names of one batch.
const MAX_BATCH: usize = 100;

/// Parses the view and the format of a request; `default` stands for an unspecified view.
pub(super) fn parse_presentation(view: i32, default: View, format: i32) -> Result<(View, SpecFormat), Violations> {
    let mut wrong = Violations::default();
    let parsed_view = match proto::DashboardView::try_from(view) {
        Ok(proto::DashboardView::Unspecified) => Ok(default),
        Ok(proto::DashboardView::Basic) => Ok(View::Basic),
        Ok(proto::DashboardView::Full) => Ok(View::Full),
        Err(_) => Err(unknown_enum("view", view)),
    };
    let noted_view = wrong.note(parsed_view);
    let noted_format = wrong.note(SpecFormat::parse(format));
    noted_view.zip(noted_format).ok_or(wrong)
}

/// Parses what GetDashboard says beside the name.
pub fn parse_get(request: &proto::GetDashboardRequest) -> Result<(View, SpecFormat), Violations> {
    parse_presentation(request.view, View::Full, request.spec_format)
}

/// What BatchGetDashboards asks for.
pub type Batch = (Vec<DashboardName>, View, SpecFormat);

/// Parses all of a batch request but its parent, which was authorised before.
pub fn parse_batch(request: proto::BatchGetDashboardsRequest, parent: &Parent) -> Result<Batch, Violations> {
    let mut wrong = Violations::default();
    let presentation = wrong.note(parse_presentation(request.view, View::Basic, request.spec_format));
    let names = wrong.note(parse_names(&request.names, parent));
    match (names, presentation) {
        (Some(names), Some((view, format))) => Ok((names, view, format)),
        _ => Err(wrong),
    }
}

/// Each name lies in the parent, and stands there once.
fn parse_names(names: &[String], parent: &Parent) -> Result<Vec<DashboardName>, Violations> {
    if names.is_empty() {
        return Err(Violation::new("names", Reason::FieldRequired, "must hold at least one name").into());
    }
    if names.len() > MAX_BATCH {
        let description = format!("cannot hold more than {MAX_BATCH} names");
        return Err(Violation::new("names", Reason::FieldTooLong, description).into());
    }
    let mut wrong = Violations::default();
    let mut parsed: Vec<DashboardName> = Vec::with_capacity(names.len());
    for (position, name) in names.iter().enumerate() {
        let field = format!("names[{position}]");
        let Some(dashboard) = wrong.note(DashboardName::parse(&field, name)) else {
            continue;
        };
        let inside = parent.project().is_none_or(|project| project == dashboard.project());
        if !inside {
            let outside = Violation::new(field, Reason::InvalidName, format!("does not lie in {parent}"));
            wrong.note(Err::<(), _>(outside));
        } else if parsed.contains(&dashboard) {
            let twice = Violation::new(field, Reason::FieldInvalid, "stands in the batch already");
            wrong.note(Err::<(), _>(twice));
        } else {
            parsed.push(dashboard);
        }
    }
    wrong.or_ok(parsed)
}

/// Parses all of a list request but its parent, which was authorised before.
pub fn parse_list(
    request: &proto::ListDashboardsRequest,
    parent: Parent,
) -> Result<(ListDashboards, SpecFormat), Violations> {
    let mut wrong = Violations::default();
    let presentation = wrong.note(parse_presentation(request.view, View::Basic, request.spec_format));
    let page_size = wrong.note(PageSize::parse("page_size", request.page_size));
    let filter = wrong.note(Filter::parse("filter", &request.filter));
    let order_by = wrong.note(OrderBy::parse("order_by", &request.order_by));
    let (Some((view, format)), Some(page_size), Some(filter), Some(order_by)) =
        (presentation, page_size, filter, order_by)
    else {
        return Err(wrong);
    };
    let mut query = ListDashboards {
        parent,
        page_size,
        filter,
        order_by,
        show_deleted: request.show_deleted,
        view,
        after: None,
    };
    query.after = query.binding().parse_token("page_token", &request.page_token)?;
    Ok((query, format))
}

/// Parses all of a list request but its parent, which was authorised before.
pub fn parse_list_revisions(
    request: &proto::ListDashboardRevisionsRequest,
    dashboard: DashboardName,
) -> Result<(ListDashboardRevisions, SpecFormat), Violations> {
    let mut wrong = Violations::default();
    let presentation = wrong.note(parse_presentation(request.view, View::Basic, request.spec_format));
    let page_size = wrong.note(PageSize::parse("page_size", request.page_size));
    let (Some((view, format)), Some(page_size)) = (presentation, page_size) else {
        return Err(wrong);
    };
    let mut query = ListDashboardRevisions {
        dashboard,
        page_size,
        view,
        after: None,
    };
    query.after = query.binding().parse_token("page_token", &request.page_token)?;
    Ok((query, format))
}

/// Parses which revisions a diff compares.
pub fn parse_diff(request: &proto::DiffDashboardRevisionsRequest) -> Result<RevisionRange, Violations> {
    let mut wrong = Violations::default();
    let from = match request.from_revision {
        from @ 1.. => Some(from),
        _ => wrong.note(Err(Violation::new(
            "from_revision",
            Reason::FieldOutOfRange,
            "must be 1 or more",
        ))),
    };
    let to = match request.to_revision {
        to @ 1.. => Some(Some(to)),
        0 => Some(None),
        _ => {
            let description = "must be 1 or more, or 0 for the head";
            wrong.note(Err(Violation::new("to_revision", Reason::FieldOutOfRange, description)))
        }
    };
    from.zip(to).map(|(from, to)| RevisionRange { from, to }).ok_or(wrong)
}
