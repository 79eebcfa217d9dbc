//! A request for each method: it asks for something of `projects/p` that is there, and changes nothing.

use dashboard_store::domain::share_link::ShareSecret;
use dashboard_store::grpc::proto;
use dashboard_store::grpc::proto::import_dashboards_request::Part;
use prost::Message;
use tonic_health::pb::HealthCheckRequest;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;

use crate::support::access::{grant_request, list_request, revoke_request};
use crate::support::requests::{create_request, json_spec, list_request as list_dashboards_request, spec_named};
use crate::support::templates;
use crate::support::transfer::{message, options};

const PROJECT: &str = "projects/p";
const DASHBOARD: &str = "projects/p/dashboards/d";
const DELETED: &str = "projects/p/dashboards/gone";
const TEMPLATE: &str = "projects/p/templates/t";

/// The request of a method, encoded. A new method needs one.
pub fn of(method: &str) -> Vec<u8> {
    let (service, rpc) = method.split_once('/').unwrap();
    match service.rsplit('.').next().unwrap() {
        "DashboardService" => of_dashboards(rpc),
        "TemplateService" => of_templates(rpc),
        "PreferencesService" => of_preferences(rpc),
        "ShareService" => of_sharing(rpc),
        "AuditService" => of_audit(rpc),
        "Health" => HealthCheckRequest::default().encode_to_vec(),
        "ServerReflection" => ServerReflectionRequest {
            message_request: Some(MessageRequest::ListServices(String::new())),
            ..Default::default()
        }
        .encode_to_vec(),
        _ => unknown(method),
    }
}

fn unknown(method: &str) -> ! {
    panic!("{method} is new: say what it shall be asked for")
}

fn of_dashboards(rpc: &str) -> Vec<u8> {
    match rpc {
        "CreateDashboard" => proto::CreateDashboardRequest {
            validate_only: true,
            ..create_request("new")
        }
        .encode_to_vec(),
        "GetDashboard" => proto::GetDashboardRequest {
            name: DASHBOARD.into(),
            ..Default::default()
        }
        .encode_to_vec(),
        "BatchGetDashboards" => proto::BatchGetDashboardsRequest {
            parent: PROJECT.into(),
            names: vec![DASHBOARD.into()],
            ..Default::default()
        }
        .encode_to_vec(),
        "ListDashboards" => list_dashboards_request(PROJECT).encode_to_vec(),
        "SearchDashboards" => proto::SearchDashboardsRequest {
            parent: PROJECT.into(),
            query: "d".into(),
            ..Default::default()
        }
        .encode_to_vec(),
        "UpdateDashboard" => proto::UpdateDashboardRequest {
            dashboard: dashboard("*"),
            validate_only: true,
            ..Default::default()
        }
        .encode_to_vec(),
        "ApplyDashboard" => proto::ApplyDashboardRequest {
            dashboard: dashboard(""),
            validate_only: true,
            ..Default::default()
        }
        .encode_to_vec(),
        "DeleteDashboard" => proto::DeleteDashboardRequest {
            name: DASHBOARD.into(),
            etag: "*".into(),
            validate_only: true,
            ..Default::default()
        }
        .encode_to_vec(),
        "UndeleteDashboard" => proto::UndeleteDashboardRequest {
            name: DELETED.into(),
            etag: "*".into(),
            validate_only: true,
            ..Default::default()
        }
        .encode_to_vec(),
        "PurgeDashboard" => proto::PurgeDashboardRequest {
            name: DELETED.into(),
            etag: "*".into(),
            validate_only: true,
            ..Default::default()
        }
        .encode_to_vec(),
        "PurgeProject" => proto::PurgeProjectRequest {
            name: PROJECT.into(),
            validate_only: true,
            ..Default::default()
        }
        .encode_to_vec(),
        "ImportDashboards" => message(Part::Options(proto::ImportOptions {
            validate_only: true,
            ..options()
        }))
        .encode_to_vec(),
        "ExportDashboards" => proto::ExportDashboardsRequest {
            parent: PROJECT.into(),
            ..Default::default()
        }
        .encode_to_vec(),
        revisions => of_revisions(revisions),
    }
}

