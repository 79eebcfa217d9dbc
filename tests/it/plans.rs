//! Every statement of the store goes through its index, and reads no more rows than its answer needs, however many there are.
//!
//! The tables below say which and how many. The service answers real calls on a database of 100,000 dashboards, and the
//! plans come from PostgreSQL's log. It takes a while, so `make plans` runs it, and `cargo test` alone does not.

mod access_calls;
mod audit;
mod audit_events;
mod calls;
mod explained;
mod maintenance_calls;
mod preferences_calls;
mod sharing_calls;
mod templates;

use std::collections::BTreeSet;

use dashboard_store::grpc::proto;
use dashboard_store::grpc::proto::dashboard_service_client::DashboardServiceClient;
use tonic_health::pb::health_check_response::ServingStatus;

use self::explained::{Explained, ExplainedLog, SEQ_SCAN};
use crate::house::source;
use crate::support::TestServer;
use crate::support::channel::Channel;
use crate::support::cluster::TestDatabase;
use crate::support::rows::{load_access_grants, load_dashboards, load_preferences, load_share_links, load_templates};

/// How many dashboards there are; `support/load_dashboards.sql` says of what kinds. Among fewer, other plans are good too.
const DASHBOARDS: i32 = 100_000;

/// The most rows that a statement may read.
#[derive(Debug, Clone, Copy)]
enum Most {
    /// So many, whatever the database holds.
    Rows(u64),
    /// One in so many of all dashboards.
    OneIn(u64),
}

/// What a page of 50 needs: one candidate more, and the soft-deleted dashboards that lie among them, one in 20.
const PAGE: Most = Most::Rows(51 + 20);
/// A page of those that one in ten dashboards belongs to: the order is followed until the page is full.
const PAGE_OF_A_TENTH: Most = Most::Rows(10 * (51 + 20));
/// Those that one in 1,000 belongs to, each twice: as an entry of the index and as a row.
const FEW: Most = Most::OneIn(1000 / 2);

const NO_INDEX: &[&str] = &[];
/// A share link by its name, and those of a dashboard.
const LINK_BY_NAME: &[&str] = &["idx_dashboard_project_name", "share_token_pkey"];
const LINKS: &[&str] = &["idx_dashboard_project_name", "idx_share_token_dashboard"];
const BY_NAME: &[&str] = &["idx_dashboard_project_name"];
const BY_NAME_IN_ANY_CASE: &[&str] = &["idx_dashboard_project_name_case"];
const BY_UID: &[&str] = &["dashboard_pkey"];
const REVISION: &[&str] = &["dashboard_revision_pkey"];
const BY_NAME_WITH_REVISION: &[&str] = &["idx_dashboard_project_name", "dashboard_revision_pkey"];
/// What is pruned, unless a share link pins it.
const REVISION_UNPINNED: &[&str] = &["dashboard_revision_pkey", "idx_share_token_dashboard"];
const BY_UID_WITH_UNPINNED: &[&str] = &["dashboard_pkey", "dashboard_revision_pkey", "idx_share_token_dashboard"];
/// All that a caller was granted, with the dashboards of those grants that are on one.
const GRANTS: &[&str] = &["idx_access_grant_subject", "dashboard_pkey"];
/// How many the caller of the tests has.
const GRANTS_OF_A_CALLER: u64 = 11;
const PREFERENCES: &[&str] = &["idx_user_preferences_subject"];
const FAVORITE_BY_NAME: &[&str] = &["idx_dashboard_project_name", "dashboard_favorite_pkey"];
const FAVORITES: &[&str] = &["idx_dashboard_favorite_position", "dashboard_pkey"];
const RECENTS: &[&str] = &["idx_dashboard_recent_viewed_at", "dashboard_pkey"];

