//! Requests of mutations, update aside.

use crate::domain::dashboard::Content;
use crate::domain::etag::EtagCondition;
use crate::domain::labels::Labels;
use crate::domain::mutation::{
    ApplyDashboard, ApplyOutcome, ChangeNote, CreateDashboard, DashboardTarget, ProjectPurged,
    RestoreDashboardRevision, WriteOptions,
};
use crate::domain::name::{DashboardName, ProjectId, RevisionName};
use crate::domain::reason::Reason;
use crate::domain::spec::SpecLimits;
use crate::domain::tags::Tags;
use crate::domain::violation::{Violation, Violations};
use crate::grpc::proto;

use super::spec::parse_spec;

/// Parses all of a create request but its parent, which was authorised before.
pub fn parse_create(
    request: proto::CreateDashboardRequest,
    project: ProjectId,
    limits: &SpecLimits,
) -> Result<CreateDashboard, Violations> {
    let mut wrong = Violations::default();
    let name = wrong.note(parse_dashboard_id(project, &request.dashboard_id));
    let content = wrong.note(parse_content(request.dashboard, limits));
    let change_note = wrong.note(ChangeNote::parse(request.change_note));
    let options = wrong.note(WriteOptions::parse(&request.request_id, request.validate_only));
    match (name, content, change_note, options) {
        (Some(name), Some(content), Some(change_note), Some(options)) => Ok(CreateDashboard {
            name,
            content,
            change_note,
            options,
        }),
        _ => Err(wrong),
    }
}

/// Parses all of an apply request but its name, which was authorised before.
pub fn parse_apply(
    request: proto::ApplyDashboardRequest,
    name: DashboardName,
    limits: &SpecLimits,
) -> Result<ApplyDashboard, Violations> {
    let mut wrong = Violations::default();
    let given_etag = request.dashboard.as_ref().map_or("", |dashboard| &dashboard.etag);
    let etag = wrong.note(EtagCondition::parse_optional("dashboard.etag", given_etag));
    let content = wrong.note(parse_content(request.dashboard, limits));
    let change_note = wrong.note(ChangeNote::parse(request.change_note));
    let options = wrong.note(WriteOptions::parse(&request.request_id, request.validate_only));
    match (etag, content, change_note, options) {
        (Some(etag), Some(content), Some(change_note), Some(options)) => Ok(ApplyDashboard {
            name,
            etag,
            content,
            change_note,
            options,
        }),
        _ => Err(wrong),
    }
}

/// Parses what delete, undelete and purge have in common.
pub fn parse_target(
    name: DashboardName,
    etag: &str,
    request_id: &str,
    validate_only: bool,
) -> Result<DashboardTarget, Violations> {
    let mut wrong = Violations::default();
    let condition = wrong.note(EtagCondition::parse_required("etag", etag));
    let options = wrong.note(WriteOptions::parse(request_id, validate_only));
    match (condition, options) {
        (Some(etag), Some(options)) => Ok(DashboardTarget { name, etag, options }),
        _ => Err(wrong),
    }
}

/// Parses all of a restore request but its name, which was authorised before.
pub fn parse_restore(
    request: proto::RestoreDashboardRevisionRequest,
    revision: RevisionName,
) -> Result<RestoreDashboardRevision, Violations> {
    let mut wrong = Violations::default();
    let condition = wrong.note(EtagCondition::parse_required("etag", &request.etag));
    let change_note = wrong.note(ChangeNote::parse(request.change_note));
    let options = wrong.note(WriteOptions::parse(&request.request_id, request.validate_only));
    match (condition, change_note, options) {
        (Some(etag), Some(change_note), Some(options)) => Ok(RestoreDashboardRevision {
            revision,
            etag,
            change_note,
            options,
        }),
        _ => Err(wrong),
    }
}

/// Presents what apply did.
pub fn present_outcome(outcome: ApplyOutcome) -> proto::ApplyOutcome {
    match outcome {
        ApplyOutcome::Created => proto::ApplyOutcome::Created,
        ApplyOutcome::Updated => proto::ApplyOutcome::Updated,
        ApplyOutcome::Unchanged => proto::ApplyOutcome::Unchanged,
        ApplyOutcome::Restored => proto::ApplyOutcome::Restored,
    }
}

/// Presents what PurgeProject removed.
pub fn present_purged(purged: ProjectPurged) -> proto::PurgeProjectResponse {
    proto::PurgeProjectResponse {
        purged_dashboards: purged.dashboards,
        purged_templates: purged.templates,
        revoked_grants: purged.grants,
    }
}

/// Names the new dashboard of `project`.
pub(super) fn parse_dashboard_id(project: ProjectId, id: &str) -> Result<DashboardName, Violation> {
    const FIELD: &str = "dashboard_id";
    if id.is_empty() {
        return Err(Violation::new(FIELD, Reason::FieldRequired, "must be set"));
    }
    DashboardName::new(project, FIELD, id)
}

/// Parses the whole content of a dashboard.
fn parse_content(dashboard: Option<proto::Dashboard>, limits: &SpecLimits) -> Result<Content, Violations> {
    let mut wrong = Violations::default();
    let message = dashboard.unwrap_or_default();
    let spec = wrong.note(parse_spec(message.spec, limits));
    let tags = wrong.note(Tags::parse("dashboard.tags", message.tags));
    let labels = wrong.note(Labels::parse("dashboard.labels", message.labels));
    match (spec, tags, labels) {
        (Some(spec), Some(tags), Some(labels)) => Ok(Content { spec, tags, labels }),
        _ => Err(wrong),
    }
}
