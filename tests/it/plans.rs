//! Every statement of the store goes through its index, and reads no more rows than its answer needs, however many there are.
//!
//! The tables of the modules say which and how many. The service answers real calls on a database of 100,000 dashboards, and the
//! plans come from PostgreSQL's log. It takes a while, so `make plans` runs it, and `cargo test` alone does not.

mod access_calls;
mod audit;
mod audit_events;
mod calls;
mod check;
mod explained;
mod lists;
mod maintenance_calls;
mod preferences_calls;
mod searches;
mod sharing_calls;
mod statements;
mod templates;

use std::collections::BTreeSet;

use dashboard_store::grpc::proto::dashboard_service_client::DashboardServiceClient;
use tonic_health::pb::health_check_response::ServingStatus;

use self::check::{Check, Most, by_any_index, compare, of_trigger, worst_of_each};
use self::explained::{Explained, ExplainedLog};
use self::lists::check_lists;
use self::searches::check_searches;
use crate::house::source;
use crate::support::TestServer;
use crate::support::channel::Channel;
use crate::support::cluster::TestDatabase;
use crate::support::rows::{load_access_grants, load_dashboards, load_preferences, load_share_links, load_templates};

/// How many dashboards there are; `support/load_dashboards.sql` says of what kinds. Among fewer, other plans are good too.
const DASHBOARDS: i32 = 100_000;

/// Statements that no call runs begin with one of these.
const NOT_OF_CALLS: [&str; 8] = [
    "backend_pid",
    "migrate_",
    "schema_readiness",
    // It reads the catalog.
    "list_audit_partitions",
    // It has no plan.
    "lock_audit_log",
    // It counts all of the log, in whichever way is cheapest.
    "count_audit_events",
    // It runs where somebody has tampered with the log, and reads all of it.
    "find_stray_audit_events",
    "create_database_if_missing",
];

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
        checks.extend(check_lists(self, lists::LISTS, false).await);
        checks.extend(check_lists(self, lists::LISTS_WITH_DELETED, true).await);
        checks.extend(check_lists(self, templates::LISTS_OF_DASHBOARDS, false).await);
        checks.extend(templates::check_lists(self).await);
        checks.extend(check_searches(self).await);
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
}

/// The expected plan of every statement that has one plan.
fn known_statements() -> impl Iterator<Item = &'static (&'static str, &'static [&'static str], Most)> {
    statements::STATEMENTS.iter().chain(templates::STATEMENTS)
}

/// Their names, and those of the statements that have more plans than one.
fn known_names() -> impl Iterator<Item = &'static str> {
    let of_one_plan = known_statements().map(|(name, _, _)| *name);
    of_one_plan.chain(statements::BY_ANY_INDEX.iter().map(|(name, _)| *name))
}

/// Compares the run of a statement of the service with what is expected of it; none for any other run.
fn compare_known(run: Explained) -> Option<Check> {
    let name = run.statement.clone()?;
    if let Some((_, most)) = statements::BY_ANY_INDEX.iter().find(|(known, _)| *known == name) {
        return Some(by_any_index(name, run, *most));
    }
    let (_, indexes, most) = known_statements().find(|(known, _, _)| *known == name)?;
    Some(compare(name, run, indexes, *most))
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
    let of_audit = audit::STATEMENTS.iter().chain(audit_events::STATEMENTS);
    let expected = known_names()
        .chain(of_audit.map(|(name, _, _)| *name))
        .chain([lists::LIST, searches::SEARCH, templates::LIST])
        .chain(audit_events::LISTING);
    assert_eq!(statements_of_the_store(), expected.map(str::to_owned).collect());
}

#[tokio::test]
#[ignore = "loads 100,000 dashboards: make plans"]
async fn every_statement_reads_what_its_answer_needs() {
    let checks = Loaded::start().await.check().await;
    let run: BTreeSet<&str> = checks.iter().map(|check| check.title.as_str()).collect();
    let not_run: Vec<&str> = known_names().filter(|name| !run.contains(name)).collect();
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