/// The dashboard that a name asks for, and all favourites of a user.
const FAVORITE_AMONG_ALL: &[&str] = &["idx_dashboard_project_name", "idx_dashboard_favorite_position"];
/// The dashboard that is looked at, and the oldest of those that are kept.
const VIEW_AMONG_ALL: &[&str] = &[
    "idx_dashboard_active",
    "idx_dashboard_recent_viewed_at",
    "dashboard_recent_pkey",
];

/// Statements that have one plan: the indexes that they use, and the most rows that they read.
const STATEMENTS: &[(&str, &[&str], Most)] = &[
    // Reads.
    ("get_dashboard", BY_NAME, Most::Rows(1)),
    ("batch_get_dashboards", BY_NAME, Most::Rows(100)),
    ("find_dashboard_names", BY_NAME, Most::Rows(100)),
    // A portion of 100, and one candidate more; its index has no soft-deleted ones.
    ("export_dashboards", &["idx_dashboard_active"], Most::Rows(101)),
    ("get_dashboard_revision", BY_NAME_WITH_REVISION, Most::Rows(2)),
    ("list_dashboard_revisions", BY_NAME_WITH_REVISION, Most::Rows(52)),
    ("diff_dashboard_revisions", BY_NAME_WITH_REVISION, Most::Rows(3)),
    // Every decision about a caller whose grants are not known: an entry of the index, a row, and a dashboard for each.
    ("find_grants", GRANTS, Most::Rows(3 * GRANTS_OF_A_CALLER)),
    // Every mutation.
    ("lock_request", NO_INDEX, Most::Rows(0)),
    ("find_answer", &["mutation_request_pkey"], Most::Rows(1)),
    ("append_audit_event", NO_INDEX, Most::Rows(0)),
    ("keep_answer", NO_INDEX, Most::Rows(0)),
    ("get_document", REVISION, Most::Rows(1)),
    // Several imported dashboards: as many as a batch has at the most, of which half are there already.
    ("lock_requests", NO_INDEX, Most::Rows(0)),
    ("find_answers", &["mutation_request_pkey"], Most::Rows(0)),
    ("find_dashboard_heads", BY_NAME_IN_ANY_CASE, Most::Rows(16)),
    ("insert_dashboards", NO_INDEX, Most::Rows(0)),
    ("append_audit_events", NO_INDEX, Most::Rows(0)),
    ("keep_answers", NO_INDEX, Most::Rows(0)),
    // One or some of them.
    ("lock_dashboard_head", BY_NAME_IN_ANY_CASE, Most::Rows(1)),
    ("find_name_holder", BY_NAME_IN_ANY_CASE, Most::Rows(1)),
    ("insert_dashboard", REVISION_UNPINNED, Most::Rows(1)),
    ("update_dashboard", BY_UID_WITH_UNPINNED, Most::Rows(2)),
    ("revision_exists", REVISION, Most::Rows(1)),
    ("restore_dashboard_revision", BY_UID_WITH_UNPINNED, Most::Rows(3)),
    ("delete_dashboard", BY_UID, Most::Rows(1)),
    ("undelete_dashboard", BY_UID, Most::Rows(1)),
    ("purge_dashboard", BY_UID, Most::Rows(1)),
    // What users keep. It may be read twice, as entries of the index and as rows; in lists come the dashboards.
    ("get_preferences", PREFERENCES, Most::Rows(1)),
    ("lock_preferences", PREFERENCES, Most::Rows(1)),
    ("insert_preferences", NO_INDEX, Most::Rows(0)),
    ("update_preferences", PREFERENCES, Most::Rows(1)),
    ("lock_favorites", NO_INDEX, Most::Rows(0)),
    ("find_favorite", FAVORITE_AMONG_ALL, Most::Rows(1 + 2 * 450)),
    ("add_favorite", NO_INDEX, Most::Rows(0)),
    ("remove_favorite", FAVORITE_BY_NAME, Most::Rows(2)),
    ("list_favorites", FAVORITES, Most::Rows(3 * (51 + 20))),
    ("record_dashboard_view", VIEW_AMONG_ALL, Most::Rows(2 * 100 + 10)),
    ("list_recent_dashboards", RECENTS, Most::Rows(3 * (51 + 20))),
    // Grants: an entry of the index and a row of each; of the subject of the calls, 7.
    ("insert_access_grant", NO_INDEX, Most::Rows(0)),
    (
        "find_grant_of_subject",
        &["idx_access_grant_subject"],
        Most::Rows(2 * 7),
    ),
    (
        "find_access_grant",
        &["access_grant_pkey", "dashboard_pkey"],
        Most::Rows(3),
    ),
    (
        "lock_platform_admins",
        &["idx_access_grant_platform"],
        Most::Rows(2 * 3),
    ),
    ("delete_access_grant", &["access_grant_pkey"], Most::Rows(1)),
    (
        "list_access_grants",
        &["idx_dashboard_project_name", "idx_access_grant_dashboard"],
        Most::Rows(1 + 51),
    ),
    // A project with 2 of each.
    (
        "purge_dashboards_of_project",
        &["idx_dashboard_project_name", "dashboard_pkey"],
        Most::Rows(2 * 2),
    ),
    (
        "purge_templates_of_project",
        &["idx_dashboard_template_project"],
        Most::Rows(2),
    ),
    ("purge_grants_of_project", &["idx_access_grant_project"], Most::Rows(2)),
    ("record_project_purge", NO_INDEX, Most::Rows(0)),
    // Share links. That of the calls is a new one on a dashboard that has no other.
    ("get_share_link", LINK_BY_NAME, Most::Rows(2)),
    ("lock_share_link", LINK_BY_NAME, Most::Rows(2)),
    ("list_share_links", LINKS, Most::Rows(4)),
    ("insert_share_link", NO_INDEX, Most::Rows(0)),
    ("update_share_link", &["share_token_pkey"], Most::Rows(2)),
    ("revoke_share_link", &["share_token_pkey"], Most::Rows(3)),
    (
        "revoke_dashboard_share_links",
        &["idx_share_token_active"],
        Most::Rows(2),
    ),
    (
        "use_share_link",
        &["idx_share_token_sha256", "dashboard_pkey", "dashboard_revision_pkey"],
        Most::Rows(4),
    ),
    ("remove_expired_share_links", NO_INDEX, Most::Rows(0)),
    // Maintenance, a batch of each task. Its own table has a row for each task. What is purged was written twice, when it was
    // deleted too, and has two entries in the index.
    ("lock_maintenance", NO_INDEX, Most::Rows(0)),
    (
        "list_maintenance_tasks",
        &["seq scan of maintenance_task"],
        Most::Rows(10),
    ),
    ("claim_maintenance_task", NO_INDEX, Most::Rows(0)),
    ("record_maintenance_batch", &["maintenance_task_pkey"], Most::Rows(2)),
    ("make_audit_partitions", NO_INDEX, Most::Rows(0)),
    ("count_template_usage", NO_INDEX, Most::Rows(0)),
    (
        "remove_expired_request_ids",
        &["idx_mutation_request_created_at"],
        Most::Rows(1000),
    ),
    ("lock_expired_dashboards", &["idx_dashboard_purge_at"], Most::Rows(50)),
    ("purge_expired_dashboards", BY_UID, Most::Rows(3 * 50)),
    ("prune_old_revisions", BY_UID_WITH_UNPINNED, Most::Rows(1000 + 1000)),
];

