//! Requests that change things, and requests with a secret where none belongs.

use dashboard_store::grpc::proto;
use prost::Message as _;
use proto::Role;
use serde_json::{Value, json};

use crate::support::access::grant_request;
use crate::support::requests::{DATASOURCE_PASSWORD, create_request, json_spec};
use crate::support::templates;

/// A request of a method, encoded.
type Encoded = (&'static str, Vec<u8>);

/// A dashboard with a secret.
pub const DASHBOARD: &str = "projects/p/dashboards/d";

const CREATE_DASHBOARD: &str = "perses.dashboards.v1.DashboardService/CreateDashboard";
const APPLY_DASHBOARD: &str = "perses.dashboards.v1.DashboardService/ApplyDashboard";
const GET_DASHBOARD: &str = "perses.dashboards.v1.DashboardService/GetDashboard";
const LIST_DASHBOARDS: &str = "perses.dashboards.v1.DashboardService/ListDashboards";
const DELETE_DASHBOARD: &str = "perses.dashboards.v1.DashboardService/DeleteDashboard";
const RESTORE_REVISION: &str = "perses.dashboards.v1.DashboardService/RestoreDashboardRevision";
const CREATE_TEMPLATE: &str = "perses.dashboards.v1.TemplateService/CreateTemplate";
const INSTANTIATE_TEMPLATE: &str = "perses.dashboards.v1.TemplateService/InstantiateTemplate";
const ADD_FAVORITE: &str = "perses.dashboards.v1.PreferencesService/AddFavorite";
const GRANT_ACCESS: &str = "perses.dashboards.v1.ShareService/GrantAccess";

/// A document whose datasource needs a password.
pub fn spec(display_name: &str) -> Value {
    let proxy = json!({
        "url": format!("https://user:{DATASOURCE_PASSWORD}@prometheus.example"),
        "headers": { "Authorization": format!("Basic {DATASOURCE_PASSWORD}") },
    });
    let datasource = json!({
        "default": true,
        "plugin": { "kind": "PrometheusDatasource", "spec": { "proxy": { "kind": "HTTPProxy", "spec": proxy } } },
    });
    json!({ "display": { "name": display_name }, "datasources": { "prom": datasource }, "panels": {}, "layouts": [] })
}

/// Changes of all kinds: afterwards there is all that the requests of the matrix ask for.
pub fn changes() -> Vec<Encoded> {
    let favorite = proto::AddFavoriteRequest {
        parent: "users/me".into(),
        dashboard: DASHBOARD.into(),
        ..Default::default()
    };
    let instantiate = templates::instantiate_request("projects/p/templates/t", "made");
    let grant = grant_request("projects/p", "user:viewer", Role::Viewer);
    let mut changes = changes_of_dashboards();
    changes.extend([
        (CREATE_TEMPLATE, create_template().encode_to_vec()),
        (INSTANTIATE_TEMPLATE, instantiate.encode_to_vec()),
        (ADD_FAVORITE, favorite.encode_to_vec()),
        (GRANT_ACCESS, grant.encode_to_vec()),
    ]);
    changes
}

/// A template whose document has a datasource with a password.
fn create_template() -> proto::CreateTemplateRequest {
    let mut document = spec("%{title:text}");
    document["x"] = json!({ "job": "up{namespace=\"%{namespace:label}\"}" });
    let mut request = templates::create_request("t");
    let template = request.template.as_mut().unwrap();
    template.spec = json_spec(document.to_string());
    request
}

fn changes_of_dashboards() -> Vec<Encoded> {
    let apply = proto::ApplyDashboardRequest {
        dashboard: Some(dashboard(DASHBOARD, "applied")),
        ..Default::default()
    };
    let restore = proto::RestoreDashboardRevisionRequest {
        name: format!("{DASHBOARD}/revisions/1"),
        etag: "*".into(),
        ..Default::default()
    };
    vec![
        (CREATE_DASHBOARD, create("d").encode_to_vec()),
        (CREATE_DASHBOARD, create("gone").encode_to_vec()),
        (APPLY_DASHBOARD, apply.encode_to_vec()),
        (RESTORE_REVISION, restore.encode_to_vec()),
        (
            DELETE_DASHBOARD,
            delete("projects/p/dashboards/gone", "*").encode_to_vec(),
        ),
    ]
}

fn dashboard(name: &str, display_name: &str) -> proto::Dashboard {
    proto::Dashboard {
        name: name.into(),
        spec: json_spec(spec(display_name).to_string()),
        ..Default::default()
    }
}

fn create(id: &str) -> proto::CreateDashboardRequest {
    proto::CreateDashboardRequest {
        dashboard: Some(dashboard("", "created")),
        ..create_request(id)
    }
}

fn delete(name: &str, etag: &str) -> proto::DeleteDashboardRequest {
    proto::DeleteDashboardRequest {
        name: name.into(),
        etag: etag.into(),
        ..Default::default()
    }
}

/// Requests with `text` in fields that are for something else.
pub fn mistaken(text: &str) -> Vec<Encoded> {
    let get = |name: &str| proto::GetDashboardRequest {
        name: name.into(),
        ..Default::default()
    };
    let list = |filter: &str, order_by: &str, page_token: &str| proto::ListDashboardsRequest {
        parent: "projects/p".into(),
        filter: filter.into(),
        order_by: order_by.into(),
        page_token: page_token.into(),
        ..Default::default()
    };
    let below = format!("projects/p/dashboards/{text}");
    let grant = grant_request("projects/p", text, Role::Viewer);
    let mut mistaken = mistaken_creations(text);
    mistaken.extend([
        (GET_DASHBOARD, get(text).encode_to_vec()),
        (GET_DASHBOARD, get(&below).encode_to_vec()),
        (LIST_DASHBOARDS, list(text, "", "").encode_to_vec()),
        (LIST_DASHBOARDS, list("", text, "").encode_to_vec()),
        (LIST_DASHBOARDS, list("", "", text).encode_to_vec()),
        (DELETE_DASHBOARD, delete(DASHBOARD, text).encode_to_vec()),
        (GRANT_ACCESS, grant.encode_to_vec()),
    ]);
    mistaken
}

fn mistaken_creations(text: &str) -> Vec<Encoded> {
    let mut requests: [_; 4] = std::array::from_fn(|_| create("mistaken"));
    requests[0].parent = text.into();
    requests[1].dashboard_id = text.into();
    requests[2].request_id = text.into();
    requests[3].dashboard = Some(proto::Dashboard {
        spec: json_spec(text),
        ..Default::default()
    });
    let encoded = requests
        .iter()
        .map(|request| (CREATE_DASHBOARD, request.encode_to_vec()));
    encoded.collect()
}
