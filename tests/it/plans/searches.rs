//! Searches: what few dashboards have is found by its index, and what many have among the latest.

use dashboard_store::grpc::proto;

use super::Loaded;
use super::check::{Check, Most, compare};
use super::lists::{ALL, FEW, ONE};

/// The statement that has a plan for each search.
pub const SEARCH: &str = "search_dashboards";

/// A search: in what, for what, with which filter; the indexes that it uses, and the most rows that it reads.
type Search = (&'static str, &'static str, &'static str, &'static [&'static str], Most);

/// The indexes of words and of metrics.
pub const BY_WORDS: &[&str] = &["idx_dashboard_name_trgm", "idx_dashboard_metric_names"];
/// The dashboards that were changed last; words are looked for in them, metrics in all.
const AMONG_LATEST: &[&str] = &[
    "idx_dashboard_updated_at",
    "dashboard_pkey",
    "idx_dashboard_metric_names",
];

#[rustfmt::skip]
const SEARCHES: &[Search] = &[
    // What few have: a metric, a part of a display name, two words; an entry of the index and the row of each.
    (ALL, "loaded_0000001_total", "", BY_WORDS, Most::Rows(2)),
    (ALL, "c4ca4238a0b9", "", BY_WORDS, Most::Rows(2)),
    (ALL, "nothing has this", "", BY_WORDS, Most::Rows(1)),
    // What all have: the latest 1,000, and the soft-deleted dashboards among them.
    (ALL, "dashboard", "", &["idx_dashboard_updated_at"], Most::Rows(1_000 + 200)),
    (ONE, "dashboard", "", &["idx_dashboard_project_updated_at"], Most::Rows(1_000 + 200)),
    (ALL, "dashboard", r#"tags:"rare""#, &["idx_dashboard_metadata"], FEW),
    // Without three letters in a row: the latest 10,000, each as an entry of two indexes and twice as a row.
    (ALL, "zz", "", AMONG_LATEST, Most::Rows(3 * 10_000 + 2_000)),
    (ALL, "مرحبا", "", AMONG_LATEST, Most::Rows(3 * 10_000 + 2_000)),
];

/// Runs them.
pub async fn check_searches(loaded: &mut Loaded) -> Vec<Check> {
    let mut checks = Vec::new();
    for &(parent, query, filter, indexes, most) in SEARCHES {
        loaded.log.take();
        let request = proto::SearchDashboardsRequest {
            parent: parent.into(),
            query: query.into(),
            filter: filter.into(),
            ..Default::default()
        };
        loaded.client.search_dashboards(request).await.unwrap();
        let searched = loaded.log.take().into_iter().find(|run| run.is_of(SEARCH)).unwrap();
        checks.push(compare(
            format!("{parent} for {query} {filter}"),
            searched,
            indexes,
            most,
        ));
    }
    checks
}