/// The statement that has a plan for each list.
const LIST: &str = "list_dashboards";

/// Statements that no call runs begin with one of these.
const NOT_OF_CALLS: [&str; 5] = [
    "backend_pid",
    "migrate_",
    "schema_readiness",
    // It reads the catalog.
    "list_audit_partitions",
    "create_database_if_missing",
];

const ONE: &str = "projects/project-1";
const ALL: &str = "projects/-";

/// A list: of what, in which order, with which filter; the index that it uses, and the most rows that it reads.
type List = (&'static str, &'static str, &'static str, &'static str, Most);

/// Lists of live dashboards.
#[rustfmt::skip]
const LISTS: &[List] = &[
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
    (ONE, "name", r#"created_by = "user:rare""#, "idx_dashboard_created_by", FEW),
    (ALL, "name", r#"created_by = "user:rare""#, "idx_dashboard_created_by", FEW),
    (ONE, "name", r#"display_name = "Number 1""#, "idx_dashboard_project_display_name", Most::Rows(1)),
    (ALL, "name", r#"display_name = "Number 1""#, "idx_dashboard_display_name", Most::Rows(1)),
    (ONE, "update_time desc", r#"update_time > "2026-01-12T00:00:00Z""#, "idx_dashboard_project_updated_at", PAGE),
    // Filters that many pass: the order's index is followed, and the page is soon full. Not checked for one project: there
    // PostgreSQL may as well combine the indexes of filter and project, as its sample of the table suggests.
    (ALL, "name", r#"tags:"tag-1""#, "idx_dashboard_active", PAGE_OF_A_TENTH),
    (ALL, "update_time desc", r#"tags:"tag-1""#, "idx_dashboard_updated_at", PAGE_OF_A_TENTH),
    // By design without an index of its own: a part of a text is looked for in everything that is listed. An index of
    // trigrams would need an extension, which not every PostgreSQL lets us have.
    (ONE, "name", r#"display_name:"no such part""#, "idx_dashboard_active", Most::OneIn(20)),
    (ALL, "name", r#"display_name:"no such part""#, "idx_dashboard_active", Most::OneIn(1)),
];

/// Lists with the soft-deleted dashboards.
#[rustfmt::skip]
const LISTS_WITH_DELETED: &[List] = &[
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

/// The statement that has a plan for each search.
const SEARCH: &str = "search_dashboards";

/// A search: in what, for what, with which filter; the indexes that it uses, and the most rows that it reads.
type Search = (&'static str, &'static str, &'static str, &'static [&'static str], Most);

/// The indexes of words and of metrics.
const BY_WORDS: &[&str] = &["idx_dashboard_name_trgm", "idx_dashboard_metric_names"];
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

/// A statement that was run, beside what it was expected to do.
#[derive(Debug)]
struct Check {
    title: String,
    expected: BTreeSet<String>,
    most: u64,
    run: Explained,
}

impl Check {
    fn is_met(&self) -> bool {
        self.run.read_through == self.expected && self.run.rows_read <= self.most
    }

    /// A line for people.
    fn report(&self) -> String {
        let mark = if self.is_met() { "ok   " } else { "WRONG" };
        let Explained {
            read_through,
            rows_read,
            pages_read,
            ..
        } = &self.run;
        let mut line = format!(
            "{mark} {rows_read:>6} of {:>6} rows, {pages_read:>6} pages  {:<74} {}",
            self.most,
            self.title,
            joined(read_through)
        );
        if *read_through != self.expected {
            line += &format!(" instead of {}", joined(&self.expected));
        }
        line
    }
}

fn joined(names: &BTreeSet<String>) -> String {
    match names.is_empty() {
        true => "nothing".to_owned(),
        false => names.iter().map(String::as_str).collect::<Vec<_>>().join(", "),
    }
}

/// A service on many dashboards, whose statements explain themselves.
struct Loaded {
    server: TestServer,
    client: DashboardServiceClient<Channel>,
    log: ExplainedLog,
}

impl Loaded {
    async fn start() -> Self {
        let database = TestDatabase::create().await;
        let sql = database.connect().await;
        load_dashboards(&sql, DASHBOARDS).await;
        load_preferences(&sql).await;
        load_templates(&sql, templates::TEMPLATES).await;
        load_access_grants(&sql).await;
        load_share_links(&sql).await;
        let log = ExplainedLog::of(&database).await;
        let server = TestServer::launch(database.clone(), database.config().clone(), |config| {
            config.access.bootstrap_admins.clear();
        })
        .await;
        server.wait_until(ServingStatus::Serving).await;
        Self {
            client: server.dashboards().await,
            server,
            log,
        }
    }

    /// Runs every statement, and prints what each read.
    async fn check(&mut self) -> Vec<Check> {
        let mut checks = self.check_statements().await;
        checks.extend(self.check_lists(LISTS, false).await);
        checks.extend(self.check_lists(LISTS_WITH_DELETED, true).await);
        checks.extend(self.check_lists(templates::LISTS_OF_DASHBOARDS, false).await);
        checks.extend(templates::check_lists(self).await);
        checks.extend(self.check_searches().await);
        checks.extend(access_calls::check_restricted(self).await);
        // Last: it writes every template, and leaves old rows in the way of the lists.
        checks.extend(self.check_maintenance().await);
        for check in &checks {
            eprintln!("{}", check.report());
        }
        checks
    }

    async fn check_statements(&mut self) -> Vec<Check> {
        self.log.take();
        calls::each(&mut self.client).await;
        preferences_calls::each(&self.server).await;
        access_calls::each(&self.server).await;
        sharing_calls::each(&self.server).await;
        templates::each(&mut self.server.templates().await).await;
        let (named, of_triggers): (Vec<_>, Vec<_>) =
            self.log.take().into_iter().partition(|run| run.statement.is_some());
        let triggers = of_triggers.into_iter().map(of_trigger);
        worst_of_each(named.into_iter().filter_map(compare_known).chain(triggers).collect())
    }

    async fn check_maintenance(&mut self) -> Vec<Check> {
        self.log.take();
        maintenance_calls::each(&self.server).await;
        // A function that counts reads all that it counts, and triggers have been looked at: what has no name is passed over.
        worst_of_each(self.log.take().into_iter().filter_map(compare_known).collect())
    }

    async fn check_searches(&mut self) -> Vec<Check> {
        let mut checks = Vec::new();
        for &(parent, query, filter, indexes, most) in SEARCHES {
            self.log.take();
            let request = proto::SearchDashboardsRequest {
                parent: parent.into(),
                query: query.into(),
                filter: filter.into(),
                ..Default::default()
            };
            self.client.search_dashboards(request).await.unwrap();
            let searched = self.log.take().into_iter().find(|run| run.is_of(SEARCH)).unwrap();
            checks.push(compare(
                format!("{parent} for {query} {filter}"),
                searched,
                indexes,
                most,
            ));
        }
        checks
    }

    /// Runs the first two pages of each list.
    async fn check_lists(&mut self, lists: &[List], show_deleted: bool) -> Vec<Check> {
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
                self.log.take();
                let answer = self.client.list_dashboards(request.clone()).await.unwrap();
                let shown = if show_deleted { " with deleted" } else { "" };
                let title = format!("{parent} by {order_by}{shown} {filter}{page}");
                let listed = self.log.take().into_iter().find(|run| run.is_of(LIST)).unwrap();
                checks.push(compare(title, listed, &[index], most));
                request.page_token = answer.into_inner().next_page_token;
                if request.page_token.is_empty() {
                    break;
                }
            }
        }
        checks
    }
}

/// The expected plan of every statement that has one.
fn statements() -> impl Iterator<Item = &'static (&'static str, &'static [&'static str], Most)> {
    STATEMENTS.iter().chain(templates::STATEMENTS)
}

fn compare(title: String, run: Explained, indexes: &[&str], most: Most) -> Check {
    Check {
        title,
        expected: indexes.iter().map(|name| (*name).to_owned()).collect(),
        most: match most {
            Most::Rows(rows) => rows,
            Most::OneIn(part) => u64::from(DASHBOARDS.cast_unsigned()) / part,
        },
        run,
    }
}

/// Compares the run of a statement of the service with what is expected of it; none for any other run.
fn compare_known(run: Explained) -> Option<Check> {
    let name = run.statement.clone()?;
    let (_, indexes, most) = statements().find(|(known, _, _)| *known == name)?;
    Some(compare(name, run, indexes, *most))
}

/// What triggers run, as for a foreign key, may use any index, for no more than the history of a dashboard.
fn of_trigger(run: Explained) -> Check {
    by_any_index("triggers".to_owned(), run, Most::Rows(100))
}

/// For a run to which several indexes are as good as each other: no table may be read as a whole.
fn by_any_index(title: String, run: Explained, most: Most) -> Check {
    let is_index = |name: &&String| !name.starts_with(SEQ_SCAN);
    let used: Vec<String> = run.read_through.iter().filter(is_index).cloned().collect();
    let names: Vec<&str> = used.iter().map(String::as_str).collect();
    compare(title, run, &names, most)
}

/// Of the runs of one statement the one to look at: one that is wrong, or that read most.
fn worst_of_each(mut checks: Vec<Check>) -> Vec<Check> {
    checks.sort_by_key(|check| {
        (
            check.title.clone(),
            check.is_met(),
            std::cmp::Reverse(check.run.rows_read),
        )
    });
    checks.dedup_by(|next, kept| next.title == kept.title);
    checks
}

/// The names of the statements in the source of the store.
fn statements_of_the_store() -> BTreeSet<String> {
    let texts = source::files("src/store", &["rs"])
        .into_iter()
        .map(|path| source::read(&path));
    let mut names = BTreeSet::new();
    for text in texts {
        for after in text.split("\"-- ").skip(1) {
            let name = after
                .split(|mark: char| !mark.is_ascii_lowercase() && mark != '_')
                .next();
            names.extend(name.filter(|name| name.contains('_')).map(str::to_owned));
        }
    }
    names.retain(|name| !NOT_OF_CALLS.iter().any(|start| name.starts_with(start)));
    names
}

#[test]
fn every_statement_of_the_store_has_an_expected_plan() {
    let expected = statements()
        .chain(audit::STATEMENTS)
        .chain(audit_events::STATEMENTS)
        .map(|(name, _, _)| *name)
        .chain([LIST, SEARCH, templates::LIST])
        .chain(audit_events::LISTING);
    assert_eq!(statements_of_the_store(), expected.map(str::to_owned).collect());
}

#[tokio::test]
#[ignore = "loads 100,000 dashboards: make plans"]
async fn every_statement_reads_what_its_answer_needs() {
    let checks = Loaded::start().await.check().await;
    let run: BTreeSet<&str> = checks.iter().map(|check| check.title.as_str()).collect();
    let not_run: Vec<&&str> = statements()
        .map(|(name, _, _)| name)
        .filter(|name| !run.contains(**name))
        .collect();
    assert!(not_run.is_empty(), "the calls run no {not_run:?}");
    let wrong: Vec<String> = checks
        .iter()
        .filter(|check| !check.is_met())
        .map(Check::report)
        .collect();
    assert!(wrong.is_empty(), "not as expected:\n{}", wrong.join("\n"));
}

#[tokio::test]
#[ignore = "loads 100,000 dashboards: make plans"]
async fn a_missing_index_is_found_out() {
    let mut loaded = Loaded::start().await;
    let drop = "DROP INDEX idx_dashboard_project_created_at";
    loaded.server.sql().await.batch_execute(drop).await.unwrap();
    let checks = loaded.check().await;
    let of_its_order = |check: &&Check| check.title.starts_with("projects/project-1 by create_time");
    assert!(checks.iter().filter(of_its_order).all(|check| !check.is_met()));
    let others_wrong: Vec<String> = checks
        .iter()
        .filter(|check| !of_its_order(check) && !check.is_met())
        .map(Check::report)
        .collect();
    assert!(
        others_wrong.is_empty(),
        "other orders have their index:\n{}",
        others_wrong.join("\n")
    );
}
