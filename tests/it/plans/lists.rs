//! Lists of dashboards: each order and each filter has its index.

use dashboard_store::grpc::proto;

use super::Loaded;
use super::check::{Check, Most, compare};

/// The statement that has a plan for each list.
pub const LIST: &str = "list_dashboards";

/// What a page of 50 needs: one candidate more, and the soft-deleted dashboards that lie among them, one in 20.
const PAGE: Most = Most::Rows(51 + 20);
/// A page of those that one in ten dashboards belongs to: the order is followed until the page is full.
const PAGE_OF_A_TENTH: Most = Most::Rows(10 * (51 + 20));
/// Those that one in 1,000 belongs to, each twice: as an entry of the index and as a row.
pub const FEW: Most = Most::OneIn(1000 / 2);

pub const ONE: &str = "projects/project-1";
pub const ALL: &str = "projects/-";

/// A list: of what, in which order, with which filter; the index that it uses, and the most rows that it reads.
pub type List = (&'static str, &'static str, &'static str, &'static str, Most);

/// Lists of live dashboards.
#[rustfmt::skip]
pub const LISTS: &[List] = &[
    (ONE, "name", "", "idx_dashboard_active", PAGE),
    (ONE, "name desc", "", "idx_dashboard_active", PAGE),
    (ONE, "display_name", "", "idx_dashboard_project_display_name", PAGE),
    (ONE, "display_name desc", "", "idx_dashboard_project_display_name", PAGE),
    (ONE, "create_time", "", "idx_dashboard_project_created_at", PAGE),
    (ONE, "create_time desc", "", "idx_dashboard_project_created_at", PAGE),
    (ONE, "update_time", "", "idx_dashboard_project_updated_at", PAGE),
    (ONE, "update_time desc", "", "idx_dashboard_project_updated_at", PAGE),
    (ALL, "name", "", "idx_dashboard_active", PAGE),
    (ALL, "name desc", "", "idx_dashboard_active", PAGE),
    (ALL, "display_name", "", "idx_dashboard_display_name", PAGE),
    (ALL, "display_name desc", "", "idx_dashboard_display_name", PAGE),
    (ALL, "create_time", "", "idx_dashboard_created_at", PAGE),
    (ALL, "create_time desc", "", "idx_dashboard_created_at", PAGE),
    (ALL, "update_time", "", "idx_dashboard_updated_at", PAGE),
    (ALL, "update_time desc", "", "idx_dashboard_updated_at", PAGE),
    // Filters that few pass: they are found by the filter's index.
    (ONE, "name", r#"name = "dashboard-0000001""#, "idx_dashboard_active", Most::Rows(1)),
    (ONE, "name", r#"name:"dashboard-000""#, "idx_dashboard_active", PAGE),
    (ONE, "name", r#"tags:"rare""#, "idx_dashboard_metadata", FEW),
    (ALL, "name", r#"tags:"rare""#, "idx_dashboard_metadata", FEW),
    (ALL, "update_time desc", r#"tags:"rare""#, "idx_dashboard_metadata", FEW),
    (ONE, "name", r#"labels.owner = "nobody""#, "idx_dashboard_metadata", Most::Rows(1)),
    (ALL, "name", r#"labels.owner = "nobody""#, "idx_dashboard_metadata", Most::Rows(1)),
    (ALL, "name", r#"created_by = "user:rare""#, "idx_dashboard_created_by", FEW),
    (ONE, "name", r#"display_name = "Number 1""#, "idx_dashboard_project_display_name", Most::Rows(1)),
    (ALL, "name", r#"display_name = "Number 1""#, "idx_dashboard_display_name", Most::Rows(1)),
    (ONE, "update_time desc", r#"update_time > "2026-01-12T00:00:00Z""#, "idx_dashboard_project_updated_at", PAGE),
    // Filters that many pass: the order's index is followed, and the page is soon full. Neither these nor creators are checked for
    // one project: there PostgreSQL may as well combine the indexes of filter and project, as its sample of the table suggests.
    (ALL, "name", r#"tags:"tag-1""#, "idx_dashboard_active", PAGE_OF_A_TENTH),
    (ALL, "update_time desc", r#"tags:"tag-1""#, "idx_dashboard_updated_at", PAGE_OF_A_TENTH),
    // By design without an index of its own: a part of a text is looked for in everything that is listed. An index of
    // trigrams would need an extension, which not every PostgreSQL lets us have.
    (ONE, "name", r#"display_name:"no such part""#, "idx_dashboard_active", Most::OneIn(20)),
    (ALL, "name", r#"display_name:"no such part""#, "idx_dashboard_active", Most::OneIn(1)),
];

/// Lists with the soft-deleted dashboards.
#[rustfmt::skip]
pub const LISTS_WITH_DELETED: &[List] = &[
    (ONE, "name", "", "idx_dashboard_project_name", PAGE),
    (ONE, "name desc", "", "idx_dashboard_project_name", PAGE),
    (ONE, "display_name", "", "idx_dashboard_project_display_name", PAGE),
    (ONE, "create_time desc", "", "idx_dashboard_project_created_at", PAGE),
    (ONE, "update_time desc", "", "idx_dashboard_project_updated_at", PAGE),
    (ALL, "name", "", "idx_dashboard_project_name", PAGE),
    (ALL, "name desc", "", "idx_dashboard_project_name", PAGE),
    (ALL, "display_name", "", "idx_dashboard_display_name", PAGE),
    (ALL, "create_time desc", "", "idx_dashboard_created_at", PAGE),
    (ALL, "update_time desc", "", "idx_dashboard_updated_at", PAGE),
];

/// Runs the first two pages of each list.
pub async fn check_lists(loaded: &mut Loaded, lists: &[List], show_deleted: bool) -> Vec<Check> {
    let mut checks = Vec::new();
    for &(parent, order_by, filter, index, most) in lists {
        let mut request = proto::ListDashboardsRequest {
            parent: parent.into(),
            order_by: order_by.into(),
            filter: filter.into(),
            show_deleted,
            ..Default::default()
        };
        for page in ["", " (next page)"] {
            loaded.log.take();
            let answer = loaded.client.list_dashboards(request.clone()).await.unwrap();
            let shown = if show_deleted { " with deleted" } else { "" };
            let title = format!("{parent} by {order_by}{shown} {filter}{page}");
            let listed = loaded.log.take().into_iter().find(|run| run.is_of(LIST)).unwrap();
            checks.push(compare(title, listed, &[index], most));
            request.page_token = answer.into_inner().next_page_token;
            if request.page_token.is_empty() {
                break;
            }
        }
    }
    checks
}
