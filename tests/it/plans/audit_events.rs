//! The lists of audit events, among 200,000 of them and 20,000 seals: each filter and the order has its index.

use dashboard_store::domain::audit::AuditResult;
use dashboard_store::domain::audit::folding::{EndedCall, FoldedCalls};
use dashboard_store::grpc::proto;
use dashboard_store::grpc::proto::audit_service_client::AuditServiceClient;
use dashboard_store::store::{Retention, Store};
use time::OffsetDateTime;
use tonic_health::pb::health_check_response::ServingStatus;
use uuid::Uuid;

use super::check::{Check, Most, compare, worst_of_each};
use super::explained::{Explained, ExplainedLog};
use super::statements::NO_INDEX;
use crate::support::TestServer;
use crate::support::channel::Channel;
use crate::support::cluster::TestDatabase;
use crate::support::transfer::read_all;

const LIST: &str = "list_audit_events";
const EXPORT: &str = "export_audit_events";

/// The index that finds the seal over each event of an answer.
const SEAL: &str = "idx_audit_seal_range";

/// Indexes of partitions have the names that PostgreSQL gives them: this is `idx_audit_timestamp`.
const BY_TIME: &str = "audit_log_event_time_id_idx";
/// `idx_audit_user_timestamp`.
const BY_ACTOR: &str = "audit_log_actor_event_time_id_idx";
/// `idx_audit_resource`.
const BY_RESOURCE: &str = "audit_log_resource_event_time_id_idx";
/// `idx_audit_project`.
const BY_PROJECT: &str = "audit_log_project_event_time_id_idx";
/// `idx_audit_action`.
const BY_METHOD: &str = "audit_log_method_event_time_id_idx";
/// `idx_audit_result`.
const BY_RESULT: &str = "audit_log_result_event_time_id_idx";
/// `idx_audit_correlation_id`.
const BY_CALL: &str = "audit_log_correlation_id_idx";
/// `idx_audit_details`.
const BY_DETAILS: &str = "audit_log_details_idx";

/// A page: one candidate more, and a seal for each.
const PAGE: Most = Most::Rows(2 * 51);
/// A page of a project, and when that was last purged.
const PAGE_OF_PROJECT: Most = Most::Rows(2 * 51 + 1);
/// A page, and the events of the lists that were read before it here.
const PAGE_AMONG_READS: Most = Most::Rows(2 * 51 + 100);
/// Some hundred events, each as an entry of the index and as a row.
const FEW: Most = Most::Rows(2 * 300 + 51);

/// What each statement uses beside the lists, and the most rows that it reads.
pub const STATEMENTS: &[(&str, &[&str], Most)] = &[
    ("get_audit_event", &["audit_log_pkey", SEAL], Most::Rows(2)),
    ("record_audit_read", NO_INDEX, Most::Rows(0)),
    // When the project of each was last purged.
    ("append_folded_calls", &["project_purge_pkey"], Most::Rows(1)),
    ("list_audit_seals", &["audit_seal_pkey"], Most::Rows(51)),
];

/// The statements that have a plan for each list.
pub const LISTING: [&str; 2] = [LIST, EXPORT];