fn dashboard(etag: &str) -> Option<proto::Dashboard> {
    Some(proto::Dashboard {
        name: DASHBOARD.into(),
        etag: etag.into(),
        spec: json_spec(spec_named("changed")),
        ..Default::default()
    })
}

fn of_revisions(rpc: &str) -> Vec<u8> {
    let first = format!("{DASHBOARD}/revisions/1");
    match rpc {
        "ListDashboardRevisions" => proto::ListDashboardRevisionsRequest {
            parent: DASHBOARD.into(),
            ..Default::default()
        }
        .encode_to_vec(),
        "GetDashboardRevision" => proto::GetDashboardRevisionRequest {
            name: first,
            ..Default::default()
        }
        .encode_to_vec(),
        "DiffDashboardRevisions" => proto::DiffDashboardRevisionsRequest {
            name: DASHBOARD.into(),
            from_revision: 1,
            to_revision: 0,
        }
        .encode_to_vec(),
        "RestoreDashboardRevision" => proto::RestoreDashboardRevisionRequest {
            name: first,
            etag: "*".into(),
            validate_only: true,
            ..Default::default()
        }
        .encode_to_vec(),
        _ => unknown(rpc),
    }
}

fn of_templates(rpc: &str) -> Vec<u8> {
    match rpc {
        "CreateTemplate" => proto::CreateTemplateRequest {
            validate_only: true,
            ..templates::create_request("new")
        }
        .encode_to_vec(),
        "GetTemplate" => proto::GetTemplateRequest {
            name: TEMPLATE.into(),
            ..Default::default()
        }
        .encode_to_vec(),
        "ListTemplates" => proto::ListTemplatesRequest {
            parent: PROJECT.into(),
            ..Default::default()
        }
        .encode_to_vec(),
        "UpdateTemplate" => proto::UpdateTemplateRequest {
            template: Some(proto::Template {
                name: TEMPLATE.into(),
                etag: "*".into(),
                display_name: "changed".into(),
                ..Default::default()
            }),
            validate_only: true,
            ..Default::default()
        }
        .encode_to_vec(),
        "DeleteTemplate" => proto::DeleteTemplateRequest {
            name: TEMPLATE.into(),
            etag: "*".into(),
            validate_only: true,
            ..Default::default()
        }
        .encode_to_vec(),
        "RenderTemplate" => proto::RenderTemplateRequest {
            name: TEMPLATE.into(),
            parameters: templates::values(&[("namespace", "prod")]),
            ..Default::default()
        }
        .encode_to_vec(),
        "InstantiateTemplate" => proto::InstantiateTemplateRequest {
            parent: PROJECT.into(),
            validate_only: true,
            ..templates::instantiate_request(TEMPLATE, "new")
        }
        .encode_to_vec(),
        _ => unknown(rpc),
    }
}

/// Everybody has preferences; what is asked about a dashboard takes more.
fn of_preferences(rpc: &str) -> Vec<u8> {
    let (me, dashboard) = ("users/me".to_owned(), DASHBOARD.to_owned());
    match rpc {
        "GetPreferences" => proto::GetPreferencesRequest {
            name: "users/me/preferences".into(),
        }
        .encode_to_vec(),
        "UpdatePreferences" => proto::UpdatePreferencesRequest {
            preferences: Some(proto::UserPreferences {
                name: "users/me/preferences".into(),
                etag: "*".into(),
                theme: "dark".into(),
                ..Default::default()
            }),
            validate_only: true,
            ..Default::default()
        }
        .encode_to_vec(),
        "AddFavorite" => proto::AddFavoriteRequest {
            parent: me,
            dashboard,
            validate_only: true,
            ..Default::default()
        }
        .encode_to_vec(),
        "RemoveFavorite" => proto::RemoveFavoriteRequest {
            parent: me,
            dashboard,
            validate_only: true,
            ..Default::default()
        }
        .encode_to_vec(),
        "RecordDashboardView" => proto::RecordDashboardViewRequest {
            parent: me,
            dashboard,
            validate_only: true,
            ..Default::default()
        }
        .encode_to_vec(),
        "ListFavorites" => proto::ListFavoritesRequest {
            parent: me,
            ..Default::default()
        }
        .encode_to_vec(),
        "ListRecentDashboards" => proto::ListRecentDashboardsRequest {
            parent: me,
            ..Default::default()
        }
        .encode_to_vec(),
        _ => unknown(rpc),
    }
}

