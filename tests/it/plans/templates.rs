//! The statements of templates: fewer rows, the same rule.

use dashboard_store::grpc::proto;
use prost_types::FieldMask;
use uuid::Uuid;

use super::Loaded;
use super::check::{Check, Most, compare};
use super::lists::{ALL, FEW, List};
use super::statements::NO_INDEX;
use crate::support::templates::{Client, create_request, instantiate_request};

/// How many templates there are; `support/load_templates.sql` says of what kinds.
pub const TEMPLATES: i32 = 10_000;

const BY_NAME: &[&str] = &["idx_dashboard_template_resource_name"];
const BY_UID: &[&str] = &["dashboard_template_pkey"];
const OF_A_PROJECT_AND_SYSTEM: &[&str] = &["idx_dashboard_template_project", "idx_dashboard_template_system"];

/// Statements that have one plan.
pub const STATEMENTS: &[(&str, &[&str], Most)] = &[
    ("find_system_template_version", BY_NAME, Most::Rows(1)),
    ("get_template", BY_NAME, Most::Rows(1)),
    ("lock_template", BY_NAME, Most::Rows(1)),
    ("insert_template", NO_INDEX, Most::Rows(0)),
    ("update_template", BY_UID, Most::Rows(1)),
    ("delete_template", BY_UID, Most::Rows(1)),
    ("get_template_revision", BY_UID, Most::Rows(1)),
];

/// The statement that has a plan for each list.
pub const LIST: &str = "list_templates";

/// What a project can use, 550 here and one that was made and deleted, each twice: as an entry of the index and as a row.
/// There are few, so they may be sorted in any order.
const OF_A_PROJECT: Most = Most::Rows(2 * 551);
/// Of all templates, a page: one candidate more.
const PAGE: Most = Most::Rows(51);
/// Those that come with the service.
const SYSTEM: Most = Most::Rows(2 * 50);

/// Lists of templates: of what, in which order, with which filter; the index that they use, and the most rows that they read.
#[rustfmt::skip]
const LISTS: &[(&str, &str, &str, &[&str], Most)] = &[
    ("projects/project-1", "name", "", OF_A_PROJECT_AND_SYSTEM, OF_A_PROJECT),
    ("projects/project-1", "usage_count desc", "", OF_A_PROJECT_AND_SYSTEM, OF_A_PROJECT),
    ("projects/project-1", "update_time desc", "", OF_A_PROJECT_AND_SYSTEM, OF_A_PROJECT),
    ("projects/-", "name", "", BY_NAME, PAGE),
    ("projects/-", "usage_count desc", "", &["idx_dashboard_template_usage"], PAGE),
    ("projects/-", "name", "category = NOTEBOOK_SERVER", &["idx_dashboard_template_category"], Most::Rows(2 * 100)),
    ("projects/-", "name", "is_system = true", &["idx_dashboard_template_system"], SYSTEM),
];

/// Runs every statement but the lists.
pub async fn each(client: &mut Client) {
    let mut create = proto::CreateTemplateRequest {
        parent: "projects/project-1".into(),
        request_id: Uuid::new_v4().to_string(),
        ..create_request("made")
    };
    client.create_template(create.clone()).await.unwrap();
    client.create_template(create.clone()).await.unwrap();
    create.request_id.clear();
    client.create_template(create).await.unwrap_err();

    let name = "projects/project-1/templates/made";
    let update = proto::UpdateTemplateRequest {
        template: Some(proto::Template {
            name: name.into(),
            etag: "*".into(),
            ..Default::default()
        }),
        update_mask: Some(FieldMask {
            paths: vec!["display_name".into()],
        }),
        ..Default::default()
    };
    client.update_template(update).await.unwrap();
    client
        .instantiate_template(instantiate_request(name, "made"))
        .await
        .unwrap();
    let delete = proto::DeleteTemplateRequest {
        name: name.into(),
        etag: "*".into(),
        ..Default::default()
    };
    client.delete_template(delete).await.unwrap();
}

/// Runs the first two pages of each list.
pub async fn check_lists(loaded: &mut Loaded) -> Vec<Check> {
    let mut client = loaded.server.templates().await;
    let mut checks = Vec::new();
    for &(parent, order_by, filter, indexes, most) in LISTS {
        let mut request = proto::ListTemplatesRequest {
            parent: parent.into(),
            order_by: order_by.into(),
            filter: filter.into(),
            ..Default::default()
        };
        for page in ["", " (next page)"] {
            loaded.log.take();
            let answer = client.list_templates(request.clone()).await.unwrap();
            let title = format!("templates of {parent} by {order_by} {filter}{page}");
            let listed = loaded.log.take().into_iter().find(|run| run.is_of(LIST)).unwrap();
            checks.push(compare(title, listed, indexes, most));
            request.page_token = answer.into_inner().next_page_token;
            if request.page_token.is_empty() {
                break;
            }
        }
    }
    checks
}

/// The list of dashboards by where they came from. It is not checked for one project: there PostgreSQL may as well combine the indexes
/// of template and project, as its sample of the table suggests.
pub const LISTS_OF_DASHBOARDS: &[List] = &[(ALL, "name", "template = templates/rare", "idx_dashboard_template", FEW)];