/// A list: of what, with which filter; the index that it uses, and the most rows that it reads.
#[rustfmt::skip]
const LISTS: &[(&str, &str, &str, &str, Most)] = &[
    ("platform", "time desc", "", BY_TIME, PAGE),
    ("platform", "time", "", BY_TIME, PAGE),
    ("projects/project-7", "time desc", "", BY_PROJECT, PAGE_OF_PROJECT),
    ("projects/project-7", "time", "", BY_PROJECT, PAGE_OF_PROJECT),
    ("platform", "time desc", r#"actor = "user:7""#, BY_ACTOR, PAGE),
    ("platform", "time desc", r#"actor = "user:7" AND time >= "2026-01-01T00:00:00Z""#, BY_ACTOR, PAGE),
    ("platform", "time desc", r#"resource = "projects/project-7/dashboards/d-7""#, BY_RESOURCE, PAGE),
    ("platform", "time desc", "project = project-7", BY_PROJECT, PAGE),
    ("platform", "time desc", "method = rare", BY_METHOD, FEW),
    ("platform", "time desc", r#"method = "method-1""#, BY_METHOD, PAGE),
    // Who did much, and nothing of late: what others did since is not read.
    ("platform", "time desc", "actor = user:frequent", BY_ACTOR, PAGE),
    ("platform", "time desc", "result = DENIED", BY_RESULT, PAGE),
    ("platform", "time desc", "result = FAILED", BY_RESULT, PAGE),
    ("platform", "time desc", r#"time >= "2026-01-01T00:00:00Z""#, BY_TIME, PAGE),
    ("platform", "time desc", "correlation_id = 00000000-0000-0000-0000-000000000007", BY_CALL, PAGE),
    ("platform", "time desc", "details.dropped_events = 7", BY_DETAILS, FEW),
    ("platform", "time desc", "details:dropped_events", BY_DETAILS, FEW),
    // By design without an index of their own: what many pass, the order's index finds soon; what few pass takes all that is
    // listed, which a time, an actor or a project makes less.
    ("platform", "time desc", "permission = common", BY_TIME, PAGE_AMONG_READS),
    ("platform", "time desc", "client_ip:10.0.0.0/8", BY_TIME, PAGE_AMONG_READS),
];

const LOAD: &str = "
    INSERT INTO audit_log (event_time, actor, auth_method, method, permission, project, resource, result, reason, client_ip,
            correlation_id, details)
        SELECT date_trunc('month', now(), 'UTC') + n * interval '1 second', 'user:' || n % 1000, 'jwt',
            CASE WHEN n % 2000 = 0 THEN 'rare' ELSE 'method-' || n % 20 END, 'common', 'project-' || n % 997,
            format('projects/project-%s/dashboards/d-%s', n % 997, n % 997),
            CASE WHEN n % 100 = 0 THEN 'denied' WHEN n % 100 = 1 THEN 'failed' ELSE 'success' END,
            CASE WHEN n % 100 = 0 THEN 'PERMISSION_DENIED' WHEN n % 100 = 1 THEN 'ETAG_MISMATCH' END,
            '10.0.0.1', lpad(to_hex(n), 32, '0')::uuid,
            CASE WHEN n % 1000 = 0 THEN jsonb_build_object('dropped_events', n / 1000) ELSE '{}' END
        FROM generate_series(1, 200000) AS n;
    INSERT INTO audit_log (event_time, actor, auth_method, method, permission, project, resource, correlation_id)
        SELECT date_trunc('month', now(), 'UTC') + n * interval '1 microsecond', 'user:frequent', 'jwt', 'method-0', 'common',
            'project-0', 'projects/project-0/dashboards/d-0', gen_random_uuid()
        FROM generate_series(1, 30000) AS n;
    INSERT INTO project_purge (project, purged_at) SELECT 'project-' || n, 'epoch' FROM generate_series(1, 20000) AS n;
    INSERT INTO audit_seal (number, epoch, after_seq, month, from_xid, to_xid, to_seq, last_seq, event_count,
            event_digests, previous_root, root, sealed_at, key_id, signature)
        SELECT n, 1, -9223372036854775808, to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM'), ((n - 1) * 10)::text::xid8,
            (n * 10 - 1)::text::xid8, 9223372036854775807, 9223372036854775807, 1, sha256(''), sha256(''), sha256(''), now(), '',
            sha256('') || sha256('')
        FROM generate_series(1, 20000) AS n";

/// A service on many events, whose statements explain themselves.
struct Loaded {
    client: AuditServiceClient<Channel>,
    server: TestServer,
    log: ExplainedLog,
}

impl Loaded {
    async fn start() -> Self {
        let database = TestDatabase::create().await;
        let sql = database.connect().await;
        sql.batch_execute(LOAD).await.unwrap();
        sql.batch_execute("VACUUM (ANALYZE) audit_log, audit_seal, project_purge")
            .await
            .unwrap();
        let log = ExplainedLog::of(&database).await;
        let server = TestServer::launch(database.clone(), database.config().clone(), |_| {}).await;
        server.wait_until(ServingStatus::Serving).await;
        Self {
            client: AuditServiceClient::new(server.channel().await),
            server,
            log,
        }
    }

    fn run_of(&mut self, name: &str) -> Explained {
        let runs = self.log.take().into_iter();
        runs.filter(|run| run.is_of(name))
            .max_by_key(|run| run.rows_read)
            .unwrap()
    }

    /// Runs the first two pages of each list.
    async fn check_lists(&mut self) -> Vec<Check> {
        let mut checks = Vec::new();
        for &(parent, order_by, filter, index, most) in LISTS {
            let mut request = proto::ListAuditEventsRequest {
                parent: parent.into(),
                order_by: order_by.into(),
                filter: filter.into(),
                ..Default::default()
            };
            for page in ["", " (next page)"] {
                self.log.take();
                let answer = self
                    .client
                    .list_audit_events(request.clone())
                    .await
                    .unwrap()
                    .into_inner();
                let title = format!("events of {parent} by {order_by} {filter}{page}");
                let listed = self.run_of(LIST);
                let seal = (!answer.audit_events.is_empty()).then_some(SEAL);
                let indexes: Vec<&str> = seal.into_iter().chain([index]).collect();
                checks.push(compare(title, without_empty_months(listed, &indexes), &indexes, most));
                request.page_token = answer.next_page_token;
                if request.page_token.is_empty() {
                    break;
                }
            }
        }
        checks
    }

    /// An export reads in pages of 500.
    async fn check_export(&mut self) -> Check {
        self.log.take();
        let request = proto::ExportAuditEventsRequest {
            parent: "platform".into(),
            filter: "actor = user:7".into(),
        };
        let answers = self.client.export_audit_events(request).await.unwrap();
        read_all(answers.into_inner()).await.1.unwrap();
        let run = self.run_of(EXPORT);
        let indexes = [SEAL, BY_ACTOR];
        let of_events = without_empty_months(run, &indexes);
        compare(EXPORT.to_owned(), of_events, &indexes, Most::Rows(2 * 501))
    }

    async fn check_statements(&mut self) -> Vec<Check> {
        self.log.take();
        let listed = self
            .client
            .list_audit_events(proto::ListAuditEventsRequest {
                parent: "platform".into(),
                filter: "method = rare".into(),
                page_size: 1,
                ..Default::default()
            })
            .await
            .unwrap();
        let name = listed.into_inner().audit_events[0].name.clone();
        self.client
            .get_audit_event(proto::GetAuditEventRequest { name })
            .await
            .unwrap();
        let mut seals = proto::ListAuditSealsRequest {
            parent: "platform".into(),
            ..Default::default()
        };
        for _ in 0..2 {
            let page = self.client.list_audit_seals(seals.clone()).await.unwrap();
            seals.page_token = page.into_inner().next_page_token;
            assert!(!seals.page_token.is_empty());
        }
        let retention = Retention {
            revisions_kept: 100,
            deleted_dashboards: std::time::Duration::ZERO,
        };
        let store = Store::new(self.server.pool().clone(), retention);
        store.append_folded_calls(&[denied()]).await.unwrap();
        let known = |name: &str| STATEMENTS.iter().find(|(statement, _, _)| *statement == name);
        let runs = self.log.take().into_iter().filter_map(|run| {
            let (name, indexes, most) = known(run.statement.as_deref()?)?;
            let of_events = without_empty_months(run, indexes);
            Some(compare((*name).to_owned(), of_events, indexes, *most))
        });
        worst_of_each(runs.collect())
    }
}

/// A call that was denied in a project.
fn denied() -> FoldedCalls {
    let now = OffsetDateTime::now_utc();
    FoldedCalls {
        first: EndedCall {
            actor: "user:7".to_owned(),
            actor_groups: Vec::new(),
            auth_method: "jwt",
            method: "method-1".to_owned(),
            permission: "dashboards.get",
            project: Some("project-7".to_owned()),
            resource: "projects/project-7/dashboards/d-7".to_owned(),
            result: AuditResult::Denied,
            reason: Some("PERMISSION_DENIED".to_owned()),
            client_ip: None,
            user_agent: String::new(),
            correlation_id: Uuid::new_v4(),
            trace_id: None,
        },
        count: 1,
        first_time: now,
        last_time: now,
    }
}

/// The partitions of months that are still to come are read through whatever is cheapest for them. That nothing more is read
/// in them, nor elsewhere, the number of rows tells.
fn without_empty_months(mut run: Explained, indexes: &[&str]) -> Explained {
    run.read_through.retain(|name| indexes.contains(&name.as_str()));
    run
}

#[tokio::test]
#[ignore = "loads 200,000 events: make plans"]
async fn lists_of_audit_events_read_what_their_answers_need() {
    let mut loaded = Loaded::start().await;
    let mut checks = loaded.check_lists().await;
    checks.push(loaded.check_export().await);
    let statements = loaded.check_statements().await;
    assert_eq!(statements.len(), STATEMENTS.len());
    checks.extend(statements);
    for check in &checks {
        eprintln!("{}", check.report());
    }
    assert!(checks.iter().all(Check::is_met));
}