/// The audit event that is asked for, of `projects/p`.
pub const EVENT_ID: &str = "018f6b1e-0000-7000-8000-00000000a0d1";

fn of_audit(rpc: &str) -> Vec<u8> {
    match rpc {
        "ListAuditEvents" => proto::ListAuditEventsRequest {
            parent: PROJECT.into(),
            ..Default::default()
        }
        .encode_to_vec(),
        "GetAuditEvent" => proto::GetAuditEventRequest {
            name: format!("auditEvents/{EVENT_ID}"),
        }
        .encode_to_vec(),
        "ExportAuditEvents" => proto::ExportAuditEventsRequest {
            parent: PROJECT.into(),
            ..Default::default()
        }
        .encode_to_vec(),
        "ListAuditSeals" => proto::ListAuditSealsRequest {
            parent: "platform".into(),
            ..Default::default()
        }
        .encode_to_vec(),
        "VerifyAuditLog" => proto::VerifyAuditLogRequest::default().encode_to_vec(),
        other => unknown(other),
    }
}

fn of_sharing(rpc: &str) -> Vec<u8> {
    let grant = format!("{PROJECT}/accessGrants/018f6b1e-0000-7000-8000-000000000001");
    match rpc {
        "GrantAccess" => proto::GrantAccessRequest {
            validate_only: true,
            ..grant_request(PROJECT, "user:somebody", proto::Role::Viewer)
        }
        .encode_to_vec(),
        "ListAccessGrants" => list_request(PROJECT).encode_to_vec(),
        "RevokeAccess" => proto::RevokeAccessRequest {
            validate_only: true,
            ..revoke_request(&grant)
        }
        .encode_to_vec(),
        links => of_links(links),
    }
}

/// The share link that is there, which the editor created, and its secret.
pub const LINK_ID: &str = "7c9e6679-7425-40de-944b-e07fc1f90ae7";

pub fn link_secret() -> ShareSecret {
    ShareSecret::from_random(&[1; 32])
}

fn of_links(rpc: &str) -> Vec<u8> {
    let name = format!("{DASHBOARD}/shareLinks/{LINK_ID}");
    match rpc {
        "CreateShareLink" => proto::CreateShareLinkRequest {
            parent: DASHBOARD.into(),
            validate_only: true,
            ..Default::default()
        }
        .encode_to_vec(),
        "GetShareLink" => proto::GetShareLinkRequest { name }.encode_to_vec(),
        "ListShareLinks" => proto::ListShareLinksRequest {
            parent: DASHBOARD.into(),
            ..Default::default()
        }
        .encode_to_vec(),
        "UpdateShareLink" => proto::UpdateShareLinkRequest {
            share_link: Some(proto::ShareLink {
                name,
                etag: "*".into(),
                note: "changed".into(),
                ..Default::default()
            }),
            validate_only: true,
            ..Default::default()
        }
        .encode_to_vec(),
        "RevokeShareLink" => proto::RevokeShareLinkRequest {
            name,
            validate_only: true,
            ..Default::default()
        }
        .encode_to_vec(),
        "RevokeDashboardShareLinks" => proto::RevokeDashboardShareLinksRequest {
            parent: DASHBOARD.into(),
            validate_only: true,
            ..Default::default()
        }
        .encode_to_vec(),
        "ResolveShareLink" => proto::ResolveShareLinkRequest {
            token: link_secret().expose().into(),
            ..Default::default()
        }
        .encode_to_vec(),
        _ => unknown(rpc),
    }
}
